"""``--to onnx``: encoders and classifiers for ONNX Runtime, with a tokenizer that lays out rows for them."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from penjing.errors import GateError, MissingExtraError, UsageError
from penjing.files import write_json, write_text
from penjing.models.lstm import LstmForSequenceClassification
from penjing.models.weights import CONFIG
from penjing.pipeline.exporting.exporter import Exporter, Precision, Target
from penjing.pipeline.exporting.folders import copy_rest
from penjing.pipeline.exporting.onnx_lstm import write_lstm
from penjing.pipeline.exporting.onnx_tokenizer import onnx_tokenizer
from penjing.pipeline.exporting.parity import Bounds
from penjing.pipeline.exporting.source import Row, Scores, Source, check_whole
from penjing.progress import Progress
from penjing.tasks.card import CARD

MODEL = "model.onnx"
_OUTPUTS = {"backbone": ["last_hidden_state"], "span": ["start_logits", "end_logits"]}
_README = """\
# {name}

Written by `penjing export --to onnx`; `parity.json` says how near it is to the model. It needs no Penjing:
`pip install onnxruntime tokenizers`, and

```python
import json, os
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # else ONNX Runtime 1.32 tells its maker that it is used
import numpy as np, onnxruntime, tokenizers

tokenizer = tokenizers.Tokenizer.from_file("tokenizer.json")  # cuts to {longest} tokens
tokenizer.encode_special_tokens = True  # "[SEP]" in a text is five characters
tokenizer.enable_padding(pad_id={pad})
rows = tokenizer.encode_batch(["a text", "and another one"])
ids, mask = (np.array([getattr(row, key) for row in rows]) for key in ("ids", "attention_mask"))
session = onnxruntime.InferenceSession("model.onnx")
output = session.run(None, {{"input_ids": ids, "attention_mask": mask}})[0]
{shown}
```
"""
_LABELS = """\
labels = json.load(open("config.json"))["id2label"]
print([labels[str(number)] for number in output.argmax(axis=-1)])"""
_SETS = """\
labels = json.load(open("config.json"))["id2label"]
probabilities = 1 / (1 + np.exp(-output))
print([[labels[str(i)] for i in np.argsort(-row) if row[i] >= {threshold}] for row in probabilities])"""


class _Inputs(nn.Module):
    """A network with inputs as other tools name them."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.network, self.head = source.network, source.head

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        scores = self.network(input_ids, attention_mask.bool())
        return (scores[..., 0], scores[..., 1]) if self.head == "span" else scores


def import_runtime() -> Any:
    """Returns the package onnxruntime, which then tells nobody that it is used; from 1.32 on it would, over HTTPS.

    Raises:
        MissingExtraError: it is not installed.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when the package is imported
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("onnxruntime", "export", "The proof of an ONNX file") from error
    return onnxruntime


class Onnx:
    """An export, opened by ONNX Runtime and the package tokenizers alone.

    Raises:
        MissingExtraError: onnxruntime is not installed.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        onnxruntime = import_runtime()
        self.tool = f"onnxruntime {onnxruntime.__version__}"
        options: Any = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self._session: Any = onnxruntime.InferenceSession(folder / MODEL, options, providers=["CPUExecutionProvider"])
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.encode_special_tokens = True

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns the token ids of each text."""
        return [row.ids for row in self._tokenizer.encode_batch(list(texts))]

    def score(self, rows: Sequence[Row]) -> list[Scores]:
        """Returns the scores of each row, two at a time: the shorter one is padded, as in use."""
        found: list[Scores] = []
        for start in range(0, len(rows), 2):
            pair = [row.read for row in rows[start : start + 2]]
            longest = max(len(row) for row in pair)
            ids, mask = np.zeros((len(pair), longest), dtype=np.int64), np.zeros((len(pair), longest), dtype=np.int64)
            for number, row in enumerate(pair):
                ids[number, : len(row)], mask[number, : len(row)] = row, 1
            outputs = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
            scores = np.stack(outputs, axis=-1) if len(outputs) > 1 else outputs[0]
            found += [s[: len(row)] if scores.ndim == 3 else s[None] for s, row in zip(scores, pair, strict=True)]
        return found

    def close(self) -> None:
        """Lets the file go."""
        self._session = None


class OnnxExporter(Exporter):
    """Writes ``model.onnx`` with what is needed to run it."""

    precisions: Mapping[str, Precision] = {"f32": Precision(Bounds(1e-2, 1e-6, 0.99))}

    def check(self, source: Source, precision: str) -> None:
        """Refuses what writes, and rows that no tokenizer.json lays out."""
        family = source.architecture.name
        if family != "bert" and (family, source.head) != ("lstm", "classifier"):
            raise UsageError(
                f"this is a model of the family {family}, and ONNX is written of bert, and of lstm that labels texts",
                where=str(source.folder),
                do="Export a decoder with --to gguf; serve others with Penjing.",
            )
        check_whole(source)
        if source.head == "span" and getattr(source.config, "type_vocab_size", 1) > 1:
            raise UsageError(
                "it reads a question and a text as two kinds of segments, which is not written",
                where=str(source.folder),
                do="Serve it with Penjing." if source.marks_matches else "Export it with --to transformers.",
            )
        onnx_tokenizer(source)
        try:
            import onnx  # noqa: F401

            if family == "bert":  # PyTorch's exporter writes it
                import onnxscript  # noqa: F401
        except ImportError as error:
            raise MissingExtraError(str(error.name), "export", "Writing ONNX") from error

    def write(self, source: Source, precision: str, folder: Path, progress: Progress) -> None:
        """Writes network, tokenizer, config and a README with a program that runs it."""
        if isinstance(source.network, LstmForSequenceClassification):
            write_lstm(source.network, folder / MODEL)
        else:
            with _quietly():
                _write_network(source, folder / MODEL)
        copy_rest(source.folder, folder)
        write_text(folder / "tokenizer.json", json.dumps(onnx_tokenizer(source), ensure_ascii=False))
        labels = {"id2label": {str(i): name for i, name in enumerate(source.labels)}} if source.labels else {}
        write_json(folder / CONFIG, {**source.values, **labels})
        if source.card:
            write_json(folder / CARD, source.card)
        name, pad, shown = source.folder.resolve().name, source.tokenizer.pad_id, _show(source)
        write_text(folder / "README.md", _README.format(name=name, longest=source.longest, pad=pad, shown=shown))

    def open(self, source: Source, folder: Path, longest: int) -> Target:
        """Opens it by ONNX Runtime."""
        return Onnx(folder)


def _show(source: Source) -> str:
    """Returns the lines of the program that say what a row's scores mean."""
    if source.head == "classifier" and "threshold" in source.card:
        return _SETS.format(threshold=source.card["threshold"])
    return _LABELS if source.head == "classifier" and not source.asks_each else "print(output.shape)"


def _write_network(source: Source, path: Path) -> None:
    ids, mask = (torch.ones(2, 7, dtype=torch.int64) for _ in range(2))  # one for both would be taken for one input
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("time", max=max(8, source.longest))}
    try:
        torch.onnx.export(
            _Inputs(source).eval(),
            (ids, mask),
            path,
            input_names=["input_ids", "attention_mask"],
            output_names=_OUTPUTS.get(source.head, ["logits"]),
            dynamic_shapes={"input_ids": axes, "attention_mask": axes},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
        what = str(error).strip().splitlines()[0]
        raise GateError(
            f"PyTorch cannot write this network as ONNX ({what:.200})",
            where=str(source.folder),
            do="Serve it with Penjing, and report it.",
        ) from error


@contextmanager
def _quietly() -> Iterator[None]:
    """Keeps what PyTorch's exporter says of itself from the log."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


ONNX = OnnxExporter()
