"""Cheap honest baselines: what a model must beat to be worth its keep.

For classification, each is a function of training texts and classes, validation texts and classes, and the label names;
what it returns gives the probability of each label for each text. For tasks that write, each is a function of training
sources and targets; what it returns writes a text for each source. For dialogues, each is a function of training
replies and questions of validation dialogues; what it returns rates replies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from penjing.tasks.baselines.majority import fit_majority
from penjing.tasks.baselines.replies import fit_bm25, fit_frequent
from penjing.tasks.baselines.summary import fit_lead, fit_textrank
from penjing.tasks.baselines.tfidf_logistic import fit_tfidf_logistic
from penjing.tasks.baselines.translation import fit_copy, fit_dictionary
from penjing.tasks.task import FitRetrieval, FitWriting

CLASSIFICATION_BASELINES: Mapping[str, Callable[..., Any]] = {
    "majority": fit_majority,
    "tfidf-logistic": fit_tfidf_logistic,
}
TRANSLATION_BASELINES: Mapping[str, FitWriting] = {"copy": fit_copy, "dictionary": fit_dictionary}
REPLY_BASELINES: Mapping[str, FitRetrieval] = {"frequent": fit_frequent, "bm25": fit_bm25}
SUMMARY_BASELINES: Mapping[str, FitWriting] = {"lead": fit_lead, "textrank": fit_textrank}
