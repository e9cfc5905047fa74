"""Dialogues: from every kind of table, each once and in one split; what breaks the rules, by file and row."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penjing.data.dialogue_settings import DialogueData
from penjing.data.dialogues import build_dialogues, find_openings, iter_dialogues, read_dialogue_rows, read_dialogues
from penjing.data.messages import Message, take_apart
from penjing.data.reading import iter_texts
from penjing.errors import DataError, PenjingError, RecipeError
from penjing.progress import Silent

SPLITS = ("train", "validation", "test")


def dialogue(number: int, turns: int = 4) -> list[dict[str, str]]:
    return [
        {"role": "assistant" if turn % 2 else "user", "content": f"dialogue {number} turn {turn}"}
        for turn in range(turns)
    ]


def write(path: Path, dialogues: Sequence[Any], key: str = "messages") -> Path:
    rows = (json.dumps({key: messages}, ensure_ascii=False) for messages in dialogues)
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def build(out: Path, seed: int = 0, **values: Any) -> dict[str, Any]:
    out.mkdir(parents=True, exist_ok=True)
    return build_dialogues(DialogueData.model_validate(values), seed, out, Silent())


def everything(folder: Path) -> list[list[Message]]:
    return [messages for split in SPLITS for messages in read_dialogues(folder, split)]


def test_every_dialogue_is_in_one_split_and_as_it_was(tmp_path: Path) -> None:
    given = [[{"role": "system", "content": "Be brief."}, *dialogue(n)] for n in range(20)]
    counts = build(tmp_path / "out", path=str(write(tmp_path / "chats.jsonl", given)))
    assert {split: part["rows"] for split, part in counts["splits"].items()} == {
        "train": 16,
        "validation": 2,
        "test": 2,
    }
    assert {split: part["exchanges"] for split, part in counts["splits"].items()} == {
        "train": 32,
        "validation": 4,
        "test": 4,
    }
    found = [[message.to_dict() for message in messages] for messages in everything(tmp_path / "out")]
    assert sorted(found, key=str) == sorted(given, key=str)
    (batch,) = iter_texts(tmp_path / "out" / "test.parquet")
    assert batch[0].splitlines()[0] == "Be brief."  # what a tokenizer learns from has no roles


def test_another_seed_draws_another_split_and_the_same_the_same(tmp_path: Path) -> None:
    path = str(write(tmp_path / "chats.jsonl", [dialogue(n) for n in range(40)]))
    for name, seed in {"a": 0, "b": 0, "c": 1}.items():
        build(tmp_path / name, seed, path=path)
    a, b, c = (read_dialogues(tmp_path / name, "test") for name in "abc")
    assert a == b != c


@pytest.mark.parametrize("kind", ["jsonl", "json", "parquet", "csv"])
def test_messages_are_read_from_every_kind_of_table(tmp_path: Path, kind: str) -> None:
    given, path = [dialogue(n) for n in range(3)], tmp_path / f"chats.{kind}"
    if kind == "jsonl":
        write(path, given)
    elif kind == "json":
        path.write_text(json.dumps([{"messages": messages} for messages in given]), encoding="utf-8")
    elif kind == "parquet":
        pq.write_table(pa.table({"messages": given}), path)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("messages",), *((json.dumps(messages),) for messages in given)])
    found = read_dialogue_rows(str(path))
    assert [[message.to_dict() for message in messages] for messages in found] == given


def test_two_columns_are_dialogues_of_one_exchange(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("prompt", "response"), *((f"ask {n}", f"say {n}") for n in range(20))])
    build(tmp_path / "out", path=str(path), text="prompt", target="response")
    assert sorted(everything(tmp_path / "out"))[0] == [Message("user", "ask 0"), Message("assistant", "say 0")]
    with pytest.raises(RecipeError, match="messages"):
        build(tmp_path / "none", path=str(path))


def test_duplicates_are_dropped_and_dialogues_of_evaluation_are_not_trained_on(tmp_path: Path) -> None:
    train = write(tmp_path / "a.jsonl", [dialogue(n) for n in [*range(10), 3, 4]])
    loud = [[{**message, "content": message["content"].upper() + "!"} for message in dialogue(7)]]
    counts = build(
        tmp_path / "out",
        path=str(train),
        validation=str(write(tmp_path / "b.jsonl", [dialogue(20), dialogue(21)])),
        test=str(write(tmp_path / "c.jsonl", [*loud, dialogue(21)])),
    )
    assert counts["duplicates"] == 2
    assert counts["overlap"] == {"train": 1, "validation": 1}
    assert len(read_dialogues(tmp_path / "out", "train")) == 9


BROKEN = {
    "assistant first": (dialogue(0)[1:], "the dialogue begins with the assistant", "broken"),
    "twice": ([*dialogue(0)[:1], *dialogue(1)], "the user speaks twice in a row", "broken"),
    "role": ([{"role": "bot", "content": "x"}], 'the role is "bot"', "broken"),
    "no reply": (dialogue(0)[:1], "no reply to learn from", "broken"),
    "no list": ("hello", "neither a list of messages nor one as JSON", "broken"),
    "nothing": (None, "this is no list of messages", "broken"),
    "empty": ([*dialogue(0)[:1], {"role": "assistant", "content": " "}], "the content is empty", "empty_text"),
}


@pytest.mark.parametrize(("messages", "words", "key"), BROKEN.values(), ids=BROKEN)
def test_what_breaks_the_rules_is_refused_by_file_and_row_or_dropped_and_counted(
    tmp_path: Path, messages: Any, words: str, key: str
) -> None:
    path = str(write(tmp_path / "chats.jsonl", [*(dialogue(n) for n in range(12)), messages]))
    with pytest.raises(DataError) as caught:
        build(tmp_path / "refused", path=path)
    assert str(caught.value).startswith("chats.jsonl, row 13")
    assert words in str(caught.value)
    assert f'{key} = "drop"' in str(caught.value)
    counts = build(tmp_path / "dropped", path=path, **{key: "drop"})
    assert (counts["read"], counts["kept"]) == (13, 12)
    assert counts["broken" if key == "broken" else "empty"] == 1


def test_an_empty_cell_is_empty_and_not_a_fault_of_form(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("prompt,response\n" + "".join(f"a{n},b{n}\n" for n in range(12)) + "c,\n", encoding="utf-8")
    columns = {"path": str(path), "text": "prompt", "target": "response"}
    with pytest.raises(DataError, match="row 14, message 2: the content is empty"):
        build(tmp_path / "refused", **columns)
    assert build(tmp_path / "out", **columns, empty_text="drop")["empty"] == 1


def test_settings_that_contradict_each_other_are_refused() -> None:
    for values in ({"text": "a", "target": "a"}, {"columns": ("a",)}, {"label": "x"}, {"broken": "skip"}):
        with pytest.raises(ValueError, match="DialogueData"):
            DialogueData.model_validate({"path": "x.jsonl", **values})


def test_a_file_without_dialogues_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PenjingError):
        read_dialogue_rows(str(write(tmp_path / "none.jsonl", [])))


def test_exchanges_are_those_with_a_reply(tmp_path: Path) -> None:
    path = write(tmp_path / "chats.jsonl", [dialogue(n, 5) for n in range(10)])
    counts = build(tmp_path / "out", path=str(path))
    assert counts["splits"]["train"]["exchanges"] == 16
    for batch in iter_dialogues(tmp_path / "out", "train"):
        assert all(len(take_apart(messages).asked) == 1 for messages in batch)


def conversation(number: int, speakers: str = "1212") -> dict[str, Any]:
    """Returns a dialogue as Topical-Chat has it."""
    turns = [{"message": f" {number} says {place} ", "agent": f"agent_{who}"} for place, who in enumerate(speakers)]
    return {"config": "AB"[number % 2], "content": turns}


def write_keyed(path: Path, conversations: Sequence[Any]) -> str:
    path.write_text(json.dumps({f"t_{n}": item for n, item in enumerate(conversations)}, indent=1), encoding="utf-8")
    return str(path)


def test_of_json_keyed_by_conversation_who_speaks_first_is_the_user(tmp_path: Path) -> None:
    given = [conversation(number, "2121") for number in range(20)]
    address = write_keyed(tmp_path / "talks.json", given)
    assert read_dialogue_rows(address)[3] == [
        Message("user" if place % 2 == 0 else "assistant", f"3 says {place}") for place in range(4)
    ]
    counts = build(tmp_path / "out", path=address, where={"config": "A"})
    assert sum(part["rows"] for part in counts["splits"].values()) == 10
    assert {message.content.split()[0] for row in everything(tmp_path / "out") for message in row} == {
        str(number) for number in range(0, 20, 2)
    }


@pytest.mark.parametrize(
    ("speakers", "words"), [("1122", "the user speaks twice in a row"), ("123", 'the role is "agent_3"')]
)
def test_keyed_conversations_that_break_the_rules_are_refused_by_number(
    tmp_path: Path, speakers: str, words: str
) -> None:
    given = [*(conversation(number) for number in range(11)), conversation(11, speakers)]
    address = write_keyed(tmp_path / "talks.json", given)
    with pytest.raises(DataError, match=r"talks\.json, row 12") as caught:
        build(tmp_path / "out", path=address)
    assert words in str(caught.value)
    assert build(tmp_path / "kept", path=address, broken="drop")["broken"] == 1


def test_a_column_that_keyed_conversations_do_not_have_is_refused(tmp_path: Path) -> None:
    address = write_keyed(tmp_path / "talks.json", [conversation(number) for number in range(12)])
    with pytest.raises(RecipeError, match="confg"):
        build(tmp_path / "out", path=address, where={"confg": "A"})


def test_an_array_of_objects_stays_a_table_of_messages(tmp_path: Path) -> None:
    rows = [{"meta": {"content": []}, "messages": dialogue(number)} for number in range(12)]
    (tmp_path / "talks.json").write_text(json.dumps(rows), encoding="utf-8")
    (tmp_path / "one.json").write_text("".join(map(json.dumps, rows)), encoding="utf-8")
    for name in ("talks.json", "one.json"):
        assert len(read_dialogue_rows(str(tmp_path / name))) == 12


def test_every_conversation_of_topical_chat_is_read(shared_data: Path, tmp_path: Path) -> None:
    counts = build(tmp_path / "out", path=str(shared_data / "topical_chat" / "valid_freq.json.gz"))
    assert sum(part["rows"] for part in counts["splits"].values()) == 539
    assert counts["splits"]["train"]["exchanges"] > 4000


def test_a_dialogue_that_is_stored_turn_by_turn_is_in_one_split(tmp_path: Path) -> None:
    def say(number: int, turn: int) -> str:
        return f"what is said in turn {turn} of dialogue number {number}"

    whole = [
        [{"role": "assistant" if turn % 2 else "user", "content": say(number, turn)} for turn in range(8)]
        for number in range(100)
    ]
    rows = [messages[:turns] for turns in (2, 4, 6, 8) for messages in whole]
    counts = build(tmp_path / "out", path=str(write(tmp_path / "chats.jsonl", rows)))
    replies = {
        split: {
            message.content
            for messages in read_dialogues(tmp_path / "out", split)
            for message in messages
            if message.role == "assistant"
        }
        for split in SPLITS
    }
    assert {split: part["rows"] for split, part in counts["splits"].items()} == {
        "train": 320,
        "validation": 40,
        "test": 40,
    }
    assert not replies["train"] & (replies["validation"] | replies["test"])
    assert not replies["validation"] & replies["test"]


@pytest.mark.parametrize("greeting", ["Hello!", "Hello, and thank you for calling our shop, how may I help you today?"])
def test_dialogues_that_begin_with_a_greeting_are_drawn_one_by_one(tmp_path: Path, greeting: str) -> None:
    hello = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": greeting}]
    counts = build(
        tmp_path / "out", path=str(write(tmp_path / "chats.jsonl", [[*hello, *dialogue(n)] for n in range(100)]))
    )
    assert [part["rows"] for part in counts["splits"].values()] == [80, 10, 10]


def test_an_opening_ends_with_the_first_reply_that_says_something() -> None:
    turns = ["Hi", "Hello", "What is a bonsai?", "It is a tree that is kept small in a pot.", "Thank you", "Welcome"]
    messages = [Message("assistant" if turn % 2 else "user", text) for turn, text in enumerate(turns)]
    assert find_openings([messages, [Message("system", "Be brief."), *messages[:2]]]) == [
        "\n".join(turns[:4]),
        "Hi\nHello",
    ]
    assert find_openings(
        [[Message("user", "你好"), Message("assistant", "盆景是种在盆里的小树，需要常常修剪。")] * 2]
    ) == ["你好\n盆景是种在盆里的小树，需要常常修剪。"]
