"""What the documentation shows works as shown."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import tomllib
import urllib.request
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.warm import warm_process

ROOT = Path(__file__).resolve().parent.parent
READMES = ("README.md", "README.zh.md")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PRAISE = ("lovely", "moving", "brilliant", "warm", "fresh", "动人", "精彩", "温暖")
_BLAME = ("dull", "empty", "noisy", "stale", "clumsy", "无聊", "拖沓", "吵闹")


def blocks(readme: str, language: str) -> list[str]:
    text = (ROOT / readme).read_text(encoding="utf-8")
    return [block for found, block in _BLOCK.findall(text) if found == language]


def write_reviews(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for number in range(rows):
            words, label = ((_PRAISE, "positive"), (_BLAME, "negative"))[number % 2]
            writer.writerow([f"{path.stem} {number} 号: {words[number % 8]} and {words[number // 8 % 8]}", label])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
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


def test_commands_and_python_of_the_readme_run_as_written(folder: Path) -> None:
    commands = [shlex.split(line) for block in blocks("README.md", "sh") for line in block.splitlines()]
    assert [command[1] for command in commands] == ["plan", "run", "predict", "explain", "evaluate", "lineage"]
    printed = {command[1]: call(folder, *command[1:]) for command in commands}
    assert "Cut     0 tokens" in printed["plan"]
    assert [line.split("\t")[0] for line in printed["predict"].splitlines()] == ["positive", "negative"]
    (example,) = blocks("README.md", "python")
    done = subprocess.run([sys.executable, "-c", example], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["positive", "negative"]


@pytest.mark.parametrize("name", ["pretrained", "from-bert"])
def test_further_recipes_of_the_readme_run_as_written(folder: Path, name: str) -> None:
    call(folder, "run", f"{name}.toml")
    assert (folder / "runs" / name / "report.html").is_file()


def test_language_model_of_the_readme_is_made_and_continues_texts(folder: Path) -> None:
    printed = call(folder, "run", "own-words.toml")
    assert "bits per byte" in printed
    assert (folder / "runs" / "own-words" / "report.html").is_file()
    assert call(folder, "generate", "runs/own-words/model", "A lovely", "--max-tokens", "5").startswith("A lovely")


def test_corpus_of_the_docs_is_made_and_inspected(folder: Path) -> None:
    pytest.importorskip("daft")
    rows = [f"{_PRAISE[n % 8]} film number {n} with {_BLAME[n // 8 % 8]} scenes" for n in range(200)]
    text = "".join(
        f"{row}\n" for row in ["text", *rows, "go on and on and on and on and on and on and on", "ask me@example.org"]
    )
    (folder / "texts.csv").write_text(text, encoding="utf-8")
    (folder / "test.tsv").write_text(f"{rows[7]}\tpositive\n", encoding="utf-8")
    parts = blocks("docs/corpus.md", "toml")
    for ours, theirs in zip(parts, blocks("docs/corpus.zh.md", "toml"), strict=True):
        assert re.sub(" *#.*", "", ours) == re.sub(" *#.*", "", theirs)
    (folder / "clean.toml").write_text("\n".join(parts), encoding="utf-8")
    (commands,) = blocks("docs/corpus.md", "sh")
    assert [commands] == blocks("docs/corpus.zh.md", "sh")
    run, inspect = (call(folder, *shlex.split(line)[1:]) for line in commands.splitlines())
    assert "bits per byte" in run
    assert "gopher_repetition: characters in the most frequent run of 2 words" in inspect
    assert "shares a run of words with test.tsv" in inspect
    assert re.search(r"1 +e-mail addresses", inspect)
    assert (folder / "corpus.html").is_file()


def test_names_and_addresses_of_the_docs_are_masked(folder: Path, recognizers: dict[str, Path]) -> None:
    for package in ("phonenumbers", "rjieba"):
        pytest.importorskip(package)
    (recipe,), (translated,) = blocks("docs/personal-names.md", "toml"), blocks("docs/personal-names.zh.md", "toml")
    assert re.sub(" *#.*", "", recipe) == re.sub(" *#.*", "", translated)
    assert blocks("docs/personal-names.md", "sh") == blocks("docs/personal-names.zh.md", "sh")
    personal = ["Yesterday Alice Baxter talked about the budget.", "收件人：陈丽，北京市朝阳区建国路88号2单元301室。"]
    lines = [*personal, *(f"{_PRAISE[n % 8]} letter number {n}" for n in range(60))]
    (folder / "letters.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    recipe = recipe.replace("en_core_web_sm", str(recognizers["en"]))
    (folder / "without-names.toml").write_text(recipe, encoding="utf-8")
    call(folder, "run", "without-names.toml")
    inspected = call(folder, "data", "inspect", "runs/without-names")
    assert re.search(r"2 +names of persons", inspected)
    assert re.search(r"1 +postal addresses", inspected)


def test_sources_of_the_docs_are_read(folder: Path) -> None:
    letters = folder / "letters" / "2026"
    letters.mkdir(parents=True)
    for n in range(30):
        (letters / f"{n}.txt").write_bytes(f"{_PRAISE[n % 8]}来信第{n}号，问候各位。\n谢谢！".encode("gb18030"))
    with zipfile.ZipFile(folder / "notes.zip", "w") as archive:
        for n in range(30):
            archive.writestr(f"{n}.md", f"# Note {n}\n\nA {_BLAME[n % 8]} day.")
    with closing(sqlite3.connect(folder / "tickets.db")) as connection, connection:
        connection.execute("CREATE TABLE tickets (body TEXT)")
        connection.executemany(
            "INSERT INTO tickets VALUES (?)", [(f"ticket {n}: it is {_BLAME[n % 8]}",) for n in range(30)]
        )
    (recipe,), (commands,) = blocks("docs/sources.md", "toml"), blocks("docs/sources.md", "sh")
    assert re.sub(" *#.*", "", recipe) == re.sub(" *#.*", "", blocks("docs/sources.zh.md", "toml")[0])
    assert [commands] == blocks("docs/sources.zh.md", "sh")
    (folder / "sources.toml").write_text(recipe, encoding="utf-8")
    run, inspect = (call(folder, *shlex.split(line)[1:]) for line in commands.splitlines())
    assert "bits per byte" in run
    assert re.search(r"Files +32\b", inspect)
    assert re.search(r"30 +GB18030", inspect)
    assert re.search(r"tickets\.db\.jsonl\.zst \(\d+\)", inspect)


def test_labels_of_the_docs_are_checked_corrected_and_applied(folder: Path) -> None:
    pytest.importorskip("cleanlab")
    (commands,) = blocks("docs/labels.md", "sh")
    assert [commands] == blocks("docs/labels.zh.md", "sh")
    check, label, apply = (shlex.split(line)[1:] for line in commands.splitlines())
    assert re.search(r"Rows that repeat another +0", call(folder, *check))
    assert (folder / "labels.html").is_file()
    process = subprocess.Popen([sys.executable, "-m", "penjing", *label], cwd=folder, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    address = next(line for line in process.stderr if line.startswith("Open ")).split()[1]
    question = ask(address, "next")["question"]
    ask(address, "answer", id=question["id"], label="positive")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert re.search(r"Rows written +240\nWith an answer +1\n", re.sub(" +\n", "\n", call(folder, *apply)))
    assert (folder / "corrected.csv").is_file()


def test_tokenizer_of_the_docs_is_made_measured_and_named(folder: Path) -> None:
    rows = [f"{_PRAISE[n % 8]} film number {n} with {_BLAME[n // 8 % 8]} scenes" for n in range(200)]
    (folder / "texts.csv").write_text("".join(f"{row}\n" for row in ["text", *rows]), encoding="utf-8")
    english, chinese = (
        {language: blocks(f"docs/tokenizers{suffix}.md", language) for language in ("toml", "sh", "python")}
        for suffix in ("", ".zh")
    )
    (recipe,), (translated,) = english.pop("toml"), chinese.pop("toml")
    assert english == chinese
    assert re.sub(" *#.*", "", recipe) == re.sub(" *#.*", "", translated)
    (folder / "own-tokens.toml").write_text(recipe, encoding="utf-8")
    run, card = (call(folder, *shlex.split(line)[1:]) for line in english["sh"][0].splitlines())
    assert "bits per byte" in run
    assert "Entries hardly learned" in card
    assert (folder / "tokenizer.html").is_file()
    done = subprocess.run(
        [sys.executable, "-c", english["python"][0]], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.stdout == "<|user|> True\n", done.stderr
    pytest.importorskip("gensim")
    assert "Nearest to “film” (200 times)" in call(folder, *shlex.split(english["sh"][1])[1:])
    assert (folder / "words.html").is_file()


def test_adapters_of_the_docs_are_trained_and_merged(folder: Path) -> None:
    (recipe,), (commands,) = blocks("docs/lora.md", "toml"), blocks("docs/lora.md", "sh")
    assert re.sub(" *#.*", "", recipe) == re.sub(" *#.*", "", blocks("docs/lora.zh.md", "toml")[0])
    assert [commands] == blocks("docs/lora.zh.md", "sh")
    (folder / "adapted.toml").write_text(recipe, encoding="utf-8")
    plan, run, predict = (call(folder, *shlex.split(line)[1:]) for line in commands.splitlines())
    assert re.search(r"Trained \d+,\d+ \(0\.\d+% of that\): adapters of rank 4 and the head", plan)
    assert re.search(r"Trained \d+,\d+ weights \(0\.\d+%\); merged, the logits of 64 rows differ by .* at most", run)
    assert (folder / "runs" / "adapted" / "adapter" / "adapter_config.json").is_file()
    assert predict.split("\t")[0] in ("positive", "negative")


def test_a_student_of_the_docs_learns_from_its_teacher(folder: Path) -> None:
    page, translated = "docs/distillation.md", "docs/distillation.zh.md"
    recipes, (commands,) = blocks(page, "toml"), blocks(page, "sh")
    assert [re.sub(" *#.*", "", text) for text in recipes] == [
        re.sub(" *#.*", "", text) for text in blocks(translated, "toml")
    ]
    assert [commands] == blocks(translated, "sh")
    for name, recipe in zip(("teacher", "student"), recipes, strict=True):
        (folder / f"{name}.toml").write_text(recipe, encoding="utf-8")
    _, plan, run, predict = (call(folder, *shlex.split(line)[1:]) for line in commands.splitlines())
    assert re.search(r"Teacher bert, 22,\d+,\d+ parameters", plan)
    assert "Texts without labels 200 of 8,530" in plan
    assert re.search(r"Taught by bert, 22,\d+,\d+ parameters", run)
    assert predict.split("\t")[0] in ("positive", "negative")


def test_a_few_rows_of_the_docs_are_drawn_and_learned_from(folder: Path) -> None:
    page, translated = "docs/few-examples.md", "docs/few-examples.zh.md"
    recipe, commands = blocks(page, "toml")[0], blocks(page, "sh")[0]
    assert [re.sub(" *#.*", "", text) for text in blocks(page, "toml")] == [
        re.sub(" *#.*", "", text) for text in blocks(translated, "toml")
    ]
    assert blocks(page, "sh") == blocks(translated, "sh")
    (folder / "few.toml").write_text(recipe, encoding="utf-8")
    plan, run, predict = (call(folder, *shlex.split(line)[1:]) for line in commands.splitlines())
    assert "Drawn   8 of each label for training, by the seed 0, of " in plan
    assert "Adapted by contrast in 3 steps, then a head over the vectors of 20 rows" in plan
    assert "Learned by contrast in 3 steps; head of 770 weights fitted to the vectors of 20 rows, C = 1" in run
    assert predict.split("\t")[0] in ("positive", "negative")


def test_labels_of_the_docs_are_answered_by_their_names(folder: Path) -> None:
    recipe, commands = blocks("docs/few-examples.md", "toml")[1], blocks("docs/few-examples.md", "sh")[1]
    (folder / "by-name.toml").write_text(recipe, encoding="utf-8")
    show, _, predict = (call(folder, *shlex.split(line)[1:]) for line in commands.splitlines())
    assert "Sentiment: good" in re.sub(r"[|{}+]", "", show)
    assert (folder / "runs" / "by-name" / "model" / "examples.parquet").is_file()
    assert predict.split("\t")[0] in ("positive", "negative")


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
    assert "bleu" in evaluate
    assert "chrf" in evaluate
    monkeypatch.chdir(folder)
    exec(compile(code, page, "exec"), {})


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
    assert "distinct_2" in evaluate


def test_recipe_of_the_docs_is_written_for_a_file(folder: Path) -> None:
    (commands,) = blocks("docs/new.md", "sh")
    assert [commands] == blocks("docs/new.zh.md", "sh")
    new = call(folder, *shlex.split(commands)[1:])
    assert "labels in label (positive, negative)" in " ".join(new.split())


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
    assert "entity_f1" in run
    assert "gazetteer" in run
    assert len(predict.splitlines()) == 1
    assert "entity_f1" in evaluate
    assert "entity f1" in (folder / "runs/names/report.html").read_text(encoding="utf-8")


def test_models_of_several_labels_and_of_labels_in_order_are_made_as_the_docs_say(folder: Path) -> None:
    several, ordered = blocks("docs/classify.md", "toml")
    assert [re.sub(" *#.*", "", text) for text in (several, ordered)] == [
        re.sub(" *#.*", "", text) for text in blocks("docs/classify.zh.md", "toml")
    ]
    assert blocks("docs/classify.md", "sh") == blocks("docs/classify.zh.md", "sh")
    for name, recipe in (("topics", several), ("marks", ordered)):
        (folder / f"{name}.toml").write_text(recipe, encoding="utf-8")
    sets, grades = ("price", "service", "price|service", ""), ("bad", "fair", "good")
    topics = [f"{number} {_PRAISE[number % 8]},{sets[number % 4]}" for number in range(80)]
    (folder / "topics.csv").write_text("\n".join(["text,labels", *topics]), encoding="utf-8")
    marks = [f"{number} {_PRAISE[number % 8]},{grades[number % 3]}" for number in range(90)]
    (folder / "marks.csv").write_text("\n".join(["text,label", *marks]), encoding="utf-8")
    of_topics, of_marks = blocks("docs/classify.md", "sh")
    plan, run, predict, evaluate = (call(folder, *shlex.split(line)[1:]) for line in of_topics.splitlines())
    assert "none in 20 rows, which are kept" in plan
    assert "tfidf-each" in run
    assert predict.endswith("\tlovely but noisy\n")
    assert "hamming_loss" in evaluate
    assert re.search(r"price .*service ", evaluate, re.DOTALL)
    run, predict, sentences = (call(folder, *shlex.split(line)[1:]) for line in of_marks.splitlines())
    assert "qwk" in run
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
    assert "accuracy" in run
    assert (folder / "runs" / "tuned-tune" / "tune.html").is_file()


def test_questions_of_the_docs_are_answered_from_texts_and_documents(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("bm25s")
    page, translated = "docs/answer.md", "docs/answer.zh.md"
    (recipe,), (commands,), (code,) = (blocks(page, language) for language in ("toml", "sh", "python"))
    assert re.sub(" *#.*", "", recipe) == re.sub(" *#.*", "", blocks(translated, "toml")[0])
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
    assert "exact_match" in evaluate
    assert "tower.txt, characters" in answer
    assert (folder / "documents.index" / "index.json").is_file()
    monkeypatch.chdir(folder)
    exec(compile(code, page, "exec"), {})


def test_dialogues_of_the_docs_are_learned_from_and_talked_with(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("bm25s")
    page, translated = "docs/chat.md", "docs/chat.zh.md"
    (recipe,), (commands,), (code,) = (blocks(page, language) for language in ("toml", "sh", "python"))
    assert re.sub(" *#.*", "", recipe) == re.sub(" *#.*", "", blocks(translated, "toml")[0])
    assert [[commands], [code]] == [blocks(translated, "sh"), blocks(translated, "python")]
    (row,) = map(json.loads, blocks(page, "json"))
    assert [row] == [*map(json.loads, blocks(translated, "json"))]
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
    assert "perplexity per token" in evaluate
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
    assert "reward_margin" in evaluate


def test_a_model_of_the_docs_recommends_and_is_measured(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (recipe,), (commands,), (code,) = (blocks("docs/recommend.md", language) for language in ("toml", "sh", "python"))
    assert re.sub(" *#.*", "", recipe) == re.sub(" *#.*", "", blocks("docs/recommend.zh.md", "toml")[0])
    assert [[commands], [code]] == [blocks("docs/recommend.zh.md", language) for language in ("sh", "python")]
    (folder / "shop.toml").write_text(recipe, encoding="utf-8")
    (folder / "items.csv").write_text("item,title,kind\n" + "".join(f"i{n},t{n},{n % 2}\n" for n in range(30)), "utf-8")
    events = "".join(f"u{user},i{(user + 2 * step) % 30},{step}\n" for user in range(60) for step in range(6))
    (folder / "events.csv").write_text(f"user,item,time\n{events}", encoding="utf-8")
    plan, run, predict, evaluate = (call(folder, *shlex.split(line)[1:]) for line in commands.splitlines())
    for known, shown in (("240 train, 60 validation, 60 test", plan), ("item-knn", run), ("ndcg_10", evaluate)):
        assert known in shown
    assert len(predict.splitlines()) == 3
    monkeypatch.chdir(folder)
    exec(compile(code, "docs/recommend.md", "exec"), {})


def test_both_readmes_show_the_same_examples() -> None:
    def bare(readme: str, language: str) -> list[str]:
        return [
            re.sub(r"\s*#.*|A lovely film|Dull and far too long|[一-鿿，。]+", "", block)
            for block in blocks(readme, language)
        ]

    for language in ("toml", "sh", "python"):
        assert bare("README.md", language) == bare("README.zh.md", language)


@pytest.mark.parametrize("readme", [*READMES, "CONTRIBUTING.md"])
def test_links_to_files_lead_somewhere(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert links or readme == "CONTRIBUTING.md"
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_reference_of_settings_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "write_recipe_reference.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = (ROOT / "docs" / "recipe.md").read_text(encoding="utf-8")
    assert module.write_reference() == written, "run python docs/write_recipe_reference.py"
