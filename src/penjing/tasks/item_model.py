"""A finished model that answers what users had with what may come next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import narwhals as nw
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from penjing.data.histories import Catalog
from penjing.errors import UsageError
from penjing.inference.ranking import RankingEngine
from penjing.metrics.ranking import best_first
from penjing.tasks.model import Model
from penjing.tasks.prediction import ItemPrediction, RankedItem
from penjing.tasks.tables import as_table, free_name, is_frame, is_table
from penjing.tasks.task import ItemTask
from penjing.text.item_renderer import ItemRenderer

TOP = 10
_AT_ONCE = 512


@dataclass(frozen=True)
class ItemModel(Model):
    """A model that ranks items.

    Attributes:
        folder: where it was loaded from.
        card: its ``penjing.json``.
        task: what it is for.
        renderer: says how much of a history is read, as in training.
        catalog: the items.
        engine: runs the network.
        read_texts: turns texts into what the network takes of them, [texts, …].
    """

    task: ItemTask
    renderer: ItemRenderer
    catalog: Catalog
    engine: RankingEngine
    read_texts: Callable[[Sequence[str]], Tensor]

    def predict(self, rows: Any, *, top: int = TOP) -> Any:
        """Answers each history with the items that may come next.

        Args:
            rows: a list of histories, each a list of items in order; or a pandas, Polars or Arrow table with a column
                ``items`` of such lists, or such a column. An item is given by its id or its text; another text is read
                as a new item.
            top: how many items are returned.

        Returns:
            A list of `ItemPrediction` for a list; for a table the same kind of table with the column ``ranked`` added:
            ids, the best first.

        Raises:
            UsageError: a history is empty, or holds something that is no text.
        """
        if top < 1:
            raise UsageError(f"top is {top}", where="predict", do="Give 1 or more.")
        if not is_table(rows):
            return self._answer(_histories(rows), top)
        frame = nw.from_native(as_table(rows, "items"), eager_only=True)
        column = "items" if is_frame(rows) else frame.columns[0]
        if column not in frame.columns:
            do = f"Its columns are {', '.join(frame.columns)}."
            raise UsageError('there is no column "items"', where="predict", do=do)
        cells = frame.get_column(column).to_list()
        answers = self._answer(_histories([c.tolist() if isinstance(c, np.ndarray) else c for c in cells]), top)
        ranked = [[item.id for item in answer.items] for answer in answers]
        backend = nw.get_native_namespace(frame)
        called = free_name("ranked", frame.columns)
        kind = nw.Object if backend.__name__ == "pandas" else nw.List(nw.String)
        return frame.with_columns(nw.new_series(called, ranked, kind, backend=backend)).to_native()

    def predict_texts(self, texts: Sequence[str]) -> list[ItemPrediction]:
        """Answers histories given as text, whose items are between tabs."""
        return self._answer([tuple(filter(None, map(str.strip, text.split("\t")))) for text in texts], TOP)

    def rank(self, histories: Sequence[NDArray[np.int64]]) -> NDArray[np.float32]:
        """Returns the score of each item for each history of item numbers, [histories, items]."""
        return self.engine.score([self.renderer.last_items(history) for history in histories])

    def rank_new(self, histories: Sequence[NDArray[np.int64]], texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns the score of each of some new items, known by texts alone, for each history, [histories, texts]."""
        ranked = self.engine.vectors_of(self.read_texts(texts))
        return self.engine.score([self.renderer.last_items(history) for history in histories], ranked=ranked)

    def knows(self, item: str) -> bool:
        """Whether an id or a text is that of an item of its own."""
        return item in self._numbers

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """Number of each item, by id and by text; an id goes before a text, of two equal texts the first counts."""
        by_text = {text: number for number, text in reversed([*enumerate(self.catalog.texts, start=1)])}
        return by_text | {item: number for number, item in enumerate(self.catalog.ids, start=1)}

    def _answer(self, histories: Sequence[tuple[str, ...]], top: int) -> list[ItemPrediction]:
        for row, history in enumerate(histories, start=1):
            _check(history, row)
        answers: list[ItemPrediction] = []
        for start in range(0, len(histories), _AT_ONCE):
            answers += self._answer_some(histories[start : start + _AT_ONCE], top)
        return answers

    def _answer_some(self, histories: Sequence[tuple[str, ...]], top: int) -> list[ItemPrediction]:
        unknown = list(dict.fromkeys(item for history in histories for item in history if item not in self._numbers))
        first = len(self.catalog.ids) + 1
        numbers = {**self._numbers, **{text: first + place for place, text in enumerate(unknown)}}
        rows = [np.array([numbers[item] for item in history], dtype=np.int64) for history in histories]
        new = self.engine.vectors_of(self.read_texts(unknown)) if unknown else None
        scores = self.engine.score([self.renderer.last_items(row) for row in rows], new=new)
        for row, found in zip(rows, scores, strict=True):
            found[row[row < first] - 1] = -np.inf
        return [
            self._prediction(history, found, top, frozenset(unknown))
            for history, found in zip(histories, scores, strict=True)
        ]

    def _prediction(
        self, history: tuple[str, ...], scores: NDArray[np.float32], top: int, unknown: frozenset[str]
    ) -> ItemPrediction:
        places = [place for place in best_first(scores[None], top)[0].tolist() if place >= 0]
        items = [RankedItem(self.catalog.ids[at], self.catalog.texts[at], float(scores[at])) for at in places]
        new = tuple(item for item in history if item in unknown)
        texts = (item if item in unknown else self.catalog.texts[self._numbers[item] - 1] for item in history)
        return ItemPrediction(
            history, tuple(texts), tuple(items), new, max(0, len(history) - self.renderer.settings.max_items)
        )


def _histories(rows: Any) -> list[tuple[str, ...]]:
    if isinstance(rows, str) or not isinstance(rows, Sequence):
        what = f"predict cannot read a {type(rows).__name__}"
        raise UsageError(what, do='Give a list of histories: model.predict([["50", "181"]]).')
    for number, row in enumerate(rows, start=1):
        if isinstance(row, str) or not isinstance(row, Sequence):
            raise UsageError(
                f"{row!r} is no history", where=f"row {number}", do='Give a list of items: model.predict([["50"]]).'
            )
    return [tuple(str(item) if isinstance(item, int) else item for item in row) for row in rows]


def _check(history: tuple[Any, ...], row: int) -> None:
    if not history:
        raise UsageError("the history is empty", where=f"row {row}", do="Give at least one item.")
    for item in history:
        if not isinstance(item, str) or not item.strip():
            raise UsageError(f"{item!r} is no item", where=f"row {row}", do="Give the id of an item, or a text.")


def pad_tokens(rows: Sequence[Sequence[int]], pad_id: int) -> Tensor:
    """Returns token ids of texts as a network takes them, int64 [texts, time]."""
    longest = max((len(row) for row in rows), default=0)
    padded = np.full((len(rows), max(1, longest)), pad_id, dtype=np.int64)
    for place, row in enumerate(rows):
        padded[place, : len(row)] = row
    return torch.from_numpy(padded)
