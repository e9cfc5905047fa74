"""Whether a config can be that of the weights beside it, before a network of its numbers takes all memory."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from penjing.errors import ModelFolderError
from penjing.models.stored import list_stored

_DEPTHS = ("num_hidden_layers", "num_layers", "num_decoder_layers")


def check_plausible(config: Any, width: int, path: Path) -> None:
    """Refuses numbers that the weights are too few for; where there are none, whoever reads them says so.

    Whatever else is in a layer, it has a tensor of its own; and the embeddings are among what is stored.

    Args:
        config: of the network.
        width: of its embeddings.
        path: of the config; the weights lie beside it.

    Raises:
        ModelFolderError: it has more layers than there are tensors, or more embeddings than there are numbers.
    """
    try:
        stored = list_stored(path.parent)
    except ModelFolderError:
        return
    numbers = sum(math.prod(tensor.shape) for tensor in stored.values())
    layers = max(getattr(config, name, None) or 0 for name in _DEPTHS)
    reads_vectors = getattr(config, "text_width", None) is not None  # of texts, and has no words
    words = 0 if reads_vectors else getattr(config, "vocab_size", 0)
    if layers > len(stored):
        what = f"it says that the network has {layers:,} layers, and beside it lie {len(stored):,} tensors in all"
    elif words * width > numbers:
        what = f"it says that {words:,} words are {width:,} wide, and beside it lie {numbers:,} numbers in all"
    else:
        return
    raise ModelFolderError(what, where=str(path), do="Copy config.json and the weights again, of one model.")
