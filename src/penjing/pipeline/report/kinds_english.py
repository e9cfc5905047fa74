"""The words of the reports of labels in order and of several labels a text, in English."""

from __future__ import annotations

KINDS_ENGLISH: dict[str, str] = {
    "task.ordinal": "labels in order",
    "task.stars": "sentiment by stars",
    "baseline.tfidf-ridge": "TF-IDF + ridge regression",
    "score.mae": "Mean absolute error (places)",
    "score.qwk": "Quadratic weighted kappa",
    "score.within_one": "At most one place off",
    "ordinal_note": "The answer is the median: the first label up to which at least half of the probability lies, for "
    "model and baselines alike. Mean absolute error: by how many places the answer is off; less is better. Weighted "
    "kappa: agreement beyond chance, in which far misses weigh more; 1 is full agreement, 0 is chance.",
    "star_lexicon_note": "The word list gives a text one number; which number is which label was learned from the "
    "training rows, by an ordered logistic regression.",
    "task.multilabel": "several labels a text",
    "baseline.frequent-set": "the most frequent set of labels",
    "baseline.tfidf-each": "TF-IDF + logistic regression, one a label",
    "score.micro_f1": "Micro-F1",
    "score.hamming_loss": "Hamming loss",
    "score.macro_auroc": "Macro-AUROC",
    "score.auroc": "AUROC",
    "auroc_note_two": "AUROC: how often a row of the label {label} is given a higher probability of it than a row of "
    "the other, ties half; chance is 50%.",
    "auroc_note_many": "AUROC: how often a row of a label is given a higher probability of it than a row of another, "
    "ties half; the mean over the labels; chance is 50%.",
    "auroc_left_out": "AUROC leaves out labels that no test row has: {labels}.",
    "sets_lede": "A model of {parameters} parameters ({family}) that gives a text any number of {count} labels, or "
    "none.",
    "sets_caption": "Scores on {rows} test rows, with 95% bootstrap intervals over rows. Of Hamming loss, less is "
    "better.",
    "sets_note": "A label is given from a probability of {threshold} on: the threshold with the highest micro-F1 on "
    "the validation rows. That of each baseline was chosen in the same way. Hamming loss: share of the labels of all "
    "rows that are wrong. AUROC: how often a row with the label scores above one without it.",
    "sets_ece_note": "Calibration error: in each of {bins} bins of probability, how far the mean probability of a "
    "label lies from the share of rows that have it, weighed by the rows of the bin; of one label, or the mean over "
    "labels. Less is better. What gives no probabilities has none.",
    "sets_labels_caption": "Scores of each label, the most frequent first, with 95% intervals.",
    "sets_confusion_caption": "Scores of each label, the most frequent first, with 95% intervals. True positives: rows "
    "that have the label and were given it; false positives: were given it and do not have it; false negatives: have "
    "it and were not given it; true negatives: neither.",
    "confusion.true_positives": "True positives",
    "confusion.false_positives": "False positives",
    "confusion.false_negatives": "False negatives",
    "confusion.true_negatives": "True negatives",
    "sets_splits_caption": "Rows that have each label, by split",
    "sets_worst_caption": "The test rows whose probabilities are furthest from the truth. Some may be errors in the "
    "labels.",
    "no_labels": "no label",
    "removed.unlabelled": "{count} without a label",
    "removed.unknown": "{count} for a label that is not among those named",
    "expected": "on average {value}",
}
