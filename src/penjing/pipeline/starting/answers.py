"""Recipes for questions with a text each in which the answer stands."""

from __future__ import annotations

from importlib.util import find_spec

from penjing.pipeline.start import locate_folder, marks_of
from penjing.pipeline.starting.looking import Found
from penjing.pipeline.starting.wanted import MINILM, Document, Wanted, rows_section

_MOST_TOKENS = 256  # a longer text is read in several windows


def propose_answers(wanted: Wanted, found: Found) -> list[tuple[str, Document]]:
    """Returns recipes, the best first: from a model that is there, or an encoder from scratch."""
    shared: Document = {
        "name": wanted.name,
        "task": wanted.task,
        "seed": 0,
        "data": rows_section(wanted, found),
        "render": {"max_tokens": _MOST_TOKENS, "max_question_tokens": 48, "overlap_tokens": 64},
        "report": {"language": wanted.language},
    }
    start = wanted.start or (f"package:{MINILM}/model" if found.language == "en" and find_spec(MINILM) else None)
    proposals: list[tuple[str, Document]] = []
    if start is not None:
        finetune = {"epochs": 3, "batch_rows": 16, "learning_rate": 1e-4, "warmup": 0.1}
        render = {**shared["render"], **_marks_of(start)}
        proposals.append(("transfer", {**shared, "render": render, "model": {"start": start}, "finetune": finetune}))
    if wanted.start is None:
        render = {**shared["render"], "mark_matches": 3}
        proposals.append(("encoder", {**shared, "render": render, **_encoder(wanted)}))
    return proposals


def _marks_of(start: str) -> Document:
    """Returns the setting by which a model has learned what question and text have in common; nothing without it."""
    longest = marks_of(locate_folder(start, "--start"))
    return {"mark_matches": longest} if longest else {}


def _encoder(wanted: Wanted) -> Document:
    """An encoder that is told what question and text have in common; it is pretrained where there are more texts."""
    made: Document = {
        "tokenizer": {"kind": "wordpiece", "vocab_size": 6000},
        "model": {
            "family": "bert",
            "shape": {
                "hidden_size": 256,
                "num_hidden_layers": 4,
                "num_attention_heads": 4,
                "intermediate_size": 1024,
            },
        },
        "finetune": {"epochs": 6, "batch_rows": 32, "evaluations": 6},
    }
    if wanted.texts is not None:
        made["corpus"] = {"path": wanted.texts}
        made["pretrain"] = {"objective": "masked", "epochs": 8, "window_tokens": _MOST_TOKENS}
    return made
