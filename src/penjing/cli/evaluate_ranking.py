"""``penjing evaluate`` of a model that ranks items."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from penjing.cli.evaluate import open_data
from penjing.cli.output import log_console, print_json, result_console
from penjing.cli.progress import TerminalProgress
from penjing.cli.tables import ranking_lines, score_table
from penjing.data.event_settings import EventData
from penjing.data.events import ITEMS, Sequences, read_sequences
from penjing.data.histories import last_questions
from penjing.data.sources.encodings import UTF8
from penjing.errors import UsageError
from penjing.progress import Progress


@dataclass(frozen=True)
class EventColumns:
    """Where the events are.

    Attributes:
        data: the address of a table.
        user: column of the user.
        item: column of the item.
        time: column of the time.
        columns: names for the columns of a file without a header.
        encoding: of text files; None: UTF-8, auto: found by how the bytes look.
    """

    data: str
    user: str
    item: str
    time: str
    columns: tuple[str, ...] | None
    encoding: str | None


def show_ranking_scores(model_folder: Path, events: EventColumns, resamples: int, *, as_json: bool) -> None:
    """Scores a model on the last event of each user, given those before, of items that the model knows."""
    progress = TerminalProgress(log_console())
    with progress.stopping_on_signals():
        found = _read(model_folder, events, progress)
        questions = last_questions(found.items)
        # These bring torch, which a wrong call need not wait for.
        from penjing.evaluate.ranking import evaluate_ranking
        from penjing.tasks.item_model import ItemModel
        from penjing.tasks.loading import load_as

        model = load_as(ItemModel, model_folder)
        measured, _ = evaluate_ranking(model, questions, resamples=resamples, examples=20, seed=0, progress=progress)
    left_out = {
        "events": found.read,
        "left_out": {reason: found.left_out[reason] for reason in ("unknown_items", "repeats")},
        "short_users": found.lost_users + len(found.items) - len(questions.targets),
    }
    if as_json:
        print_json({"model": str(model_folder), "data": events.data, **measured, **left_out})
        return
    console = result_console()
    console.print(score_table(measured))
    for line in (*ranking_lines(measured), *_left_out_lines(left_out)):
        console.print(line, soft_wrap=True)


def _left_out_lines(counts: dict[str, Any]) -> list[str]:
    """Returns what was left out, in one line; nothing where nothing was."""
    unknown, repeats = counts["left_out"]["unknown_items"], counts["left_out"]["repeats"]
    short = counts["short_users"]
    parts = [f"{unknown:,} of items that the model does not know"] if unknown else []
    parts += [f"{repeats:,} of items that the user had before"] if repeats else []
    said = [f"Left out of {counts['events']:,} events: {', '.join(parts)}."] if parts else []
    said += [f"{short:,} users with fewer than two items are not asked."] if short else []
    return [" ".join(said)] if said else []


def _read(model_folder: Path, events: EventColumns, progress: Progress) -> Sequences:
    """Returns who had what; the items are those in the model's folder, and events of others are left out.

    Training leaves out the same: items that the recipe drops, those that are cold, and those that came later.
    """
    with open_data(events.data) as address:
        try:
            settings = EventData(
                path=address,
                items=str(model_folder / ITEMS),
                id="id",
                user=events.user,
                item=events.item,
                time=events.time,
                columns=events.columns,
                encoding=events.encoding or UTF8,
                unknown_items="drop",
            )
        except ValidationError as error:
            what = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise UsageError(what, where="penjing evaluate", do="See penjing evaluate --help.") from error
        return read_sequences(settings, progress)
