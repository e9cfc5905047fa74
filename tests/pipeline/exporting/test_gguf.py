"""GGUF files, opened by llama.cpp."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penjing.errors import UsageError
from penjing.models.llama_config import LlamaConfig
from penjing.pipeline.exporting.exporting import Exported, MissingProofError
from penjing.pipeline.exporting.gguf_names import from_pairs, to_pairs
from penjing.pipeline.exporting.source import open_source
from penjing.text.chat_template import DEFAULT_TEMPLATE, MARKS, write_chat_template

pytest.importorskip("gguf", reason="the package gguf is not installed")
Export = Callable[..., Exported]
SHAPES: list[tuple[str, dict[str, Any]]] = [
    ("llama", {}),
    ("llama", {"tie_word_embeddings": True, "attention_bias": True}),
    ("llama", {"rope_type": "llama3"}),
    ("mistral", {"sliding_window": None}),
    ("qwen2", {"head_dim": 16}),
    ("qwen3", {"tie_word_embeddings": True}),
]


@pytest.fixture
def needs_llama_cpp() -> None:
    pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed: it takes minutes to build")


@pytest.mark.usefixtures("needs_llama_cpp")
@pytest.mark.parametrize(("family", "more"), SHAPES)
def test_llama_cpp_computes_the_same_as_penjing(
    family: str, more: dict[str, Any], small_decoder: Callable[..., Path], export: Export
) -> None:
    parity = export(small_decoder(family, **more), "gguf", "x.gguf", precision="f32").parity
    assert parity["tokens"]["equal"] == parity["tokens"]["texts"] == 1000
    assert parity["scores"]["relative_difference"] < 1e-3
    assert parity["scores"]["agreement"] == 1.0


@pytest.mark.usefixtures("needs_llama_cpp")
@pytest.mark.parametrize("precision", ["f16", "bf16", "q8_0", "q4_0"])
def test_fewer_bits_are_proved_within_their_bounds(
    precision: str, small_decoder: Callable[..., Path], export: Export, tmp_path: Path
) -> None:
    exported = export(small_decoder(), "gguf", "x.gguf", precision=precision)
    assert exported.parity["proved"]
    assert exported.parity["loss"]["mean_divergence"] >= exported.parity["scores"]["mean_divergence"] / 2
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.gguf", "x.parity.json"]


@pytest.mark.usefixtures("needs_llama_cpp")
def test_dialogue_is_laid_out_by_llama_cpp_as_by_penjing(
    small_decoder: Callable[..., Path], export: Export, tmp_path: Path
) -> None:
    folder = tmp_path / "chat"
    shutil.copytree(small_decoder(reserved=4), folder)
    open_source(folder).tokenizer.name_reserved(MARKS).save(folder)
    write_chat_template(folder, DEFAULT_TEMPLATE)
    assert export(folder, "gguf").parity["proved"]


def test_rows_of_queries_change_places_and_back(small_decoder: Callable[..., Path]) -> None:
    source = open_source(small_decoder())
    assert isinstance(source.config, LlamaConfig)
    name = "model.layers.0.self_attn.q_proj.weight"
    tensor = source.network.state_dict()[name]
    turned = to_pairs(name, tensor, source.config)
    assert not turned.equal(tensor)
    assert from_pairs(name, turned, source.config).equal(tensor)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"guards": True}, "llama.cpp has no name for"),
        ({"strip_tags": True}, "it changes texts first"),
        ({"hidden_act": "gelu"}, "its activation is gelu"),
    ],
)
def test_what_llama_cpp_would_compute_otherwise_is_refused(
    more: dict[str, Any], reason: str, small_decoder: Callable[..., Path], export: Export, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=reason):
        export(small_decoder(**more), "gguf")
    assert not list(tmp_path.iterdir())


def test_window_narrower_than_the_positions_is_refused(small_decoder: Callable[..., Path], export: Export) -> None:
    with pytest.raises(UsageError, match="a token sees 64 tokens back"):
        export(small_decoder("mistral", sliding_window=64), "gguf")


@pytest.mark.parametrize("bits", ["int8", "int4"])
def test_folder_of_quantized_matrices_is_refused(
    bits: str, small_decoder: Callable[..., Path], export: Export, tmp_path: Path
) -> None:
    folder = export(small_decoder(), bits, bits).destination
    with pytest.raises(UsageError, match="quantized already"):
        export(folder, "gguf", "x.gguf", unproved=True)
    assert [file.name for file in tmp_path.iterdir()] == [bits]


def test_an_encoder_is_refused(small_bert_run: Any, export: Export) -> None:
    with pytest.raises(UsageError, match="this is a classifier, and GGUF is written of language models"):
        export(small_bert_run.model, "gguf")


def test_without_llama_cpp_nothing_is_left_unless_asked(
    small_decoder: Callable[..., Path], export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    with pytest.raises(MissingProofError, match=r"llama-cpp-python.*--unproved"):
        export(small_decoder(), "gguf", "x.gguf")
    assert not list(tmp_path.iterdir())
    parity = export(small_decoder(), "gguf", "x.gguf", unproved=True).parity
    assert parity["proved"] is False
    assert "llama-cpp-python" in parity["reason"]
