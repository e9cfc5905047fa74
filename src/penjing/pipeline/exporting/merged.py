"""``--to merged``: a model with an adapter of PEFT's format added to its matrices."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from penjing.errors import UsageError
from penjing.files import write_json
from penjing.models.adapter import add_whole_adapter
from penjing.models.stored import hash_weights
from penjing.models.weights import save_network
from penjing.pipeline.exporting.exporter import Exporter, Precision, Target
from penjing.pipeline.exporting.folders import copy_rest
from penjing.pipeline.exporting.parity import Bounds
from penjing.pipeline.exporting.quantized import OwnFolder
from penjing.pipeline.exporting.source import Source, check_whole
from penjing.pipeline.exporting.transformers_folder import TransformersFolder
from penjing.progress import Progress
from penjing.tasks.card import CARD

_TYPES: Mapping[str, torch.dtype] = {"f32": torch.float32, "bf16": torch.bfloat16}


class MergedExporter(Exporter):
    """Merges an adapter, and compares with the two computed apart."""

    precisions: Mapping[str, Precision] = {
        "f32": Precision(Bounds(1e-2, 1e-6, 0.99)),
        "bf16": Precision(Bounds(1e-2, 1e-6, 0.99), Bounds(0.5, 1e-2), worse=0.02),
    }
    takes_adapter = True

    def check(self, source: Source, precision: str) -> None:
        """Refuses a call without an adapter, and what cannot be merged."""
        if source.adapter is None:
            raise UsageError(
                "no adapter is given",
                where=str(source.folder),
                do="Give its folder: --adapter FOLDER. A run with [finetune.lora] has merged its own already.",
            )
        check_whole(source)
        if source.architecture.name == "lstm":
            raise UsageError(
                "an adapter of an LSTM is merged by the run that trained it", where=str(source.folder), do="Use that."
            )

    def write(self, source: Source, precision: str, folder: Path, progress: Progress) -> None:
        """Writes the merged weights and all else of the model's folder."""
        assert source.adapter is not None
        network, kind = source.load(source.folder), _TYPES[precision]
        add_whole_adapter(network, source.adapter)
        name = {"f32": "float32", "bf16": "bfloat16"}[precision]
        save_network(folder, network, {**source.values, "dtype": name}, dtype=lambda _, __: kind)
        copy_rest(source.folder, folder)

    def reference(self, source: Source, precision: str, folder: Path) -> nn.Module:
        """Returns what was computed apart; in bf16, the numbers of the file."""
        return source.network if precision == "f32" else source.load(folder)

    def open(self, source: Source, folder: Path, longest: int) -> Target:
        """Opens it by Transformers, or by Penjing where the hub has no such network."""
        return TransformersFolder(source, folder) if source.config.is_of_hub(source.head) else OwnFolder(folder)

    def finish(self, source: Source, precision: str, folder: Path, parity: Mapping[str, Any]) -> None:
        """Writes the card, where the model has one."""
        if source.card and source.adapter is not None:
            weights = hash_weights(folder)
            write_json(folder / CARD, {**source.card, "weights": weights, "merged": source.adapter.resolve().name})


MERGED = MergedExporter()
