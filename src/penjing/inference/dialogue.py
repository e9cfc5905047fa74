"""Replies in a dialogue, written token by token, with any decoder whose folder has a chat template."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from penjing.data.messages import Message
from penjing.errors import ModelFolderError
from penjing.files import read_json
from penjing.inference.continuing import Continuing
from penjing.inference.generation import load_generator
from penjing.inference.sampling import SamplingSettings
from penjing.text.chat_template import read_chat_template
from penjing.text.dialogue_renderer import DialogueRenderer
from penjing.text.tokenizer import Tokenizer

_CARD = "penjing.json"
_WINDOW = 4096  # tokens that are read where neither positions nor training set a limit


@dataclass(frozen=True)
class Reply:
    """What a model said.

    Attributes:
        text: without the token that ends it.
        tokens: how many tokens that is.
        finish_reason: ``stop``: the model ended it; ``length``: there was room for no more.
        seconds: time it took.
        dropped: exchanges at the beginning of the dialogue that were not read, for there was no room.
    """

    text: str
    tokens: int
    finish_reason: Literal["stop", "length"]
    seconds: float
    dropped: int


class Replier:
    """A decoder that replies.

    Args:
        generator: goes on where a prompt ends.
        renderer: lays dialogues out; its window is what the model reads at once.
    """

    def __init__(self, generator: Continuing, renderer: DialogueRenderer) -> None:
        self._generator, self._renderer = generator.ending_at(renderer.end_ids), renderer

    def stream(self, messages: Sequence[Message], settings: SamplingSettings) -> Generator[str, None, Reply]:
        """Replies to a dialogue, gives every piece as soon as its characters are whole, and returns the whole.

        So many tokens as the reply may have are kept for it, half of the window at most; the oldest exchanges are not
        read where there is no room for them.

        Args:
            messages: the last is the user's.
            settings: how tokens are chosen.

        Raises:
            DataError: the last message leaves no room for a reply, or the template refuses the dialogue.
        """
        room = min(settings.max_tokens, self._renderer.max_tokens // 2)
        prompt = self._renderer.render_prompt(messages, room)
        made = yield from self._generator.stream_after(prompt.ids, replace(settings, max_tokens=room))
        return Reply(made.text, made.tokens, made.finish_reason, made.seconds, prompt.dropped)

    def reply(self, messages: Sequence[Message], settings: SamplingSettings) -> Reply:
        """Replies to a dialogue; see `stream`."""
        pieces = self.stream(messages, settings)
        while True:
            try:
                next(pieces)
            except StopIteration as end:
                said: Reply = end.value
                return said


def load_replier(folder: Path, device: str = "auto") -> Replier:
    """Loads a decoder, ours or the hub's, from a folder with a chat template.

    Args:
        folder: as `penjing` or the hub's tools write it.
        device: where it computes: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.

    Raises:
        ModelFolderError: a file is missing or broken, the model is no decoder, or there is no chat template.
        UsageError: there is no such device.
    """
    generator = load_generator(folder, device)
    if not generator.continues:
        raise ModelFolderError(
            "this model answers texts, and does not go on where a dialogue stands",
            where=str(folder),
            do="Give the folder of a decoder.",
        )
    return make_replier(folder, generator, generator.tokenizer, generator.longest_row)


def make_replier(folder: Path, generator: Continuing, tokenizer: Tokenizer, longest_row: int | None) -> Replier:
    """Returns what replies with a decoder that is loaded already.

    Args:
        folder: the decoder's, with a chat template.
        generator: goes on where a prompt ends.
        tokenizer: the decoder's.
        longest_row: tokens that fit into its positions; None where there is no limit.

    Raises:
        ModelFolderError: there is no chat template.
    """
    template = read_chat_template(folder)
    if template is None:
        raise ModelFolderError(
            "there is no chat template, so nothing says how a dialogue is laid out",
            where=str(folder),
            do="Give a model that was trained on dialogues (task chat), or continue texts with penjing generate.",
        )
    return Replier(generator, DialogueRenderer(tokenizer, template, find_window(folder, longest_row)))


def find_window(folder: Path, longest_row: int | None) -> int:
    """Returns the longest window in which a model reads dialogues: of its positions, and of what it was trained on.

    Args:
        folder: of the model.
        longest_row: tokens that fit into its positions; None: there is no limit.
    """
    limits = [limit for limit in (longest_row, _trained_window(folder)) if limit is not None]
    return min(limits, default=_WINDOW)


def _trained_window(folder: Path) -> int | None:
    """Returns the longest window that a model of ours was trained on dialogues with; None where nothing says so."""
    path = folder / _CARD
    try:
        card: Any = read_json(path) if path.is_file() else {}
        window = card["render"]["max_tokens"] if card.get("task") is not None else None
    except (ValueError, AttributeError, KeyError, TypeError):
        return None
    return window if isinstance(window, int) and window > 0 else None
