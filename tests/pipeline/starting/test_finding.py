"""What a look at questions, dialogues, events and texts with several labels sees, and that recipes for them hold."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from penjing.errors import UsageError
from penjing.files import write_json
from penjing.pipeline.recipe_file import check_recipe, load_recipe
from penjing.pipeline.recipe_kinds import WrittenAnswerRecipe
from penjing.pipeline.run import run_recipe
from penjing.pipeline.starting.answers import propose_answers
from penjing.pipeline.starting.classifier import propose_classifiers
from penjing.pipeline.starting.dialogue import propose_dialogues
from penjing.pipeline.starting.events import look_at_events
from penjing.pipeline.starting.finding import look_at_dialogues, look_at_label_sets, look_at_preferences
from penjing.pipeline.starting.items import propose_rankers
from penjing.pipeline.starting.looking import Found, describe_files, look_at_pairs, look_at_rows
from penjing.pipeline.starting.preferences import propose_preferences
from penjing.pipeline.starting.questions import look_at_questions
from penjing.pipeline.starting.recipe_text import write_recipe
from penjing.pipeline.starting.wanted import Document, Wanted
from penjing.progress import Silent


@pytest.fixture
def small_start(tmp_path: Path) -> Path:
    """A folder with the config of a decoder of 64 positions."""
    folder = tmp_path / "start"
    folder.mkdir()
    write_json(folder / "config.json", {"model_type": "llama", "max_position_embeddings": 64})
    return folder


Propose = Callable[[Wanted, Found], list[tuple[str, Document]]]


def write_table(path: Path, rows: Sequence[Sequence[object]]) -> str:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return str(path)


def hold(tmp_path: Path, task: str, found: Found, propose: Propose, *addresses: str) -> list[Document]:
    """Checks that every recipe proposed is one, written to a file too, and returns them."""
    documents = []
    for _, document in propose(Wanted("mine", task, addresses, None, None, 5, "zh"), found):
        file = tmp_path / "written.toml"
        file.write_text(write_recipe(document, ["heading"], "zh"), encoding="utf-8")
        assert load_recipe(file) == check_recipe(document, "mine")
        documents.append(document)
    assert documents
    return documents


def test_questions_of_a_table_are_found_by_name_and_length(tmp_path: Path) -> None:
    rows = [(n, f"The tower {n} was built in {1800 + n} by many people.", f"When? {n}", 1800 + n) for n in range(30)]
    address = write_table(tmp_path / "q.csv", [("id", "passage", "query", "answers"), *rows])
    found = look_at_questions(address, {})
    assert (found.rows, found.language) == (30, "en")
    assert found.section == {"text": "passage", "question": "query", "answer": "answers"}
    document = hold(tmp_path, "answer", found, propose_answers, address)[0]
    assert document["data"]["question"] == "query"


@pytest.mark.parametrize(
    ("head", "text"),
    [(("question", "answer", "context", "url"), "context"), (("问题", "答案", "原文", "链接"), "原文")],
)
def test_what_a_question_is_about_is_known_by_its_name(tmp_path: Path, head: Sequence[str], text: str) -> None:
    link = "https://example.org/towers/{n}/history/of/the/tower/index.html"
    rows = [(f"When {n}?", 1800 + n, f"Built in {1800 + n}.", link.format(n=n)) for n in range(30)]
    found = look_at_questions(write_table(tmp_path / "q.csv", [head, *rows]), {})
    assert found.section.get("text", "context") == text
    unnamed = look_at_questions(write_table(tmp_path / "r.csv", [(*head[:2], "facts", "seen"), *rows]), {})
    assert unnamed.section["text"] == "facts"


@pytest.mark.parametrize("head", [("answer_start", "title"), ("答案起始位置", "文章标题")])
def test_where_answers_begin_and_what_texts_are_a_part_of_is_found(tmp_path: Path, head: Sequence[str]) -> None:
    def write(name: str, start: Callable[[str, int], int]) -> str:
        texts = [f"Li has a red bag. She says that red is a fine colour, item {n}." for n in range(40)]
        rows = [(text, f"Which colour {n}?", "red", start(text, n), f"part {n // 4}") for n, text in enumerate(texts)]
        return write_table(tmp_path / name, [("context", "question", "answer", *head), *rows])

    last = write("last.csv", lambda text, n: text.rindex("red"))
    found = look_at_questions(last, {})
    assert found.section == {"answer_start": head[0], "document": head[1]}
    assert hold(tmp_path, "answer", found, propose_answers, last)[0]["data"]["answer_start"] == head[0]
    # What is called so and says something else is left alone: seconds, or the number of a row.
    assert look_at_questions(write("else.csv", lambda text, n: 1), {}).section == {"document": head[1]}


@pytest.mark.parametrize(
    ("head", "text", "target"),
    [
        (("用户", "助手"), "用户", "助手"),
        (("用户", "问", "答"), "问", "答"),
        (("客服", "问", "答"), "问", "答"),
        (("用户", "内容", "回复"), "内容", "回复"),
    ],
)
def test_who_speaks_is_no_prompt_where_what_is_said_has_a_column(
    tmp_path: Path, head: Sequence[str], text: str, target: str
) -> None:
    longer = {"问", "答", "内容", "回复"} & {*head} or {*head}
    rows = [[f"第{n}句话是这样说的，请看一看" if name in longer else f"甲{n % 3}" for name in head] for n in range(30)]
    found = look_at_dialogues(write_table(tmp_path / "said.csv", [head, *rows]), None, None)
    assert found.section == {"text": text, "target": target}


@pytest.mark.parametrize("longest", [0, 2])
def test_a_start_that_was_told_of_matches_is_told_again(tmp_path: Path, longest: int) -> None:
    address = write_table(tmp_path / "q.csv", [("context", "question", "answer"), *[("Li is here.", "Who?", "Li")] * 9])
    found, start = look_at_questions(address, {}), tmp_path / "start"
    start.mkdir()
    write_json(start / "config.json", {"model_type": "bert"})
    write_json(start / "penjing.json", {"render": {"mark_matches": longest} if longest else {}})
    ((_, document),) = propose_answers(Wanted("mine", "answer", (address,), None, str(start), 5, "en"), found)
    assert document["render"].get("mark_matches", 0) == longest


def test_columns_of_questions_that_are_named_go_before_those_that_are_called_so(tmp_path: Path) -> None:
    head = ("context", "question", "answer", "asked", "said", "begins")
    texts = [f"Li, who is {n}, has a red bag and a red hat." for n in range(40)]
    rows = [(text, "?", n % 7, f"Which colour {n}?", "red") for n, text in enumerate(texts)]
    address = write_table(tmp_path / "q.csv", [head, *((*row, row[0].rindex("red")) for row in rows)])
    named = {"question": "asked", "answer": "said", "answer_start": "begins"}
    found = look_at_questions(address, named)
    assert found.section == named
    assert found.long_target_words == 3
    assert hold(tmp_path, "answer", found, propose_answers, address)[0]["data"]["answer_start"] == "begins"
    # One that is named is none that others are guessed from, and is kept though it says something else.
    shifted = look_at_questions(address, {**named, "text": "context", "answer_start": "answer"})
    assert shifted.section == {**named, "answer_start": "answer"}
    both = {"question": "question", "text": "asked", "answer": "said"}
    assert look_at_questions(address, both).section == {"text": "asked", "answer": "said"}


def test_questions_of_a_table_without_a_header_have_names_for_its_columns(tmp_path: Path) -> None:
    rows = [(f"It was built in {1800 + n}, and stands by the river.", f"When, {n}?", f"{1800 + n}") for n in range(40)]
    address = write_table(tmp_path / "q.csv", [(f"{row[0]} Many people come.", row[2], row[1]) for row in rows])
    columns = describe_files([Path(address)]).layout.columns
    assert columns is not None
    found = look_at_questions(address, {"text": columns[0], "answer": columns[1], "question": columns[2]})
    assert found.columns == columns
    data = hold(tmp_path, "answer", found, propose_answers, address)[0]["data"]
    assert (data["columns"], data["question"]) == ([*columns], columns[2])


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (lambda squad, _: look_at_questions(squad, {"question": "asked"}), "SQuAD.*Leave --question out"),
        (lambda _, keyed: look_at_dialogues(keyed, "said", "reply"), "keyed by conv.*Leave --text and --target out"),
        (lambda _, lines: look_at_pairs([lines, lines], "a", None, longer_first=False), "no columns.*Leave --text out"),
    ],
)
def test_no_column_can_be_named_of_files_without(tmp_path: Path, look: Callable[..., Any], words: str) -> None:
    squad, keyed = tmp_path / "squad.json", tmp_path / "talks.json"
    answers = [{"text": "Li", "answer_start": 0}]
    text = {"context": "Li is here.", "qas": [{"id": "1", "question": "Who?", "answers": answers}]}
    squad.write_text(json.dumps({"data": [{"title": "t", "paragraphs": [text]}]}), encoding="utf-8")
    said = [{"agent": f"agent_{turn}", "message": "Yes."} for turn in (1, 2)]
    keyed.write_text(json.dumps({"t_1": {"content": said}}), encoding="utf-8")
    with pytest.raises(UsageError, match=words):
        look(str(squad), str(keyed))


def test_questions_in_the_layout_of_squad_need_no_columns(shared_data: Path, tmp_path: Path) -> None:
    with gzip.open(shared_data / "cmrc2018" / "trial.json.gz", "rt", encoding="utf-8") as file:
        whole = json.load(file)
    (tmp_path / "few.json").write_text(json.dumps({**whole, "data": whole["data"][:5]}), encoding="utf-8")
    found = look_at_questions(str(tmp_path / "few.json"), {})
    assert (found.language, found.section) == ("zh", {})
    assert hold(tmp_path, "answer", found, propose_answers, "few.json")[-1]["model"]["family"] == "bert"


@pytest.mark.parametrize("as_json", [False, True])
def test_dialogues_are_found_as_messages_whatever_their_column(tmp_path: Path, as_json: bool) -> None:
    file = tmp_path / "talks.jsonl"
    said = [{"role": "user", "content": "Is it on?"}, {"role": "assistant", "content": "Yes, it is."}]
    rows = [{"note": f"talk {n}", "talk": json.dumps(said) if as_json else said} for n in range(20)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = look_at_dialogues(str(file), None, None)
    assert (found.rows, found.section, found.long_target_words) == (20, {"text": "talk"}, 3)
    document = hold(tmp_path, "chat", found, propose_dialogues, str(file))[0]
    assert 2 * document["write"]["max_tokens"] <= document["render"]["max_tokens"]
    assert document["finetune"]["both_sides"] is False  # one of the two is an assistant


@pytest.mark.parametrize(
    ("speakers", "alike"),
    [(("agent_1", "agent_2"), True), (("A", "B"), True), (("customer", "support"), False), (("user", "bot"), False)],
)
def test_of_dialogues_between_people_alike_both_sides_are_learned(
    tmp_path: Path, speakers: tuple[str, str], alike: bool
) -> None:
    file = tmp_path / "talks.json"
    said = [{"agent": speakers[turn % 2], "message": f"It is {turn}."} for turn in range(4)]
    file.write_text(json.dumps({f"t_{n}": {"content": said} for n in range(20)}), encoding="utf-8")
    found = look_at_dialogues(str(file), None, None)
    for document in hold(tmp_path, "chat", found, propose_dialogues, str(file)):
        assert document["finetune"]["both_sides"] is alike


def test_dialogues_are_found_though_the_first_one_breaks_a_rule(tmp_path: Path) -> None:
    file = tmp_path / "talks.jsonl"
    said = [{"role": "user", "content": "Is it on?"}, {"role": "assistant", "content": "Yes, it is."}]
    rows = [{"note": "talk", "talk": said[1:]}, *({"note": f"talk {n}", "talk": said} for n in range(20))]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert look_at_dialogues(str(file), None, None).section == {"text": "talk"}


def test_what_is_said_and_the_reply_are_found_by_their_names(tmp_path: Path) -> None:
    rows = [(n, f"Item {n} costs {n} coins.", f"What is the price of item {n}?") for n in range(20)]
    address = write_table(tmp_path / "faq.csv", [("id", "response", "instruction"), *rows])
    found = look_at_dialogues(address, None, None)
    assert found.section == {"text": "instruction", "target": "response"}
    hold(tmp_path, "chat", found, propose_dialogues, address)


def test_topical_chat_is_found_by_its_layout(shared_data: Path, tmp_path: Path) -> None:
    address = str(shared_data / "topical_chat" / "valid_freq.json.gz")
    found = look_at_dialogues(address, None, None)
    assert (found.rows, found.language, found.section, found.splits) == (539, "en", {}, ())
    assert 15 < found.long_target_words < 60 < found.words
    assert hold(tmp_path, "chat", found, propose_dialogues, address)[0]["data"] == {"path": address, "encoding": "auto"}


@pytest.mark.parametrize("as_messages", [False, True])
def test_preferences_are_found_by_their_names(tmp_path: Path, as_messages: bool, small_start: Path) -> None:
    said = [{"role": "user", "content": "Is the tower open today?"}]
    row = {"id": 1, "instruction": said if as_messages else said[0]["content"], "win": "Yes, it is.", "rejected": "No."}
    (tmp_path / "p.jsonl").write_text(f"{json.dumps(row)}\n" * 20, encoding="utf-8")
    found = look_at_preferences(str(tmp_path / "p.jsonl"), {})
    assert (found.rows, found.words) == (20, 5)
    assert found.section == {"text": "instruction", "chosen": "win"}
    task = "prefer_reply" if as_messages else "prefer"
    with pytest.raises(UsageError, match="a model that writes already"):
        propose_preferences(Wanted("mine", task, ("p.jsonl",), None, None, 5, "en"), found)
    wanted = Wanted("mine", task, ("p.jsonl",), None, str(small_start), 5, "en")
    document = check_recipe(propose_preferences(wanted, found)[0][1], "mine")
    assert document.render.max_tokens + (0 if as_messages else 16) <= 64


def test_preferences_keep_the_layout_of_the_model_at_the_start(tmp_path: Path, small_start: Path) -> None:
    rows = [("prompt", "chosen", "rejected"), *[(f"sum up {n}", "yes", "no") for n in range(20)]]
    found = look_at_preferences(write_table(tmp_path / "p.csv", rows), {})

    def layout(card: dict[str, Any]) -> dict[str, Any]:
        write_json(small_start / "penjing.json", card)
        wanted = Wanted("mine", "prefer", ("p.csv",), None, str(small_start), 5, "en")
        render = propose_preferences(wanted, found)[0][1]["render"]
        return {key: value for key, value in render.items() if not key.startswith("max_")}

    laid_out = {"template": "[BEGIN]{text} TL;DR:", "target": " {target}[SEP]"}
    assert layout({"task": "summarize", "render": laid_out}) == laid_out
    assert layout({"objective": "causal", "render": {"template": "{text}"}}) == {"template": "[BEGIN]{text}"}


def test_items_of_recbole_are_found_beside_their_events(shared_data: Path, tmp_path: Path) -> None:
    for kind in ("inter", "item"):
        lines = (shared_data / "ml-100k" / f"ml-100k.{kind}").read_text(encoding="utf-8").splitlines()[:200]
        (tmp_path / f"films.{kind}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    address = str(tmp_path / "films.inter")
    found = look_at_events([address], {})
    assert found.rows == 199
    assert found.section["items"] == str(tmp_path / "films.item")
    assert (found.section["user"], found.section["id"]) == ("user_id:token", "item_id:token")
    assert found.section["text"].startswith("{movie_title:token_seq}")
    hold(tmp_path, "recommend", found, propose_rankers, address)


def test_columns_of_events_that_are_named_go_before_those_that_are_called_so(tmp_path: Path) -> None:
    events = [("user", "item", "time", "buyer", "thing"), *((n, n, n, f"u{n % 3}", f"p{n % 5}") for n in range(40))]
    goods = [("item", "code", "thing", "title"), *((n, f"p{n}", f"q{n}", f"a red bag {n}") for n in range(5))]
    addresses = [write_table(tmp_path / f"{n}.csv", rows) for n, rows in enumerate((events, goods))]
    named = {"user": "buyer", "item": "thing", "id": "code", "text": "title"}
    found = look_at_events(addresses, named)
    assert found.section == {**named, "items": addresses[1], "text": "{title}"}
    hold(tmp_path, "recommend", found, propose_rankers, addresses[0])
    assert look_at_events(addresses, {"item": "thing"}).section["id"] == "thing"  # called so in both tables
    assert "id" not in look_at_events(addresses, {"text": "{title}: {code}"}).section
    with pytest.raises(UsageError, match='there is no column "name"'):
        look_at_events(addresses, {"text": "{title}: {name}"})


def test_columns_of_preferences_are_named(tmp_path: Path) -> None:
    rows = [("asked", "chosen", "first", "second"), *[(f"sum up {n}", 1, f"yes {n}", "no") for n in range(20)]]
    address = write_table(tmp_path / "p.csv", rows)
    with pytest.raises(UsageError, match=r"no column is called prompt.*--text, or call it prompt"):
        look_at_preferences(address, {})
    named = {"text": "asked", "chosen": "first", "rejected": "second"}
    assert look_at_preferences(address, named).section == named


@pytest.mark.parametrize(
    ("head", "cells", "section"),
    [
        (("text", "tags"), lambda n: (["a;b", "b", ""][n % 3],), {"label": "tags", "separator": ";"}),
        (("text", "tags"), lambda n: (["['a', 'b']", "['b']", "[]"][n % 3],), {"label": "tags"}),
        (("text", "calm", "loud"), lambda n: (n % 2, n % 3 % 2), {"label": ["calm", "loud"]}),
    ],
)
def test_several_labels_are_found_in_a_column_or_in_several(
    tmp_path: Path, head: Sequence[str], cells: Callable[[int], Sequence[Any]], section: dict[str, Any]
) -> None:
    rows = [(f"the number {n} walks in the garden", *cells(n)) for n in range(30)]
    address = write_table(tmp_path / "rows.csv", [head, *rows])
    found = look_at_label_sets(address, None, None)
    assert (found.rows, found.section, len(found.labels)) == (30, section, 2)
    hold(tmp_path, "multilabel", found, propose_classifiers, address)


def test_labels_in_order_are_written_from_the_lowest(tmp_path: Path) -> None:
    rows = [(f"the number {n} walks in the garden", [10, 9, 2][n % 3]) for n in range(30)]
    address = write_table(tmp_path / "rows.csv", [("text", "grade"), *rows])
    found = look_at_rows(address, None, None)
    assert hold(tmp_path, "ordinal", found, propose_classifiers, address)[0]["data"]["labels"] == ["2", "9", "10"]


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    address = write_table(tmp_path / "rows.csv", [("user", "text"), *((n, f"text {n}") for n in range(9))])
    for look, word in (
        (lambda: look_at_events([address], {}), "table of the items is missing"),
        (lambda: look_at_events([address, address], {}), "no column is called item"),
        (lambda: look_at_questions(address, {}), "no column is called question"),
        (lambda: look_at_label_sets(address, "text", None), "no column looks like labels"),
    ):
        with pytest.raises(UsageError, match=word):
            look()


@pytest.mark.parametrize("family", ["t5", "llama"])
def test_from_a_model_that_writes_a_recipe_is_proposed_whose_answers_are_written(
    family: str, tmp_path: Path, written_recipe: Callable[..., dict[str, Any]], written_run: Callable[[str], Any]
) -> None:
    start, address = str(written_run(family).model), written_recipe(tmp_path)["data"]["path"]
    found = look_at_questions(address, {})
    ((kind, document),) = propose_answers(Wanted("mine", "answer", (address,), None, start, 5, "en"), found)
    assert kind == "transfer"
    document["finetune"] |= {"epochs": 1, "evaluations": 1}
    document["write"] |= {"beams": 1}
    recipe = check_recipe(document, "mine")
    assert isinstance(recipe, WrittenAnswerRecipe)
    assert "f1" in run_recipe(recipe, tmp_path / "out", Silent(), ["test"]).evaluation["scores"]
