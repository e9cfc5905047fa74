"""Recipes for questions with a text each in which the answer stands."""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import Any

from penjing.models.config import family_of
from penjing.models.interface import Architecture
from penjing.models.weights import read_config
from penjing.pipeline.start import architecture_named, locate_folder, marks_of
from penjing.pipeline.starting.looking import Found
from penjing.pipeline.starting.parts import decoder_for
from penjing.pipeline.starting.wanted import DECODER_WIDTHS, MINILM, Document, Wanted, row_tokens, rows_section
from penjing.pipeline.starting.writer import BATCH_TOKENS, TOKENS_A_WORD, encoder_decoder_for

_MOST_TOKENS = 256  # a longer text is read in several windows
_MOST_READ, _STEP = 512, 16  # tokens, by a model that writes: a longer text is cut
_ASKED_WORDS, _ANSWER_WORDS = 32, 40  # of a question with its prompt, and of an answer


def propose_answers(wanted: Wanted, found: Found) -> list[tuple[str, Document]]:
    """Returns recipes, the best first: from a model that is there, or an encoder from scratch.

    Where the start or the teacher is a model that writes, so is what is proposed.
    """
    given, option = (wanted.start, "--start") if wanted.start is not None else (wanted.teacher, "--teacher")
    if given is not None:
        values = read_config(locate_folder(given, option))
        writer = architecture_named(None, family_of(values), option)
        if writer.writes_answers:
            return _propose_written(wanted, found, writer, writer.config_from_dict(values))
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
        proposals.append(("encoder, after practice", {**shared, "render": render, **_practiced_encoder(wanted)}))
        proposals.append(("encoder", {**shared, "render": render, **_encoder(wanted)}))
    return proposals


def _propose_written(wanted: Wanted, found: Found, writer: Architecture, config: Any) -> list[tuple[str, Document]]:
    """Returns recipes of models that write their answers: from the start, or fresh ones of the teacher's make.

    Args:
        wanted: names the start or the teacher.
        found: what the questions are like.
        writer: what the start or the teacher is.
        config: its shape.
    """
    needed = (found.long_words + _ASKED_WORDS) * TOKENS_A_WORD
    positions = getattr(config, "max_position_embeddings", None) or 2 * _MOST_READ
    written = min(row_tokens(_ANSWER_WORDS, TOKENS_A_WORD), positions // 4)
    read = min(_MOST_READ, max(_STEP, _STEP * math.ceil(needed / _STEP)))
    if not writer.is_encoder_decoder:  # what it reads and what it writes share its positions
        read = min(read, positions - written)
    shared: Document = {
        "name": wanted.name,
        "task": wanted.task,
        "seed": 0,
        "data": rows_section(wanted, found),
        "render": {"max_tokens": read, "max_target_tokens": written},
        "write": {"max_tokens": written, "beams": 4},
        "report": {"language": wanted.language},
    }
    if wanted.start is not None:
        finetune = {"epochs": 3, "batch_tokens": BATCH_TOKENS}
        return [("transfer", {**shared, "model": {"start": wanted.start}, "finetune": finetune})]
    if writer.is_encoder_decoder:
        return [
            (f"encoder-decoder, {width} wide", {**shared, **encoder_decoder_for(found, width)})
            for width in DECODER_WIDTHS.values()
        ]
    return [  # its window is the teacher's
        (f"decoder, {name}", {**shared, **decoder_for(found, width, positions)})
        for name, width in DECODER_WIDTHS.items()
    ]


def _marks_of(start: str) -> Document:
    """Returns the setting by which a model has learned what question and text have in common; nothing without it."""
    longest = marks_of(locate_folder(start, "--start"))
    return {"mark_matches": longest} if longest else {}


def _practiced_encoder(wanted: Wanted) -> Document:
    """The encoder of the recipe cmrc2018: it learns first from questions that are made of the texts."""
    made: Document = {
        "tokenizer": {"kind": "wordpiece", "vocab_size": 6000},
        "model": {
            "family": "bert",
            "shape": {"hidden_size": 192, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 768},
        },
        "practice": {"cloze": {"learning_rate": 1e-3}},
        "finetune": {"epochs": 3, "batch_rows": 16, "learning_rate": 5e-4, "evaluations": 3},
    }
    if wanted.texts is not None:
        made["corpus"] = {"path": wanted.texts}
    return made


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
