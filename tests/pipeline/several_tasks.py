"""A recipe of several tasks, small enough for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

GERMAN = {"red": "rot", "old": "alt", "dog": "Hund", "cat": "Katze", "house": "Haus", "tree": "Baum"}


def make_document(folder: Path) -> dict[str, Any]:
    """Writes rows of three tasks, and returns a recipe of them."""
    rng = np.random.default_rng(0)
    texts = list(dict.fromkeys(" ".join(rng.choice(list(GERMAN), 4)) for _ in range(160)))
    third = len(texts) // 3
    write = {
        "pairs": ["text,target", *(f"{t},{' '.join(map(GERMAN.__getitem__, t.split()))}" for t in texts[:third])],
        "mood": ["text,label", *(f"{t},{int('red' in t)}" for t in texts[third : 2 * third])],
        "asked": ["context,question,answer", *(f"{t},what is first?,{t.split()[0]}" for t in texts[2 * third :])],
    }
    for name, lines in write.items():
        (folder / f"{name}.csv").write_text("\n".join(lines), encoding="utf-8")
    return {
        "name": "several",
        "task": "multi",
        "parts": {
            "translate": {
                "task": "translate",
                "template": "to German: {text}",
                "data": {"path": str(folder / "pairs.csv")},
                "examples": ["red dog"],
            },
            "mood": {
                "task": "sentiment",
                "template": "mood: {text}",
                "weight": 2.0,
                "data": {"path": str(folder / "mood.csv")},
            },
            "ask": {
                "task": "answer",
                "template": "{question} in: {text}",
                "data": {"path": str(folder / "asked.csv")},
            },
        },
        "tokenizer": {"kind": "bpe", "vocab_size": 300},
        "model": {
            "family": "t5",
            "shape": {
                **{"d_model": 16, "num_layers": 1, "num_decoder_layers": 1, "num_heads": 2},
                **{"d_kv": 8, "d_ff": 32, "dropout_rate": 0.1},
            },
        },
        "render": {"max_tokens": 40, "max_target_tokens": 16},
        "finetune": {
            **{"epochs": 2, "batch_rows": 32, "evaluations": 2, "learning_rate": 0.01},
            **{"device": "cpu", "compile": "off", "precision": "fp32"},
        },
        "write": {"max_tokens": 8, "beams": 1},
        "evaluate": {"resamples": 100, "mistakes": 2},
    }
