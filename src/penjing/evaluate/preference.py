"""How well a model knows which of two answers is preferred, beside the model it started from and baselines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from penjing.data.grouping import number_groups
from penjing.data.keys import normalized_keys
from penjing.data.preferences import PreferenceRows
from penjing.errors import DataError
from penjing.metrics.interval import cluster_mean
from penjing.metrics.preference import compare_preferences, preference_accuracy
from penjing.progress import Progress, stop_if_asked
from penjing.tasks.task import PreferenceTask
from penjing.text.preference_renderer import PreferenceRenderer, RenderedPreference
from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard
from penjing.train.answer_measuring import measure_answers
from penjing.train.pair_batches import PairLimits

Floats = NDArray[np.float64]
_LIMITS = PairLimits(tokens=8192, rows=64)


@dataclass(frozen=True)
class MeasuredPairs:
    """What pairs were measured, and how.

    Attributes:
        rows: those of which both answers could be read.
        left_out: how many could not.
        shard: the pairs as tokens, as `penjing.train.preference_batches.PreferenceBatches` takes them.
    """

    rows: PreferenceRows
    left_out: int
    shard: TokenShard

    @property
    def answer_tokens(self) -> NDArray[np.int64]:
        """Tokens of each answer, [answers]."""
        lengths: NDArray[np.int64] = self.shard.lengths - self.shard.labels
        return lengths

    @property
    def prompts(self) -> NDArray[np.int64]:
        """The number of the prompt of each pair, from 0 as they first come, [pairs]."""
        return number_groups([normalized_keys(self.rows.texts)])


@dataclass(frozen=True)
class Likelihoods:
    """Log-probabilities of the answers in nats, [answers]: of each pair the preferred one, then the other.

    Attributes:
        own: under the model.
        reference: under the model it started from; None where that is not known.
    """

    own: Floats
    reference: Floats | None


@dataclass(frozen=True)
class PreferenceMeasures:
    """How scores are made.

    Attributes:
        beta: of the rewards, β (log π − log π at the start).
        resamples: bootstrap resamples behind each interval.
        worst: how many pairs are listed whose other answer has the highest reward above the preferred one.
        seed: of the resamples.
    """

    beta: float = 0.1
    resamples: int = 1000
    worst: int = 20
    seed: int = 0


def answer_rows(pairs: Iterable[RenderedPreference]) -> Iterator[tuple[Rendered, int]]:
    """Yields of each pair its two rows, the preferred one first, each with the length of the prompt."""
    for pair in pairs:
        for answer in (pair.chosen, pair.rejected):
            yield pair.joined(answer), len(pair.read.ids)


def render_pairs(renderer: PreferenceRenderer, rows: PreferenceRows) -> MeasuredPairs:
    """Returns the pairs as tokens, without those from which nothing can be learned.

    Raises:
        DataError: none is left.
    """
    rendered = renderer.render(rows)
    places = [place for place, pair in enumerate(rendered) if pair is not None]
    if not places:
        raise DataError(
            "no pair is left to measure: what differs in the answers is cut, or prompts leave no room for them",
            do="Give shorter rows, or a model with a longer window.",
        )
    shard = hold_pairs([pair for pair in rendered if pair is not None])
    return MeasuredPairs(rows.take(places), len(rendered) - len(places), shard)


def hold_pairs(pairs: Sequence[RenderedPreference]) -> TokenShard:
    """Returns pairs as a shard in memory, as `penjing.train.preference_batches.PreferenceBatches` takes it."""
    found = [*answer_rows(pairs)]
    lengths = [len(row.ids) for row, _ in found]
    return TokenShard(
        tokens=np.fromiter(chain.from_iterable(row.ids for row, _ in found), dtype=np.uint32, count=sum(lengths)),
        offsets=np.cumsum([0, *lengths]),
        labels=np.array([border for _, border in found], dtype=np.int64),
        fingerprint="",
        cut_tokens=0,
        cut_rows=0,
        unknown_tokens=0,
    )


def measure_likelihoods(network: nn.Module, shard: TokenShard, pad_id: int, progress: Progress) -> Floats:
    """Returns the log-probability of each answer in nats, in fp32, [answers].

    Raises:
        DataError: one is not finite.
    """
    found = measure_answers(network, shard, pad_id, _LIMITS, torch.float32, progress)
    if not np.isfinite(found).all():
        raise DataError(
            "the model gives no finite probability for an answer",
            do="Its weights are damaged, or its training diverged; copy the model again, or train it again.",
        )
    return found


def evaluate_preferences(
    pairs: MeasuredPairs, likelihoods: Likelihoods, measures: PreferenceMeasures, best_by: str
) -> dict[str, Any]:
    """Scores a model by what it thinks of pairs of answers.

    Args:
        pairs: what it was asked.
        likelihoods: what it thinks of them.
        measures: how scores are made.
        best_by: the score that comes first where the model at the start is known.

    Returns:
        JSON values: ``rows`` (pairs), ``prompts``, ``left_out``, ``scores`` (``preference_accuracy`` by reward,
        ``likelihood_accuracy`` by log-probability alone, ``reward_margin``, ``chosen_change`` and ``rejected_change``
        in nats a token since the start; without the model at the start the second alone), ``best_by``, ``worst``; and
        ``margins``, by which `evaluate_preference_baselines` compares.
    """
    own, draws = likelihoods.own.reshape(-1, 2), (pairs.prompts, measures.resamples, measures.seed)
    plain = own[:, 0] - own[:, 1]
    scores = {"likelihood_accuracy": preference_accuracy(plain, *draws)}
    margins = plain
    if likelihoods.reference is not None:
        grown = own - likelihoods.reference.reshape(-1, 2)
        margins = measures.beta * (grown[:, 0] - grown[:, 1])
        a_token = grown / pairs.answer_tokens.reshape(-1, 2)
        scores = {
            "preference_accuracy": preference_accuracy(margins, *draws),
            **scores,
            "reward_margin": cluster_mean(margins, *draws),
            "chosen_change": cluster_mean(a_token[:, 0], *draws),
            "rejected_change": cluster_mean(a_token[:, 1], *draws),
        }
    return {
        "rows": len(margins),
        "prompts": len(np.unique(pairs.prompts)),
        "left_out": pairs.left_out,
        "scores": {name: score.to_dict() for name, score in scores.items()},
        "best_by": best_by if best_by in scores else "likelihood_accuracy",
        "worst": _list_worst(pairs.rows, margins, measures.worst),
        "margins": margins,
    }


def _list_worst(rows: PreferenceRows, margins: Floats, count: int) -> list[dict[str, Any]]:
    """Returns the pairs that the model is most wrong about; ``written`` is what it prefers."""
    return [
        {
            "text": rows.texts[place],
            "truth": rows.chosen[place],
            "written": rows.rejected[place],
            "rating": float(margins[place]),
        }
        for place in np.argsort(margins, kind="stable")[:count].tolist()
        if margins[place] < 0
    ]


def evaluate_preference_baselines(
    task: PreferenceTask,
    train: PreferenceRows,
    pairs: MeasuredPairs,
    margins: Floats,
    reference: Floats,
    measures: PreferenceMeasures,
    progress: Progress,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measures the model at the start and the task's baselines on the same pairs.

    Args:
        task: what is asked.
        train: what the baselines learn from.
        pairs: what they are measured on.
        margins: how far the model rates each preferred answer above the other, [pairs].
        reference: log-probabilities of the answers under the model at the start, [answers].
        measures: how scores are made.
        progress: told how many baselines are measured.

    Returns:
        name → scores, and name → score → the difference between model and baseline, on the same resamples.

    Raises:
        Interrupted: the user asked to stop.
    """
    first, second = reference.reshape(-1, 2).T
    found: dict[str, Sequence[float] | Floats] = {"reference": first - second}
    with progress.bar("baselines", len(task.baselines), "baselines") as bar:
        for name, fit in task.baselines.items():
            stop_if_asked(progress)
            found[name] = fit(train.chosen, train.rejected).prefer(pairs.rows.chosen, pairs.rows.rejected)
            bar.advance(1)
    draws = (pairs.prompts, measures.resamples, measures.seed)
    scores = {
        name: {"rows": len(margins), "scores": {task.best_by: preference_accuracy(other, *draws).to_dict()}}
        for name, other in found.items()
    }
    differences = {
        name: {task.best_by: compare_preferences(margins, other, *draws).to_dict()} for name, other in found.items()
    }
    return scores, differences
