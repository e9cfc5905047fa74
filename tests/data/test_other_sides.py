"""The other side of training dialogues: all but those in which a reply is measured."""

from __future__ import annotations

import json
from pathlib import Path

from penjing.data.dialogue_settings import DialogueData
from penjing.data.dialogues import build_dialogues, read_dialogues
from penjing.data.messages import exchange_sides, take_apart
from penjing.data.other_sides import OtherSides
from penjing.progress import Silent

WORDS = ("apple", "brook", "cedar", "delta", "ember", "fjord", "grove", "heath", "islet", "jetty")


def talk(number: int, turns: int = 5) -> list[dict[str, str]]:
    """A dialogue whose messages are all of nine words, none of which is said elsewhere."""
    return [
        {"role": ("user", "assistant")[turn % 2], "content": " ".join(f"{word}{number}x{turn}" for word in WORDS[:9])}
        for turn in range(turns)
    ]


def build(folder: Path, rows: list[list[dict[str, str]]], test: list[list[dict[str, str]]]) -> Path:
    for name, some in (("train", rows), ("test", test)):
        text = "".join(json.dumps({"messages": messages}) + "\n" for messages in some)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    settings = DialogueData(
        path=str(folder / "train.jsonl"),
        test=str(folder / "test.jsonl"),
        split={"train": 0.8, "validation": 0.2, "test": 0.0},  # type: ignore[arg-type]
    )
    out = folder / "data"
    out.mkdir()
    build_dialogues(settings, 0, out, Silent())
    return out


def test_a_dialogue_that_is_tested_from_its_other_side_is_not_exchanged(tmp_path: Path) -> None:
    test = [talk(number) for number in range(100, 110)]
    seen = [
        [{"role": ("user", "assistant")[turn % 2], "content": said["content"]} for turn, said in enumerate(one[1:])]
        for one in test[:6]
    ]
    out = build(tmp_path, [*(talk(number) for number in range(40)), *seen], test)
    train = read_dialogues(out, "train")
    measured = {
        reply.content for messages in read_dialogues(out, "test") for _, reply in take_apart(messages).exchanges
    }
    mirrored = sum(
        any(reply.content in measured for _, reply in take_apart(exchange_sides(messages)).exchanges)
        for messages in train
    )
    assert mirrored > 0  # else there is nothing to find
    others = OtherSides(out)
    learned = others.beside(train)
    assert (others.given, others.left_out) == (len(train) - mirrored, mirrored)
    assert len(learned) == 2 * len(train) - mirrored
    assert measured.isdisjoint(reply.content for messages in learned for _, reply in take_apart(messages).exchanges)


def test_a_dialogue_in_which_nobody_replies_there_comes_once(tmp_path: Path) -> None:
    out = build(tmp_path, [talk(number, turns=2) for number in range(40)], [talk(100)])
    train, others = read_dialogues(out, "train"), OtherSides(out)
    assert others.beside(train) == train
    assert (others.given, others.left_out) == (0, 0)
