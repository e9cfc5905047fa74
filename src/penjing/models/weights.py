"""Networks to and from model folders in the layout of the Hugging Face hub: ``config.json`` and safetensors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from penjing.errors import ModelFolderError
from penjing.files import read_json, write_json, write_within
from penjing.model_files import check_model_folder
from penjing.models.config import family_of
from penjing.models.quantized_folder import quantization_of, take_up_codes
from penjing.models.stored import FLOATS, INDEX, WEIGHTS, StoredTensor, describe_names, list_stored, read_stored
from penjing.models.stored_names import StoredNames

CONFIG = "config.json"
_SHARD_BYTES = 5 * 10**9


@dataclass(frozen=True)
class Transfer:
    """What a network took from a folder.

    Attributes:
        taken: its tensors that now hold what was stored.
        fresh: its tensors that stay as they were.
        left: what is stored and has no place in it.
    """

    taken: tuple[str, ...]
    fresh: tuple[str, ...]
    left: tuple[str, ...]


def read_config(folder: Path) -> dict[str, Any]:
    """Reads ``config.json``.

    Raises:
        ModelFolderError: folder or file is missing, or it is not a config.
    """
    check_model_folder(folder)
    path = folder / CONFIG
    if not path.is_file():
        raise ModelFolderError(
            f"there is no {CONFIG}, so the shape of the network is unknown",
            where=str(folder),
            do="Copy it from where the weights came from.",
        )
    try:
        values = read_json(path)
    except ValueError as error:
        raise ModelFolderError(f"this is not JSON ({error})", where=str(path), do="Copy the file again.") from error
    if not isinstance(values, dict) or not isinstance(values.get("model_type"), str):
        raise ModelFolderError(
            "it does not say which architecture this is: model_type is missing", where=str(path), do="Add model_type."
        )
    return values


def save_network(
    folder: Path,
    network: nn.Module,
    config: Mapping[str, Any],
    *,
    shard_bytes: int = _SHARD_BYTES,
    dtype: Callable[[str, Tensor], torch.dtype] = lambda name, tensor: tensor.dtype,
) -> None:
    """Writes ``config.json`` and ``model.safetensors``, or shards with an index; tied tensors are stored once.

    Args:
        folder: is made if need be; other files in it stay.
        network: what is stored.
        config: the document for ``config.json``.
        shard_bytes: the largest file; a single larger tensor is a file of its own.
        dtype: how the tensor of a name is stored; as it is, unless said.

    Raises:
        DiskFullError: the disk has no room; no half-written file is left.
    """
    tensors, _ = _tensors_of(network)
    values = {name: tensor.detach().cpu().to(dtype(name, tensor)).contiguous() for name, tensor in tensors.items()}
    shards = _split(values, shard_bytes)
    if len(shards) == 1:
        write_tensors(folder / WEIGHTS, values)
        (folder / INDEX).unlink(missing_ok=True)
    else:
        weight_map: dict[str, str] = {}
        for number, shard in enumerate(shards, start=1):
            file = f"model-{number:05}-of-{len(shards):05}.safetensors"
            write_tensors(folder / file, shard)
            weight_map |= dict.fromkeys(shard, file)
        total = sum(value.nbytes for value in values.values())
        write_json(folder / INDEX, {"metadata": {"total_size": total}, "weight_map": weight_map})
        (folder / WEIGHTS).unlink(missing_ok=True)
    write_json(folder / CONFIG, dict(config))


def load_weights(network: nn.Module, folder: Path) -> None:
    """Puts the weights of a folder into the network that they belong to, tensor by tensor.

    Stored as fp32, bf16 or fp16, they take the precision of the network. Nothing is changed unless everything fits.
    Matrices that the folder holds in few bits stay so: their layers become those of `penjing.models.quantized`.

    Raises:
        ModelFolderError: tensors are missing, left over or of another shape (each is named), one holds something that
            is not a number, or a file is broken.
    """
    names, stored = names_of(network), list_stored(folder)
    take_up_codes(network, stored.values(), folder)
    targets, tied = _tensors_of(network)
    found = _by_own_name(folder, stored, names, tied)
    extra = {name for name in found if name not in targets and not is_leftover(name, names)}
    _check_fit(folder, targets, found, missing=set(targets) - set(found), extra=extra)
    _copy(folder, targets, found)


def load_backbone(network: nn.Module, folder: Path) -> Transfer:
    """Starts a network from the backbone of another: of a language model, or of a bare one from the hub.

    Heads of the same kind are taken too (a language model goes on from a language model), others are left; the hub's
    pooler may be missing and then stays as it is. Of tensors that may grow, the rows that the folder lacks begin as its
    last one and what the network drew for them.

    Args:
        network: already initialized; what the folder lacks stays.
        folder: the other's.

    Raises:
        ModelFolderError: it is of another architecture, its tensors are of another shape or missing (each is named),
            one holds something that is not a number, or a file is broken.
    """
    targets, taken, fitted, grown, left = _find_backbone(network, folder)
    _copy(folder, fitted, taken)
    for name in grown:
        _grow(targets[name], taken[name].shape[0])
    return Transfer(
        taken=tuple(taken), fresh=tuple(name for name in targets if name not in taken), left=tuple(sorted(left))
    )


def check_backbone(network: nn.Module, folder: Path) -> None:
    """Checks that `load_backbone` would find what fits a network, which may be one without numbers.

    Numbers are not read, but of what is one tensor in the network and stored twice.

    Raises:
        ModelFolderError: as `load_backbone`.
    """
    _find_backbone(network, folder)


class _Backbone(NamedTuple):
    """Tensors of a network by name, what is stored for some of them, and what of that fits where."""

    targets: dict[str, Tensor]
    taken: dict[str, StoredTensor]
    fitted: dict[str, Tensor]
    grown: set[str]
    left: set[str]


def _find_backbone(network: nn.Module, folder: Path) -> _Backbone:
    _check_architecture(network, folder)
    if quantization_of(folder) is not None:
        raise ModelFolderError(
            "its matrices are quantized, and learning goes on from whole ones",
            where=str(folder),
            do="Start from the model that it was exported from.",
        )
    names = names_of(network)
    targets, tied = _tensors_of(network)
    found = _by_own_name(folder, under_own_prefix(list_stored(folder), names), names, tied)
    handed_on = (names.backbone, *names.heads)
    taken = {name: found[name] for name in targets if name.startswith(handed_on) and name in found}
    required = {name for name in targets if name.startswith(names.backbone) and not name.startswith(names.optional)}
    grown = {name for name in names.growing if name in taken and _has_fewer_rows(taken[name], targets[name])}
    fitted = {**targets, **{name: targets[name].detach()[: taken[name].shape[0]] for name in grown}}
    _check_fit(folder, fitted, taken, missing=required - set(taken), extra=set())
    return _Backbone(targets, taken, fitted, grown, set(found) - set(taken))


def _has_fewer_rows(tensor: StoredTensor, target: Tensor) -> bool:
    rows, *rest = tensor.shape or (0,)
    return 0 < rows < target.shape[0] and tuple(rest) == tuple(target.shape[1:])


@torch.no_grad()
def _grow(tensor: Tensor, known: int) -> None:
    """Lets the rows from ``known`` on begin near the last one before them, each elsewhere."""
    tensor[known:] += tensor[known - 1]


def under_own_prefix(stored: dict[str, StoredTensor], names: StoredNames) -> dict[str, StoredTensor]:
    """Returns another network's tensors with those of the backbone under the prefix that they have here."""
    if names.elsewhere and any(name.startswith(names.elsewhere) for name in stored):
        return {name.removeprefix(names.elsewhere): tensor for name, tensor in stored.items()}
    is_bare = not any(name.startswith(names.backbone) for name in stored)
    return {(names.backbone if is_bare else "") + name: tensor for name, tensor in stored.items()}


def _by_own_name(
    folder: Path, stored: dict[str, StoredTensor], names: StoredNames, tied: Mapping[str, str]
) -> dict[str, StoredTensor]:
    """Returns what is stored, each tensor under the first name that it has in the network.

    Raises:
        ModelFolderError: what is one tensor in the network is stored twice, with different numbers.
    """
    found: dict[str, StoredTensor] = {}
    for name, tensor in stored.items():
        own = name
        for pattern, first in names.aliases:
            own = re.sub(pattern, first, own)
        known = found.setdefault(tied.get(own, own), tensor)
        if known is not tensor and not is_equal(known, tensor):
            raise ModelFolderError(
                f"{known.name} and {tensor.name} are one tensor in this network, but their numbers differ",
                where=str(folder),
                do="If each is right, set tie_word_embeddings to false in config.json.",
            )
    for name, other in names.copies:
        if other in found:
            found.setdefault(name, found[other])
    return found


def is_equal(one: StoredTensor, other: StoredTensor) -> bool:
    """Returns whether two stored tensors have the same shape and numbers."""
    if one.shape != other.shape:
        return False
    first, second = (value.float() for _, value in read_stored([one, other]))
    return torch.equal(first, second)


def names_of(network: nn.Module) -> StoredNames:
    """Returns how the tensors of a network are named in files."""
    names: StoredNames = getattr(network, "stored_names", StoredNames(""))
    return names


def is_leftover(name: str, names: StoredNames) -> bool:
    """Whether a stored tensor is one that a network has no use for."""
    return any(re.search(pattern, name) for pattern in names.leftovers)


def _tensors_of(network: nn.Module) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Returns the tensors by their first name, and for each further name of a tied one its first."""
    tensors: dict[str, Tensor] = {}
    aliases: dict[str, str] = {}
    first: dict[int, str] = {}
    for name, tensor in network.state_dict(keep_vars=True).items():
        if id(tensor) in first:
            aliases[name] = first[id(tensor)]
        else:
            first[id(tensor)] = name
            tensors[name] = tensor
    return tensors, aliases


def _split(values: dict[str, Tensor], shard_bytes: int) -> list[dict[str, Tensor]]:
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, value in values.items():
        if shards[-1] and size + value.nbytes > shard_bytes:
            shards.append({})
            size = 0
        shards[-1][name] = value
        size += value.nbytes
    return shards


def write_tensors(path: Path, values: dict[str, Tensor]) -> None:
    """Writes a file of tensors atomically; of a process killed meanwhile nothing is left that counts as a file.

    Raises:
        DiskFullError: the disk has no room.
    """
    with write_within(path) as inner:  # safetensors writes to a file of its own beside it, and renames that
        inner.touch()
        mode = inner.stat().st_mode
        save_file(values, inner, metadata={"format": "pt"})
        inner.chmod(mode)  # safetensors lets nobody but the owner read, whatever the umask says


def _check_architecture(network: nn.Module, folder: Path) -> None:
    found = family_of(read_config(folder))
    wanted = getattr(getattr(network, "config", None), "model_type", found)
    if found != wanted:
        raise ModelFolderError(
            f'this is a model of the type "{found}", and the network to start is of the type "{wanted}"',
            where=str(folder),
            do="Start from a model of the same type.",
        )


def _check_fit(
    folder: Path, targets: dict[str, Tensor], found: dict[str, StoredTensor], *, missing: set[str], extra: set[str]
) -> None:
    wrong = {name: tensor for name, tensor in found.items() if name in targets}
    shapes = [
        f"{name} is {list(tensor.shape)} there and {list(targets[name].shape)} here"
        for name, tensor in wrong.items()
        if tensor.shape != tuple(targets[name].shape)
    ]
    formats = [
        f"{name} is stored as {tensor.dtype}"
        for name, tensor in wrong.items()
        if targets[name].is_floating_point() and tensor.dtype not in FLOATS
    ]
    faults = [
        f"{len(missing)} missing ({describe_names(missing)})" if missing else "",
        f"{len(extra)} left over ({describe_names(extra)})" if extra else "",
        f"{len(shapes)} of another shape ({'; '.join(shapes)})" if shapes else "",
        f"{len(formats)} of a format that is not read ({'; '.join(formats)})" if formats else "",
    ]
    if any(faults):
        raise ModelFolderError(
            f"the weights do not fit the network; of its {len(targets)} tensors: "
            + ", ".join(fault for fault in faults if fault),
            where=str(folder),
            do="Weights, config.json and tokenizer must be of one model; copy them together from where they came from.",
        )


@torch.no_grad()
def _copy(folder: Path, targets: dict[str, Tensor], found: dict[str, StoredTensor]) -> None:
    places: dict[StoredTensor, list[Tensor]] = {}
    for name, tensor in found.items():
        if name in targets:
            places.setdefault(tensor, []).append(targets[name])
    for tensor, value in read_stored(places):
        if value.is_floating_point() and value.numel() and not torch.stack(value.aminmax()).isfinite().all():
            raise ModelFolderError(
                f"the tensor {tensor.name} holds something that is not a number, or is infinite",
                where=str(folder),
                do="Its training diverged, or the file is damaged: copy the model again, or train it again.",
            )
        for target in places[tensor]:
            target.copy_(value)
