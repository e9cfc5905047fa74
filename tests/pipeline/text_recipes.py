"""Small recipes over texts that are written for them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any


def texts_recipe(folder: Path, family: str, shape: dict[str, Any]) -> dict[str, Any]:
    """Writes lines into a folder, and returns the recipe of a model that goes on with them."""
    rng = random.Random(0)
    lines = [f"row {n}: " + " ".join(rng.choice(("red", "blue", "很好")) for _ in range(12)) for n in range(120)]
    (folder / "lines.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {
        "name": "lines",
        "task": "generate",
        "data": {"path": str(folder / "lines.txt")},
        "tokenizer": {"kind": "bpe", "vocab_size": 300},
        "model": {"family": family, "shape": shape},
        "render": {"max_tokens": 20, "prompt_words": 4},
        "finetune": {"epochs": 2, "learning_rate": 1e-2, "precision": "fp32", "device": "cpu"},
        "write": {"max_tokens": 10},
        "evaluate": {"resamples": 100, "samples": 8},
    }
