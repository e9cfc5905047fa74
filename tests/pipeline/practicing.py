"""Small recipes that practice, for tests."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

SUBJECTS = ("the cook", "a tired guard", "my uncle", "the mayor", "her doctor", "一个园丁", "那位船长")
DEEDS = ("closed the gate", "sold two horses", "counted the plates", "wrote a short letter", "missed the last train")


def write_notes(path: Path, count: int = 160) -> None:
    """Writes texts of four sentences, each with the first one as its summary."""
    rng = random.Random(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "target"])
        for number in range(count):
            told = [f"On day {number} {rng.choice(SUBJECTS)} {rng.choice(DEEDS)}."]
            told += [f"Then {rng.choice(SUBJECTS)} {rng.choice(DEEDS)}." for _ in range(3)]
            writer.writerow([" ".join(told), told[0]])


def practicing_recipe(folder: Path, family: str = "t5") -> dict[str, Any]:
    """Writes notes into a folder and returns a recipe for a small model that practices, then summarizes them."""
    write_notes(folder / "notes.csv")
    shapes: dict[str, dict[str, float]] = {
        "t5": {"d_model": 32, "d_kv": 16, "d_ff": 32, "num_layers": 1, "num_heads": 2, "dropout_rate": 0.0},
        "llama": {
            "hidden_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 32,
            "max_position_embeddings": 96,
        },
    }
    return {
        "name": "notes",
        "task": "summarize",
        "data": {"path": str(folder / "notes.csv")},
        "tokenizer": {"kind": "bpe", "vocab_size": 400},
        "model": {"family": family, "shape": shapes[family]},
        "render": {"max_tokens": 64, "max_target_tokens": 32},
        "practice": {"write_off": {"exercises": 100, "epochs": 1}, "find": {"exercises": 60, "epochs": 1}},
        "finetune": {
            "epochs": 1,
            "evaluations": 2,
            "learning_rate": 1e-3,
            "batch_rows": 16,
            "precision": "fp32",
            "device": "cpu",
        },
        "write": {"max_tokens": 8},
        "evaluate": {"resamples": 100, "mistakes": 3},
    }
