"""Cheap honest baselines: what a model must beat to be worth its keep.

Each is a function of training texts and classes, validation texts and classes, and the label names; what it returns
gives the probability of each label for each text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from penjing.tasks.baselines.majority import fit_majority
from penjing.tasks.baselines.tfidf_logistic import fit_tfidf_logistic

CLASSIFICATION_BASELINES: Mapping[str, Callable[..., Any]] = {
    "majority": fit_majority,
    "tfidf-logistic": fit_tfidf_logistic,
}
