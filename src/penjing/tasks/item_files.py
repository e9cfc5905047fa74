"""What the folder of a model that ranks items holds beyond any other's: the items, their texts as it takes them."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from penjing.data.events import ITEMS
from penjing.data.histories import Catalog, read_catalog
from penjing.errors import ModelFolderError
from penjing.models.weights import write_tensors

TEXTS = "item_texts.safetensors"
ENCODER = "encoder"  # the folder of the text encoder, where there is one
_NAME = "texts"


def write_texts(folder: Path, texts: Tensor) -> None:
    """Writes the texts of all items, number 0 among them, as a network takes them."""
    write_tensors(folder / TEXTS, {_NAME: texts.contiguous()})


def read_texts(folder: Path) -> Tensor:
    """Reads them back.

    Raises:
        ModelFolderError: the file is missing or broken.
    """
    try:
        return load_file(folder / TEXTS)[_NAME]
    except (OSError, KeyError, SafetensorError) as error:
        raise _broken(folder / TEXTS) from error


def read_items(folder: Path) -> Catalog:
    """Reads the items.

    Raises:
        ModelFolderError: the file is missing or broken.
    """
    try:
        return read_catalog(folder / ITEMS)
    except (OSError, ValueError, KeyError) as error:
        raise _broken(folder / ITEMS) from error


def _broken(file: Path) -> ModelFolderError:
    what = "the file is broken" if file.exists() else "the file is missing"
    return ModelFolderError(what, where=str(file), do="Copy the folder again, as training wrote it.")
