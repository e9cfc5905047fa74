"""What the tests of exports share: small models of each kind, and a call that exports them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from penjing.pipeline.exporting.exporting import ExportCall, Exported, export_model
from penjing.pipeline.exporting.sample import SampleData
from penjing.pipeline.exporting.source import open_source
from penjing.progress import Silent

TEXTS = [
    "a lovely film, 精彩 😀",
    "  two  spaces\tand\nlines",
    "def f(x): return x**2",
    "naïve café — Привет",
    "不好看",
]


@pytest.fixture(scope="session")
def small_decoder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function that makes the folder of a small decoder with random weights; its arguments are of the config."""
    from penjing.models.llama import initialize
    from penjing.pipeline.model_folder import write_network
    from penjing.registry import load_registered
    from penjing.text.tokenizer import train_tokenizer
    from penjing.text.tokenizer_settings import TokenizerSettings

    shape = {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "intermediate_size": 96,
        "max_position_embeddings": 512,
        "initializer_range": 0.2,
    }

    @lru_cache
    def make(family: str = "llama", **more: Any) -> Path:
        settings = {key: more.pop(key) for key in ("guards", "strip_tags", "reserved") if key in more}
        tokenizer = train_tokenizer([TEXTS * 20], TokenizerSettings(kind="bpe", vocab_size=420, **settings), 0)
        architecture = load_registered("models", family)
        values = {**shape, **more, "pad_token_id": tokenizer.pad_id}
        if more.get("rope_type") == "llama3":
            values["rope_parameters"] = {
                "rope_type": "llama3",
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            }
        config = architecture.config_from_dict({**values, "vocab_size": tokenizer.vocab_size + 3})
        network = architecture.language_model(config)
        initialize(network, config, 1)
        folder = tmp_path_factory.mktemp(family) / "small"
        folder.mkdir()
        write_network(folder, network, architecture, config, tokenizer, head="language")
        return folder

    return make


@pytest.fixture
def export(tmp_path: Path) -> Callable[..., Exported]:
    """Exports a folder to a target, scored on a file where one is given; returns what was made."""

    def run(folder: Path, target: str, name: str = "export", data: Path | None = None, **more: Any) -> Exported:
        more["data"] = None if data is None else SampleData(str(data))
        return export_model(open_source(folder), ExportCall(target, tmp_path / name, **more), Silent())

    return run


@pytest.fixture
def read_parity() -> Callable[[Path], dict[str, Any]]:
    """Reads the parity.json of an export that is a folder."""
    return lambda folder: json.loads((folder / "parity.json").read_text(encoding="utf-8"))
