"""What the folder of a model that answers with names holds beyond any other's: the examples, and what compares them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from penjing.errors import ModelFolderError
from penjing.files import write_beside
from penjing.inference.choosing import ChoosingEngine
from penjing.inference.example_choice import example_chooser
from penjing.tasks.name_settings import ChoiceSettings
from penjing.text.name_renderer import Examples, NameLayout, NameRenderer
from penjing.text.renderer import RendererSettings
from penjing.text.tokenizer import Tokenizer

EXAMPLES = "examples.parquet"
_CONTENT_FREE = ("", "N/A", "[MASK]")  # Zhao et al. 2021, section 5


def write_example_table(folder: Path, examples: Examples) -> None:
    """Writes the texts that are chosen from, and the number of the label of each."""
    table = pa.table({"text": list(examples.texts), "label": list(examples.classes)})
    with write_beside(folder / EXAMPLES) as part:
        pq.write_table(table, part)


def read_example_table(folder: Path, labels: int) -> Examples:
    """Reads them back; none where there is no such file.

    Raises:
        ModelFolderError: the file is broken, or an example has not one of so many labels.
    """
    path = folder / EXAMPLES
    if not path.is_file():
        return Examples((), ())
    try:
        table = pq.read_table(path, columns=["text", "label"])
    except (pa.ArrowException, OSError) as error:
        raise ModelFolderError(
            f"the examples cannot be read ({error})", where=str(path), do="Copy the file again, as training wrote it."
        ) from error
    examples = Examples(table.column("text").to_pylist(), table.column("label").to_pylist())
    if any(not 0 <= number < labels for number in examples.classes):
        raise ModelFolderError(
            "an example has a label that the model does not have",
            where=str(path),
            do="Copy the file again, as training wrote it.",
        )
    return examples


def make_name_renderer(
    tokenizer: Tokenizer,
    render: RendererSettings,
    layout: NameLayout,
    labels: list[str],
    examples: Examples,
    *,
    seed: int,
    reads_apart: bool,
    encoder: Path | None,
) -> NameRenderer:
    """Returns what makes prompts, with examples chosen as the layout says; see `NameRenderer`, `example_chooser`."""
    choose = example_chooser(layout, examples, seed=seed, max_tokens=render.max_tokens, encoder=encoder)
    return NameRenderer(tokenizer, render, layout, labels, reads_apart=reads_apart, examples=examples, choose=choose)


def choosing_engine(network: Any, renderer: NameRenderer, choice: ChoiceSettings) -> ChoosingEngine:
    """Returns what scores labels by their names."""
    empty: list[list[int]] = []
    if choice.prior != "none":
        texts = ("",) if choice.prior == "empty" else _CONTENT_FREE
        empty = renderer.render_empty(texts, with_examples=choice.prior == "content_free")
    pad_id = renderer.tokenizer.pad_id
    return ChoosingEngine(network, renderer.candidates, pad_id, by_length=choice.by_length, without_text=empty)
