"""Checkpoints: everything a run needs to go on as if it had never stopped, written beside and renamed.

A checkpoint is a folder: ``network.safetensors``, ``optimizer.safetensors`` (moments, running average of the weights,
random states), ``best.safetensors`` (the best weights so far, once there are some) and ``state.json``. No pickle is
written or read. Of weights that are frozen there is a hash alone: whoever made the network makes them again.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from penjing.errors import TrainingError
from penjing.files import folder_beside, remove_whole, write_json
from penjing.train.frozen import trained_parameters
from penjing.train.history import STATE
from penjing.train.optimizer import Optimizer

_KEPT = 2
_PREFIX = "step-"
_BEST = "best.safetensors"


def save_checkpoint(
    folder: Path,
    network: nn.Module,
    optimizer: Optimizer,
    average: dict[str, Tensor],
    best: Path,
    state: dict[str, Any],
) -> Path:
    """Writes the checkpoint ``folder/step-N`` and removes all but the last two.

    Args:
        folder: holds the checkpoints of one run.
        network: its parameters that are trained, and its buffers, are saved.
        optimizer: over the network's parameters.
        average: running average of the parameters by name; empty if none is kept.
        best: file of the best weights so far, if it is there; a link to it is kept, for it is replaced, never changed.
        state: JSON values of the trainer; ``state["step"]`` names the checkpoint.

    Raises:
        DiskFullError: the disk has no room; the checkpoints before it are untouched.
    """
    target = folder / f"{_PREFIX}{state['step']:08d}"
    with folder_beside(target) as beside:
        save_file(_own_tensors(network), beside / "network.safetensors")
        save_file(_optimizer_tensors(network, optimizer, average), beside / "optimizer.safetensors")
        if best.exists():
            _link(best, beside / _BEST)
        write_json(beside / STATE, {**state, "random": _random_state()})
    for old in list_checkpoints(folder)[:-_KEPT]:
        remove_whole(old)
    return target


def list_checkpoints(folder: Path) -> list[Path]:
    """Returns the complete checkpoints of a run, oldest first."""
    return sorted(path for path in folder.glob(f"{_PREFIX}*") if (path / STATE).is_file())


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)


def load_checkpoint(
    path: Path, network: nn.Module, optimizer: Optimizer, average: dict[str, Tensor], best: Path, frozen: str = ""
) -> dict[str, Any]:
    """Puts a checkpoint back into network, optimizer, average, the random states and the file of the best weights.

    Args:
        path: of the checkpoint.
        network: as it was made before training.
        optimizer: over its parameters.
        average: running average of the trained ones by name; empty if none is kept.
        best: file of the best weights.
        frozen: hash of the frozen parameters.

    Returns:
        The trainer's state.

    Raises:
        TrainingError: the checkpoint cannot be read, or is of another network.
    """
    try:
        tensors = load_file(path / "network.safetensors")
        with safe_open(path / "optimizer.safetensors", framework="pt") as file:
            moments = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        state: dict[str, Any] = json.loads((path / STATE).read_text(encoding="utf-8"))
    except (OSError, SafetensorError, ValueError) as error:
        raise TrainingError(
            f"the checkpoint cannot be read ({error})",
            where=str(path),
            do="Remove this folder; the run goes on from the checkpoint before it, or from its start.",
        ) from error
    own = _own_tensors(network)
    frozen_names = {
        name for name, _ in network.named_parameters() if name not in own
    }  # an older version's checkpoint has them too
    shapes = {name: tensor.shape for name, tensor in tensors.items() if name not in frozen_names}
    if {name: tensor.shape for name, tensor in own.items()} != shapes or state.get("frozen", frozen) != frozen:
        raise TrainingError(
            "the checkpoint is of another network",
            where=str(path),
            do="Choose another --out, or remove the checkpoint to begin anew.",
        )
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(tensors[name])
    _restore_optimizer(network, optimizer, average, moments)
    _restore_random_state(state["random"], moments, next(network.parameters()).device)
    best.unlink(missing_ok=True)  # it may be newer than the checkpoint
    if (path / _BEST).exists():
        _link(path / _BEST, best)
    return state


def _own_tensors(network: nn.Module) -> dict[str, Tensor]:
    """Returns trained parameters and buffers by name, a tensor with two names once."""
    named = {**trained_parameters(network), **dict(network.named_buffers())}
    return {name: tensor.detach() for name, tensor in named.items()}


def _optimizer_tensors(network: nn.Module, optimizer: Optimizer, average: dict[str, Tensor]) -> dict[str, Tensor]:
    tensors = {f"average.{name}": tensor for name, tensor in average.items()}
    for name, parameter in network.named_parameters():
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"moment.{key}.{name}"] = value
    tensors["random.torch"] = torch.get_rng_state()
    if (device := next(network.parameters()).device).type == "cuda":
        tensors["random.cuda"] = torch.cuda.get_rng_state(device)
    return tensors


def _restore_optimizer(
    network: nn.Module, optimizer: Optimizer, average: dict[str, Tensor], tensors: dict[str, Tensor]
) -> None:
    for name, tensor in average.items():
        tensor.copy_(tensors[f"average.{name}"])
    parameters = dict(network.named_parameters())
    for name, tensor in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "moment":
            key, _, parameter_name = rest.partition(".")
            parameter = parameters[parameter_name]
            device = "cpu" if key == "step" and parameter.device.type == "cpu" else parameter.device
            optimizer.state[parameter][key] = tensor.to(device)


def _random_state() -> dict[str, Any]:
    version, numbers, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "python": [version, list(numbers), gauss],
        "numpy": [str(name), np.asarray(keys).tolist(), int(position), int(has_gauss), float(cached)],
    }


def _restore_random_state(state: dict[str, Any], tensors: dict[str, Tensor], device: torch.device) -> None:
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), position, has_gauss, cached))
    torch.set_rng_state(tensors["random.torch"])
    if "random.cuda" in tensors and device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random.cuda"], device)
