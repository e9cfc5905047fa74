"""Which held-out texts are measured."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from penjing.data.reading import iter_texts
from penjing.errors import UsageError
from penjing.evaluate.language import evaluate_language_model
from penjing.inference.language_model import MeasurableModel, load_language_model
from penjing.inference.learned import Learned
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.pipeline.stages.measure import affordable_texts
from penjing.progress import Silent
from penjing.tasks.card import read_learned


def model(*, reads_both_sides: bool) -> MeasurableModel:
    """Something that is asked only how it reads, and has as many tokens as characters."""
    measured: Any = SimpleNamespace(
        scorer=SimpleNamespace(reads_both_sides=reads_both_sides), render=lambda texts: texts
    )
    return cast("MeasurableModel", measured)


@pytest.mark.parametrize(("squares", "number"), [(1, 1), (16, 1), (24, 1), (25, 2), (60, 2), (61, 3), (1_000, 4)])
def test_a_model_that_reads_both_sides_measures_what_it_can_afford(squares: int, number: int) -> None:
    texts = ["four", "xyz", "longer", "last"]
    assert affordable_texts(model(reads_both_sides=True), texts, squares) == texts[:number]


def test_a_model_that_reads_to_the_right_measures_all() -> None:
    assert affordable_texts(model(reads_both_sides=False), ["four", "xyz"], 1) == ["four", "xyz"]


@pytest.mark.parametrize("objective", ["span", "denoise"])
def test_an_encoder_decoder_is_measured_by_what_it_learned(tmp_path: Path, objective: str) -> None:
    things, words = ["film", "plot", "cast", "song", "end", "joke"], ["good", "dull", "long", "sad", "new", "odd"]
    lines = [f"the {a} was {b} but the {c} was {d}\n" for a in things for b in words for c in things for d in words]
    (tmp_path / "texts.txt").write_text("".join(lines), encoding="utf-8")
    document = {
        "name": objective,
        "corpus": {"path": str(tmp_path / "texts.txt")},
        "tokenizer": {"kind": "wordpiece", "vocab_size": 400},
        "model": {"family": "t5", "shape": {"d_model": 32, "d_kv": 16, "d_ff": 32, "num_layers": 1, "num_heads": 2}},
        "pretrain": {"objective": objective, "window_tokens": 16, "batch_tokens": 256, "epochs": 4, "device": "cpu"},
        "evaluate": {"resamples": 100},
    }
    document["pretrain"] |= {"precision": "fp32", "compile": "off", "learning_rate": 1e-2}
    result = run_recipe(check_recipe(document, "measured"), tmp_path / "out", Silent(), ["test"])
    written = result.evaluation["scores"]["pseudo_bits_per_byte"]["value"]
    folder = result.artifacts["corpus"].folder
    texts = [text for batch in iter_texts(folder / "test.parquet") for text in batch]
    loaded = load_language_model(result.model, read_learned(result.model), "cpu")
    measured = evaluate_language_model(loaded, texts, resamples=100, seed=0, progress=Silent()).to_dict()
    assert measured["scores"]["pseudo_bits_per_byte"]["value"] == pytest.approx(written)
    if objective == "denoise":  # its tokenizer has no tokens for spans
        with pytest.raises(UsageError, match="denoise"):
            load_language_model(result.model, Learned("span"), "cpu")
        return
    other = load_language_model(result.model, Learned("denoise"), "cpu")
    wrongly = evaluate_language_model(other, texts, resamples=100, seed=0, progress=Silent()).to_dict()
    assert written < wrongly["scores"]["pseudo_bits_per_byte"]["value"]
