"""``penjing data show`` of a recipe says what of the first rows is cut, whatever they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.samples import show_rows
from penjing.progress import Silent
from penjing.text.showing import ShownRow

WORDS = "one two three four five six seven eight nine ten"
LLAMA = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24}


def show(folder: Path, rows: list[dict[str, Any]], **sections: Any) -> list[ShownRow]:
    path = folder / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    recipe = {"name": "shown", "tokenizer": {"kind": "word", "vocab_size": 300, "min_frequency": 1}, **sections}
    recipe["data"] = {"path": str(path), **recipe.get("data", {})}
    return show_rows(check_recipe(recipe, "shown"), folder / "run", len(rows), Silent())


def text_of(row: ShownRow, *states: str) -> str:
    return " ".join(token.text.strip() for token in row.tokens if token.state in states)


def check_counts(rows: list[ShownRow]) -> None:
    for row in rows:
        assert row.counts["cut"] == sum(token.state == "cut" for token in row.tokens)


def test_of_a_question_that_is_too_long_the_end_is_cut(tmp_path: Path) -> None:
    rows = [
        {"context": f"{WORDS} row{n} ten ten ten", "question": f"what comes after {WORDS}", "answer": "two"}
        for n in range(30)
    ]
    shown = show(
        tmp_path,
        rows,
        task="answer",
        model={"family": "bert", "size": "tiny"},
        render={"max_tokens": 17, "max_question_tokens": 4, "overlap_tokens": 2},
    )
    check_counts(shown)
    first, second = shown[:2]  # windows of one question
    assert text_of(first, "cut") == "two three four five six seven eight nine ten"
    assert text_of(first, "learned") == "two"
    assert text_of(first, "read", "learned").startswith("[CLS] what comes after one [SEP] one two three")
    assert second.counts["cut"] == 0


@pytest.mark.parametrize("family", ["llama", "t5"])
def test_of_a_beginning_that_is_too_long_the_first_words_are_cut(tmp_path: Path, family: str) -> None:
    rows = [{"text": f"row{n} {' '.join([WORDS] * 3)}", "more": f"and {WORDS} again {n}"} for n in range(30)]
    shapes = {"llama": LLAMA, "t5": {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 1, "num_heads": 2}}
    shown = show(
        tmp_path,
        rows,
        task="generate",
        tokenizer={"kind": "bpe", "vocab_size": 400},
        data={"continuation": "more"},
        model={"family": family, "shape": shapes[family]},
        render={"max_tokens": 24},
        write={"max_tokens": 12},
    )
    check_counts(shown)
    first = next(row for row in shown if row.counts["cut"])
    whole = "".join(token.text for token in first.tokens if not token.is_special)
    assert whole.startswith("row")
    assert " ".join([WORDS] * 3) in whole
    assert "".join(token.text for token in first.tokens if token.state == "cut").startswith("row")
    assert first.counts["read"] <= 24


def test_of_a_text_before_a_name_what_has_no_room_is_cut(tmp_path: Path) -> None:
    rows = [{"text": f"{WORDS} row{n}", "label": ("dull", "fine")[n % 2]} for n in range(30)]
    shown = show(
        tmp_path,
        rows,
        task="classify",
        tokenizer={"kind": "bpe", "vocab_size": 400},
        model={"family": "llama", "shape": LLAMA},
        names={"template": "{text} is {label}"},
        render={"max_tokens": 12},
    )
    check_counts(shown)
    for row in shown:
        assert row.counts["cut"] > 0
        assert row.counts["read"] + row.counts["learned"] <= 12
        assert "row" in "".join(token.text for token in row.tokens if token.state == "cut")
        whole = "".join(token.text for token in row.tokens if not token.is_special)
        assert whole.strip().startswith(WORDS)
        assert whole.endswith(f"is {row.answer}")


def dialogue(*turns: tuple[str, str]) -> dict[str, Any]:
    roles = ("user", "assistant")
    messages = [{"role": role, "content": said} for asked in turns for role, said in zip(roles, asked, strict=True)]
    return {"messages": [{"role": "system", "content": "be kind"}, *messages]}


def test_of_a_dialogue_exchanges_that_a_window_does_not_see_are_cut(tmp_path: Path) -> None:
    turns = [(f"ask {n}", f"say {n} {n}") for n in range(1, 7)]
    long = ("ask much", f"say {WORDS} {WORDS} {WORDS}")
    shown = show(
        tmp_path,
        [dialogue(*turns, long, ("ask", f"say {n}"), long) for n in range(10, 40)],
        task="chat",
        tokenizer={"kind": "bpe", "vocab_size": 400},
        model={"family": "llama", "shape": {**LLAMA, "max_position_embeddings": 64}},
        render={"max_tokens": 32},
        write={"max_tokens": 16},
    )
    check_counts(shown)
    assert all(row.counts["read"] + row.counts["learned"] <= 32 for row in shown)
    first, second = shown[:2]
    assert first.counts["cut"] == 0
    assert "say 1 1" in text_of(second, "cut")
    assert "say 1 1" in text_of(first, "learned")
    nowhere = next(row for row in shown if not row.counts["read"])  # the last reply of the first dialogue
    assert nowhere.counts["learned"] == 0
    assert WORDS in text_of(nowhere, "cut")
    seen = shown[shown.index(nowhere) - 1]  # the window before it, which does not see the other long reply
    assert WORDS in text_of(seen, "cut")
