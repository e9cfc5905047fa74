"""The proof of an export: its tool opens it, and tokens, scores and the task's score are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from penjing.pipeline.exporting.exporter import Exporter, Target
from penjing.pipeline.exporting.parity import (
    Bounds,
    ScoreParity,
    TokenParity,
    as_json,
    compare_scores,
    compare_tokens,
)
from penjing.pipeline.exporting.sample import LONGEST_PAIR, Sample
from penjing.pipeline.exporting.source import Row, Scores, Source, score_rows
from penjing.pipeline.exporting.texts import varied_texts
from penjing.progress import Progress, stop_if_asked

_ROWS = 32  # whose scores are compared
_LONGEST = 256  # tokens of such a row


@dataclass(frozen=True)
class Own:
    """A network of ours, as what scores rows."""

    network: nn.Module
    source: Source

    def score(self, rows: Sequence[Row]) -> list[Scores]:
        """Returns the scores of each row; see `score_rows`."""
        return score_rows(self.network, self.source, rows)


@dataclass(frozen=True)
class Proof:
    """What was compared.

    Attributes:
        document: all of it, as ``parity.json`` holds it.
        faults: what is past its bound, in words.
    """

    document: dict[str, Any]
    faults: tuple[str, ...]


def prove(
    exporter: Exporter, source: Source, precision: str, folder: Path, sample: Sample | None, progress: Progress
) -> Proof:
    """Compares an export with the model it was made of.

    Raises:
        MissingExtraError: the tool is not installed.
        Interrupted: the user asked to stop.
    """
    texts = exporter.readable(source, varied_texts())
    ours = source.render(texts)
    rows = choose_rows(source, ours, min(_LONGEST, source.longest))
    longest = min(source.longest, LONGEST_PAIR)
    target = exporter.open(source, folder, longest)
    try:
        return _compare(exporter, source, precision, folder, target, (texts, ours, rows), sample, progress)
    finally:
        target.close()


def prove_target(source: Source, target: Target, bounds: Bounds, progress: Progress) -> Proof:
    """Compares a model folder with another tool's model, which it was made of."""
    texts = varied_texts()
    try:
        with progress.bar("proof", 2, "steps") as bar:
            ours = source.render(texts)
            tokens = compare_tokens(texts, ours, target.encode(texts))
            _step(bar, progress)
            rows = choose_rows(source, ours, min(_LONGEST, source.longest))
            same = _compare_with(source.network, source, rows, target.score(rows))
            _step(bar, progress)
    finally:
        target.close()
    document = {"tool": target.tool, "tokens": as_json(tokens), "scores": _with_bounds(same, bounds)}
    return Proof({**document, "loss": None, "task": None}, (*_token_faults(tokens), *same.faults(bounds, "here")))


def _compare(
    exporter: Exporter,
    source: Source,
    precision: str,
    folder: Path,
    target: Target,
    asked: tuple[list[str], list[list[int]], list[Row]],
    sample: Sample | None,
    progress: Progress,
) -> Proof:
    texts, ours, rows = asked
    bounds = exporter.precisions[precision]
    with progress.bar("proof", 4, "steps") as bar:
        tokens = compare_tokens(texts, ours, target.encode(texts))
        faults = _token_faults(tokens)
        _step(bar, progress)
        theirs = target.score(rows)
        same = _compare_with(exporter.reference(source, precision, folder), source, rows, theirs)
        faults += same.faults(bounds.same, "between the tool and Penjing")
        _step(bar, progress)
        loss = None if bounds.loss is None else _compare_with(source.network, source, rows, theirs)
        if loss is not None and bounds.loss is not None:
            faults += loss.faults(bounds.loss, "from the model as it was")
        _step(bar, progress)
        scored = None if sample is None else score_sample(source, target, sample)
        if scored is not None:
            scored, worse = compare_task(scored["before"], scored["after"], bounds.worse)
            faults += worse
        faults += exporter.prove_more(source, target)
        _step(bar, progress)
    document = {
        "tool": target.tool,
        "tokens": as_json(tokens),
        "scores": _with_bounds(same, bounds.same),
        "loss": None if loss is None or bounds.loss is None else _with_bounds(loss, bounds.loss),
        "task": scored,
    }
    return Proof(document, tuple(faults))


def choose_rows(source: Source, rows: Sequence[Sequence[int]], longest: int) -> list[Row]:
    """Returns rows to be scored: evenly drawn from all that have two tokens or more, cut where they are too long.

    An encoder-decoder is taken to write what it has read, so that its decoder is compared at every place of it.
    """
    usable = [list(row[:longest]) for row in rows if len(row) > 1]
    step = max(1, len(usable) // _ROWS)
    return [Row(ids, ids if source.reads_and_writes else ()) for ids in usable[::step][:_ROWS]]


def score_sample(source: Source, target: Target, sample: Sample) -> dict[str, Any]:
    """Returns the task's score of the model as it was, and of the export."""
    own = Own(source.network, source)
    return {"before": sample.score(source, own), "after": sample.score(source, target)}


def compare_task(
    before: dict[str, Any], after: dict[str, Any], allowed: float
) -> tuple[dict[str, dict[str, Any] | float], list[str]]:
    """Returns the task's scores with how much worse the export is, and in words where that is too much.

    Args:
        before: of the model as it was, the score itself first; see `Sample`.
        after: of the export.
        allowed: a share of the rows, or one row where that is more; of bits per byte a share of these.
    """
    name = next(iter(before))
    if name == "bits_per_byte":
        worse, most = after[name] / max(before[name], 1e-9) - 1.0, allowed
    else:
        worse, most = before[name] - after[name], max(allowed, 1.0 / max(1, before["rows"]))
    told = {"before": before, "after": after, "worse": round(worse, 6), "bound": round(most, 6)}
    if worse <= most + 1e-6:  # the scores have six digits
        return told, []
    unit = "of itself " if name == "bits_per_byte" else ""
    return told, [f"{name} is {worse:.3g} {unit}worse than before, and {most:.3g} is allowed"]


def _compare_with(network: nn.Module, source: Source, rows: Sequence[Row], theirs: Sequence[Scores]) -> ScoreParity:
    ours = score_rows(network, source, rows)
    asked, answered = _questions(source, ours), _questions(source, theirs)
    return compare_scores(asked, answered, is_distribution=source.head != "backbone", is_one=source.asks_each)


def _questions(source: Source, scores: Sequence[Scores]) -> list[Scores]:
    """Returns scores so that a place is one question, and its scores those of the answers to it."""
    if source.head == "span":  # where an answer begins, and where it ends, [2, tokens]
        return [row.T for row in scores]
    if source.asks_each:  # each label, whether it applies, [labels, 2]
        return [np.stack([row[0], np.zeros_like(row[0])], axis=1) for row in scores]
    return list(scores)


def _token_faults(tokens: TokenParity) -> list[str]:
    if tokens.equal == tokens.texts:
        return []
    first = tokens.differing[0]
    return [f"{tokens.texts - tokens.equal} of {tokens.texts} texts become other tokens, such as {first['text']!r:.60}"]


def _with_bounds(parity: ScoreParity, bounds: Bounds) -> dict[str, Any]:
    return {**as_json(parity), "bounds": {key: value for key, value in as_json(bounds).items() if value is not None}}


def _step(bar: Any, progress: Progress) -> None:
    bar.advance()
    stop_if_asked(progress)
