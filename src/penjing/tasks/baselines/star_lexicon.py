"""The baselines that look words up, for labels that go from bad to good: what a list says, divided by thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penjing.tasks.baselines.lexicon import Language, Rate, load_rate
from penjing.tasks.baselines.majority import Majority, fit_majority
from penjing.tasks.baselines.proportional_odds import ProportionalOdds, fit_proportional_odds

#: Training texts that are rated: there are no more numbers to learn than labels, and a long text takes 15 ms.
MOST_RATED = 2000


@dataclass(frozen=True)
class StarLexicon:
    """Rates a text by its words, and says how probable each label is at such a rate.

    Attributes:
        rate: does the first.
        model: does the second.
        seen: the numbers of the labels that the training rows have, ascending; the others have a probability of 0.
        labels: how many there are, seen or not.
    """

    rate: Rate
    model: ProportionalOdds
    seen: NDArray[np.int64]
    labels: int

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Returns the probability of each label for each text, [texts, labels]."""
        result = np.zeros((len(texts), self.labels))
        result[:, self.seen] = self.model.probabilities([self.rate(text) for text in texts])
        return result


def fit_star_lexicon(
    texts: Sequence[str],
    labels: ArrayLike,
    validation_texts: Sequence[str],
    validation_labels: ArrayLike,
    label_names: Sequence[str],
) -> StarLexicon | Majority | None:
    """Returns the baseline for English texts, None for others or without the package.

    The thresholds between labels are those of `penjing.tasks.baselines.proportional_odds.fit_proportional_odds` on the
    training rows, of at most 2,000 of them that stand at even distances. A text that the list says nothing of is rated
    0, and gets what is probable there. Where the rows have a single label it is the majority baseline. Which texts
    are English: `penjing.tasks.baselines.lexicon.fit_lexicon`.

    Args:
        texts: of the training rows.
        labels: their places, [rows].
        validation_texts: of the validation rows; they are not looked at.
        validation_labels: their places, [validation rows].
        label_names: name of each label, from bad to good.
    """
    return _fit("en", texts, labels, label_names)


def fit_chinese_star_lexicon(
    texts: Sequence[str],
    labels: ArrayLike,
    validation_texts: Sequence[str],
    validation_labels: ArrayLike,
    label_names: Sequence[str],
) -> StarLexicon | Majority | None:
    """Returns the baseline for Chinese texts; see `fit_star_lexicon`."""
    return _fit("zh", texts, labels, label_names)


def _fit(
    language: Language, texts: Sequence[str], labels: ArrayLike, label_names: Sequence[str]
) -> StarLexicon | Majority | None:
    rate, places = load_rate(language, texts), np.asarray(labels, dtype=np.int64)
    if rate is None:
        return None
    seen, numbers = np.unique(places, return_inverse=True)
    if len(seen) < 2:
        return fit_majority(texts, labels, [], [], label_names)
    chosen = _spread(seen, numbers)
    rates = [rate(texts[row]) for row in chosen]
    return StarLexicon(rate, fit_proportional_odds(rates, numbers[chosen]), seen, len(label_names))


def _spread(seen: NDArray[np.int64], numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns rows at even distances, with the first of each label, so that none is missing, [rows]."""
    even = np.linspace(0, len(numbers) - 1, min(len(numbers), MOST_RATED)).round().astype(np.int64)
    first = [int(np.argmax(numbers == label)) for label in range(len(seen))]
    return np.unique(np.concatenate([even, np.array(first, dtype=np.int64)]))
