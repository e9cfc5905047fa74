"""``penjing data trace`` and ``penjing data remove``."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penjing.cli.output import log_console, print_json, result_console
from penjing.cli.progress import TerminalProgress
from penjing.data.inspection import Document, DroppedDocument
from penjing.errors import UsageError
from penjing.pipeline.removal import remembered_recipe
from penjing.pipeline.report.inspection import say_why
from penjing.pipeline.report.strings import Language
from penjing.pipeline.report.wording import Wording
from penjing.pipeline.tracing import Trace, trace_texts

if TYPE_CHECKING:
    from penjing.pipeline.run import Removal


def show_traces(runs: Path, ids: Sequence[str], language: Language, *, as_json: bool) -> None:
    """Shows for each text in which runs it is, what for, and which models learned from it."""
    traces = trace_texts(runs, set(ids))
    missing = [key for key in ids if not traces[key]]
    if missing:
        raise UsageError(
            f"no run has the text {', '.join(missing)}",
            where=str(runs),
            do="Name another folder with --runs; penjing data inspect RUN --json shows ids.",
        )
    if as_json:
        print_json({key: [_as_json(trace) for trace in traces[key]] for key in ids})
        return
    console, wording = result_console(), Wording(language)
    for key in ids:
        console.print(key)
        for trace in traces[key]:
            item, document = trace.item, _document(trace.item)
            why = say_why(item, wording) if isinstance(item, DroppedDocument) else wording.name("part", document.part)
            place = f"{document.source}:{document.row}  " if document.source else ""
            console.print(f"  {trace.run}  {place}{why}", soft_wrap=True)
            for model in trace.models:
                console.print(f"    {wording.say('fed_model', model=model)}", soft_wrap=True)


def _document(item: Document | DroppedDocument) -> Document:
    return item.document if isinstance(item, DroppedDocument) else item


def _as_json(trace: Trace) -> dict[str, Any]:
    item = asdict(_document(trace.item))
    reason = {"reason": trace.item.reason} if isinstance(trace.item, DroppedDocument) else {}
    return {"run": str(trace.run), **item, **reason, "models": [str(model) for model in trace.models]}


def remove_from_run(run: Path, ids: Sequence[str], *, retrain: bool, as_json: bool) -> None:
    """Takes texts out of a run, and shows what was made again and what must be trained again."""
    if not ids and not retrain:
        raise UsageError(
            "there is no id of a text", where=str(run), do=f"penjing data inspect {run} --json shows ids of texts."
        )
    remembered = remembered_recipe(run)
    out = run.resolve()
    progress = TerminalProgress(log_console())
    began = time.perf_counter()
    with progress.stopping_on_signals(), contextlib.chdir(_folder(remembered.folder, run)):
        from penjing.pipeline.run import remove_texts, run_recipe  # brings torch

        removal = remove_texts(remembered.recipe, out, ids, progress)
        trained = removal.waiting if retrain else []
        if retrain:
            run_recipe(remembered.recipe, out, progress, remembered.command)
    waiting = [name for name in removal.waiting if name not in trained]
    if as_json:
        texts = [asdict(document) for document in removal.texts.values()]
        seconds = round(time.perf_counter() - began, 1)
        print_json(
            {
                "removed": texts,
                "rebuilt": removal.rebuilt,
                "retrained": trained,
                "to_retrain": waiting,
                "elsewhere": [str(model) for model in removal.elsewhere],
                "seconds": seconds,
            }
        )
        return
    _show(run, removal, trained, waiting)


def _folder(folder: Path, run: Path) -> Path:
    if not folder.is_dir():
        raise UsageError(
            f"the folder {folder}, in which the run was started, is gone",
            where=str(run),
            do="Run the recipe of this run once more.",
        )
    return folder


def _show(run: Path, removal: Removal, trained: list[str], waiting: list[str]) -> None:
    console = result_console()
    for document in removal.texts.values():
        console.print(f"removed  {document.id}  {document.source}:{document.row}", soft_wrap=True)
    for name, stages in (("made again", removal.rebuilt), ("trained again", trained)):
        if stages:
            console.print(f"{name}  {', '.join(stages)}", soft_wrap=True)
    if waiting:
        console.print(
            f"To be trained again: {', '.join(waiting)}. Until then {run / 'model'} and {run / 'report.html'} know "
            f"what was removed: penjing data remove {run} --retrain",
            soft_wrap=True,
        )
    if removal.elsewhere:
        models = ", ".join(map(str, removal.elsewhere))
        console.print(f"Started from this model, and to be trained again too: {models}", soft_wrap=True)
    console.print(
        "The files that the texts came from are as they were, and so is what was fetched and kept in ~/.cache/penjing; "
        "in other runs they are still there: "
        "penjing data trace ID. To leave them out of every run, write their ids into the recipe: removed under "
        "[corpus] and [data].",
        soft_wrap=True,
    )
