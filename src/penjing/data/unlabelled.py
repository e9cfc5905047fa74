"""Texts without labels that models are asked about, so that another learns from their answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from penjing.data.dividing import COUNTS
from penjing.data.intake import ORIGIN_SCHEMA, Intake
from penjing.data.keys import Keys, exact_keys
from penjing.data.settings import COLUMNS, TextData, WhereValue
from penjing.data.sieve import Sieve, write_chosen
from penjing.data.storing import Spool, work_folder
from penjing.errors import DataError
from penjing.files import write_json
from penjing.progress import Progress, stop_if_asked


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
    intake, sieve = Intake(settings.source), Sieve(labelled, settings.removed)
    with work_folder(out) as work:
        spool = Spool(work / "texts.arrow", ORIGIN_SCHEMA)
        order = _read(intake, sieve, seed, spool, progress)
        intake.settle(0, 0)
        different = sieve.remaining()
        taken = different if settings.max_texts is None else _draw(different, order, settings.max_texts)
        write_chosen(out, spool, taken)
    kept = {"left_out": len(different) - len(taken), "texts": len(taken)}
    counts = {**intake.finish(out, progress), **sieve.counts, **kept}
    counts["read"] -= counts["filtered"]  # rows that where leaves out are not what was given
    if not counts["texts"]:
        known = counts["in_evaluation"] + counts["in_training"]
        raise DataError(
            f"of {counts['read']:,} texts none is left: {known:,} are labelled rows too, and "
            f"{counts['containing_evaluation']:,} contain a validation or test text",
            where=", ".join(settings.source.paths),
            do="Give other texts, or leave the section unlabelled out.",
        )
    write_json(out / COUNTS, counts)
    return counts


def _read(intake: Intake, sieve: Sieve, seed: int, spool: Spool, progress: Progress) -> list[Keys]:
    """Puts all texts into a spool and through a sieve, and returns their places in the draw, in parts."""
    order = []
    with spool.writing() as write:
        for batch, _ in intake.batches(progress):
            stop_if_asked(progress)
            texts = batch.column("text").to_pylist()
            sieve.add(texts)
            order.append(exact_keys(texts, seed))
            write(batch.columns)
    return order


def _draw(places: NDArray[np.int64], order: list[Keys], most: int) -> NDArray[np.int64]:
    return places[np.argsort(np.concatenate(order)[places], kind="stable")[:most]]
