"""Whether a folder is a model's at all."""

from __future__ import annotations

from pathlib import Path

from penjing.errors import MissingModelError, UsageError

_ADAPTER = "adapter_config.json"  # of PEFT
_NAMES = ("config.json", "penjing.json", "tokenizer.json", "*.safetensors", "*.safetensors.index.json", "*.bin")


def check_model_folder(folder: Path) -> None:
    """Refuses a folder that has nothing of a model, as a wrong call; what lacks one file is a damaged model.

    Args:
        folder: that somebody gave.

    Raises:
        MissingModelError: it is not there, or nothing in it is of a model.
        UsageError: it holds an adapter alone.
    """
    if not folder.is_dir():
        raise MissingModelError(str(folder))
    if not any(True for name in _NAMES for _ in folder.glob(name)):
        raise MissingModelError(str(folder), "there is no model in this folder")
    if (folder / _ADAPTER).is_file() and not (folder / "config.json").is_file():
        raise UsageError(
            "this is an adapter alone, which is nothing without the model that it was trained on",
            where=str(folder),
            do="Give a folder with both merged: penjing export MODEL FOLDER --to merged --adapter ADAPTER. To train on "
            "from it, name the model in [model] start, and this in [model] adapter.",
        )
