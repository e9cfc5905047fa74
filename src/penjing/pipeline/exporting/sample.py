"""A sample of data on which a model is scored before and after an export."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from penjing.data.reading import read_rows
from penjing.errors import DataError
from penjing.metrics.language import count_bytes
from penjing.pipeline.exporting.parity import log_softmax
from penjing.pipeline.exporting.source import Row, Scores, Source
from penjing.tasks.raw_labels import name_labels, watch_labels
from penjing.tasks.task import LabelTask, load_task

_MOST_ROWS = 500
_MOST_TOKENS = 512  # of a text that a language model is measured on


class RowScorer(Protocol):
    """What scores rows of token ids: a network of ours, or another tool."""

    def score(self, rows: Sequence[Row]) -> list[Scores]:
        """Returns the scores of each row; see `penjing.pipeline.exporting.source.score_rows`."""


@dataclass(frozen=True)
class Sample:
    """Rows of data.

    Attributes:
        texts: what is read.
        labels: the true label of each; None for language models.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...] | None


def read_sample(source: Source, data: str, text: str, label: str) -> Sample | None:
    """Reads as many rows as are measured; None: a model of this kind is not scored here.

    Args:
        source: the model.
        data: the address of a table, or of texts.
        text: column of the texts.
        label: column of the labels.

    Raises:
        DataError: there is no row, or a label that the model does not know.
    """
    task = load_task(source.card["task"]) if "task" in source.card else None
    texts: list[str] = []
    labels: list[str] = []
    if source.is_decoder:
        for rows in read_rows(data, text):
            texts += [item for item in rows.texts if item.strip()]
            if len(texts) >= _MOST_ROWS:
                break
    elif source.head == "classifier" and (task is None or (isinstance(task, LabelTask) and task.answers == "label")):
        names = None if task is None else task.label_names
        watch = watch_labels(names, source.labels)
        for rows in read_rows(data, text, label):
            texts += rows.texts
            labels += name_labels(rows, names, source.labels, watch)
            if len(texts) >= _MOST_ROWS:
                break
    else:
        return None
    if not texts:
        raise DataError("there is no text to score the model on", where=data, do="Give another file.")
    return Sample(tuple(texts[:_MOST_ROWS]), tuple(labels[:_MOST_ROWS]) if labels else None)


def score_task(source: Source, scorer: RowScorer, sample: Sample) -> dict[str, Any] | None:
    """Returns the score of what scores rows: ``bits_per_byte`` of a language model, ``accuracy`` of a classifier."""
    if sample.labels is None:
        return _bits_per_byte(source, scorer, sample.texts)
    scores = scorer.score([Row(ids) for ids in source.render(sample.texts)])
    chosen = [source.labels[int(row[0].argmax())] for row in scores]
    right = sum(one == other for one, other in zip(chosen, sample.labels, strict=True))
    return {"accuracy": round(right / len(chosen), 6), "rows": len(chosen)}


def _bits_per_byte(source: Source, scorer: RowScorer, texts: Sequence[str]) -> dict[str, Any]:
    start = source.tokenizer.prompt_start or [source.tokenizer.start_id]
    room = min(_MOST_TOKENS, source.longest) - len(start)
    nats, size, tokens = 0.0, 0, 0
    for ids in source.tokenizer.encode(list(texts)):
        kept = ids[:room]
        if not kept:
            continue
        (scores,) = scorer.score([Row([*start, *kept])])
        said = log_softmax(scores[len(start) - 1 : -1].astype(np.float64))
        nats -= float(said[np.arange(len(kept)), kept].sum())
        size += count_bytes(source.tokenizer.decode(kept))
        tokens += len(kept)
    return {"bits_per_byte": round(nats / math.log(2) / max(1, size), 6), "texts": len(texts), "tokens": tokens}
