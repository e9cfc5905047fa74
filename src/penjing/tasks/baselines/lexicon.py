"""The baselines that look words up: VADER's list for English, pysenti's for Chinese."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penjing.tasks.baselines.chinese_words import has_chinese_words, load_chinese_words
from penjing.text.text_words import language_of

_PACKAGE = "vaderSentiment"
_POLES = ("negative", "positive")
_LOOKED_AT = 100  # training texts by which it is told whether the list is for them: 15 ms each where they are long
_LEAST_RATED = 0.5

Rate = Callable[[str], float]  # of a text, from -1 to 1
Language = Literal["en", "zh"]


@dataclass(frozen=True)
class Lexicon:
    """Rates a text by its words.

    Attributes:
        rate: does so.
        labels: ``negative`` and ``positive``, in the order of the model.
        unrated: the label of a text that is rated 0, such as one with no word of the list.
    """

    rate: Rate
    labels: tuple[str, str]
    unrated: str

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Returns the probability of each label for each text, [texts, 2]: of positive half of one more than its rate.

        They order texts; as probabilities they are rough, for nothing was learned. At a rate of 0 the label of
        ``unrated`` has as little more than half as a number can.
        """
        even = np.nextafter(0.5, 1.0 if self.unrated == _POLES[1] else 0.0)
        rates = np.array([self.rate(text) for text in texts], dtype=np.float64)
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
    return _fit("en", texts, labels, label_names)


def fit_chinese_lexicon(
    texts: Sequence[str],
    labels: ArrayLike,
    validation_texts: Sequence[str],
    validation_labels: ArrayLike,
    label_names: Sequence[str],
) -> Lexicon | None:
    """Returns the baseline for Chinese texts; see `fit_lexicon`."""
    return _fit("zh", texts, labels, label_names)


def has_lexicon() -> bool:
    """Whether the package with the English list (extra ``sentiment``) is installed."""
    return find_spec(_PACKAGE) is not None


def _load_vader() -> Rate:
    """Returns VADER's rating (Hutto & Gilbert 2014)."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    rater = SentimentIntensityAnalyzer()
    return lambda text: float(rater.polarity_scores(text)["compound"])


def load_rate(language: Language, texts: Sequence[str]) -> Rate | None:
    """Returns what a list says of texts; None where it is not installed, or is not for these.

    Args:
        language: ``en`` or ``zh``, of the list.
        texts: by the first hundred it is told what language they are in, and whether the list rates half of them.
    """
    is_there, load = _LISTS[language]
    looked_at = list(texts[:_LOOKED_AT])
    if not is_there() or not looked_at or language_of("\n".join(looked_at)) != language:
        return None
    rate = load()
    return rate if np.mean([rate(text) != 0.0 for text in looked_at]) >= _LEAST_RATED else None


def _load_chinese() -> Rate:
    return load_chinese_words().rate


_LISTS: Mapping[Language, tuple[Callable[[], bool], Callable[[], Rate]]] = {
    "en": (has_lexicon, _load_vader),
    "zh": (has_chinese_words, _load_chinese),
}


def _fit(language: Language, texts: Sequence[str], labels: ArrayLike, label_names: Sequence[str]) -> Lexicon | None:
    rate = load_rate(language, texts) if sorted(label_names) == sorted(_POLES) else None
    if rate is None:
        return None
    counts = np.bincount(np.asarray(labels, dtype=np.int64), minlength=len(label_names))
    first, second = label_names
    return Lexicon(rate, (first, second), label_names[int(counts.argmax())])
