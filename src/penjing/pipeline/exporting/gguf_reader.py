"""Tensors read back from a GGUF file, made whole, under our names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from penjing.errors import DataError
from penjing.models.llama_config import LlamaConfig
from penjing.pipeline.exporting.gguf_file import gguf
from penjing.pipeline.exporting.gguf_names import from_pairs, own_name

_ROPE = "rope_freqs.weight"


def open_gguf(path: Path) -> Any:
    """Returns a reader of the package gguf.

    Raises:
        DataError: the file is cut off, or no GGUF.
        MissingExtraError: gguf is not installed.
    """
    package = gguf()
    try:
        return package.GGUFReader(path)
    except (ValueError, KeyError, IndexError, OverflowError, UnicodeDecodeError) as error:
        raise DataError(
            f"the file is cut off or no GGUF ({error})", where=str(path), do="Copy or download it again, whole."
        ) from error


def read_tensors(path: Path, config: LlamaConfig) -> dict[str, Tensor]:
    """Returns the tensors of a file, fp32, by our names.

    Raises:
        DataError: one has no place in a model of this kind, or is quantized in a way that is not read.
    """
    found = {}
    for tensor in open_gguf(path).tensors:
        name = own_name(tensor.name)
        if name is None:
            if tensor.name == _ROPE:
                continue
            raise DataError(f"the tensor {tensor.name} has no place here", where=str(path), do="Choose another file.")
        try:
            values = gguf().quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        except NotImplementedError as error:
            raise DataError(
                f"the tensor {tensor.name} is of the type {tensor.tensor_type.name}, which is not read",
                where=str(path),
                do="Take a file of the type F32, F16, BF16, Q8_0, Q4_0 or one of the K kinds.",
            ) from error
        shape = tuple(int(size) for size in reversed(tensor.shape))
        whole = torch.from_numpy(np.ascontiguousarray(values).reshape(shape).copy())
        found[name] = from_pairs(name, whole, config)
    return found
