"""What an explanation is, whatever method it comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from penjing.explain.reading import Reading
from penjing.tasks.scoring_model import ScoringModel

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class WordScore:
    """A word and its share in an answer.

    Attributes:
        word: as it stands in the text.
        start: its first character.
        end: one past its last.
        score: above 0 speaks for the label, below 0 against it; 0 where the model did not read the word. The unit is
            the method's: log-odds for integrated gradients and occlusion, a share of attention for roll-out.
    """

    word: str
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Attribution:
    """Why a text got its label.

    Attributes:
        text: what was read.
        label: the one that is explained.
        probability: of that label.
        method: its name.
        words: every word of the text, in order; with the white space between them they are the text.
        completeness_error: |sum of scores - (f(text) - f(baseline))| / |f(text) - f(baseline)|; None for a method
            whose scores add up to nothing in particular.
        comprehensiveness: how much probability is lost when the highest words are deleted; higher is better.
        sufficiency: how much is lost when only the highest words are kept; lower is better.
        not_read: the parts of the text beyond the model's window, (start, end).
    """

    text: str
    label: str
    probability: float
    method: str
    words: tuple[WordScore, ...]
    completeness_error: float | None
    comprehensiveness: float
    sufficiency: float
    not_read: tuple[tuple[int, int], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Explanation:
    """What a method says of one text.

    Attributes:
        scores: of each word, [words].
        completeness_error: see `Attribution`.
    """

    scores: Scores
    completeness_error: float | None = None


@dataclass(frozen=True)
class Method:
    """A way to explain; the entry points ``penjing.explainers`` hold one each.

    Attributes:
        explain: the model, what it read, and the number of the label → a score for each word.
        fits: whether it can explain a network.
        passes: how often the network reads a text of so many tokens, at most; the way back counts as two more.
    """

    explain: Callable[[ScoringModel, Reading, int], Explanation]
    fits: Callable[[nn.Module], bool] = field(default=lambda network: True)
    passes: Callable[[int], int] = field(default=lambda tokens: tokens + 1)
