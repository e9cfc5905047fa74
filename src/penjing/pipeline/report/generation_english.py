"""The words of the report of a model that goes on with texts, in English."""

from __future__ import annotations

GENERATION_ENGLISH: dict[str, str] = {
    "task.generate": "generation",
    "generation_lede": "A model of {parameters} parameters ({family}) that goes on with a text.",
    "note_given": "The beginning of each text was given, and only what follows was measured: that does not compare "
    "with bits per byte of whole texts.",
    "generation_scores_caption": "Bits per byte and perplexity of {rows} test texts ({words} words, {bytes} bytes), "
    "and how varied {sampled} texts are that the model was given the beginnings of; with 95% intervals.",
    "samples_note": "Distinct: the share of words, or of runs of two or three words, that are different ones, over as "
    "many words of the model as of the real texts. Repetition: the share of runs of four words that the same text has "
    "had before.",
    "repeats.more": "The model repeats itself more than the real texts do: the 95% interval of the difference is "
    "{low} to {high} points.",
    "repeats.less": "The model repeats itself less than the real texts do: the 95% interval of the difference is "
    "{low} to {high} points.",
    "repeats.chance": "Whether the model repeats itself more than the real texts do cannot be told: the 95% "
    "interval of the difference, {low} to {high} points, includes zero.",
    "samples_unfinished": "Texts that the model had not ended when there was room for no more: {count}.",
    "samples_cut": "Tokens at the beginnings that were not read, because the window is too short: {count}.",
    "samples": "What it wrote beside what truly follows",
    "samples_caption": "The first test texts: their beginnings, what follows, and how the model goes on, drawn at "
    "temperature {temperature} and top-p {top_p}.",
    "beginning": "Beginning",
    "truly_follows": "Truly follows",
    "it_goes_on": "It goes on",
    "texts_caption": "Texts by split",
    "texts_in_windows": "The {texts} texts are learned in {windows} windows of at most {max_tokens} tokens; {several} "
    "of them are longer, and lose nothing.",
    "beginnings_cut": "{cut_tokens} tokens of given beginnings are not read, in {cut_rows} rows that leave no room for "
    "them.",
    "baseline.real": "the real texts",
    "score.distinct_1": "Distinct words",
    "score.distinct_2": "Distinct runs of two",
    "score.distinct_3": "Distinct runs of three",
    "score.repetition": "Repetition",
}
