"""Model folders whose matrices are held in few bits: how they are written, and how a network takes them up.

Beside the other tensors lie, for each linear layer that is quantized, ``NAME.codes`` and ``NAME.scales`` in the place
of ``NAME.weight``, as `penjing.models.quantized.quantize_matrix` makes them. ``config.json`` says so under
``quantization_config``, and names a ``model_type`` that other tools do not know: they would fill up the matrices that
they miss with random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from penjing.errors import ModelFolderError, UsageError
from penjing.files import read_json
from penjing.models.interface import Architecture
from penjing.models.lora import choose
from penjing.models.quantized import GROUP, Bits, QuantizedLinear, quantize
from penjing.models.stored import StoredTensor

QUANTIZATION = "quantization_config"
METHOD = "penjing"
_OURS = "penjing_"
_CODES, _SCALES = ".codes", ".scales"
_BITS: Mapping[str, Bits] = {"I8": "int8", "U8": "int4"}
_OUTPUT = "lm_head"


def quantize_network(network: nn.Module, architecture: Architecture, bits: Bits) -> list[str]:
    """Lets a loaded network hold its matrices in few bits, in place; returns the names of the layers.

    Those are the matrices of attention and feed-forward, and that of the words' scores where it is not the one of the
    embeddings; it is held in int8 in either case, for an error in it goes into every score.

    Args:
        network: with its weights; its parameters are frozen.
        architecture: of the network.
        bits: how the matrices are held.

    Raises:
        UsageError: the network has no such matrices.
    """
    linears = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    inner = choose(linears, architecture.adapted)
    words = getattr(network, "input_embeddings", None)
    is_own = _OUTPUT in linears and (words is None or network.get_submodule(_OUTPUT).weight is not words.weight)
    if not inner:
        raise UsageError(
            f"a model of the family {architecture.name} has no linear layers to quantize: an LSTM takes its matrices "
            "whole",
            do="Serve it as it is; it is small.",
        )
    network.requires_grad_(False)
    quantize(network, inner, bits)
    if is_own:
        quantize(network, [_OUTPUT], "int8")
    return [*inner, *([_OUTPUT] if is_own else [])]


def quantized_config(config: Mapping[str, Any], bits: Bits) -> dict[str, Any]:
    """Returns a ``config.json`` that says how the matrices beside it are held."""
    group = {} if bits == "int8" else {"group_size": GROUP}
    return {
        **config,
        "model_type": _OURS + str(config["model_type"]).removeprefix(_OURS),
        QUANTIZATION: {"quant_method": METHOD, "bits": bits, **group},
    }


def whole_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the ``config.json`` of the same network with its matrices whole, of a type that the hub knows."""
    kept = {key: value for key, value in config.items() if key != QUANTIZATION}
    return {**kept, "model_type": str(config["model_type"]).removeprefix(_OURS)} if QUANTIZATION in config else kept


def quantization_of(folder: Path) -> dict[str, Any] | None:
    """Returns what ``config.json`` says of quantized matrices; None: they are whole.

    Raises:
        ModelFolderError: they are held in a way that is not read here.
    """
    path = folder / "config.json"
    values = read_json(path) if path.is_file() else {}
    found = values.get(QUANTIZATION) if isinstance(values, dict) else None
    if found is None:
        return None
    method = found.get("quant_method") if isinstance(found, dict) else None
    if method != METHOD:
        raise ModelFolderError(
            f"the matrices are quantized by {method}, which is not read here",
            where=str(path),
            do="Give the model as it was before, or quantize that with: penjing export MODEL --to int8 DEST.",
        )
    return dict(found)


def take_up_codes(network: nn.Module, stored: Iterable[StoredTensor], folder: Path) -> None:
    """Puts quantized layers without numbers into a network wherever a folder has codes for a linear layer of it.

    Raises:
        ModelFolderError: the folder has codes, and its config says nothing of them, or they are in an unknown format.
    """
    codes = {item.name.removesuffix(_CODES): item for item in stored if item.name.endswith(_CODES)}
    if quantization_of(folder) is None or not codes:
        return
    linears = {name: module for name, module in network.named_modules() if isinstance(module, nn.Linear)}
    for name, item in codes.items():
        bits = _BITS.get(item.dtype)
        if bits is None:
            raise ModelFolderError(
                f"the codes {item.name} are stored as {item.dtype}", where=str(folder), do="Export the model again."
            )
        if name in linears:
            network.set_submodule(name, QuantizedLinear.empty(linears[name], bits))


def numbers_held(name: str, shape: Sequence[int], dtype: str) -> int:
    """Returns how many numbers of a network a stored tensor holds: two in a byte of int4, none in scales.

    Args:
        name: of the tensor.
        shape: of it.
        dtype: as safetensors writes it.
    """
    if name.endswith(_SCALES):
        return 0
    in_one = 2 if name.endswith(_CODES) and _BITS.get(dtype) == "int4" else 1
    return in_one * math.prod(shape)


def stored_dtype(name: str, tensor: Tensor) -> torch.dtype:
    """Returns how a folder of quantized matrices keeps a tensor: embeddings in bf16, all else as it is."""
    is_part = name.endswith((_CODES, _SCALES))
    return torch.bfloat16 if tensor.ndim > 1 and tensor.is_floating_point() and not is_part else tensor.dtype
