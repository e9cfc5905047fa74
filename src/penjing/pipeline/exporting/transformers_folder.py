"""``--to transformers``: the folder itself, in the layout of the hub, proved by Transformers."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from penjing.errors import MissingExtraError, UsageError
from penjing.files import write_json
from penjing.models.config import Head
from penjing.models.stored import INDEX
from penjing.models.weights import CONFIG
from penjing.pipeline.exporting.exporter import Exporter, Precision, Target
from penjing.pipeline.exporting.folders import copy_rest
from penjing.pipeline.exporting.parity import Bounds
from penjing.pipeline.exporting.source import Row, Scores, Source, row_template
from penjing.progress import Progress
from penjing.tasks.card import CARD
from penjing.text.contractions import rejoin_contractions

_CLASSES: Mapping[Head, str] = {
    "backbone": "AutoModel",
    "classifier": "AutoModelForSequenceClassification",
    "span": "AutoModelForQuestionAnswering",
}


class TransformersFolder:
    """A model folder, opened by Transformers.

    Args:
        source: what it was made of.
        folder: in the layout of the hub.

    Raises:
        MissingExtraError: Transformers is not installed.
    """

    def __init__(self, source: Source, folder: Path) -> None:
        try:
            import transformers
        except ImportError as error:
            raise MissingExtraError("transformers", "export", "The proof of a folder for Transformers") from error
        self.tool = f"transformers {transformers.__version__}"
        log: Any = transformers.utils.logging
        log.disable_progress_bar()
        self._source = source
        library: Any = transformers
        self._tokenizer: Any = library.AutoTokenizer.from_pretrained(folder)
        model: Any = getattr(library, self._class_name()).from_pretrained(folder, dtype="float32")
        self._model: Any = model.eval()

    def _class_name(self) -> str:
        source = self._source
        if source.head != "language":
            return _CLASSES[source.head]
        if source.architecture.is_encoder_decoder:
            return "AutoModelForSeq2SeqLM"
        return "AutoModelForCausalLM" if source.is_decoder else "AutoModelForMaskedLM"

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns the token ids of each text; a decoder's with what begins a text, others' cut to the longest row."""
        if self._source.is_decoder:
            plain = self._tokenizer(list(texts), add_special_tokens=False, split_special_tokens=True)
            return [[*self._source.tokenizer.prompt_start, *ids] for ids in plain["input_ids"]]
        longest = self._source.longest
        return list(
            self._tokenizer(list(texts), truncation=True, max_length=longest, split_special_tokens=True)["input_ids"]
        )

    def score(self, rows: Sequence[Row]) -> list[Scores]:
        """Returns the scores of each row."""
        import torch

        with torch.inference_mode():
            found = [self._answer(row).float().numpy() for row in rows]
        return [np.atleast_2d(scores[0]) for scores in found]

    def _answer(self, row: Row) -> Any:
        import torch

        ids = torch.tensor([list(row.read)])
        if self._source.reads_and_writes:  # it shifts what is written by itself, and begins with its own start
            return self._model(input_ids=ids, labels=torch.tensor([list(row.written)])).logits
        output = self._model(input_ids=ids)
        if self._source.head == "span":
            return torch.stack([output.start_logits, output.end_logits], dim=-1)
        return output.last_hidden_state if self._source.head == "backbone" else output.logits

    def close(self) -> None:
        """Lets the model go."""
        self._model = None


def check_of_hub(source: Source) -> None:
    """Refuses a network that no class of the hub computes.

    Raises:
        UsageError: none does.
    """
    if not source.config.is_of_hub(source.head) or str(source.values["model_type"]).startswith("penjing_"):
        raise UsageError(
            f"this {source.config.class_name(source.head)} is none of the hub's: other tools would compute something "
            "else",
            where=str(source.folder),
            do="Serve it with Penjing, or export it with --to onnx.",
        )
    if not source.tokenizer.words.is_plain:
        raise UsageError(
            "its tokenizer cuts texts into words, or leaves words out, before they are read, which other tools do not",
            where=str(source.folder),
            do="Serve it with Penjing.",
        )


class TransformersExporter(Exporter):
    """Copies the folder, and proves it."""

    precisions: Mapping[str, Precision] = {"as-is": Precision(Bounds(1e-2, 1e-6, 0.99))}

    def check(self, source: Source, precision: str) -> None:
        """Refuses networks that the hub does not have, and ways to lay out a row that Transformers does not."""
        check_of_hub(source)
        theirs = row_template(source.tokenizer)
        if source.head == "classifier" and source.render_settings.template != theirs:
            told = f"lays out {theirs}" if theirs else "puts something around a text that no template says"
            raise UsageError(
                f"its rows are laid out as {source.render_settings.template}, and its tokenizer in Transformers {told}",
                where=str(source.folder),
                do="Export a BERT with --to onnx, where the tokenizer lays out rows as the model wants them.",
            )
        if source.marks_matches:
            raise UsageError(
                "it is told which tokens of the text the question has too, and Transformers does not look for them",
                where=str(source.folder),
                do="Serve it with Penjing, or leave mark_matches out of [render] and train again.",
            )

    def write(self, source: Source, precision: str, folder: Path, progress: Progress) -> None:
        """Copies everything."""
        copy_rest(source.folder, folder)
        weights = [*source.folder.glob("*.safetensors"), source.folder / INDEX, source.folder / CONFIG]
        for file in weights:
            if file.is_file():
                shutil.copy2(file, folder / file.name)
        if source.card:
            write_json(folder / CARD, source.card)

    def open(self, source: Source, folder: Path, longest: int) -> Target:
        """Opens it by Transformers."""
        return TransformersFolder(source, folder)

    def readable(self, source: Source, texts: Sequence[str]) -> list[str]:
        """Returns texts put together where the model reads them so."""
        return [rejoin_contractions(text) for text in texts] if source.render_settings.rejoin else list(texts)

    def notes(self, source: Source, precision: str) -> list[str]:
        """Says what the user has to do before the tokenizer."""
        if not source.render_settings.rejoin:
            return []
        return ['The model reads what a corpus splits ("do n\'t") put together: give it texts as they are written.']


class VllmExporter(TransformersExporter):
    """The folder itself, for vLLM: proved by Transformers; vLLM itself is not run."""

    _FAMILIES = ("llama", "mistral", "qwen2", "qwen3")

    def check(self, source: Source, precision: str) -> None:
        """Refuses what vLLM has no class for."""
        if source.architecture.name not in self._FAMILIES or source.head != "language":
            raise UsageError(
                f"this is no language model of the families {', '.join(self._FAMILIES)}",
                where=str(source.folder),
                do="Export it with --to onnx or --to transformers.",
            )
        super().check(source, precision)
        if not (source.folder / "generation_config.json").is_file():
            raise UsageError(
                "there is no generation_config.json, by which vLLM knows where a text ends",
                where=str(source.folder),
                do="Copy it from where the model came from.",
            )

    def notes(self, source: Source, precision: str) -> list[str]:
        """Says what was not run."""
        return [
            "vLLM itself was not run: the folder was proved by Transformers, whose layout vLLM reads, and holds "
            "safetensors, tokenizer.json and generation_config.json."
        ]


TRANSFORMERS = TransformersExporter()
VLLM = VllmExporter()
