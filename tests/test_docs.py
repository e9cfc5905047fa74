"""What the documentation shows works as shown: the README, corpora, labels, ways to adapt."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.documents import BLAME, PRAISE, READMES, ROOT, ask, blocks, call, fill


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("readme"))


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
    assert "Bits per byte" in printed
    assert (folder / "runs" / "own-words" / "report.html").is_file()
    assert call(folder, "generate", "runs/own-words/model", "A lovely", "--max-tokens", "5").startswith("A lovely")


def test_corpus_of_the_docs_is_made_and_inspected(folder: Path) -> None:
    pytest.importorskip("daft")
    rows = [f"{PRAISE[n % 8]} film number {n} with {BLAME[n // 8 % 8]} scenes" for n in range(200)]
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
    assert "Bits per byte" in run
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
    lines = [*personal, *(f"{PRAISE[n % 8]} letter number {n}" for n in range(60))]
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
        (letters / f"{n}.txt").write_bytes(f"{PRAISE[n % 8]}来信第{n}号，问候各位。\n谢谢！".encode("gb18030"))
    with zipfile.ZipFile(folder / "notes.zip", "w") as archive:
        for n in range(30):
            archive.writestr(f"{n}.md", f"# Note {n}\n\nA {BLAME[n % 8]} day.")
    with closing(sqlite3.connect(folder / "tickets.db")) as connection, connection:
        connection.execute("CREATE TABLE tickets (body TEXT)")
        connection.executemany(
            "INSERT INTO tickets VALUES (?)", [(f"ticket {n}: it is {BLAME[n % 8]}",) for n in range(30)]
        )
    (recipe,), (commands,) = blocks("docs/sources.md", "toml"), blocks("docs/sources.md", "sh")
    assert re.sub(" *#.*", "", recipe) == re.sub(" *#.*", "", blocks("docs/sources.zh.md", "toml")[0])
    assert [commands] == blocks("docs/sources.zh.md", "sh")
    (folder / "sources.toml").write_text(recipe, encoding="utf-8")
    run, inspect = (call(folder, *shlex.split(line)[1:]) for line in commands.splitlines())
    assert "Bits per byte" in run
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
    rows = [f"{PRAISE[n % 8]} film number {n} with {BLAME[n // 8 % 8]} scenes" for n in range(200)]
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
    assert "Bits per byte" in run
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
    recipes, commands = blocks(page, "toml"), blocks(page, "sh")[0]
    assert [re.sub(" *#.*", "", text) for text in recipes] == [
        re.sub(" *#.*", "", text) for text in blocks(translated, "toml")
    ]
    assert blocks(page, "sh") == blocks(translated, "sh")
    for name, recipe in zip(("teacher", "student"), recipes[:2], strict=True):
        (folder / f"{name}.toml").write_text(recipe, encoding="utf-8")
    _, plan, run, predict = (call(folder, *shlex.split(line)[1:]) for line in commands.splitlines())
    assert re.search(r"Teacher bert, 22,\d+,\d+ parameters", plan)
    assert "Texts without labels 200 of 8,530" in plan
    assert re.search(r"Taught by bert, 22,\d+,\d+ parameters", run)
    assert predict.split("\t")[0] in ("positive", "negative")


def test_a_model_of_the_docs_learns_from_teachers_of_its_own_kind(folder: Path) -> None:
    page = "docs/distillation.md"
    (folder / "born-again.toml").write_text(blocks(page, "toml")[2], encoding="utf-8")
    plan, run = (call(folder, *shlex.split(line)[1:]) for line in blocks(page, "sh")[1].splitlines())
    assert re.search(r"teacher +→ .* 5 models", plan)
    assert "Trained 3, then 2 of its own kind first, to teach it" in run
    assert "Taught by 2 × lstm" in run


def test_a_student_of_the_docs_learns_to_write_what_its_teacher_writes(
    folder: Path, pair_run_of: Callable[[str], Any]
) -> None:
    page, teacher = "docs/distillation.md", pair_run_of("llama")
    shutil.copytree(teacher.model, folder / "runs" / "captions" / "model")
    shutil.copy(teacher.out.parent / "pairs.csv", folder / "captions.csv")
    (folder / "small-captions.toml").write_text(blocks(page, "toml")[3], encoding="utf-8")
    plan, run = (call(folder, *shlex.split(line)[1:]) for line in blocks(page, "sh")[2].splitlines())
    assert "Teacher llama, " in plan
    assert re.search(r"Taught by llama, [\d,]+ parameters: [\d,]+ targets", run)


def test_a_student_of_the_docs_learns_the_tokens_of_its_teacher(folder: Path) -> None:
    page, teacher = "docs/distillation.md", blocks("docs/generate.md", "toml")[0]
    speeches = [f"{name}:\nI am number {number} of {name}." for number in range(80) for name in ("ROMEO", "JULIET")]
    (folder / "plays.txt").write_text("\n\n".join(speeches), encoding="utf-8")
    (folder / "plays.toml").write_text(teacher, encoding="utf-8")
    call(folder, "run", "plays.toml")
    (folder / "small-plays.toml").write_text(blocks(page, "toml")[4], encoding="utf-8")
    plan, run = (call(folder, *shlex.split(line)[1:]) for line in blocks(page, "sh")[3].splitlines())
    assert "Teacher llama, " in plan
    assert re.search(r"Taught by llama, [\d,]+ parameters", run)


def test_a_student_of_the_docs_learns_where_its_teacher_finds_answers(folder: Path) -> None:
    page, teacher = "docs/distillation.md", blocks("docs/answer.md", "toml")[0]
    towers = (f"The tower number {n} was built in {1800 + n}.,When was {n} built?,{1800 + n}\n" for n in range(60))
    (folder / "questions.csv").write_text(f"context,question,answer\n{''.join(towers)}", encoding="utf-8")
    (folder / "towers.toml").write_text(teacher, encoding="utf-8")
    call(folder, "run", "towers.toml")
    (folder / "small-towers.toml").write_text(blocks(page, "toml")[5], encoding="utf-8")
    plan, run = (call(folder, *shlex.split(line)[1:]) for line in blocks(page, "sh")[4].splitlines())
    assert "Teacher bert, " in plan
    assert re.search(r"Taught by bert, [\d,]+ parameters", run)


def test_a_student_of_the_docs_learns_which_items_its_teacher_finds_likely(folder: Path) -> None:
    page, teacher = "docs/distillation.md", blocks("docs/recommend.md", "toml")[0]
    items = [f"i{number},thing {number},{('red', 'blue')[number % 2]}" for number in range(1, 31)]
    (folder / "items.csv").write_text("\n".join(["item,title,kind", *items]), encoding="utf-8")
    events = (f"u{user},i{(user + step) % 30 + 1},{step}\n" for user in range(40) for step in range(6))
    (folder / "events.csv").write_text(f"user,item,time\n{''.join(events)}", encoding="utf-8")
    (folder / "shop.toml").write_text(teacher, encoding="utf-8")
    call(folder, "run", "shop.toml")
    (folder / "small-shop.toml").write_text(blocks(page, "toml")[6], encoding="utf-8")
    plan, run = (call(folder, *shlex.split(line)[1:]) for line in blocks(page, "sh")[5].splitlines())
    assert "Teacher sasrec, " in plan
    assert re.search(r"Taught by sasrec, [\d,]+ parameters", run)


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
