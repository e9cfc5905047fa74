"""Continues a text, or answers one, token by token, each read once."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import torch
from torch import Tensor, nn

from penjing.errors import ModelFolderError, UsageError
from penjing.files import read_json
from penjing.inference.decoding.request import Constraint
from penjing.inference.decoding.text_stream import TextStream
from penjing.inference.sampling import SamplingSettings, choose_token
from penjing.models.device import choose_device
from penjing.models.interface import EncoderDecoderModel, GeneratingModel, open_config
from penjing.models.weights import CONFIG, load_weights, read_config
from penjing.text.tokenizer import Tokenizer, load_tokenizer

GENERATION_CONFIG = "generation_config.json"


@dataclass(frozen=True)
class Generation:
    """A text that a model made.

    Attributes:
        prompt: what was given.
        text: what was added to it, or, by an encoder-decoder, what was written in answer.
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

    A decoder continues a prompt; an encoder-decoder reads it whole, with the special tokens around it, and writes
    another text.

    Args:
        network: the model.
        tokenizer: the one it was trained with.
        end_ids: any of these ends a text.
    """

    def __init__(self, network: GeneratingModel, tokenizer: Tokenizer, end_ids: frozenset[int]) -> None:
        self._network, self._tokenizer, self._end_ids = network, tokenizer, end_ids

    @property
    def tokenizer(self) -> Tokenizer:
        """The one the model was trained with."""
        return self._tokenizer

    @property
    def longest_row(self) -> int | None:
        """Tokens that fit into the model's positions; None where there is no limit."""
        return self._network.longest_row

    def ending_at(self, end_ids: frozenset[int]) -> TextGenerator:
        """Returns a generator whose texts end at these tokens too."""
        return TextGenerator(self._network, self._tokenizer, self._end_ids | end_ids)

    @property
    def continues(self) -> bool:
        """Whether what is generated goes on where the prompt ends."""
        return not isinstance(self._network, EncoderDecoderModel)

    @property
    def end_ids(self) -> frozenset[int]:
        """Any of these ends a text."""
        return self._end_ids

    def generate(
        self,
        prompt: str,
        settings: SamplingSettings,
        stop: Sequence[str] = (),
        constraint: Constraint | None = None,
    ) -> Generation:
        """Continues or answers a text; see `stream`."""
        pieces = self.stream(prompt, settings, stop, constraint)
        while True:
            try:
                next(pieces)
            except StopIteration as end:
                made: Generation = end.value
                return made

    def stream(
        self,
        prompt: str,
        settings: SamplingSettings,
        stop: Sequence[str] = (),
        constraint: Constraint | None = None,
    ) -> Generator[str, None, Generation]:
        """Continues or answers a text, gives every piece as soon as its characters are whole, and returns the whole.

        Raises:
            UsageError: the prompt leaves no room in the model's positions.
        """
        return (yield from self.stream_after(self._read_prompt(prompt), settings, prompt, stop, constraint))

    def stream_after(
        self,
        read: list[int],
        settings: SamplingSettings,
        prompt: str = "",
        stop: Sequence[str] = (),
        constraint: Constraint | None = None,
    ) -> Generator[str, None, Generation]:
        """Continues or answers token ids; see `stream`.

        Args:
            read: the prompt, with the special tokens that the model wants around it.
            settings: how tokens are chosen.
            prompt: what the result calls it.
            stop: texts that end what is written; they are not part of it.
            constraint: what may be written; of this text alone.

        Raises:
            UsageError: the prompt leaves no room in the model's positions.
        """
        began = time.perf_counter()
        room = find_room(self._network, len(read), settings.max_tokens)
        stream = TextStream(self._tokenizer, stop, read if self.continues else ())
        pieces: list[str] = []
        tokens = 0
        for token in generate_tokens(self._network, read, self._end_ids, room, settings, constraint):
            tokens += 1
            if piece := stream.put(token):
                yield piece
                pieces.append(piece)
            if stream.stopped_by is not None:
                break
        if piece := stream.finish():
            yield piece
            pieces.append(piece)
        is_ended = tokens < room or stream.stopped_by is not None
        reason: Literal["stop", "length"] = "stop" if is_ended else "length"
        return Generation(prompt, "".join(pieces), tokens, reason, time.perf_counter() - began)

    def _read_prompt(self, prompt: str) -> list[int]:
        (ids,) = self._tokenizer.encode([prompt])
        end = [] if self.continues else self._tokenizer.prompt_end
        return [*self._tokenizer.prompt_start, *ids, *end] or [self._tokenizer.start_id]


def find_room(network: GeneratingModel, prompt_tokens: int, wanted: int, *, where: str = "") -> int:
    """Returns how many tokens can be written after a prompt, at most as many as are wanted.

    Args:
        network: what writes.
        prompt_tokens: length of the prompt.
        wanted: most tokens.
        where: the prompt's place, named in errors.

    Raises:
        UsageError: the prompt leaves no room in the model's positions.
    """
    longest = network.longest_row
    if longest is None:
        return wanted
    if prompt_tokens >= longest:
        raise UsageError(
            f"the prompt has {prompt_tokens} tokens, and the model has {longest} positions",
            where=where,
            do="Shorten the prompt.",
        )
    return min(wanted, longest - prompt_tokens)


@torch.inference_mode()
def generate_tokens(
    network: GeneratingModel,
    prompt: list[int],
    end_ids: frozenset[int],
    room: int,
    settings: SamplingSettings,
    constraint: Constraint | None = None,
) -> Iterator[int]:
    """Gives the tokens that continue or answer a prompt, up to an end token (not given), or until there are enough.

    Args:
        network: reads and scores.
        prompt: at least one token.
        end_ids: end the text.
        room: most tokens.
        settings: how they are chosen; its ``max_tokens`` is not read here.
        constraint: which may come; None: all.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    device = next(cast("nn.Module", network).parameters()).device
    cache, new = network.start(torch.tensor([prompt], device=device), room)
    written: list[int] = []
    for _ in range(room):
        hidden = network.read(new, cache)
        # Drawn on the CPU, with the random numbers that it has everywhere.
        logits = network.score(hidden[:, -1])[0].cpu()  # [vocab]
        if constraint is not None:
            logits = _allowed(logits, constraint)
        token = choose_token(logits, settings, generator, prompt, written)
        if token in end_ids:
            return
        yield token
        written.append(token)
        if constraint is not None:
            constraint.accept(token)
        new = torch.tensor([[token]], device=device)


class OpenedModel(NamedTuple):
    """A language model that writes, from its folder.

    Attributes:
        network: the model.
        tokenizer: the one it was trained with.
        end_ids: any of these ends a text.
    """

    network: GeneratingModel
    tokenizer: Tokenizer
    end_ids: frozenset[int]


def open_writing_model(folder: Path, device: str = "auto") -> OpenedModel:
    """Loads a language model, ours or the hub's, from its folder.

    Args:
        folder: as `penjing` or the hub's tools write it.
        device: where it computes: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.

    Raises:
        ModelFolderError: a file is missing or broken, or the model does not generate texts.
        UsageError: there is no such device.
    """
    values = read_config(folder)
    architecture, config = open_config(values, folder / CONFIG)
    written = config.class_name("language")
    named = values.get("architectures") or [written]
    if not architecture.writes_text or written not in named:
        found = ", ".join(named) if written not in named else architecture.name
        raise ModelFolderError(
            f"this is a {found}, which does not continue texts",
            where=str(folder),
            do="Give the folder of a language model that was trained to write (objective causal, span or denoise).",
        )
    network = architecture.language_model(config)
    load_weights(network, folder)
    network.to(choose_device(device)).eval()
    assert isinstance(network, GeneratingModel)
    tokenizer = load_tokenizer(folder)
    return OpenedModel(network, tokenizer, _read_end_ids(folder, values) | {tokenizer.end_id})


def _allowed(logits: Tensor, constraint: Constraint) -> Tensor:
    """Returns logits of which those that a constraint forbids are the lowest there are."""
    mask = constraint.allowed()
    if mask is None:
        return logits
    allowed = torch.zeros_like(logits, dtype=torch.bool)
    allowed[: len(mask)] = torch.from_numpy(mask)[: len(logits)]
    return logits.where(allowed, -torch.inf)


def load_generator(folder: Path, device: str = "auto") -> TextGenerator:
    """Loads a language model with its tokenizer; see `open_writing_model`."""
    return TextGenerator(*open_writing_model(folder, device))


def _read_end_ids(folder: Path, config: dict[str, Any]) -> frozenset[int]:
    """Returns the ids that end a text, which ``generation_config.json`` decides, else ``config.json``."""
    path = folder / GENERATION_CONFIG
    try:
        found = (read_json(path) if path.is_file() else config).get("eos_token_id")
    except (ValueError, AttributeError) as error:
        raise ModelFolderError("this is not the settings of a model", where=str(path), do="Copy it again.") from error
    ids = found if isinstance(found, list) else [found]
    return frozenset(item for item in ids if isinstance(item, int))
