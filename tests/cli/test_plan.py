"""``penjing plan`` says what is left out: texts that contain a measured one, and what events lose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROWS = """\
name = "films"

[data]
path = "rows.csv"

[corpus]
path = "texts.txt"
include_training_texts = false

[tokenizer]
kind = "word"
vocab_size = 300

[model]
family = "lstm"
shape = { embedding_size = 8, hidden_size = 8 }

[finetune]
epochs = 1
"""
EVENTS = """\
name = "things"
task = "recommend"

[data]
path = "events.csv"
items = "items.csv"
text = "{name}"
unknown_items = "drop"

[tokenizer]
kind = "word"
vocab_size = 300
min_frequency = 1

[model]
family = "sasrec"

[model.shape]
hidden_size = 16
num_hidden_layers = 1

[finetune]
epochs = 1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with both recipes and their files; every text of the corpus contains a row."""
    rows = [f"a quiet film that nobody forgets number {number:02}" for number in range(40)]
    around = [f"So I said: {text.upper()}! He laughed." for text in rows]
    labelled = [f"{text},{('good', 'bad')[number % 2]}" for number, text in enumerate([*rows, *around])]
    labelled += [labelled[0], f"{rows[0]},bad", f"{rows[1]},good"]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label", *labelled]), encoding="utf-8")
    (tmp_path / "texts.txt").write_text("\n".join(f"Well, {text.lower()} Yes." for text in around), encoding="utf-8")
    (tmp_path / "films.toml").write_text(ROWS, encoding="utf-8")
    items = [f"i{number},thing {number}" for number in range(9)]
    events = [f"u{user},i{(user + step) % 10},{step}" for user in range(40) for step in range(5)]
    (tmp_path / "items.csv").write_text("\n".join(["item,name", *items]), encoding="utf-8")
    (tmp_path / "events.csv").write_text("\n".join(["user,item,time", *events]), encoding="utf-8")
    (tmp_path / "things.toml").write_text(EVENTS, encoding="utf-8")
    return tmp_path


def test_a_plan_says_what_is_left_out(cli: Any, folder: Path) -> None:
    calls = {
        name: cli.call(folder, ["plan", f"{name.split()[0]}.toml", *name.split()[1:]])
        for name in ("films", "films --json", "things", "things --json")
    }
    done = cli.run_all(calls)
    assert {name: finished.code for name, finished in done.items()} == dict.fromkeys(calls, 0), done
    plan = json.loads(done["films --json"].out)
    rows, texts = plan["left_out"]["containing"], plan["corpus_left_out"]["containing_evaluation"]
    assert rows > 0
    assert texts > 0
    assert sum(plan["rows"].values()) == 80 - rows
    assert (plan["left_out"]["duplicates"], plan["conflicts"]) == (3, 2)
    left_out = f"Left out 3 duplicates (2 with another label), {rows} that contain a validation or test text"
    assert left_out in done["films"].out
    assert f"Corpus  left out 0 that are validation or test rows, {texts} that contain one" in done["films"].out
    events = json.loads(done["things --json"].out)["left_out"]
    assert f"Left out {events['unknown_items']} of unknown items" in done["things"].out


def test_a_plan_says_what_counts_for_nothing(cli: Any, folder: Path, small_run: Any) -> None:
    begun = ["plan", "films.toml", "--set", f"model.start={small_run.model}", "--set", "corpus=none"]
    begun += ["--set", "model.shape={}"]
    done = cli.run_all({"shown": cli.call(folder, begun), "json": cli.call(folder, [*begun, "--json"])})
    assert [finished.code for finished in done.values()] == [0, 0], done
    assert "Unused  [tokenizer] kind, vocab_size: [model] start brings its own tokenizer" in done["shown"].out
    (unused,) = json.loads(done["json"].out)["unused"]
    assert (unused["section"], unused["keys"]) == ("tokenizer", ["kind", "vocab_size"])
