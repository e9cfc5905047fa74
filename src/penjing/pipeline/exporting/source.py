"""A model folder that is to be exported: what it holds, how it reads a text, what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from penjing.errors import ModelFolderError, UsageError
from penjing.files import read_json
from penjing.models.bert import BertModel
from penjing.models.config import Head
from penjing.models.interface import Architecture, open_config
from penjing.models.quantized_folder import quantization_of
from penjing.models.weights import CONFIG, load_backbone, load_weights, read_config
from penjing.pipeline.exporting.apart import put_apart
from penjing.tasks.card import CARD, card_settings
from penjing.tasks.heads import HEADS
from penjing.tasks.task import load_task
from penjing.text.batching import pad_rows, plan_by_length
from penjing.text.renderer import Renderer, RendererSettings
from penjing.text.tokenizer import Tokenizer, load_tokenizer

Scores = NDArray[np.float32]
_NUMBERS_AT_ONCE = 1 << 27  # of scores, 512 MB
_ROWS_AT_ONCE = 32


class Row(NamedTuple):
    """What is scored.

    Attributes:
        read: token ids of what is read, by the encoder where the network has one.
        written: token ids of what the decoder of an encoder-decoder is taken to write; of other networks nothing.
    """

    read: Sequence[int]
    written: Sequence[int] = ()


@dataclass(frozen=True)
class Source:
    """A model folder, opened.

    Attributes:
        folder: of the model.
        values: its ``config.json``.
        card: its ``penjing.json``; empty where it has none.
        architecture: of the network.
        config: the network's numbers.
        head: what the network ends in.
        tokenizer: of the model.
        adapter: folder of an adapter that is to be merged; None: there is none.
    """

    folder: Path
    values: dict[str, Any]
    card: dict[str, Any]
    architecture: Architecture
    config: Any
    head: Head
    tokenizer: Tokenizer = field(repr=False)
    adapter: Path | None = None

    @cached_property
    def network(self) -> nn.Module:
        """The network with its weights, on the CPU, in fp32; with an adapter that is computed beside them."""
        network = self.load(self.folder)
        return network if self.adapter is None else put_apart(network, self.adapter)

    def load(self, folder: Path) -> nn.Module:
        """Returns a network of this shape with the weights of a folder."""
        network = self.blank()
        load_backbone(network, folder) if self.head == "backbone" else load_weights(network, folder)
        return network.eval()

    def blank(self) -> nn.Module:
        """Returns a network of this shape without weights."""
        if self.head == "classifier":
            return self.architecture.classifier(self.config, self.outputs)
        if self.head == "span":
            assert self.architecture.span_scorer is not None
            return self.architecture.span_scorer(self.config)
        if self.head == "backbone":
            return BertModel(self.config, has_pooler=False)
        return self.architecture.language_model(self.config)

    @property
    def labels(self) -> list[str]:
        """A classifier's labels, in order."""
        named: dict[str, str] = self.values.get("id2label") or {}
        if self.head == "classifier" and not named:  # Transformers writes no names that are its defaults, of two labels
            named = {str(number): f"LABEL_{number}" for number in range(self.values.get("num_labels") or 2)}
        return list(self.card.get("labels") or [named[key] for key in sorted(named, key=int)])

    @property
    def outputs(self) -> int:
        """How many numbers a classifier ends in."""
        if "task" not in self.card:
            return len(self.labels)
        return HEADS[load_task(self.card["task"]).answers].outputs(len(self.labels))

    @property
    def asks_each(self) -> bool:
        """Whether each output of a classifier is a question of its own: a label that applies or not, a step passed."""
        if self.head != "classifier":
            return False
        return self.outputs == 1 or ("task" in self.card and load_task(self.card["task"]).answers != "label")

    @property
    def is_decoder(self) -> bool:
        """Whether the network is a language model that goes on where a text ends."""
        return self.head == "language" and "causal" in self.architecture.objectives

    @property
    def reads_and_writes(self) -> bool:
        """Whether an encoder reads a text and a decoder writes another."""
        return self.head == "language" and self.architecture.is_encoder_decoder

    @property
    def marks_matches(self) -> bool:
        """Whether it is told what of the text the question has too; see `penjing.text.segments.token_types`."""
        return bool(self.card.get("render", {}).get("mark_matches"))

    @property
    def positions(self) -> int:
        """Most tokens that the network can read; 512 where nothing limits it."""
        return int(getattr(self.config, "max_position_embeddings", None) or 512)

    @property
    def longest(self) -> int:
        """Most tokens of a row."""
        return min(self.positions, self.render_settings.max_tokens) if self.head == "classifier" else self.positions

    @cached_property
    def render_settings(self) -> RendererSettings:
        """How a text of a classifier or an encoder is laid out."""
        if self.head == "classifier" and "render" in self.card:
            return card_settings(self.folder, self.card, "render", RendererSettings)
        template = row_template(self.tokenizer) if self.head == "classifier" else None
        layout = {} if template is None else {"template": template}
        return RendererSettings(max_tokens=self.positions, **layout)

    def render(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns each text as the network reads it: a decoder's without an end."""
        if self.is_decoder:
            return [[*self.tokenizer.prompt_start, *ids] for ids in self.tokenizer.encode(list(texts))]
        renderer = Renderer(self.tokenizer, self.render_settings)
        return [row.ids for row in renderer.render([{renderer.columns[0]: text} for text in texts])]


def open_source(folder: Path, adapter: Path | None = None) -> Source:
    """Opens a model folder.

    Args:
        folder: of the model.
        adapter: folder of an adapter that is to be merged into it.

    Raises:
        ModelFolderError: a file is missing or broken, or the network is of a kind that cannot be exported.
    """
    values = read_config(folder)
    _check_labels(values, folder)
    architecture, config = open_config(values, folder / CONFIG)
    if architecture.ranks_items:
        raise ModelFolderError(
            "this model ranks items, which no other tool reads", where=str(folder), do="Serve it with Penjing."
        )
    card = read_json(folder / CARD) if (folder / CARD).is_file() else {}
    if card.get("ngrams") is not None:
        raise UsageError(
            "this model answers by n-grams beside its network, which other tools do not compute",
            where=str(folder),
            do="Serve it with Penjing, or train it without: --set finetune.ngrams=none.",
        )
    named = [str(name).removeprefix("Penjing") for name in values.get("architectures") or ()]
    heads = {name.removeprefix("Penjing"): head for head, name in config.class_names.items()}
    found = [heads[name] for name in named if name in heads]
    if named and not found:
        raise ModelFolderError(
            f"this is a {', '.join(named)}, which is not known here",
            where=str(folder),
            do=f"Give the folder of one of these: {', '.join(heads)}.",
        )
    head: Head = found[0] if found else "language"
    if head == "backbone" and architecture.name != "bert":
        raise ModelFolderError(
            f"this is a {named[0]}: a network without an end", where=str(folder), do="Give a whole model."
        )
    return Source(folder, values, card, architecture, config, head, load_tokenizer(folder), adapter)


def row_template(tokenizer: Tokenizer) -> str | None:
    """Returns the template by which rows are as a tokenizer of the hub lays them out; None: none says it."""
    start, end = tokenizer.prompt_start, tokenizer.prompt_end
    if end not in ([], [tokenizer.end_id]):
        return None
    mark = "[CLS]" if start == [tokenizer.start_id] else "[BEGIN]"
    return f"{mark if start else ''}{{text}}{'[SEP]' if end else ''}"


def _check_labels(values: dict[str, Any], folder: Path) -> None:
    """Refuses labels that are no names by their numbers.

    Raises:
        ModelFolderError: they are not.
    """
    named = values.get("id2label")
    if named is None or (
        isinstance(named, dict)
        and all(str(key).isdecimal() and isinstance(name, str) and name for key, name in named.items())
        and len(set(named.values())) == len(named)
    ):
        return
    raise ModelFolderError(
        "id2label is no table of labels by their numbers, each with a name of its own",
        where=str(folder / CONFIG),
        do='Write it as {"0": "negative", "1": "positive"}.',
    )


def check_whole(source: Source) -> None:
    """Refuses a folder whose matrices are quantized.

    Raises:
        UsageError: they are.
    """
    if quantization_of(source.folder) is not None:
        raise UsageError(
            "its matrices are quantized already", where=str(source.folder), do="Give the model that it came from."
        )


@torch.inference_mode()
def score_rows(network: nn.Module, source: Source, rows: Sequence[Row]) -> list[Scores]:
    """Returns what a network of ours says of each row: [places, outputs].

    Those are the words' scores at each token of a language model, at each token that is written of an encoder-decoder,
    one row of labels of a classifier, and the last states of an encoder.
    """
    found: list[Scores] = [np.empty((0, 0), dtype=np.float32)] * len(rows)
    places = [len(row.written if source.reads_and_writes else row.read) for row in rows]
    lengths = np.array([max(len(row.read), len(row.written)) for row in rows], dtype=np.int64)
    for batch in plan_by_length(lengths, max(1, _NUMBERS_AT_ONCE // source.config.vocab_size), max_rows=_ROWS_AT_ONCE):
        scores = _answer(network, source, [rows[number] for number in batch])
        for number, row in zip(batch, scores, strict=True):
            found[number] = row[: places[number]].copy() if scores.ndim == 3 else row[None].copy()
    return found


def _answer(network: Any, source: Source, rows: Sequence[Row]) -> Scores:
    ids, mask = pad_rows([list(row.read) for row in rows], source.config.pad_token_id)
    read = [torch.from_numpy(ids), None if mask.all() else torch.from_numpy(mask)]
    if source.reads_and_writes:
        shifted = [[source.config.start_id, *row.written[:-1]] for row in rows]
        read.append(torch.from_numpy(pad_rows(shifted, source.config.pad_token_id)[0]))
    scores: Scores = network(*read).float().numpy()
    return scores
