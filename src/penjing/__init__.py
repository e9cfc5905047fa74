"""Penjing: own your language models, from raw text to a model that is scored, proved and served."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["__version__", "load"]

if TYPE_CHECKING:
    from pathlib import Path

    from penjing.tasks.model import Model


def load(folder: str | Path, device: str = "auto") -> Model:
    """Loads a model folder, ready to predict.

    Args:
        folder: as a run writes it.
        device: where it computes: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.

    Example:
        >>> model = penjing.load("runs/quickstart/model")  # doctest: +SKIP
        >>> model.predict(["This movie is terrible"])[0].label  # doctest: +SKIP
        'negative'

    Raises:
        penjing.errors.ModelFolderError: a file is missing, or the files do not belong together.
        penjing.errors.UsageError: there is no such device.
    """
    from penjing.tasks.loading import load_model

    return load_model(folder, device)
