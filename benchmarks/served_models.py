"""Decoders of random weights that the benchmarks of serving share, in the hub's layout and as GGUF."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from penjing.models.llama import LLAMA
from penjing.pipeline.model_folder import write_network
from penjing.text.tokenizer import train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

VOCABULARY = 32_000
SHAPES: dict[str, dict[str, Any]] = {
    "134M": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 2048},
    "374M": {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 2816},
}
TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}<|assistant|>"


def make_model(folder: Path, size: str) -> Path:
    """Returns the folder of a model of random weights, made where it is not there."""
    path = folder / size
    if path.is_dir():
        return path
    # Words that do not repeat: enough pairs of bytes for a whole vocabulary.
    words = [[f"{number:x}{number * 2654435761 % 2**32:x} {chr(0x4E00 + number % 20000)}" for number in range(60_000)]]
    tokenizer = train_tokenizer(words, TokenizerSettings(kind="bpe", vocab_size=VOCABULARY), 0)
    shape = {**SHAPES[size], "num_key_value_heads": SHAPES[size]["num_attention_heads"], "vocab_size": VOCABULARY}
    config = LLAMA.config_from_dict({**LLAMA.fresh_shape, **shape, "tie_word_embeddings": False})
    network = LLAMA.language_model(config)
    LLAMA.initialize(network, config, 0)
    path.mkdir(parents=True)
    write_network(path, network, LLAMA, config, tokenizer, head="language")
    (path / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    return path


def make_gguf(folder: Path, size: str, kind: str) -> Path:
    """Returns a model as a GGUF file, made where it is not there; what is equal about it, `penjing export` proves."""
    path = folder / f"{size}-{kind}.gguf"
    if not path.is_file():
        call = ["export", str(make_model(folder, size)), "--to", "gguf", "--type", kind, "--unproved", str(path)]
        subprocess.run([sys.executable, "-m", "penjing", *call], check=True, stdout=subprocess.DEVNULL)
    return path
