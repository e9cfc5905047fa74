"""Continues a text, or answers one, token by token, each read once."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from penjing.errors import ModelFolderError, UsageError
from penjing.files import read_json
from penjing.inference.continuing import Continuing, Ending
from penjing.inference.decoding.request import Constraint
from penjing.inference.sampling import SamplingSettings, choose_token
from penjing.models.device import choose_device
from penjing.models.interface import EncoderDecoderModel, GeneratingModel, open_config
from penjing.models.weights import CONFIG, load_weights, read_config
from penjing.text.tokenizer import Tokenizer, load_fitting_tokenizer

GENERATION_CONFIG = "generation_config.json"


class TextGenerator(Continuing):
    """A language model with its tokenizer.

    A decoder continues a prompt; an encoder-decoder reads it whole, with the special tokens around it, and writes
    another text.

    Args:
        network: the model.
        tokenizer: the one it was trained with.
        end_ids: any of these ends a text.
    """

    def __init__(self, network: GeneratingModel, tokenizer: Tokenizer, end_ids: frozenset[int]) -> None:
        super().__init__(tokenizer, end_ids)
        self._network = network

    @property
    def longest_row(self) -> int | None:
        """Tokens that fit into the model's positions; None where there is no limit."""
        return self._network.longest_row

    @property
    def continues(self) -> bool:
        """Whether what is generated goes on where the prompt ends."""
        return not isinstance(self._network, EncoderDecoderModel)

    def ending_at(self, end_ids: frozenset[int]) -> TextGenerator:
        """Returns a generator whose texts end at these tokens too."""
        return TextGenerator(self._network, self.tokenizer, self.end_ids | end_ids)

    def choose_tokens(
        self, read: list[int], settings: SamplingSettings, constraint: Constraint | None = None
    ) -> Generator[int, None, Ending]:
        """Gives the tokens of a text; see `Continuing`."""
        room = find_room(self._network, len(read), settings.max_tokens)
        return generate_tokens(self._network, read, self.end_ids, room, settings, constraint)


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
) -> Generator[int, None, Ending]:
    """Gives the tokens that continue or answer a prompt, up to an end token (not given), or until there are enough.

    Returns which of the two it was.

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
            return "stop"
        yield token
        written.append(token)
        if constraint is not None:
            constraint.accept(token)
        new = torch.tensor([[token]], device=device)
    return "length"


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
    tokenizer = load_fitting_tokenizer(folder, config.vocab_size)
    return OpenedModel(network, tokenizer, _read_end_ids(folder, values, config.vocab_size) | {tokenizer.end_id})


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


def _read_end_ids(folder: Path, config: dict[str, Any], vocab: int) -> frozenset[int]:
    """Returns the ids that end a text, which ``generation_config.json`` decides, else ``config.json``.

    Raises:
        ModelFolderError: one is no token of the model, so that no text would end.
    """
    path = folder / GENERATION_CONFIG
    try:
        found = (read_json(path) if path.is_file() else config).get("eos_token_id")
    except (ValueError, AttributeError) as error:
        raise ModelFolderError("this is not the settings of a model", where=str(path), do="Copy it again.") from error
    ids = [item for item in (found if isinstance(found, list) else [found]) if item is not None]
    wrong = [item for item in ids if not (isinstance(item, int) and not isinstance(item, bool) and 0 <= item < vocab)]
    if wrong:
        raise ModelFolderError(
            f"eos_token_id is {found!r:.60}, and {wrong[0]!r:.30} is none of the model's {vocab:,} tokens",
            where=str(path if path.is_file() else folder / CONFIG),
            do="Copy the file again, from where the model came from.",
        )
    return frozenset(ids)
