"""``--to int8`` and ``--to int4``: a model folder of ours whose matrices are held in few bits on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

import penjing
from penjing.errors import UsageError
from penjing.files import write_json
from penjing.models.quantized import Bits
from penjing.models.quantized_folder import quantize_network, quantized_config, stored_dtype
from penjing.models.stored import hash_weights
from penjing.models.weights import save_network
from penjing.pipeline.exporting.exporter import Exporter, Precision, Target
from penjing.pipeline.exporting.folders import copy_rest
from penjing.pipeline.exporting.parity import Bounds
from penjing.pipeline.exporting.source import Row, Scores, Source, check_whole, open_source, score_rows
from penjing.progress import Progress
from penjing.tasks.card import CARD


class OwnFolder:
    """A model folder of ours, read back."""

    def __init__(self, folder: Path) -> None:
        self.tool = f"penjing {penjing.__version__}"
        self._source = open_source(folder)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns each text as the network reads it."""
        return self._source.render(texts)

    def score(self, rows: Sequence[Row]) -> list[Scores]:
        """Returns the scores of each row."""
        return score_rows(self._source.network, self._source, rows)

    def close(self) -> None:
        """Does nothing."""


class QuantizedExporter(Exporter):
    """Writes the folder, and measures what was lost.

    Args:
        bits: how matrices are held.
        bound: what may be lost: mean divergence, in nats.
        worse: by how much the task's score may be worse.
    """

    def __init__(self, bits: Bits, bound: float, worse: float) -> None:
        self.bits = bits
        allowed = Precision(Bounds(1e-6, 1e-9, 1.0), Bounds(None, bound), worse)
        self.precisions: Mapping[str, Precision] = {bits: allowed}

    def check(self, source: Source, precision: str) -> None:
        """Refuses what is quantized already, and networks without matrices of their own."""
        check_whole(source)
        if source.head == "backbone":
            raise UsageError("this is a network without an end", where=str(source.folder), do="Export a whole model.")
        quantize_network(source.blank(), source.architecture, self.bits)

    def _quantize(self, source: Source) -> nn.Module:
        network = source.load(source.folder)
        quantize_network(network, source.architecture, self.bits)
        return network

    def write(self, source: Source, precision: str, folder: Path, progress: Progress) -> None:
        """Writes weights, config, and all else that lies in the folder."""
        config = quantized_config({**source.values, "dtype": "float32"}, self.bits)
        save_network(folder, self._quantize(source), config, dtype=stored_dtype)
        copy_rest(source.folder, folder)
        if source.card:
            write_json(folder / CARD, source.card)

    def open(self, source: Source, folder: Path, longest: int) -> Target:
        """Reads the folder back."""
        return OwnFolder(folder)

    def reference(self, source: Source, precision: str, folder: Path) -> nn.Module:
        """Returns the network quantized in memory, and its embeddings in the precision of the folder."""
        network = self._quantize(source)
        for name, tensor in network.state_dict().items():
            tensor.copy_(tensor.to(stored_dtype(name, tensor)))
        return network

    def finish(self, source: Source, precision: str, folder: Path, parity: Mapping[str, Any]) -> None:
        """Writes into the card what was lost; a language model without a card has one then."""
        card = dict(source.card)
        if not card and source.head == "language":
            card = {"penjing": penjing.__version__, "objective": sorted(source.architecture.objectives)[0]}
        if not card:
            return
        kept = {key: parity[key] for key in ("loss", "task") if parity.get(key) is not None}
        quantization = {"bits": self.bits, "of": source.folder.resolve().name, **kept}
        card["weights"] = hash_weights(folder)
        write_json(folder / CARD, {**card, "quantization": quantization})


INT8 = QuantizedExporter("int8", 1e-2, 0.02)
INT4 = QuantizedExporter("int4", 0.5, 0.05)
