"""What the documentation shows works as shown: the tasks."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.documents import PRAISE, blocks, call, fill

from penjing.data.dialogues import read_dialogue_rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("readme"))


def test_a_model_of_the_docs_writes_and_is_measured(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, translated = "docs/writing.md", "docs/writing.zh.md"
    (recipe,), (commands,), (code,) = (blocks(page, language) for language in ("toml", "sh", "python"))
    assert re.sub(" *#.*", "", recipe) == re.sub(" *#.*", "", blocks(translated, "toml")[0])
    assert [[commands], [code]] == [blocks(translated, "sh"), blocks(translated, "python")]
    (folder / "captions.toml").write_text(recipe, encoding="utf-8")
    dogs = [f"{number} {thing} {verb}" for number in range(20) for thing in ("dogs", "cats") for verb in ("run", "sit")]
    rows = ["text,target", *(f"{text}.,{text} auf Deutsch." for text in dogs)]
    (folder / "captions.csv").write_text("\n".join(rows), encoding="utf-8")
    plan, run, predict, evaluate = (call(folder, *shlex.split(line)[1:]) for line in commands.splitlines())
    assert "64 train, 8 validation, 8 test" in plan
    assert "dictionary" in run
    assert len(predict.splitlines()) == 1
    assert "BLEU" in evaluate
    assert "chrF2" in evaluate
    monkeypatch.chdir(folder)
    exec(compile(code, page, "exec"), {})


def test_a_model_of_the_docs_practices_before_its_summaries(folder: Path) -> None:
    page, translated = "docs/practice.md", "docs/practice.zh.md"
    (recipe,), (commands,) = (blocks(page, language) for language in ("toml", "sh"))
    assert re.sub(" *#.*", "", recipe) == re.sub(" *#.*", "", blocks(translated, "toml")[0])
    assert [commands] == blocks(translated, "sh")
    (folder / "notes.toml").write_text(recipe, encoding="utf-8")
    told = [
        f"Day {n} was cold. The cook of inn {n} sang on day {n}. We left. Nobody slept at inn {n}." for n in range(60)
    ]
    rows = ["text,target", *(f"{text},{text.partition('. ')[0]}." for text in told)]
    (folder / "notes.csv").write_text("\n".join(rows), encoding="utf-8")
    letters = (f"Dear {n}. The train {n} was late. I waited for train {n}. Write soon." for n in range(80))
    (folder / "letters.txt").write_text("\n".join(letters), encoding="utf-8")
    plan, run = (call(folder, *shlex.split(line)[1:]) for line in commands.splitlines())
    assert re.search(r"practice .* tokens in 2 courses", plan)
    assert "ROUGE-1" in run


def test_a_model_of_the_docs_goes_on_with_texts_and_is_measured(folder: Path) -> None:
    page, translated = "docs/generate.md", "docs/generate.zh.md"
    (recipe,), (commands,) = (blocks(page, language) for language in ("toml", "sh"))
    assert re.sub(" *#.*", "", recipe) == re.sub(" *#.*", "", blocks(translated, "toml")[0])
    assert [commands] == blocks(translated, "sh")
    (folder / "plays.toml").write_text(recipe, encoding="utf-8")
    speeches = [f"{name}:\nI am number {number} of {name}." for number in range(80) for name in ("ROMEO", "JULIET")]
    (folder / "plays.txt").write_text("\n\n".join(speeches), encoding="utf-8")
    plan, run, predict, evaluate = (call(folder, *shlex.split(line)[1:]) for line in commands.splitlines())
    assert "Cut     0 tokens of 0 rows longer than 64 tokens" in plan
    assert "trigram-kneser-ney" in run
    assert len(predict.splitlines()) == 1
    assert "Distinct" in evaluate


def test_recipe_of_the_docs_is_written_for_a_file(folder: Path) -> None:
    first, named = blocks("docs/new.md", "sh")
    assert [first, named] == blocks("docs/new.zh.md", "sh")
    new = call(folder, *shlex.split(first)[1:])
    assert "labels in label (positive, negative)" in " ".join(new.split())
    asked = "".join(f"The tower {n} was built in {1800 + n}.,When was {n} built?,{1800 + n}\n" for n in range(60))
    (folder / "tickets.csv").write_text(f"body,asked,found\n{asked}", encoding="utf-8")
    bought = "".join(f"b{n % 12},g{n * 7 % 20},{1000 + n}\n" for n in range(240))
    (folder / "orders.csv").write_text(f"buyer,sku,paid\n{bought}", encoding="utf-8")
    (folder / "goods.csv").write_text("sku,title\n" + "".join(f"g{n},a red thing {n}\n" for n in range(20)), "utf-8")
    answer, recommend = (call(folder, *shlex.split(line)[1:]) for line in named.splitlines())
    assert "60" in answer
    assert "240" in recommend


def test_task_of_the_docs_goes_the_whole_path(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, translated = "docs/tasks.md", "docs/tasks.zh.md"
    (code,), (package,), (recipe,), (commands,) = (blocks(page, kind) for kind in ("python", "ini", "toml", "sh"))
    assert [[code], [package], [commands]] == [blocks(translated, kind) for kind in ("python", "ini", "sh")]
    assert code.count("\n") < 60
    about = tmp_path / "entities-1.dist-info"  # what installing the package leaves
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: entities\nVersion: 1\n", encoding="utf-8")
    registered = tomllib.loads(package)["project"]["entry-points"]["penjing.tasks"]
    points = [f"{name} = {target}" for name, target in registered.items()]
    (about / "entry_points.txt").write_text("\n".join(["[penjing.tasks]", *points]), encoding="utf-8")
    (tmp_path / "entities.py").write_text(code, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (folder / "names.toml").write_text(recipe, encoding="utf-8")
    known = [(name, place) for name in ("Anna", "Ben", "Eva", "Li") for place in ("Paris", "Rome", "Oslo", "Bonn")]
    rows = [f"{n}: {name} saw {place}.,PER {name}; LOC {place}" for n in range(6) for name, place in known]
    (folder / "names.csv").write_text("\n".join(["text,target", *rows, "Nobody came.,none"]), encoding="utf-8")
    python = [sys.executable, "-m"]  # of their own: a package is found when a process begins
    run, predict, evaluate = (
        subprocess.run([*python, *shlex.split(line)], cwd=folder, capture_output=True, text=True, check=True).stdout
        for line in commands.splitlines()
    )
    assert "entity f1" in run
    assert "gazetteer" in run
    assert len(predict.splitlines()) == 1
    assert "entity f1" in evaluate
    assert "entity f1" in (folder / "runs/names/report.html").read_text(encoding="utf-8")


def test_models_of_several_labels_and_of_labels_in_order_are_made_as_the_docs_say(folder: Path) -> None:
    several, ordered, beside = blocks("docs/classify.md", "toml")
    assert tomllib.loads(beside) == {"finetune": {"ngrams": 2}}
    assert [re.sub(" *#.*", "", text) for text in (several, ordered, beside)] == [
        re.sub(" *#.*", "", text) for text in blocks("docs/classify.zh.md", "toml")
    ]
    assert blocks("docs/classify.md", "sh") == blocks("docs/classify.zh.md", "sh")
    for name, recipe in (("topics", several), ("marks", ordered)):
        (folder / f"{name}.toml").write_text(recipe, encoding="utf-8")
    sets, grades = ("price", "service", "price|service", ""), ("bad", "fair", "good")
    topics = [f"{number} {PRAISE[number % 8]},{sets[number % 4]}" for number in range(80)]
    (folder / "topics.csv").write_text("\n".join(["text,labels", *topics]), encoding="utf-8")
    marks = [f"{number} {PRAISE[number % 8]},{grades[number % 3]}" for number in range(90)]
    (folder / "marks.csv").write_text("\n".join(["text,label", *marks]), encoding="utf-8")
    of_topics, of_marks = blocks("docs/classify.md", "sh")
    plan, run, predict, evaluate = (call(folder, *shlex.split(line)[1:]) for line in of_topics.splitlines())
    assert "none in 20 rows, which are kept" in plan
    assert "tfidf-each" in run
    assert predict.endswith("\tlovely but noisy\n")
    assert "Hamming loss" in evaluate
    assert re.search(r"price .*service ", evaluate, re.DOTALL)
    run, predict, sentences = (call(folder, *shlex.split(line)[1:]) for line in of_marks.splitlines())
    assert "Quadratic" in run
    assert 1 <= json.loads(predict)[0]["expected"] <= 3
    assert [line.split("\t")[0] for line in sentences.splitlines()] == ["0-19", "20-38", ""]


def test_integrations_of_the_docs_run_as_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("pandas", "polars", "spacy"):
        pytest.importorskip(package)
    page = "docs/integrations.md"
    codes, translated = blocks(page, "python"), blocks("docs/integrations.zh.md", "python")
    assert [re.sub(" *#.*", "", code) for code in codes] == [re.sub(" *#.*", "", code) for code in translated]
    monkeypatch.chdir(folder)
    for code in codes:
        exec(compile(code, page, "exec"), {})
    assert (folder / "classifier" / "penjing.json").is_file()
    assert (folder / "pipeline-zh" / "penjing" / "model" / "penjing.json").is_file()


def test_search_of_the_docs_finds_a_recipe_that_runs(folder: Path) -> None:
    for package in ("optuna", "tomli_w"):
        pytest.importorskip(package)
    (recipe,), (commands,) = blocks("docs/tune.md", "toml"), blocks("docs/tune.md", "sh")
    assert [[recipe], [commands]] == [blocks("docs/tune.zh.md", language) for language in ("toml", "sh")]
    (folder / "tuned.toml").write_text(recipe, encoding="utf-8")
    tune, run = (call(folder, *shlex.split(line)[1:]) for line in commands.splitlines())
    assert "Trials: 4, of which" in tune
    assert "measured once" in tune
    assert "accuracy" in run.lower()
    assert (folder / "runs" / "tuned-tune" / "tune.html").is_file()


def test_questions_of_the_docs_are_answered_from_texts_and_documents(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("bm25s")
    page, translated = "docs/answer.md", "docs/answer.zh.md"
    (recipe, written), (commands,), (code,) = (blocks(page, language) for language in ("toml", "sh", "python"))
    ours, theirs = ([re.sub(" *#.*", "", block) for block in blocks(each, "toml")] for each in (page, translated))
    assert ours == theirs
    assert [[commands], [code]] == [blocks(translated, "sh"), blocks(translated, "python")]
    (folder / "towers.toml").write_text(recipe, encoding="utf-8")
    towers = [(f"The tower number {n} was built in {1800 + n}.", f"When was {n} built?", 1800 + n) for n in range(60)]
    rows = "".join(f"{text},{question},{answer}\n" for text, question, answer in towers)
    (folder / "questions.csv").write_text(f"context,question,answer\n{rows}", encoding="utf-8")
    (folder / "documents").mkdir()
    (folder / "documents" / "tower.txt").write_text("The tower was built in 1889. It is high.", encoding="utf-8")
    plan, run, predict, evaluate, answer = (call(folder, *shlex.split(line)[1:]) for line in commands.splitlines())
    assert "48 train, 6 validation, 6 test" in plan
    assert "Answers 0 questions without one" in plan
    assert "overlap-clause" in run
    assert predict.endswith("\tWhen was it built?\n")
    assert "Exact match" in evaluate
    assert "tower.txt, characters" in answer
    assert (folder / "documents.index" / "index.json").is_file()
    (folder / "questions.toml").write_text(written, encoding="utf-8")
    assert "48 train, 6 validation, 6 test" in call(
        folder, "plan", "questions.toml", "--set", "data.path=questions.csv"
    )
    monkeypatch.chdir(folder)
    exec(compile(code, page, "exec"), {})


def test_dialogues_of_the_docs_are_learned_from_and_talked_with(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("bm25s")
    page, translated = "docs/chat.md", "docs/chat.zh.md"
    (recipe,), (commands,), (code,) = (blocks(page, language) for language in ("toml", "sh", "python"))
    assert re.sub(" *#.*", "", recipe) == re.sub(" *#.*", "", blocks(translated, "toml")[0])
    assert [[commands], [code]] == [blocks(translated, "sh"), blocks(translated, "python")]
    row, keyed = map(json.loads, blocks(page, "json"))
    assert [row, keyed] == [*map(json.loads, blocks(translated, "json"))]
    (folder / "keyed.json").write_text(json.dumps(keyed), encoding="utf-8")
    assert [message.role for message in read_dialogue_rows(str(folder / "keyed.json"))[0]] == ["user", "assistant"]
    (folder / "helpdesk.toml").write_text(recipe, encoding="utf-8")
    rows = [
        row,
        *({"messages": [{**m, "content": f"{n}: {m['content']}"} for m in row["messages"]]} for n in range(39)),
    ]
    (folder / "dialogues.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    plan, run, predict, evaluate, chat = (call(folder, *shlex.split(line)[1:]) for line in commands.splitlines())
    assert "32 train, 4 validation, 4 test" in plan
    assert "bm25" in run
    assert len(predict.splitlines()) == 1
    assert "Perplexity per token" in evaluate
    assert chat == ""  # nothing was said
    monkeypatch.chdir(folder)
    exec(compile(code, page, "exec"), {})


def test_preferences_of_the_docs_are_learned_and_measured(folder: Path, writing_start: Callable[[str], Path]) -> None:
    page, translated = "docs/preference.md", "docs/preference.zh.md"
    (recipe,), (commands,), (line,) = (blocks(page, language) for language in ("toml", "sh", "json"))
    assert re.sub(" *#.*", "", recipe) == re.sub(" *#.*", "", blocks(translated, "toml")[0])
    assert [[commands], [line]] == [blocks(translated, language) for language in ("sh", "json")]
    (folder / "kinder.toml").write_text(recipe, encoding="utf-8")
    shutil.copytree(writing_start("llama"), folder / "runs" / "numbers" / "model")
    rows = [{key: f"{text} {number}" for key, text in json.loads(line).items()} for number in range(40)]
    (folder / "preferences.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    run, evaluate = (call(folder, *shlex.split(command)[1:]) for command in commands.splitlines())
    assert "runs/kinder/model" in run
    assert "Margin of" in evaluate


def test_a_model_of_the_docs_recommends_and_is_measured(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (recipe,), (commands,), (code,) = (blocks("docs/recommend.md", language) for language in ("toml", "sh", "python"))
    assert re.sub(" *#.*", "", recipe) == re.sub(" *#.*", "", blocks("docs/recommend.zh.md", "toml")[0])
    assert [[commands], [code]] == [blocks("docs/recommend.zh.md", language) for language in ("sh", "python")]
    (folder / "shop.toml").write_text(recipe, encoding="utf-8")
    (folder / "items.csv").write_text("item,title,kind\n" + "".join(f"i{n},t{n},{n % 2}\n" for n in range(30)), "utf-8")
    events = "".join(f"u{user},i{(user + 2 * step) % 30},{step}\n" for user in range(60) for step in range(6))
    (folder / "events.csv").write_text(f"user,item,time\n{events}", encoding="utf-8")
    plan, run, predict, evaluate = (call(folder, *shlex.split(line)[1:]) for line in commands.splitlines())
    for known, shown in (("240 train, 60 validation, 60 test", plan), ("item-knn", run), ("NDCG@10", evaluate)):
        assert known in shown
    assert len(predict.splitlines()) == 3
    monkeypatch.chdir(folder)
    exec(compile(code, "docs/recommend.md", "exec"), {})
