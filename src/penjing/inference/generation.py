"""Continues a text, token by token, each read once."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from penjing.errors import ModelFolderError, UsageError
from penjing.inference.sampling import SamplingSettings, choose_token
from penjing.models.config import family_of
from penjing.models.interface import Architecture, GeneratingModel
from penjing.models.weights import load_weights, read_config
from penjing.registry import load_registered
from penjing.text.tokenizer import Tokenizer, load_tokenizer


@dataclass(frozen=True)
class Generation:
    """A continued text.

    Attributes:
        prompt: what was given.
        text: what was added to it.
        tokens: how many tokens that is.
        finish_reason: ``stop``: the model ended the text; ``length``: there was room for no more.
        seconds: time it took.
    """

    prompt: str
    text: str
    tokens: int
    finish_reason: Literal["stop", "length"]
    seconds: float


class TextGenerator:
    """A language model with its tokenizer.

    Args:
        network: the model.
        tokenizer: the one it was trained with.
    """

    def __init__(self, network: GeneratingModel, tokenizer: Tokenizer) -> None:
        self._network, self._tokenizer = network, tokenizer

    def generate(self, prompt: str, settings: SamplingSettings) -> Generation:
        """Continues a text; see `stream`."""
        pieces = self.stream(prompt, settings)
        while True:
            try:
                next(pieces)
            except StopIteration as end:
                made: Generation = end.value
                return made

    def stream(self, prompt: str, settings: SamplingSettings) -> Generator[str, None, Generation]:
        """Continues a text, gives every piece as soon as its characters are whole, and returns the whole.

        Raises:
            UsageError: the prompt leaves no room in the model's positions.
        """
        began = time.perf_counter()
        ids = self._read_prompt(prompt)
        before, shown, added = self._tokenizer.decode(ids), "", list[int]()
        room = self._room(len(ids), settings.max_tokens)
        for token in generate_tokens(self._network, ids, self._tokenizer.end_id, room, settings):
            added.append(token)
            text = self._tokenizer.decode([*ids, *added])[len(before) :]
            if len(text) > len(shown) and not text.endswith("\ufffd"):  # else a character is not complete
                yield text[len(shown) :]
                shown = text
        text = self._tokenizer.decode([*ids, *added])[len(before) :]
        if len(text) > len(shown):
            yield text[len(shown) :]
        reason: Literal["stop", "length"] = "stop" if len(added) < room else "length"
        return Generation(prompt, text, len(added), reason, time.perf_counter() - began)

    def _read_prompt(self, prompt: str) -> list[int]:
        (ids,) = self._tokenizer.encode([prompt])
        has_start = self._tokenizer.start_id != self._tokenizer.end_id
        return [self._tokenizer.start_id, *ids] if has_start or not ids else ids

    def _room(self, prompt_tokens: int, wanted: int) -> int:
        longest = self._network.longest_row
        if longest is None:
            return wanted
        if prompt_tokens >= longest:
            raise UsageError(
                f"the prompt has {prompt_tokens} tokens, and the model has {longest} positions",
                do="Shorten the prompt.",
            )
        return min(wanted, longest - prompt_tokens)


@torch.inference_mode()
def generate_tokens(
    network: GeneratingModel, prompt: list[int], end_id: int, room: int, settings: SamplingSettings
) -> Iterator[int]:
    """Gives the tokens that continue a prompt, up to the end token, which is not given, or until there are enough.

    Args:
        network: reads and scores.
        prompt: at least one token.
        end_id: ends the text.
        room: most tokens.
        settings: how they are chosen; its ``max_tokens`` is not read here.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    cache = network.make_cache(1, len(prompt) + room)
    new = prompt
    for _ in range(room):
        hidden = network.read(torch.tensor([new]), cache)
        token = choose_token(network.score(hidden[:, -1])[0], settings, generator)
        if token == end_id:
            return
        yield token
        new = [token]


def load_generator(folder: Path) -> TextGenerator:
    """Loads a language model, ours or the hub's, from its folder.

    Raises:
        ModelFolderError: a file is missing or broken, or the model does not continue texts.
    """
    values = read_config(folder)
    try:
        architecture: Architecture = load_registered("models", family_of(values))
        config = architecture.config_from_dict(values)
    except UsageError as error:
        raise ModelFolderError(error.what, where=str(folder / "config.json"), do=error.do) from error
    written = config.class_name("language")
    if "causal" not in architecture.objectives or written not in values.get("architectures", [written]):
        found = ", ".join(values.get("architectures", [])) or architecture.name
        raise ModelFolderError(
            f"this is a {found}, which does not continue texts",
            where=str(folder),
            do="Give the folder of a language model that was trained to guess the next token (objective causal).",
        )
    network = architecture.language_model(config)
    load_weights(network, folder)
    network.eval()
    assert isinstance(network, GeneratingModel)
    return TextGenerator(network, load_tokenizer(folder))
