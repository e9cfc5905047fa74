"""The baseline that looks words up: VADER's English word list with its rules for negation, degree and signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penjing.text.text_words import language_of

_PACKAGE = "vaderSentiment"
_POLES = ("negative", "positive")
_LOOKED_AT = 100  # training texts by which it is told whether the list is for them: 15 ms each where they are long
_LEAST_RATED = 0.5


@dataclass(frozen=True)
class Lexicon:
    """Rates a text from -1 to 1 by its words (Hutto & Gilbert 2014, VADER).

    Attributes:
        rater: VADER's analyzer.
        labels: ``negative`` and ``positive``, in the order of the model.
        unrated: the label of a text that is rated 0, such as one with no word of the list.
    """

    rater: Any
    labels: tuple[str, str]
    unrated: str

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Returns the probability of each label for each text, [texts, 2]: of positive half of one more than its rate.

        They order texts; as probabilities they are rough, for nothing was learned. At a rate of 0 the label of
        ``unrated`` has as little more than half as a number can.
        """
        even = np.nextafter(0.5, 1.0 if self.unrated == _POLES[1] else 0.0)
        rates = np.array([_rate(self.rater, text) for text in texts], dtype=np.float64)
        positive = np.where(rates == 0.0, even, (1.0 + rates) / 2.0)
        return np.stack([positive if label == _POLES[1] else 1.0 - positive for label in self.labels], axis=1)


def fit_lexicon(
    texts: Sequence[str],
    labels: ArrayLike,
    validation_texts: Sequence[str],
    validation_labels: ArrayLike,
    label_names: Sequence[str],
) -> Lexicon | None:
    """Returns the baseline for English texts that are negative or positive, None for others or without the package.

    Texts are taken for English where most letters of the first hundred are Latin and the list says something of half
    of them. Nothing is learned but which label is the more frequent one; it goes to texts that are rated 0.

    Args:
        texts: of the training rows.
        labels: their classes, [rows].
        validation_texts: of the validation rows; they are not looked at.
        validation_labels: their classes, [validation rows].
        label_names: name of each class.
    """
    looked_at = list(texts[:_LOOKED_AT])
    if not has_lexicon() or sorted(label_names) != sorted(_POLES) or not looked_at:
        return None
    if language_of("\n".join(looked_at)) != "en":
        return None
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    rater = SentimentIntensityAnalyzer()
    if np.mean([_rate(rater, text) != 0.0 for text in looked_at]) < _LEAST_RATED:
        return None
    counts = np.bincount(np.asarray(labels, dtype=np.int64), minlength=len(label_names))
    first, second = label_names
    return Lexicon(rater, (first, second), label_names[int(counts.argmax())])


def has_lexicon() -> bool:
    """Returns whether the package with the word list (extra ``sentiment``) is installed."""
    return find_spec(_PACKAGE) is not None


def _rate(rater: Any, text: str) -> float:
    return float(rater.polarity_scores(text)["compound"])
