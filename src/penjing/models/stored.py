"""The tensors of a model folder, found and checked before one is read: safetensors only, whole or in shards."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from penjing.errors import ModelFolderError
from penjing.hashing import hash_file
from penjing.model_files import check_model_folder

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
FLOATS = frozenset({"F64", "F32", "F16", "BF16"})
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
_COPY_AGAIN = "Copy or download the file again, whole."
_CONVERT = (
    "Ask for the model as safetensors, or convert it where you trust its origin: load it with the library that wrote "
    "it and save it again (Transformers: model.save_pretrained(folder))."
)
# Releases of TensorFlow's time named the two vectors of a normalization so.
_OLD_NAMES = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}


@dataclass(frozen=True)
class StoredTensor:
    """A tensor on disk.

    Attributes:
        file: where it lies.
        name: what it is called there.
        shape: its shape.
        dtype: its number format as safetensors writes it, for example ``BF16``.
    """

    file: Path
    name: str
    shape: tuple[int, ...]
    dtype: str


def list_stored(folder: Path) -> dict[str, StoredTensor]:
    """Returns the tensors in a model folder by today's names; nothing but headers is read.

    Raises:
        ModelFolderError: there are no weights, only pickles, or a file is broken.
    """
    tensors: dict[str, StoredTensor] = {}
    for file in _weight_files(folder):
        for tensor in read_header(file):
            tensors[_todays_name(tensor.name)] = tensor
    return tensors


def read_stored(tensors: Iterable[StoredTensor]) -> Iterator[tuple[StoredTensor, Tensor]]:
    """Yields tensors with their values, each file opened once."""
    by_file: defaultdict[Path, list[StoredTensor]] = defaultdict(list)
    for tensor in tensors:
        by_file[tensor.file].append(tensor)
    for file, wanted in by_file.items():
        with safe_open(file, framework="pt") as opened:
            for tensor in wanted:
                yield tensor, opened.get_tensor(tensor.name)


def describe_names(names: Iterable[str]) -> str:
    """Returns all names, the layers of one kind as ``encoder.layer.0-5.output.dense.bias``."""
    numbers: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    lines: list[str] = []
    for name in names:
        match = re.fullmatch(r"(.*?\.(?:block|layer|layers)\.)(\d+)(\..*)", name)
        if match:
            numbers[match[1], match[3]].append(int(match[2]))
        else:
            lines.append(name)
    for (before, after), found in numbers.items():
        lines.append(f"{before}{_describe_numbers(sorted(found))}{after}")
    return ", ".join(sorted(lines))


def _describe_numbers(numbers: list[int]) -> str:
    parts, start = [], numbers[0]
    for number, following in zip(numbers, [*numbers[1:], None], strict=True):
        if following != number + 1:
            parts.append(str(start) if start == number else f"{start}-{number}")
            start = number if following is None else following
    return "+".join(parts)


def hash_weights(folder: Path) -> str:
    """Returns the hash by which the weights of a model folder are known: of their file, of shards that of the first.

    Raises:
        ModelFolderError: there are no weights.
    """
    return hash_file(_weight_files(folder)[0])


def _weight_files(folder: Path) -> list[Path]:
    check_model_folder(folder)
    if (folder / WEIGHTS).exists():
        return [folder / WEIGHTS]
    if (folder / INDEX).exists():
        return _shards(folder / INDEX)
    pickles = sorted(file.name for pattern in _PICKLES for file in folder.glob(pattern))
    if pickles:
        raise ModelFolderError(
            f"the weights are in {', '.join(pickles)}, and a pickle is never opened, for it can run any program",
            where=str(folder),
            do=_CONVERT,
        )
    raise ModelFolderError(f"there is no {WEIGHTS}", where=str(folder), do="Give a folder that holds a whole model.")


def _shards(index: Path) -> list[Path]:
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        files = [index.parent / name for name in names]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFolderError("this is not an index of shards", where=str(index), do=_COPY_AGAIN) from error
    if any(Path(name).name != name for name in names):
        raise ModelFolderError("it names files outside its folder", where=str(index), do="Do not trust this model.")
    missing = [file.name for file in files if not file.exists()]
    if missing:
        raise ModelFolderError(
            f"{len(missing)} of {len(files)} shards are missing: {', '.join(missing)}",
            where=str(index),
            do="Copy them into the folder too.",
        )
    return files


def read_header(file: Path) -> list[StoredTensor]:
    """Returns the tensors in a file; their numbers are not read.

    Raises:
        ModelFolderError: the file is broken, or no safetensors.
    """
    try:
        with safe_open(file, framework="pt") as opened:
            slices = [(name, opened.get_slice(name)) for name in opened.keys()]  # noqa: SIM118 - not a dictionary
            return [StoredTensor(file, name, tuple(part.get_shape()), part.get_dtype()) for name, part in slices]
    except (SafetensorError, OSError) as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> ModelFolderError:
    if isinstance(error, OSError):
        return ModelFolderError(f"the file cannot be read ({error})", where=str(file), do="Check its permissions.")
    with file.open("rb") as raw:
        head = raw.read(64)
    if head.startswith((b"PK\x03\x04", b"\x80")):
        return ModelFolderError(
            "this is a pickle under another name, and a pickle is never opened, for it can run any program",
            where=str(file),
            do=_CONVERT,
        )
    if head.startswith(b"version https://git-lfs"):
        return ModelFolderError(
            "this is not the file but a pointer to it, as Git leaves it without its extension for large files",
            where=str(file),
            do="Fetch the file itself: git lfs pull.",
        )
    return ModelFolderError(f"the file is cut off or not safetensors ({error})", where=str(file), do=_COPY_AGAIN)


def _todays_name(name: str) -> str:
    for old, new in _OLD_NAMES.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name
