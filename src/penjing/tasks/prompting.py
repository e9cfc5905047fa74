"""What a model that writes is asked: rows become prompts, and a card says how they are answered; without a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from penjing.data.messages import Message
from penjing.inference.writing_settings import WritingSettings
from penjing.tasks.prediction import TextPrediction
from penjing.tasks.task import Task
from penjing.text.continuation_renderer import ContinuationRenderer
from penjing.text.dialogue_renderer import DialogueRenderer
from penjing.text.pair_renderer import PairRenderer


@dataclass(frozen=True)
class Prompts:
    """Rows as a network reads them, and how it answers.

    Attributes:
        texts: what predictions call each row, [rows].
        ids: token ids, [rows].
        cut_tokens: of each row that are not read, [rows].
        settings: how answers are written.
        end_ids: any of these ends an answer.
        goes_on: whether an answer goes on where its prompt ends, so that its first token is read after those of that.
    """

    texts: list[str]
    ids: list[list[int]]
    cut_tokens: list[int]
    settings: WritingSettings
    end_ids: frozenset[int]
    goes_on: bool = False

    def predict(self, written: Sequence[str], completes: Sequence[bool]) -> list[TextPrediction]:
        """Returns the predictions of answers, and of whether the model ended each."""
        rows = zip(self.texts, written, completes, self.cut_tokens, strict=True)
        return [TextPrediction(*row) for row in rows]


@dataclass(frozen=True)
class Prompter:
    """Makes prompts of rows.

    Attributes:
        task: what the model is for.
        settings: how it writes, where a call says nothing.
    """

    task: Task
    settings: WritingSettings

    def read(self, rows: Sequence[Any], settings: WritingSettings | None = None) -> Prompts:
        """Returns rows as prompts.

        Args:
            rows: texts, or dialogues.
            settings: how they are to be answered; None: as the card says.

        Raises:
            DataError: a dialogue leaves no room for a reply.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class TextPrompter(Prompter):
    """For models that answer texts with texts.

    Attributes:
        renderer: turns texts into token ids, as in training.
    """

    renderer: PairRenderer

    def read(self, rows: Sequence[str], settings: WritingSettings | None = None) -> Prompts:
        """Returns texts as prompts; see `Prompter`."""
        read = self.renderer.render_texts(rows)
        ids, cut = [row.ids for row in read], [row.cut_tokens for row in read]
        return Prompts(list(rows), ids, cut, settings or self.settings, frozenset([self.renderer.tokenizer.end_id]))


@dataclass(frozen=True)
class DialoguePrompter(Prompter):
    """For models that reply.

    Attributes:
        renderer: turns dialogues into token ids, as in training.
    """

    renderer: DialogueRenderer

    def read(self, rows: Sequence[Sequence[Message]], settings: WritingSettings | None = None) -> Prompts:
        """Returns dialogues as prompts; at most half of the window is kept for a reply. See `Prompter`."""
        chosen = settings or self.settings
        chosen = replace(chosen, max_tokens=min(chosen.max_tokens, self.renderer.max_tokens // 2))
        read = [self.renderer.render_prompt(messages, chosen.max_tokens) for messages in rows]
        ids, cut = [prompt.ids for prompt in read], [prompt.dropped_tokens for prompt in read]
        return Prompts([messages[-1].content for messages in rows], ids, cut, chosen, self.renderer.end_ids)


@dataclass(frozen=True)
class ContinuationPrompter(Prompter):
    """For models that go on with texts.

    Attributes:
        renderer: turns texts into token ids, as in training.
        has_positions: whether the network reads only so many tokens.
    """

    renderer: ContinuationRenderer
    has_positions: bool = True

    def read(self, rows: Sequence[str], settings: WritingSettings | None = None) -> Prompts:
        """Returns beginnings as prompts; see `Prompter`."""
        chosen, room = self.find_room(settings or self.settings)
        read = self.renderer.render_prompts(rows, room)
        ids, cut = [row.ids for row in read], [row.cut_tokens for row in read]
        ends = frozenset([self.renderer.tokenizer.end_id])
        return Prompts(list(rows), ids, cut, chosen, ends, goes_on=not self.renderer.reads_first)

    def find_room(self, settings: WritingSettings) -> tuple[WritingSettings, int | None]:
        """Returns how much is written at most, and how many tokens of a beginning can be read."""
        window = self.renderer.settings.max_tokens
        if self.renderer.reads_first:
            return settings, window
        if not self.has_positions:
            return settings, None
        fitting = replace(settings, max_tokens=min(settings.max_tokens, window // 2))
        return fitting, window - fitting.max_tokens
