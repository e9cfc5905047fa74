"""A finished model that replies in dialogues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penjing.data.messages import Message, read_asked
from penjing.inference.likelihood import ReadingModel
from penjing.inference.writing import Writer
from penjing.inference.writing_settings import WritingSettings
from penjing.progress import Progress
from penjing.tasks.model import Model
from penjing.tasks.prediction import TextPrediction
from penjing.tasks.prompting import DialoguePrompter
from penjing.tasks.tables import as_table, is_table, texts_of, with_columns
from penjing.tasks.task import DialogueTask, ReplyPreferenceTask
from penjing.text.dialogue_renderer import DialogueRenderer

_MESSAGES = "messages"


@dataclass(frozen=True)
class DialogueModel(Model):
    """A model that replies.

    Attributes:
        folder: where it was loaded from.
        card: its ``penjing.json``: task, lineage, scores, how it writes.
        task: what it is for.
        renderer: turns dialogues into token ids, as in training.
        network: a decoder.
        settings: how it writes, where a call says nothing.
    """

    task: DialogueTask | ReplyPreferenceTask
    renderer: DialogueRenderer
    network: ReadingModel
    settings: WritingSettings

    def predict(self, rows: Any, *, settings: WritingSettings | None = None) -> Any:
        """Replies to each row.

        Args:
            rows: a list whose rows are texts (what a user says), lists of messages with ``role`` and ``content``, of
                which several of one side may stand in a row, or dictionaries with the column ``messages`` or ``text``;
                or a pandas, Polars or Arrow table with ``text``.
            settings: how it writes; None: as its card says.

        Returns:
            A list of `TextPrediction` for a list, whose ``text`` is what the user said last; for a table the same kind
            of table with the column ``written`` added.

        Raises:
            UsageError: a row has no text, the column is missing, or the assistant spoke last.
            DataError: the messages break the rules of a dialogue, or leave no room for a reply.
        """
        if is_table(rows):
            predictions = self.predict_texts(texts_of(rows, "text"))
            return with_columns(as_table(rows, "text"), {"written": [item.written for item in predictions]})
        if not isinstance(rows, Sequence) or isinstance(rows, str):
            texts_of(rows, "text")  # says what is wrong
        return self.reply([_dialogue(row, number) for number, row in enumerate(rows, start=1)], settings)

    def predict_texts(self, texts: Sequence[str]) -> list[TextPrediction]:
        """Replies to each text, as the first that a user says."""
        return self.reply([[Message("user", text)] for text in texts])

    def reply(
        self,
        dialogues: Sequence[Sequence[Message]],
        settings: WritingSettings | None = None,
        progress: Progress | None = None,
    ) -> list[TextPrediction]:
        """Replies to each dialogue.

        Args:
            dialogues: messages, the last of which is the user's.
            settings: how it writes; None: as its card says.
            progress: told how many are complete.

        Raises:
            DataError: a dialogue leaves no room for a reply.
            Interrupted: the user asked to stop.
        """
        prompts = DialoguePrompter(self.task, self.settings, self.renderer).read(dialogues, settings)
        tokenizer = self.renderer.tokenizer
        written = Writer(self.network, prompts.end_ids, tokenizer.pad_id).write(prompts.ids, prompts.settings, progress)
        replies = [tokenizer.decode(item.ids) for item in written]
        return prompts.predict(replies, [item.finish_reason == "stop" for item in written])


def _dialogue(row: Any, number: int) -> list[Message]:
    where = f"row {number}"
    if isinstance(row, Mapping) and _MESSAGES in row:
        row = row[_MESSAGES]
    if isinstance(row, Sequence) and not isinstance(row, str):
        return read_asked(row, where)
    return [Message("user", texts_of([row], "text")[0])]
