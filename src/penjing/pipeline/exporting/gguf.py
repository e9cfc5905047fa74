"""``--to gguf``: a decoder for llama.cpp and what is built on it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from penjing.data.messages import Message
from penjing.errors import UsageError
from penjing.pipeline.exporting.exporter import Exporter, Precision, Target
from penjing.pipeline.exporting.gguf_file import check_shape, gguf, write_gguf
from penjing.pipeline.exporting.gguf_names import ARCHITECTURES
from penjing.pipeline.exporting.gguf_reader import read_tensors
from penjing.pipeline.exporting.gguf_tokenizer import GgufTokenizer, read_gguf_tokenizer
from penjing.pipeline.exporting.llama_cpp import LlamaCpp
from penjing.pipeline.exporting.parity import Bounds
from penjing.pipeline.exporting.source import Source, check_whole
from penjing.progress import Progress
from penjing.text.chat_template import read_chat_template

_DIALOGUE = (Message("user", "Hello, 你好 😀"), Message("assistant", "Yes?"), Message("user", "Then go on."))


class GgufExporter(Exporter):
    """Writes a GGUF file, and proves it by llama.cpp."""

    precisions: Mapping[str, Precision] = {
        "f16": Precision(Bounds(0.02, 1e-5, 0.99), Bounds(0.05, 1e-4)),
        "f32": Precision(Bounds(0.01, 1e-6, 0.99)),
        "bf16": Precision(Bounds(0.1, 1e-3), Bounds(0.2, 1e-2), worse=0.02),
        "q8_0": Precision(Bounds(0.5, 5e-3), Bounds(0.5, 1e-2), worse=0.02),
        "q4_0": Precision(Bounds(0.5, 5e-3), Bounds(None, 0.5), worse=0.05),
    }
    suffix = ".gguf"

    def check(self, source: Source, precision: str) -> None:
        """Refuses what is no decoder of the Llama kind with byte-level BPE, and matrices that are quantized."""
        if source.architecture.name not in ARCHITECTURES or source.head != "language":
            kind = {"classifier": "a classifier", "span": "a model that finds answers"}.get(source.head, "no decoder")
            what = f"a {source.architecture.name}" if source.head == "language" else kind
            raise UsageError(
                f"this is {what}, and GGUF is written of language models of the families "
                f"{', '.join(ARCHITECTURES)} alone",
                where=str(source.folder),
                do="Export it with --to onnx or --to transformers.",
            )
        check_whole(source)
        check_shape(source, precision)
        self._tokenizer(source)
        gguf()

    def _tokenizer(self, source: Source) -> GgufTokenizer:
        return read_gguf_tokenizer(source.folder, source.tokenizer, source.config.vocab_size)

    def write(self, source: Source, precision: str, folder: Path, progress: Progress) -> None:
        """Writes ``NAME-TYPE.gguf``."""
        file = folder / f"{source.folder.resolve().name}-{precision}.gguf"
        write_gguf(source, self._tokenizer(source), precision, file, progress)

    def open(self, source: Source, folder: Path, longest: int) -> Target:
        """Opens it by llama.cpp."""
        (file,) = folder.glob("*.gguf")
        return LlamaCpp(file, longest)

    def reference(self, source: Source, precision: str, folder: Path) -> nn.Module:
        """Returns a network with the numbers that are read back from the file."""
        if precision == "f32":
            return source.network
        (file,) = folder.glob("*.gguf")
        network = source.blank()
        tensors = read_tensors(file, source.config)
        with torch.no_grad():
            for name, tensor in network.state_dict().items():
                if name in tensors:
                    tensor.copy_(tensors[name])
        return network.eval()

    def readable(self, source: Source, texts: Sequence[str]) -> list[str]:
        """Returns texts in the form NFC, where the tokenizer brings them into it."""
        return (
            [unicodedata.normalize("NFC", text) for text in texts] if self._tokenizer(source).normalizes else [*texts]
        )

    def notes(self, source: Source, precision: str) -> list[str]:
        """Says what llama.cpp does not do."""
        if not self._tokenizer(source).normalizes:
            return []
        return ["The tokenizer brings texts into the form NFC, and llama.cpp does not: give it texts in that form."]

    def prove_more(self, source: Source, target: Target) -> list[str]:
        """Compares how a dialogue is laid out, where the model has a chat template."""
        template = read_chat_template(source.folder)
        if template is None:
            return []
        assert isinstance(target, LlamaCpp)
        ours = template.render(_DIALOGUE, asks=True)
        theirs = target.converse([turn.to_dict() for turn in _DIALOGUE])
        return [] if ours == theirs else [f"a dialogue is laid out as {theirs!r:.80}, and here as {ours!r:.80}"]


GGUF = GgufExporter()
