"""Writes the small data that tests learn from: rows whose answers a word or a rule decides."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

PRAISE = ("lovely", "warm", "bright", "funny", "精彩", "动人")
BLAME = ("dull", "slow", "empty", "gray", "无聊", "拖沓")
THINGS = ("film", "plot", "scene", "actor", "story", "ending", "音乐", "画面", "camera", "dialogue")


def write_reviews(path: Path, count: int = 120) -> None:
    """Writes reviews of three to twelve words, of two labels that a word in each tells apart."""
    rng = random.Random(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for number in range(count):
            label = ("positive", "negative")[number % 2]
            words = rng.choices(THINGS, k=rng.randint(2, 11))
            words.insert(rng.randrange(len(words)), rng.choice(PRAISE if label == "positive" else BLAME))
            writer.writerow([f"{' '.join(words)} {number}", label])


NUMBERS = {
    "one": "eins",
    "two": "zwei",
    "three": "drei",
    "four": "vier",
    "five": "fünf",
    "six": "sechs",
    "seven": "sieben",
    "eight": "acht",
}


def write_pairs(path: Path, count: int = 400) -> None:
    """Writes two to five English number words a row, and their German ones, each row another."""
    rng = random.Random(0)
    rows: dict[str, str] = {}
    while len(rows) < count:
        words = rng.sample(list(NUMBERS), k=rng.randint(2, 5))
        rows[" ".join(words)] = " ".join(NUMBERS[word] for word in words)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "target"])
        writer.writerows(rows.items())


def write_stars(path: Path, count: int = 300) -> None:
    """Writes reviews with one to five stars; the more words of praise and the fewer of blame, the more stars."""
    rng = random.Random(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for number in range(count):
            stars = number % 5 + 1
            words = rng.choices(THINGS, k=3) + rng.choices(PRAISE, k=stars - 1) + rng.choices(BLAME, k=5 - stars)
            rng.shuffle(words)
            writer.writerow([f"{' '.join(words)} {number}", f"{stars} star{'s' * (stars > 1)}"])


def write_subjects(path: Path, count: int = 300) -> None:
    """Writes texts about up to three of four subjects, each named by a word of its own, and some about none."""
    rng, subjects = random.Random(0), ("film", "plot", "music", "actor")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "labels"])
        for number in range(count):
            chosen = rng.sample(subjects, k=rng.randint(0, 3))
            words = [*chosen, *rng.choices(PRAISE + BLAME, k=3)]
            rng.shuffle(words)
            writer.writerow([f"{' '.join(words)} {number}", "|".join(chosen)])


COLORS = ("red", "blue", "green", "gray")


def write_questions(path: Path, count: int = 240) -> None:
    """Writes texts of filler words with a number, and in three of four a color; two questions a text, SQuAD's layout.

    Where the text has no color, the question for it has no answer.
    """
    rng = random.Random(0)
    documents: list[dict[str, Any]] = []
    for number in range(count):
        color, amount = rng.choice(COLORS), rng.choice(list(NUMBERS))
        words = rng.choices(THINGS[:6], k=rng.randint(6, 20))
        words.insert(rng.randrange(len(words)), amount)
        if number % 4:
            words.insert(rng.randrange(len(words)), color)
        text = f"{' '.join(words)} {number}."
        asked = []
        for question, answer in (("how many", amount), ("which color", color if number % 4 else "")):
            starts = [{"text": answer, "answer_start": text.index(answer)}] if answer else []
            known = {"question": f"{question} {number}?", "answers": starts, "is_impossible": not answer}
            asked.append({"id": f"{number}-{question[:3]}", **known})
        documents.append({"title": f"d{number}", "paragraphs": [{"context": text, "qas": asked}]})
    path.write_text(json.dumps({"data": documents}), encoding="utf-8")


ITEM_COLORS = ("red", "green", "blue", "黄色")
ITEMS_PER_COLOR = 9


def write_events(folder: Path, users: int = 120, length: int = 7) -> None:
    """Writes items of four colors, and users who have those of one color, each the next one of it."""
    items = [
        f"{color[:1]}{number},{color},thing {number}" for color in ITEM_COLORS for number in range(ITEMS_PER_COLOR)
    ]
    (folder / "items.csv").write_text("\n".join(["item,color,name", *items]), encoding="utf-8")
    rng = random.Random(0)
    events = ["user,item,time"]
    for user in range(users):
        color, first = rng.choice(ITEM_COLORS), rng.randrange(ITEMS_PER_COLOR)
        events += [f"u{user},{color[:1]}{(first + step) % ITEMS_PER_COLOR},{step}" for step in range(length)]
    (folder / "events.csv").write_text("\n".join(events), encoding="utf-8")
