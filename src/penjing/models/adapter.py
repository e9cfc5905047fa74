"""Adapters to and from folders in the format of PEFT: ``adapter_config.json`` and ``adapter_model.safetensors``.

There, a tensor is called ``base_model.model.``, the name of the layer, and ``.lora_A.weight`` or ``.lora_B.weight``;
what was trained whole beside the adapters, such as a classifier, has its own name behind the same prefix.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from penjing.errors import ModelFolderError
from penjing.files import read_json, write_json
from penjing.models.lora import LoraShape, adaptable, adapter_names, adapters
from penjing.models.stored import FLOATS, StoredTensor, describe_names, read_header, read_stored
from penjing.models.weights import is_equal, is_leftover, names_of, under_own_prefix, write_tensors

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
_PREFIX = "base_model.model."
_FIRST, _SECOND = ".lora_A.weight", ".lora_B.weight"
_HUB_TYPE, _OWN_TYPE = "LORA", "PENJING_LORA"
_PLAIN_STARTS = (True, False, "gaussian", "eva", "orthogonal")  # what leaves the matrices of the base as they were
# What would make W + scale · B A another matrix than the one that was trained.
_REFUSED = (
    *("use_dora", "use_qalora", "fan_in_fan_out", "layer_replication", "alora_invocation_tokens", "target_parameters"),
    *("trainable_token_indices", "lora_bias"),
)
_COPY = "Copy the folder again, whole, as PEFT or Penjing wrote it."


@dataclass(frozen=True)
class _Pair:
    """The two thin matrices of a layer on disk, and what their product is multiplied by."""

    first: StoredTensor
    second: StoredTensor
    scale: float


def save_adapter(folder: Path, network: nn.Module, shape: LoraShape, *, head: str, is_of_hub: bool) -> None:
    """Writes the adapters of a network, and whatever else of it is trained.

    Args:
        folder: is made if need be.
        network: with adapters.
        shape: of the adapters.
        head: the task as PEFT calls it, such as ``SEQ_CLS``.
        is_of_hub: whether the hub's class of the network's name computes the same. Where it does not, the file names
            a type that PEFT does not know, so that it refuses the folder instead of computing something else.

    Raises:
        DiskFullError: the disk has no room; no half-written file is left.
    """
    pairs, own = adapters(network), adapter_names(network)
    whole = {name: p for name, p in network.named_parameters() if p.requires_grad and name not in own}
    tensors: dict[str, Tensor] = {name: parameter.detach() for name, parameter in whole.items()}
    for name, pair in pairs.items():
        tensors |= {name + _FIRST: pair.A.detach(), name + _SECOND: pair.B.detach()}
    write_tensors(
        folder / ADAPTER_WEIGHTS, {_PREFIX + name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    )
    config = {
        "peft_type": _HUB_TYPE if is_of_hub else _OWN_TYPE,
        "task_type": head,
        "base_model_name_or_path": None,
        "r": shape.rank,
        "lora_alpha": shape.alpha,
        "lora_dropout": shape.dropout,
        "use_rslora": shape.rank_stabilized,
        "target_modules": list(pairs),
        "modules_to_save": sorted({name.rpartition(".")[0] for name in whole}),
        "bias": "none",
        "fan_in_fan_out": False,
        "init_lora_weights": True,
        "inference_mode": True,
    }
    write_json(folder / ADAPTER_CONFIG, config)


def add_adapter(network: nn.Module, folder: Path) -> None:
    """Adds the products of a stored adapter to the matrices of a network that holds the weights it was made for.

    Biases and whole modules that were trained beside it take the place of the network's; a classifier among them is
    left, as that of a model to start from is. Nothing is changed unless everything fits.

    Args:
        network: a language model or a classifier, without adapters.
        folder: as PEFT or `save_adapter` writes it.

    Raises:
        ModelFolderError: a file is missing, broken or a pickle; the adapter is of a kind that is not read here, or of
            another network; or one of its tensors holds something that is not a number.
    """
    _add(network, folder, _list_kept(network, folder))


def add_whole_adapter(network: nn.Module, folder: Path) -> None:
    """Adds a stored adapter as `add_adapter` does; a classifier among it takes the place of the network's.

    Args:
        network: of the same kind as the one that was adapted, without adapters.
        folder: as PEFT or `save_adapter` writes it.

    Raises:
        ModelFolderError: as `add_adapter`; or it brings a head that the network does not have.
    """
    _add(network, folder, _list_whole(network, folder))


def check_adapter(network: nn.Module, folder: Path) -> None:
    """Checks that `add_adapter` would find all that it needs; nothing but headers is read.

    Args:
        network: a language model or a classifier, which may be without numbers.
        folder: as PEFT or `save_adapter` writes it.

    Raises:
        ModelFolderError: as `add_adapter`.
    """
    _match(network, folder, _list_kept(network, folder))


def _match(
    network: nn.Module, folder: Path, kept: Mapping[str, StoredTensor]
) -> tuple[dict[str, _Pair], dict[str, StoredTensor]]:
    """Returns the thin matrices by the layer that they adapt, and the tensors that take the place of the network's."""
    config = _read_config(folder)
    pairs = _pairs(folder, kept, config)
    in_pairs = {name + end for name in pairs for end in (_FIRST, _SECOND)}
    whole = {name: tensor for name, tensor in kept.items() if name not in in_pairs}
    _check_fit(folder, network, pairs, whole)
    _check_tied(folder, network, whole, config)
    return pairs, whole


def _add(network: nn.Module, folder: Path, kept: Mapping[str, StoredTensor]) -> None:
    pairs, whole = _match(network, folder, kept)
    _check_numbers(folder, [*(part for pair in pairs.values() for part in (pair.first, pair.second)), *whole.values()])
    matrices, parameters = adaptable(network), _parameters(network)
    by_tensor = {tensor: parameters[name] for name, tensor in whole.items()}
    with torch.no_grad():
        for tensor, value in read_stored(whole.values()):  # first: PEFT stores a matrix of the base with its adapter
            by_tensor[tensor].copy_(value)
        for name, pair in pairs.items():
            values = dict(read_stored([pair.first, pair.second]))
            product = values[pair.second].float() @ values[pair.first].float() * pair.scale
            matrices[name] += product.to(matrices[name].dtype)


def read_pairs(network: nn.Module, folder: Path) -> dict[str, tuple[Tensor, Tensor, float]]:
    """Returns the adapters of a folder by the names of the layers they adapt: A, B, and what B A is multiplied by.

    Raises:
        ModelFolderError: as `add_whole_adapter`.
    """
    read = {}
    for name, pair in _pairs(folder, _list_whole(network, folder), _read_config(folder)).items():
        values = dict(read_stored([pair.first, pair.second]))
        read[name] = values[pair.first].float(), values[pair.second].float(), pair.scale
    return read


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / ADAPTER_CONFIG
    if not path.is_file():
        raise ModelFolderError(f"there is no {ADAPTER_CONFIG}", where=str(folder), do="Give the folder of an adapter.")
    try:
        config = read_json(path)
    except ValueError as error:
        raise ModelFolderError(f"this is not JSON ({error})", where=str(path), do=_COPY) from error
    if not isinstance(config, dict) or config.get("peft_type") not in (_HUB_TYPE, _OWN_TYPE):
        found = config.get("peft_type") if isinstance(config, dict) else None
        raise ModelFolderError(
            f"peft_type is {found!r}, and {_HUB_TYPE} alone is read here",
            where=str(path),
            do="Merge the adapter with the library that made it, and start from the merged model.",
        )
    wrong = [name for name in _REFUSED if config.get(name)]
    if config.get("init_lora_weights", True) not in _PLAIN_STARTS:
        wrong.append("init_lora_weights")
    if wrong:
        raise ModelFolderError(
            f"{', '.join(f'{name} is {config[name]!r}' for name in wrong)}, which is not computed here",
            where=str(path),
            do="Merge the adapter with PEFT (merge_and_unload), and start from the merged model.",
        )
    alpha = config.get("lora_alpha")
    if not isinstance(alpha, int | float) or not isinstance(config.get("alpha_pattern") or {}, dict):
        raise ModelFolderError("lora_alpha is no number, or alpha_pattern no table", where=str(path), do=_COPY)
    return config


def _parameters(network: nn.Module) -> dict[str, nn.Parameter]:
    """Returns the parameters by all names that they have: one that is tied has two."""
    return dict(network.named_parameters(remove_duplicate=False))


def _list_kept(network: nn.Module, folder: Path) -> dict[str, StoredTensor]:
    """Returns the stored tensors of the backbone, and of such heads as networks of a kind hand on."""
    names = names_of(network)
    stored = under_own_prefix(_list_tensors(folder), names)
    return {name: tensor for name, tensor in stored.items() if name.startswith((names.backbone, *names.heads))}


def _list_whole(network: nn.Module, folder: Path) -> dict[str, StoredTensor]:
    """Returns the stored tensors but those that a network of this kind has no use for.

    Raises:
        ModelFolderError: there is a head that it does not have.
    """
    names, kept = names_of(network), _list_kept(network, folder)
    stored = under_own_prefix(_list_tensors(folder), names)
    heads = {n: tensor for n, tensor in stored.items() if n not in kept and not is_leftover(n, names)}
    places = {*_parameters(network), *adaptable(network)}
    foreign = {name.removesuffix(_FIRST).removesuffix(_SECOND) for name in heads} - places
    if foreign:
        raise ModelFolderError(
            f"the adapter was trained with a head that this model does not have ({describe_names(foreign)}), and "
            "without it would say something else",
            where=str(folder),
            do="Give the model that it was trained on with such a head, for example a classifier of as many labels; or "
            "merge it with PEFT (merge_and_unload), and take that folder.",
        )
    return {**kept, **heads}


def _list_tensors(folder: Path) -> dict[str, StoredTensor]:
    """Returns the stored tensors by the names that they have in the network that was adapted."""
    file = folder / ADAPTER_WEIGHTS
    if not file.is_file():
        pickles = sorted(path.name for path in folder.glob("adapter_model.*") if path.suffix in (".bin", ".pt"))
        what = (
            f"the weights are in {pickles[0]}, and a pickle is never opened" if pickles else f"{file.name} is missing"
        )
        raise ModelFolderError(what, where=str(folder), do="Ask for the adapter as safetensors, or save it again so.")
    return {tensor.name.removeprefix(_PREFIX).replace(".base_layer.", "."): tensor for tensor in read_header(file)}


def _pairs(folder: Path, kept: Mapping[str, StoredTensor], config: Mapping[str, Any]) -> dict[str, _Pair]:
    """Returns the thin matrices by the name of the layer that they adapt.

    Raises:
        ModelFolderError: one has no partner, or their ranks differ.
    """
    ends = {name.removesuffix(end) for end in (_FIRST, _SECOND) for name in kept if name.endswith(end)}
    pairs = {}
    for name in sorted(ends):
        first, second = kept.get(name + _FIRST), kept.get(name + _SECOND)
        if first is None or second is None or len(first.shape) != 2 or first.shape[:1] != second.shape[1:]:
            raise ModelFolderError(
                f"{name} has not two matrices that can be multiplied", where=str(folder / ADAPTER_WEIGHTS), do=_COPY
            )
        alpha, rank = _alpha(name, config), first.shape[0]
        pairs[name] = _Pair(first, second, alpha / (math.sqrt(rank) if config.get("use_rslora") else rank))
    return pairs


def _alpha(name: str, config: Mapping[str, Any]) -> float:
    """Returns the alpha of a layer: that of the first pattern that its name ends in, else that of all."""
    for pattern, alpha in (config.get("alpha_pattern") or {}).items():
        if re.fullmatch(rf"(.*\.)?({pattern})", name):
            return float(alpha)
    return float(config["lora_alpha"])


def _check_fit(folder: Path, network: nn.Module, pairs: Mapping[str, _Pair], whole: Mapping[str, StoredTensor]) -> None:
    matrices, parameters = adaptable(network), _parameters(network)
    unknown = [name for name in pairs if name not in matrices] + [name for name in whole if name not in parameters]
    shapes = [
        f"{name} is {[pair.second.shape[0], pair.first.shape[1]]} there and {list(matrices[name].shape)} here"
        for name, pair in pairs.items()
        if name in matrices and (pair.second.shape[0], pair.first.shape[1]) != tuple(matrices[name].shape)
    ]
    shapes += [
        f"{name} is {list(tensor.shape)} there and {list(parameters[name].shape)} here"
        for name, tensor in whole.items()
        if name in parameters and tensor.shape != tuple(parameters[name].shape)
    ]
    stored = [part for pair in pairs.values() for part in (pair.first, pair.second)] + list(whole.values())
    faults = [
        "it adapts nothing of this network" if not pairs else "",
        f"{len(unknown)} without a place in it ({describe_names(unknown)})" if unknown else "",
        f"{len(shapes)} of another shape ({'; '.join(shapes)})" if shapes else "",
        *(f"{part.name} is stored as {part.dtype}" for part in stored if part.dtype not in FLOATS),
        *_shared(network, pairs, matrices),
    ]
    if any(faults):
        raise ModelFolderError(
            f"the adapter does not fit the network: {', '.join(fault for fault in faults if fault)}",
            where=str(folder),
            do="Give the adapter together with the model that it was made for.",
        )


def _shared(network: nn.Module, pairs: Mapping[str, _Pair], matrices: Mapping[str, Tensor]) -> list[str]:
    """Returns a complaint of each pair whose matrix the embeddings share: it would change them too."""
    words = getattr(network, "input_embeddings", None)
    return [
        f"{name} shares its matrix with the embeddings"
        for name in pairs
        if words is not None and matrices.get(name) is words.weight
    ]


def _check_tied(folder: Path, network: Any, whole: Mapping[str, StoredTensor], config: Mapping[str, Any]) -> None:
    """Refuses embeddings, or a head, that were trained whole where both are one matrix.

    PEFT trains a copy and leaves the other as it was, unless it was told not to (huggingface/peft#1750).
    """
    parameters, first = _parameters(network), dict[nn.Parameter, StoredTensor]()
    for name, tensor in whole.items():
        known = first.setdefault(parameters[name], tensor)
        if known is not tensor and not is_equal(known, tensor):
            raise ModelFolderError(
                f"{known.name} and {tensor.name} are one matrix in this model, and differ in the adapter",
                where=str(folder),
                do="Give the model that it was trained on, whose tie_word_embeddings is false.",
            )
    if not hasattr(network, "output_layer") or config.get("ensure_weight_tying"):
        return
    words = network.input_embeddings
    saved = tuple(config.get("modules_to_save") or ())
    copies = [n for n in whole if parameters[n] is words.weight and n.rpartition(".")[0].endswith(saved)]
    if not copies:
        return
    states = words.weight.new_zeros(0, getattr(network.config, "hidden_size", words.embedding_dim))
    if network.output_layer(states).weight is words.weight:
        raise ModelFolderError(
            f"{copies[0]} was trained as a matrix of its own, and this model has one for its embeddings and its head",
            where=str(folder),
            do="Give a model whose tie_word_embeddings is false, its head a copy of the embeddings; or train the "
            "adapter again with ensure_weight_tying.",
        )


def _check_numbers(folder: Path, stored: Sequence[StoredTensor]) -> None:
    for tensor, value in read_stored(stored):
        if not value.isfinite().all():
            raise ModelFolderError(
                f"the tensor {tensor.name} holds something that is not a number, or is infinite",
                where=str(folder / ADAPTER_WEIGHTS),
                do="Its training diverged, or the file is damaged: copy the adapter again, or train it again.",
            )
