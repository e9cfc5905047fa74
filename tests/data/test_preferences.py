"""Preferences are read row by row; what cannot be learned from is refused by file and row, or left out and counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penjing.data.preference_settings import PreferenceData, ReplyPreferenceData
from penjing.data.preferences import build_preferences, read_preference_rows, read_preferences
from penjing.errors import DataError, RecipeError
from penjing.progress import Silent


def write(folder: Path, *first: dict[str, Any], more: int = 20) -> Path:
    rows = [*first, *({"prompt": f"p {n}", "chosen": f"good {n}", "rejected": f"bad {n}"} for n in range(more))]
    path = folder / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def build(path: Path, kind: type[PreferenceData] = PreferenceData, **settings: Any) -> dict[str, Any]:
    out = path.parent / f"out-{len(list(path.parent.iterdir()))}"
    out.mkdir()
    return build_preferences(kind(path=str(path), **settings), 0, out, Silent())


@pytest.mark.parametrize(
    ("row", "what", "key"),
    [
        ({"prompt": "a", "chosen": "same", "rejected": "same "}, "are the same", "equal"),
        ({"prompt": "a", "chosen": " ", "rejected": "b"}, 'column "chosen" is empty', "empty_text"),
        ({"prompt": None, "chosen": "a", "rejected": "b"}, 'column "prompt" is empty', "empty_text"),
    ],
)
def test_rows_of_which_nothing_is_learned_are_refused_by_row_or_counted(
    tmp_path: Path, row: dict[str, Any], what: str, key: str
) -> None:
    path = write(tmp_path, row)
    with pytest.raises(DataError) as caught:
        build(path)
    assert "rows.jsonl, " in str(caught.value)
    assert what in str(caught.value)
    assert f'{key} = "drop"' in str(caught.value)
    counts = build(path, **{key: "drop"})
    assert counts["empty" if key == "empty_text" else key] == 1
    assert counts["kept"] == 20


def test_a_missing_column_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path)
    with pytest.raises(RecipeError, match="worse"):
        build(path, rejected="worse")
    path.write_text("")
    with pytest.raises(DataError):
        build(path)
    with pytest.raises(DataError, match="would be"):
        build(write(tmp_path, more=1))


def test_a_prompt_is_in_one_split_alone_and_repeated_rows_count_once(tmp_path: Path) -> None:
    again = {"prompt": "P 3", "chosen": "x", "rejected": "y"}  # another case of a prompt that is there
    path = write(tmp_path, again, again)
    counts = build(path, split={"train": 0.6, "validation": 0.2, "test": 0.2})
    assert counts["duplicates"] == 1
    out = max(tmp_path.glob("out-*"))
    found = {split: read_preferences(out, split).prompts for split in ("train", "validation", "test")}
    lowered = {split: {prompt.lower() for prompt in prompts} for split, prompts in found.items()}
    assert not lowered["train"] & (lowered["validation"] | lowered["test"])
    assert not lowered["validation"] & lowered["test"]


def test_dialogues_are_read_as_lists_as_json_and_as_what_the_user_says(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "hi"}]
    path = write(
        tmp_path,
        {"prompt": said, "chosen": "a", "rejected": "b"},
        {"prompt": json.dumps(said), "chosen": [{"role": "assistant", "content": "c"}], "rejected": "b"},
        {"prompt": "hi", "chosen": "e", "rejected": "f"},
        more=0,
    )
    rows = read_preference_rows(str(path), is_dialogue=True)
    assert rows.prompts == [json.dumps(said)] * 3
    assert rows.chosen == ["a", "c", "e"]


@pytest.mark.parametrize(
    ("prompt", "chosen", "what"),
    [
        ([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "x", "the assistant spoke last"),
        ([{"role": "assistant", "content": "b"}], "x", "begins with the assistant"),
        ("a", [{"role": "user", "content": "b"}], "this is no reply"),
    ],
)
def test_dialogues_that_break_the_rules_are_refused_or_counted(
    tmp_path: Path, prompt: Any, chosen: Any, what: str
) -> None:
    path = write(tmp_path, {"prompt": prompt, "chosen": chosen, "rejected": "y"})
    with pytest.raises(DataError, match=what):
        build(path, ReplyPreferenceData)
    assert build(path, ReplyPreferenceData, broken="drop")["broken"] == 1


def test_a_prompt_with_many_pairs_is_in_one_split_and_no_row_is_thrown_away(tmp_path: Path) -> None:
    forms = ("Prompt {n}?", "prompt {n}", "PROMPT  {n}!")
    rows = [
        {"prompt": forms[k].format(n=n), "chosen": f"good {n} {k}", "rejected": f"bad {n} {k}"}
        for k in range(3)
        for n in range(100)
    ]
    counts = build(write(tmp_path, *rows, more=0))
    assert {split: part["rows"] for split, part in counts["splits"].items()} == {
        "train": 240,
        "validation": 30,
        "test": 30,
    }
    assert counts["overlap"] == {"train": 0, "validation": 0}


def test_prompts_that_are_too_few_are_told_from_rows(tmp_path: Path) -> None:
    rows = [{"prompt": f"p {n % 2}", "chosen": f"good {n}", "rejected": "bad"} for n in range(100)]
    with pytest.raises(DataError, match="whose 100 rows are of 2 texts"):
        build(write(tmp_path, *rows, more=0))
