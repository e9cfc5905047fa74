"""``penjing evaluate`` of a model that replies in dialogues."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from penjing.cli.evaluate import open_data
from penjing.cli.evaluate_output import find_learned, show_measured
from penjing.cli.output import log_console
from penjing.cli.progress import TerminalProgress
from penjing.data.dialogues import join_contents, read_dialogue_rows


@dataclass(frozen=True)
class DialogueColumns:
    """Where the dialogues are.

    Attributes:
        data: the address of a table.
        text: column of the messages or, with ``target``, of what the user says.
        target: column of the reply; None where there is a column of messages.
        encoding: of text files; None: UTF-8, auto: found by how the bytes look.
    """

    data: str
    text: str
    target: str | None
    encoding: str | None


def show_dialogue_scores(
    model_folder: Path, given: DialogueColumns, columns: tuple[str, ...] | None, resamples: int, *, as_json: bool
) -> None:
    """Scores a model on dialogues; ``columns`` are names for those of a file without a header."""
    with open_data(given.data) as address:
        dialogues = read_dialogue_rows(address, given.text, given.target, columns=columns, encoding=given.encoding)
    # These bring torch, which a wrong call need not wait for.
    from penjing.evaluate.dialogues import DialogueMeasures, evaluate_dialogues
    from penjing.tasks.dialogue_model import DialogueModel
    from penjing.tasks.loading import load_as

    progress = TerminalProgress(log_console())
    with progress.stopping_on_signals():
        model = load_as(DialogueModel, model_folder)
        measures = DialogueMeasures(resamples=resamples, cache=model.card.get("cache", 0.0))
        measured, _, _ = evaluate_dialogues(model, dialogues, measures, progress)
    learned = find_learned(model_folder, [join_contents(messages) for messages in dialogues])
    show_measured(model_folder, given.data, measured, learned, len(dialogues), as_json=as_json)
