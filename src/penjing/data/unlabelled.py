"""Texts without labels that models are asked about, so that another learns from their answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from penjing.data.cleaning import TEXT_SCHEMA
from penjing.data.dividing import COUNTS
from penjing.data.intake import ORIGIN_SCHEMA, Intake
from penjing.data.keys import Keys, KeySet, exact_keys, normalized_keys, text_ids
from penjing.data.measured import index_texts
from penjing.data.reading import iter_texts
from penjing.data.settings import COLUMNS, TextData, WhereValue
from penjing.data.storing import ParquetRows, Spool, work_folder
from penjing.errors import DataError
from penjing.files import write_json
from penjing.progress import Progress, stop_if_asked

TEXTS = "texts.parquet"
_MEASURED = ("validation", "test")


class UnlabelledData(BaseModel):
    """Texts without labels; those are left out that equal a labelled row, or contain one that is measured on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str | tuple[str, ...] = Field(min_length=1, description="as the path of [corpus], or a list of such")
    text: str = Field("text", min_length=1, description="column of the text")
    columns: tuple[str, ...] | None = Field(None, min_length=1, description=COLUMNS)
    where: dict[str, WhereValue] = Field({}, description="keep only the rows whose column has this value")
    quotes: bool | None = Field(
        None, description="whether cells may stand in double quotes; default: yes in CSV, no in TSV"
    )
    encoding: str = Field("auto", description="of text files; auto: UTF-8, or what the bytes look like")
    max_texts: int | None = Field(
        None, ge=1, description="use at most this many texts, drawn evenly from all; default: all"
    )
    removed: tuple[str, ...] = Field((), description="ids of texts to leave out, as penjing data show gives them")

    @model_validator(mode="after")
    def _is_consistent(self) -> UnlabelledData:
        _ = self.source
        return self

    @property
    def source(self) -> TextData:
        """Where the texts are and how they are read, as a corpus has it."""
        return TextData.model_validate(self.model_dump(exclude={"max_texts", "removed"}))


@dataclass
class _Met:
    """What was found in the files: a key and a place in the draw for each text.

    Attributes:
        counts: texts by what became of them.
        keys: of each text as it is compared, in parts.
        order: of each text as it is, by the seed, in parts.
        is_free: whether no labelled row is equal to it and it contains no measured one, in parts.
    """

    counts: dict[str, Any] = field(default_factory=dict)
    keys: list[Keys] = field(default_factory=list)
    order: list[Keys] = field(default_factory=list)
    is_free: list[NDArray[np.bool_]] = field(default_factory=list)


def build_unlabelled(
    settings: UnlabelledData, labelled: Path, seed: int, out: Path, progress: Progress
) -> dict[str, Any]:
    """Fills a folder with ``texts.parquet`` (``text``, ``id``, ``source``, ``row``) and ``counts.json``.

    A text is left out that is, in its normalized form, one of the validation or test rows, one of the training rows, or
    one that came before; or that contains a validation or test text (`penjing.data.measured`). Which ones remain under
    ``max_texts`` goes by a hash of the text and the seed.

    Args:
        settings: where the texts are.
        labelled: the folder of the labelled rows, or pairs.
        seed: decides what is drawn.
        out: an existing, empty folder.
        progress: told how far the reading is.

    Returns:
        What ``counts.json`` holds: ``read``, ``in_evaluation``, ``containing_evaluation``, ``in_training``,
        ``duplicates``, ``left_out``, ``texts`` …

    Raises:
        RecipeError: a file or a column is missing.
        DataError: a file cannot be used, or no text is left.
        DiskFullError: the disk has no room.
        Interrupted: the user asked to stop.
    """
    intake = Intake(settings.source)
    with work_folder(out) as work:
        spool = Spool(work / "texts.arrow", ORIGIN_SCHEMA)
        met = _read(settings, intake, labelled, seed, spool, progress)
        intake.settle(0, 0)
        chosen = _choose(met, settings.max_texts)
        _write(out, spool, chosen)
    counts = {**intake.finish(out, progress), **met.counts, "texts": int(chosen.sum())}
    counts["read"] -= counts["filtered"]  # rows that where leaves out are not what was given
    if not counts["texts"]:
        known = met.counts["in_evaluation"] + met.counts["in_training"]
        raise DataError(
            f"of {counts['read']:,} texts none is left: {known:,} are labelled rows too, and "
            f"{met.counts['containing_evaluation']:,} contain a validation or test text",
            where=", ".join(settings.source.paths),
            do="Give other texts, or leave the section unlabelled out.",
        )
    write_json(out / COUNTS, counts)
    return counts


def _read(
    settings: UnlabelledData, intake: Intake, labelled: Path, seed: int, spool: Spool, progress: Progress
) -> _Met:
    """Puts all texts into a spool, and returns their keys."""
    measured = index_texts(texts for split in _MEASURED for texts in iter_texts(labelled / f"{split}.parquet"))
    training = KeySet(map(normalized_keys, iter_texts(labelled / "train.parquet")))
    met = _Met(dict.fromkeys(("in_evaluation", "containing_evaluation", "in_training", "removed"), 0))
    removed = frozenset(settings.removed)
    with spool.writing() as write:
        for batch, _ in intake.batches(progress):
            stop_if_asked(progress)
            texts = batch.column("text").to_pylist()
            found = measured.find(texts)
            is_measured, is_learned = found.is_measured, training.contains(found.keys)
            is_removed = np.array(
                [key in removed for key in text_ids(texts)] if removed else np.zeros(len(texts)), bool
            )
            met.counts["in_evaluation"] += int(found.is_equal.sum())
            met.counts["containing_evaluation"] += int(found.contains.sum())
            met.counts["in_training"] += int((is_learned & ~is_measured).sum())
            met.counts["removed"] += int((is_removed & ~is_measured & ~is_learned).sum())
            met.keys.append(found.keys)
            met.order.append(exact_keys(texts, seed))
            met.is_free.append(~(is_measured | is_learned | is_removed))
            write(batch.columns)
    return met


def _choose(met: _Met, most: int | None) -> NDArray[np.bool_]:
    """Returns which texts are taken, and counts those that are not."""
    keys, order, is_free = (np.concatenate(parts) for parts in (met.keys, met.order, met.is_free))
    free = np.flatnonzero(is_free)
    _, first = np.unique(keys[free], return_index=True)
    different = free[np.sort(first)]
    taken = different if most is None else different[np.argsort(order[different], kind="stable")[:most]]
    met.counts |= {"duplicates": len(free) - len(different), "left_out": len(different) - len(taken)}
    chosen = np.zeros(len(keys), dtype=np.bool_)
    chosen[taken] = True
    return chosen


def _write(out: Path, spool: Spool, chosen: NDArray[np.bool_]) -> None:
    start = 0
    with ParquetRows(out / TEXTS, TEXT_SCHEMA, ("source",)) as rows:
        for batch in spool.read():
            kept = batch.filter(pa.array(chosen[start : start + batch.num_rows]))
            start += batch.num_rows
            ids = pa.array(text_ids(kept.column("text").to_pylist()), pa.string())
            columns = [kept.column("text"), ids, kept.column("source"), kept.column("row")]
            rows.write(pa.record_batch(columns, schema=TEXT_SCHEMA))
