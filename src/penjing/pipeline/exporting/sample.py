"""A sample of data on which a model is scored before and after an export."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from penjing.data.label_cells import LabelRules
from penjing.data.reading import PairRows, read_label_set_rows, read_pair_rows, read_rows
from penjing.errors import DataError, UsageError
from penjing.metrics.language import count_bytes
from penjing.models.ranked import rank_log_probabilities
from penjing.pipeline.exporting.parity import log_softmax
from penjing.pipeline.exporting.source import Row, Scores, Source
from penjing.tasks.card import card_settings
from penjing.tasks.raw_labels import RawLabels
from penjing.tasks.task import LabelTask, MultilabelTask, OrdinalTask, Task, WritingTask, load_task
from penjing.text.pair_renderer import PairRenderer, PairRendererSettings, RenderedPair

_MOST_ROWS = 500
LONGEST_PAIR = 1024  # tokens of both sides; longer ones are left out
_MOST_TOKENS = 512  # of a text that a language model is measured on


@dataclass(frozen=True)
class SampleData:
    """Rows to score a model on, and where they hold what.

    Attributes:
        address: of a table, or of texts.
        text: column of the texts.
        label: column of the labels; of several labels a row also columns with commas between.
        target: column of what should be written.
        separator: stands between the labels of a row that may have several.
        encoding: of text files; None: UTF-8, auto: found by how the bytes look.
    """

    address: str
    text: str = "text"
    label: str = "label"
    target: str = "target"
    separator: str | None = None
    encoding: str | None = None


class RowScorer(Protocol):
    """What scores rows: a network of ours, or another tool."""

    def score(self, rows: Sequence[Row]) -> list[Scores]:
        """Returns the scores of each row; see `penjing.pipeline.exporting.source.score_rows`."""


class Sample(Protocol):
    """Rows of data, and how a model is scored on them."""

    def score(self, source: Source, scorer: RowScorer) -> dict[str, Any]:
        """Returns the score of what scores rows, the score itself first."""


@dataclass(frozen=True)
class TextSample:
    """Texts: ``bits_per_byte`` of a language model that goes on where a text ends."""

    texts: Sequence[str]

    def score(self, source: Source, scorer: RowScorer) -> dict[str, Any]:
        start = source.tokenizer.prompt_start or [source.tokenizer.start_id]
        room = min(_MOST_TOKENS, source.longest) - len(start)
        counted = _Bits(source)
        for ids in source.tokenizer.encode(list(self.texts)):
            if kept := ids[:room]:
                (scores,) = scorer.score([Row([*start, *kept])])
                counted.add(scores[len(start) - 1 : -1], kept)
        return {"bits_per_byte": counted.per_byte, "texts": len(self.texts), "tokens": counted.tokens}


@dataclass(frozen=True)
class PairSample:
    """Texts and what should be written to them: ``bits_per_byte`` of the latter, given the former."""

    pairs: Sequence[RenderedPair]

    def score(self, source: Source, scorer: RowScorer) -> dict[str, Any]:
        counted = _Bits(source)
        for read, written in ((pair.read.ids, pair.written.ids) for pair in self.pairs):
            if source.reads_and_writes:
                (scores,) = scorer.score([Row(read, written)])
            else:
                scores = scorer.score([Row([*read, *written])])[0][len(read) - 1 : -1]
            counted.add(scores, written)
        return {"bits_per_byte": counted.per_byte, "rows": len(self.pairs), "tokens": counted.tokens}


@dataclass(frozen=True)
class LabelSample:
    """Texts and the label of each: ``accuracy``."""

    texts: Sequence[str]
    labels: Sequence[str]

    def score(self, source: Source, scorer: RowScorer) -> dict[str, Any]:
        logits = _logits(source, scorer, self.texts)
        task = _task(source)
        if isinstance(task, OrdinalTask):
            chances = rank_log_probabilities(torch.from_numpy(logits)).double().exp().numpy()
            chosen = task.choose(chances)
        else:
            chosen = logits.argmax(axis=1)
        right = sum(source.labels[int(number)] == label for number, label in zip(chosen, self.labels, strict=True))
        return {"accuracy": round(right / len(self.labels), 6), "rows": len(self.labels)}


@dataclass(frozen=True)
class LabelSetSample:
    """Texts and the labels of each: ``micro_f1``, at the model's threshold."""

    texts: Sequence[str]
    labels: Sequence[tuple[str, ...]]

    def score(self, source: Source, scorer: RowScorer) -> dict[str, Any]:
        chances = 1.0 / (1.0 + np.exp(-_logits(source, scorer, self.texts).astype(np.float64)))
        given = chances >= float(source.card["threshold"])
        truth = np.array([[label in row for label in source.labels] for row in self.labels])
        hits = int((given & truth).sum())
        return {"micro_f1": round(2 * hits / max(1, int(given.sum() + truth.sum())), 6), "rows": len(self.texts)}


def read_sample(source: Source, data: SampleData) -> Sample:
    """Reads as many rows as are measured.

    Raises:
        UsageError: a model of this kind is not scored here.
        DataError: there is no row, or a label that the model does not know.
    """
    task = _task(source)
    if isinstance(task, WritingTask) and (source.reads_and_writes or source.is_decoder):
        return _read_pairs(source, data)
    if source.is_decoder:
        return _read_texts(data)
    if source.head == "classifier" and isinstance(task, MultilabelTask):
        return _read_label_sets(source, data)
    if source.head == "classifier" and (task is None or isinstance(task, LabelTask)):
        return _read_labels(source, data, None if task is None else task.label_names)
    what = {"span": "a model that finds answers", "backbone": "a network without an end"}.get(source.head)
    raise UsageError(
        "--data scores models that give labels, that translate or summarize, or that go on where a text ends, and "
        f"this is {what or 'none of them'}",
        where=str(source.folder),
        do="Leave --data out; a folder of Penjing's own is scored by penjing evaluate, before and after.",
    )


def _task(source: Source) -> Task | None:
    return load_task(source.card["task"]) if "task" in source.card else None


def _read_texts(data: SampleData) -> Sample:
    texts: list[str] = []
    for rows in read_rows(data.address, data.text, encoding=data.encoding):
        texts += [item for item in rows.texts if item.strip()]
        if len(texts) >= _MOST_ROWS:
            break
    if not texts:
        raise DataError("there is no text to score the model on", where=data.address, do="Give another file.")
    return TextSample(texts[:_MOST_ROWS])


def _read_labels(source: Source, data: SampleData, names: Any) -> Sample:
    texts, labels = [], []
    raw = RawLabels(names, source.labels, source.card.get("raw_labels"))
    for rows in read_rows(data.address, data.text, data.label, encoding=data.encoding):
        texts += rows.texts
        labels += raw.name(rows)
        if len(texts) >= _MOST_ROWS:
            break
    return LabelSample(texts[:_MOST_ROWS], labels[:_MOST_ROWS])


def _read_label_sets(source: Source, data: SampleData) -> Sample:
    texts, labels = [], []
    rules = LabelRules(tuple(data.label.split(",")), empty="keep", separator=data.separator)
    raw = RawLabels(None, source.labels, source.card.get("raw_labels"))
    for rows in read_label_set_rows(data.address, rules, data.text, encoding=data.encoding):
        texts += rows.texts
        for number, names in zip(rows.rows, rows.label_sets, strict=True):
            named = (raw.find(name, f"{rows.file.name}, row {number}") for name in names)
            labels.append(tuple(dict.fromkeys(named)))
        if len(texts) >= _MOST_ROWS:
            break
    return LabelSetSample(texts[:_MOST_ROWS], labels[:_MOST_ROWS])


def _read_pairs(source: Source, data: SampleData) -> Sample:
    found = PairRows([], [], [])
    for rows in read_pair_rows(data.address, data.text, data.target, encoding=data.encoding):
        found.add(rows)
        if len(found.texts) >= _MOST_ROWS:
            break
    settings = card_settings(source.folder, source.card, "render", PairRendererSettings)
    pairs = zip(found.texts[:_MOST_ROWS], found.targets, strict=False)
    rendered = [{"text": text, "target": target} for text, target in pairs]
    most = min(source.longest, LONGEST_PAIR)
    fitting = [
        pair
        for pair in PairRenderer(source.tokenizer, settings).render(rendered)
        if len(pair.read.ids) + len(pair.written.ids) <= most
    ]
    if not fitting:
        raise DataError(
            f"there is no pair of at most {most:,} tokens to score the model on",
            where=data.address,
            do="Give shorter ones.",
        )
    return PairSample(fitting)


def _logits(source: Source, scorer: RowScorer, texts: Sequence[str]) -> Scores:
    scores = scorer.score([Row(ids) for ids in source.render(texts)])
    return np.concatenate(scores)  # [rows, outputs]


class _Bits:
    """Counts what tokens cost."""

    def __init__(self, source: Source) -> None:
        self._tokenizer = source.tokenizer
        self._nats, self._size, self.tokens = 0.0, 0, 0

    def add(self, scores: Scores, ids: Sequence[int]) -> None:
        """Counts tokens, each by the scores of its place, [tokens, vocab]."""
        said = log_softmax(scores.astype(np.float64))
        self._nats -= float(said[np.arange(len(ids)), ids].sum())
        self._size += count_bytes(self._tokenizer.decode(list(ids)))
        self.tokens += len(ids)

    @property
    def per_byte(self) -> float:
        """Bits of all tokens, for each byte of their texts."""
        return round(self._nats / math.log(2) / max(1, self._size), 6)
