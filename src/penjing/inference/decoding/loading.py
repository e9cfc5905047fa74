"""Makes an engine of a model folder."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import torch

from penjing.errors import ModelFolderError
from penjing.inference.decoding.batch_engine import BatchEngine
from penjing.inference.decoding.draft_model import DraftModel, check_tokens, check_vocabulary
from penjing.inference.decoding.drafting import Drafter
from penjing.inference.decoding.engine import DecodingEngine
from penjing.inference.decoding.interface import EngineLimits, WritingEngine
from penjing.inference.decoding.lookup import PromptLookup
from penjing.inference.decoding.rows import BLOCK, Stepper
from penjing.inference.decoding.torch_stepper import TorchStepper
from penjing.inference.generation import open_writing_model
from penjing.inference.native.checking import check_decoder, held_in
from penjing.inference.native.decoder import NativeDecoder, can_compute
from penjing.inference.native.packing import Weights
from penjing.models.device import choose_device
from penjing.models.llama import LlamaForCausalLM
from penjing.models.native.compiling import CannotCompileError
from penjing.models.weights import read_config
from penjing.text.tokenizer import Tokenizer

_MB = 1 << 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineSettings:
    """How a model is served.

    Attributes:
        weights: how matrices are held: ``fp32``, ``bf16``, ``int8`` or ``int4``; those that the folder holds in fewer
            bits stay so.
        kernels: ``native``: compiled for this processor; ``torch``; ``auto``: compiled where that can be.
        threads: that compute; None: as many as PyTorch uses.
        cache_mb: memory for keys and values, in MB; room for one text of full length there is always.
        device: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.
        draft: what supposes the next tokens: the folder of a smaller model with the same tokenizer, or ``lookup``:
            what followed the same tokens before; None: nothing.
        limits: how much is done at once.
    """

    weights: Weights = "bf16"
    kernels: Literal["auto", "native", "torch"] = "auto"
    threads: int | None = None
    cache_mb: int = 1024
    device: str = "auto"
    draft: Path | Literal["lookup"] | None = None
    limits: EngineLimits = field(default_factory=EngineLimits)


class Served(NamedTuple):
    """An engine with what is needed around it.

    Attributes:
        engine: writes.
        tokenizer: the one the model was trained with.
        end_ids: any of these ends a text.
        kernels: by what it computes, ``native`` or ``torch``, and the reason where the compiled ones could not be had.
    """

    engine: WritingEngine
    tokenizer: Tokenizer
    end_ids: frozenset[int]
    kernels: str


def load_engine(folder: Path, settings: EngineSettings | None = None) -> Served:
    """Loads a Llama-like decoder, ours or the hub's, into an engine.

    Args:
        folder: as `penjing` or the hub's tools write it.
        settings: how it is served.

    Raises:
        ModelFolderError: a file is missing or broken, or the model is no such decoder.
        CannotCompileError: compiled kernels are asked for, and cannot be had.
        UsageError: there is no such device, or the drafting model has other tokens.
    """
    settings = settings or EngineSettings()
    stepper, kernels, tokenizer, end_ids = _open(folder, settings)
    try:
        drafter = _make_drafter(settings, tokenizer, stepper.vocab)
    except BaseException:
        stepper.close()
        raise
    return Served(DecodingEngine(stepper, settings.limits, drafter), tokenizer, end_ids, kernels)


def load_batch_engine(folder: Path, device: str = "auto") -> Served:
    """Loads a model that writes, of any family, into an engine that computes it by PyTorch as it is.

    Raises:
        ModelFolderError: a file is missing or broken, or the model does not write.
        UsageError: there is no such device.
    """
    network, tokenizer, end_ids = open_writing_model(folder, device)
    vocab = int(read_config(folder)["vocab_size"])
    return Served(BatchEngine(network, vocab, tokenizer.pad_id), tokenizer, end_ids, "torch")


def _make_drafter(settings: EngineSettings, tokenizer: Tokenizer, vocab: int) -> Drafter | None:
    if settings.draft is None:
        return None
    if settings.draft == "lookup":
        return PromptLookup()
    stepper, _, others, _ = _open(settings.draft, settings)
    try:
        check_vocabulary(stepper.vocab, vocab)
        check_tokens(others, tokenizer)
    except BaseException:
        stepper.close()
        raise
    return DraftModel(stepper)


def _open(folder: Path, settings: EngineSettings) -> tuple[Stepper, str, Tokenizer, frozenset[int]]:
    """Returns what computes a model, by what it does, and what is needed around it."""
    device = choose_device(settings.device)
    network, tokenizer, end_ids = open_writing_model(folder, "cpu" if device.type == "cpu" else settings.device)
    if not isinstance(network, LlamaForCausalLM):
        raise ModelFolderError(
            "the engine serves decoders of the Llama family, and this is none",
            where=str(folder),
            do="Use penjing predict, or penjing generate without --weights.",
        )
    stepper, kernels = _make_stepper(network, settings, device)
    if kernels != "native" and settings.kernels == "auto":
        _say_slower(folder, settings.weights, device, kernels)
    return stepper, kernels, tokenizer, end_ids


def _say_slower(folder: Path, weights: Weights, device: torch.device, kernels: str) -> None:
    """Tells whoever runs this that what was asked for is not what computes."""
    held = "fp32" if weights == "fp32" else "bf16"
    other = "" if weights == held else f", and its weights are held in {held}, not in {weights}"
    if device.type == "cpu":
        _log.warning("%s: computed by %s, one text after another and slower%s", folder.name, kernels, other)
    elif other:
        _log.warning("%s: computed on %s%s", folder.name, device, other)


def _make_stepper(network: LlamaForCausalLM, settings: EngineSettings, device: torch.device) -> tuple[Stepper, str]:
    """Returns what computes, and by what that is."""
    blocks = _count_blocks(network, settings)
    reason = "this model's heads are not of 16 numbers or a multiple"
    if device.type == "cpu" and settings.kernels != "torch" and can_compute(network):
        try:
            for kind in held_in(network, settings.weights):
                check_decoder(kind)
            threads = settings.threads or torch.get_num_threads()
            return NativeDecoder(network, settings.weights, blocks, threads), "native"
        except CannotCompileError as error:
            if settings.kernels == "native":
                raise
            reason = str(error)
    dtype = torch.float32 if settings.weights == "fp32" else torch.bfloat16
    named = "torch" if settings.kernels == "torch" or device.type != "cpu" else f"torch ({reason})"
    return TorchStepper(network.to(dtype), blocks), named


def _count_blocks(network: LlamaForCausalLM, settings: EngineSettings) -> int:
    """Returns how many blocks of keys and values there is room for."""
    config = network.config
    numbers = 2 * config.num_hidden_layers * config.groups * config.width  # a token
    size = numbers * (4 if settings.weights == "fp32" else 2) * BLOCK
    longest = -(-config.max_position_embeddings // BLOCK)
    fits = settings.cache_mb * _MB // size
    return max(min(longest * settings.limits.texts, fits), min(longest, -(-4096 // BLOCK)))
