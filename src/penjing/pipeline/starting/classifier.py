"""Recipes for rows with a label each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec

from penjing.data.plain import whole_number
from penjing.data.scale_names import has_labels_apart
from penjing.errors import UsageError
from penjing.pipeline.starting.looking import Found
from penjing.pipeline.starting.wanted import MINILM, Document, Wanted, row_tokens, rows_section
from penjing.tasks.task import LabelTask, load_task

_FEWEST_STEPS, _BATCH_ROWS = 1500, 32
_MOST_EPOCHS = 30
_TOKENS_A_WORD_IN_PAIRS = 3.2  # a word of Chinese counts as 1.6 characters, each of which begins a pair, too
_MOST_WORDS_IN_PAIRS = 79  # so long a text still fits into the longest row


def propose_classifiers(wanted: Wanted, found: Found) -> list[tuple[str, Document]]:
    """Returns recipes for labelled rows, the best first."""
    if has_labels_apart(_label_names(wanted.task), map(whole_number, found.labels)):
        wanted = replace(wanted, task="classify")
    _check_labels(wanted, found)
    answers = load_task(wanted.task).answers
    common: Document = {
        "name": wanted.name,
        "task": wanted.task,
        "seed": 0,
        "data": rows_section(wanted, found),
    }
    if answers == "rank" and wanted.task == "ordinal":
        common["data"]["labels"] = _in_order(found.labels)
    rest: Document = {"report": {"language": wanted.language}}
    if answers == "label" and find_spec("captum") is not None:
        rest["explain"] = {}
    found_kinds = []
    start = wanted.start or (f"package:{MINILM}/model" if found.language == "en" and find_spec(MINILM) else None)
    if start is not None:
        found_kinds.append(("transfer", {**common, **_transfer(start, found), **rest}))
    if wanted.start is None:
        lstm = _lstm(wanted, found)
        if answers != "label":
            del lstm["finetune"]["label_smoothing"]
        found_kinds.append(("lstm", {**common, **lstm, **rest}))
    return found_kinds


def _check_labels(wanted: Wanted, found: Found) -> None:
    column = found.label or found.section.get("label")
    where, shown = f"{' and '.join(wanted.addresses)}, column {column}", _listed(list(found.labels))
    names = _label_names(wanted.task)
    if names is not None and not set(map(whole_number, found.labels)) <= {*names, *names.values()}:
        known = _listed(sorted(set(names.values())))
        raise UsageError(
            f"the labels are {shown}, and {wanted.task} knows {known}",
            where=where,
            do="Use the task classify, which takes any labels, or name the column of the labels with --label.",
        )
    if len(found.labels) < 2:
        raise UsageError(f"all rows have the label {shown}", where=where, do="Name the column with --label.")


def _label_names(name: str) -> Mapping[str, str] | None:
    task = load_task(name)
    return task.label_names if isinstance(task, LabelTask) else None


def _in_order(labels: Iterable[str]) -> list[str]:
    """Returns labels from the lowest: by number where all are numbers, else by letter, for a person to put right."""
    try:
        return sorted(dict.fromkeys(map(whole_number, labels)), key=float)
    except ValueError:
        return sorted(labels)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _transfer(start: str, found: Found) -> Document:
    is_minilm = MINILM in start
    finetune: Document = {"epochs": 3, "batch_rows": _BATCH_ROWS, "warmup": 0.1}
    model: Document = {"start": start}
    if is_minilm:
        model["shape"] = {"pooling": "mean"}
        finetune["learning_rate"] = 1e-4
    return {"model": model, "render": {"max_tokens": row_tokens(found.long_words, 1.3)}, "finetune": finetune}


def _lstm(wanted: Wanted, found: Found) -> Document:
    """The quickstart's network: its vectors are learned from the same texts, and from more of them where there are."""
    corpus: Document = {"path": wanted.texts or wanted.addresses[0]}
    if wanted.texts is None:
        corpus |= {key: value for key, value in rows_section(wanted, found).items() if key in ("columns", "text")}
    tokenizer: Document = {"kind": "word", "vocab_size": 30_000, "strip_tags": True}
    epochs = min(_MOST_EPOCHS, max(4, math.ceil(_FEWEST_STEPS * _BATCH_ROWS / max(1, found.rows))))
    document: Document = {
        "corpus": corpus,
        "tokenizer": tokenizer,
        "vectors": {"method": "cbow", "window": 10, "negative": 10, "epochs": 8, "sample": 1e-4, "learning_rate": 0.05},
        "model": {
            "family": "lstm",
            "shape": {
                "embedding_size": 256,
                "hidden_size": 256,
                "pooling": "mean_max",
                "dropout": 0.4,
                "embedding_dropout": 0.3,
            },
        },
        "render": {"max_tokens": row_tokens(found.long_words, 1.0)},
        "finetune": {
            "epochs": epochs,
            "batch_rows": _BATCH_ROWS,
            "learning_rate": 1e-3,
            "embedding_rate": 0.1,
            "token_dropout": 0.2,
            "label_smoothing": 0.1,
            "average": 0.99,
            "warmup": 0.1,
        },
    }
    if found.language not in ("zh", "ja"):
        return document
    if found.long_words > _MOST_WORDS_IN_PAIRS:
        tokenizer["words"] = {"segment": True}
        return document
    return _by_pairs(document, found)


def _by_pairs(lstm: Document, found: Found) -> Document:
    """Returns the recipe for short texts in Chinese, read by characters and pairs of them, with thucnews's settings."""
    shape = {**lstm["model"]["shape"], "hidden_size": 128, "dropout": 0.5, "embedding_dropout": 0.5}
    finetune = {name: value for name, value in lstm["finetune"].items() if name != "embedding_rate"}
    return {
        **lstm,
        "tokenizer": {**lstm["tokenizer"], "vocab_size": 40_000, "words": {"grams": 2}},
        "vectors": {**lstm["vectors"], "window": 8, "epochs": 10},
        "model": {**lstm["model"], "shape": shape},
        "render": {"max_tokens": row_tokens(found.long_words, _TOKENS_A_WORD_IN_PAIRS)},
        "finetune": {**finetune, "learning_rate": 3e-3, "token_dropout": 0.5},
    }
