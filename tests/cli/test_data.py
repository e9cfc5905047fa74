"""``penjing data`` on a real run, in both languages."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

RECIPE = """
name = "tiny"
[corpus]
path = "texts.txt"
near_duplicates = 0.75
[tokenizer]
kind = "bpe"
vocab_size = 300
[model]
family = "llama"
shape = { hidden_size = 32, num_hidden_layers = 1, num_attention_heads = 2, intermediate_size = 32 }
[pretrain]
objective = "causal"
window_tokens = 32
batch_tokens = 128
epochs = 0.2
compile = "off"
"""


@pytest.fixture(scope="module")
def run(cli: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run; beside it lies its recipe."""
    pytest.importorskip("daft")
    folder = tmp_path_factory.mktemp("data")
    rng = random.Random(0)
    texts = [" ".join(rng.choices([f"word{n}" for n in range(300)], k=60)) for _ in range(60)]
    lines = [*texts, *(f"{text} again" for text in texts[:7]), texts[3]]
    (folder / "texts.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    (folder / "tiny.toml").write_text(RECIPE, encoding="utf-8")
    done = cli.run("run", "tiny.toml", "--out", "out", cwd=folder)
    assert done.code == 0, done.err
    return folder / "out"


def test_what_was_dropped_is_shown_beside_what_was_kept(cli: Any, run: Path) -> None:
    document = json.loads(cli.run("data", "inspect", str(run), "--examples", "7", "--json", cwd=run).out)
    assert (document["counts"]["near_duplicates"], document["counts"]["duplicates"]) == (7, 1)
    assert len(document["dropped"]) == 7
    for item in document["dropped"]:
        assert item["document"]["text"] == f"{item['like']['text']} again"
        assert item["like"]["row"] == item["document"]["row"] - 60


def test_the_page_is_whole_and_in_the_language_asked_for(cli: Any, run: Path, tmp_path: Path) -> None:
    for language, words in (("en", "Near duplicates left out"), ("zh", "剔除的近似重复文本")):
        page = tmp_path / f"{language}.html"
        done = cli.run("data", "inspect", str(run), "--html", str(page), "--lang", language, cwd=run)
        assert done.code == 0, done.err
        written = page.read_text(encoding="utf-8")
        assert words in done.out
        assert words in written
        assert written.count("<mark") == 5
        assert "<script" not in written


def test_a_text_leads_to_its_file_and_to_the_model_that_learned_from_it(cli: Any, run: Path) -> None:
    found = json.loads(cli.run("data", "inspect", str(run), "--examples", "60", "--json", cwd=run).out)
    learned = next(item for item in found["kept"] if item["part"] == "texts")
    held_out = next(item for item in found["kept"] if item["part"] == "held_out")
    [first, second] = json.loads(
        cli.run("data", "show", str(run), learned["id"], held_out["id"], "--json", cwd=run).out
    )
    lines = (run.parent / "texts.txt").read_text(encoding="utf-8").splitlines()
    assert first["source"] == "texts.txt"
    assert lines[first["row"] - 1] == first["text"]
    assert first["models"] == [str(run / "model")]
    assert second["models"] == []
    shown = cli.run("data", "show", str(run), found["dropped"][0]["document"]["id"], cwd=run)
    assert "near duplicate of" in shown.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["inspect", "nowhere"], ["nowhere: there is no such folder", "folder of a run"]),
        (["inspect", "model"], ["there is no finished stage corpus"]),
        (["inspect", ".", "--lang", "fr"], ['there is no language "fr"', "en or zh"]),
        (["show", ".", "0123"], ["the run has no text 0123", "penjing data inspect"]),
    ],
)
def test_wrong_calls_are_refused(cli: Any, run: Path, arguments: list[str], said: list[str]) -> None:
    cli.run("data", *arguments, cwd=run).assert_refused(2, *said)


def test_text_is_traced_removed_and_unlearned(cli: Any, run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    shutil.copytree(run.parent, folder)
    assert cli.run("run", "tiny.toml", "--out", "runs/out", cwd=folder).code == 0
    listed = cli.run("lineage", "runs/out/model", "--documents", cwd=folder).out.splitlines()
    key, place = next(line.split() for line in listed if line.endswith(":5"))
    traced = cli.run("data", "trace", key, cwd=folder).out
    assert place in traced
    assert "learned from by runs/out/model" in traced
    document = json.loads(cli.run("data", "remove", "runs/out", key, "--json", cwd=folder).out)
    assert [(text["source"], text["row"]) for text in document["removed"]] == [("texts.txt", 5), ("texts.txt", 65)]
    assert document["to_retrain"] == ["pretrain", "measure"]
    assert json.loads(cli.run("data", "trace", key, "--json", cwd=folder).out)[key][0]["models"] == ["runs/out/model"]
    done = cli.run("data", "remove", "runs/out", "--retrain", cwd=tmp_path / "here" / "runs" / "..")
    assert done.code == 0, done.err
    assert "trained again  pretrain, measure" in done.out
    assert json.loads(cli.run("data", "trace", key, "--json", cwd=folder).out)[key][0]["models"] == []
    assert len(cli.run("lineage", "runs/out/model", "--documents", cwd=folder).out.splitlines()) == len(listed) - 1


def test_wrong_questions_about_texts_are_refused(cli: Any, run: Path) -> None:
    for call, told in (
        (("data", "trace", "0" * 16, "--runs", str(run)), "no run has the text"),
        (("data", "trace", "0" * 16, "--runs", "nowhere"), "there is no run in it"),
        (("data", "remove", str(run)), "there is no id of a text"),
        (("data", "remove", "nowhere", "0" * 16), "there is no recipe.json"),
        (("data", "remove", str(run), "0" * 16), "nothing was removed"),
    ):
        done = cli.run(*call, cwd=run)
        assert (done.code, done.out) == (2, "")
        assert told in done.err


@pytest.mark.parametrize(("language", "words"), [("en", "Rows of each label"), ("zh", "各标签的行数")])
def test_of_a_run_without_a_corpus_its_rows_are_shown(cli: Any, small_run: Any, language: str, words: str) -> None:
    done = cli.run("data", "inspect", str(small_run.out), "--lang", language, cwd=small_run.out)
    assert done.code == 0, done.err
    assert words in done.out
    assert "reviews.csv:" in done.out
    document = json.loads(cli.run("data", "inspect", str(small_run.out), "--json", cwd=small_run.out).out)
    counts = json.loads((Path(document["rows"]) / "counts.json").read_text(encoding="utf-8"))
    assert document["splits"] == {split: part["rows"] for split, part in counts["splits"].items()}
    refused = cli.run("data", "inspect", str(small_run.out), "--html", "page.html", cwd=small_run.out)
    assert (refused.code, "this run has none" in refused.err) == (2, True)


def test_a_file_in_the_place_of_a_run_is_refused_with_what_looks_at_files(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,label\na,b\n", encoding="utf-8")
    done = cli.run("data", "inspect", "rows.csv", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "penjing data check rows.csv" in done.err
