"""Cheap honest baselines: what a model must beat to be worth its keep.

For classification, each is a function of training texts and classes, validation texts and classes, and the label names;
what it returns gives the probability of each label for each text, and is None for texts that the baseline is not made
for. For multi-label classification each is a function of training texts and flags of labels. For tasks that write, each
is a function of training sources and targets; what it returns writes a text for each source. For questions, each is a
function of the training questions; what it returns finds a part of the text for each question. For dialogues, each is a
function of training replies and questions of validation dialogues; what it returns rates replies. For recommendation,
each is a function of training histories and the items; what it returns scores every item for each history. For
preferences, each is a function of the preferred answers and the others; what it returns chooses between two. For
generation, each is a function of training tokens; what it returns says how likely tokens are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from penjing.tasks.baselines.answers import fit_overlap_clause, fit_overlap_sentence
from penjing.tasks.baselines.chinese_words import has_chinese_words
from penjing.tasks.baselines.frequent_set import fit_frequent_set
from penjing.tasks.baselines.lexicon import fit_chinese_lexicon, fit_lexicon, has_lexicon
from penjing.tasks.baselines.majority import fit_majority
from penjing.tasks.baselines.ngram import fit_ngram
from penjing.tasks.baselines.preference import fit_longer, fit_tfidf_difference
from penjing.tasks.baselines.recommendation import fit_item_neighbors, fit_last_text, fit_popular
from penjing.tasks.baselines.replies import fit_bm25, fit_frequent
from penjing.tasks.baselines.star_lexicon import MOST_RATED, fit_chinese_star_lexicon, fit_star_lexicon
from penjing.tasks.baselines.summary import fit_lead, fit_textrank
from penjing.tasks.baselines.tfidf_each import fit_tfidf_each
from penjing.tasks.baselines.tfidf_logistic import fit_tfidf_logistic
from penjing.tasks.baselines.tfidf_ridge import fit_tfidf_ridge
from penjing.tasks.baselines.translation import fit_copy, fit_dictionary
from penjing.tasks.task import FitAnswers, FitPreferences, FitRanking, FitRetrieval, FitSets, FitTokens, FitWriting

#: Baselines that need packages, and whether these are there.
WORD_LISTS: Mapping[str, Callable[[], bool]] = {"lexicon": has_lexicon, "lexicon-zh": has_chinese_words}
#: Baselines that look at no more training rows than this.
MOST_ROWS: Mapping[str, int] = dict.fromkeys(WORD_LISTS, MOST_RATED)
CLASSIFICATION_BASELINES: Mapping[str, Callable[..., Any]] = {
    "majority": fit_majority,
    "tfidf-logistic": fit_tfidf_logistic,
}
SENTIMENT_BASELINES: Mapping[str, Callable[..., Any]] = {
    **CLASSIFICATION_BASELINES,
    "lexicon": fit_lexicon,
    "lexicon-zh": fit_chinese_lexicon,
}
ORDINAL_BASELINES: Mapping[str, Callable[..., Any]] = {
    "majority": fit_majority,
    "tfidf-logistic": fit_tfidf_logistic,
    "tfidf-ridge": fit_tfidf_ridge,
}
STAR_BASELINES: Mapping[str, Callable[..., Any]] = {
    **ORDINAL_BASELINES,
    "lexicon": fit_star_lexicon,
    "lexicon-zh": fit_chinese_star_lexicon,
}
MULTILABEL_BASELINES: Mapping[str, FitSets] = {"frequent-set": fit_frequent_set, "tfidf-each": fit_tfidf_each}
TRANSLATION_BASELINES: Mapping[str, FitWriting] = {"copy": fit_copy, "dictionary": fit_dictionary}
ANSWER_BASELINES: Mapping[str, FitAnswers] = {
    "overlap-sentence": fit_overlap_sentence,
    "overlap-clause": fit_overlap_clause,
}
REPLY_BASELINES: Mapping[str, FitRetrieval] = {"frequent": fit_frequent, "bm25": fit_bm25}
SUMMARY_BASELINES: Mapping[str, FitWriting] = {"lead": fit_lead, "textrank": fit_textrank}
PREFERENCE_BASELINES: Mapping[str, FitPreferences] = {"longer": fit_longer, "tfidf-difference": fit_tfidf_difference}
RECOMMENDATION_BASELINES: Mapping[str, FitRanking] = {
    "popular": fit_popular,
    "item-knn": fit_item_neighbors,
    "last-text": fit_last_text,
}
GENERATION_BASELINES: Mapping[str, FitTokens] = {"trigram-kneser-ney": fit_ngram}
