"""What the tests of the documentation share: its examples, and the files that they ask for."""

from __future__ import annotations

import csv
import json
import os
import re
import urllib.request
from pathlib import Path
from typing import Any

from tests.warm import warm_process

ROOT = Path(__file__).resolve().parent.parent
READMES = ("README.md", "README.zh.md")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PRAISE = ("lovely", "moving", "brilliant", "warm", "fresh", "动人", "精彩", "温暖")
BLAME = ("dull", "empty", "noisy", "stale", "clumsy", "无聊", "拖沓", "吵闹")


def blocks(readme: str, language: str) -> list[str]:
    text = (ROOT / readme).read_text(encoding="utf-8")
    return [block for found, block in _BLOCK.findall(text) if found == language]


def write_reviews(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for number in range(rows):
            words, label = ((PRAISE, "positive"), (BLAME, "negative"))[number % 2]
            writer.writerow([f"{path.stem} {number} 号: {words[number % 8]} and {words[number // 8 % 8]}", label])


def fill(folder: Path) -> Path:
    """Writes the files and recipes of the README into a folder."""
    write_reviews(folder / "reviews.csv", 240)
    write_reviews(folder / "more.csv", 40)
    for recipe in blocks("README.md", "toml"):
        name = re.search(r'name = "(.+?)"', recipe)
        assert name
        (folder / f"{name[1]}.toml").write_text(recipe, encoding="utf-8")
    return folder


def call(folder: Path, *command: str) -> str:
    done = warm_process().run(command, folder, os.environ)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def ask(address: str, path: str, **values: str) -> dict[str, Any]:
    """Sends what the page of ``penjing data label`` sends."""
    headers = {"Content-Type": "application/json", "Origin": address.rsplit("/", 2)[0]}
    request = urllib.request.Request(address + path, json.dumps(values).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as reply:
        answer: dict[str, Any] = json.load(reply)
    return answer
