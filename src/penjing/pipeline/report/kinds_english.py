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
    "expected": "on average {value}",
}
