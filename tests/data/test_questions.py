"""Questions are read from SQuAD's layout and tables, checked, put together, and divided by document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penjing.data.keys import text_ids
from penjing.data.question_rows import Question, QuestionReader
from penjing.data.question_settings import QuestionData
from penjing.data.questions import build_questions, group_documents, read_questions
from penjing.errors import DataError, RecipeError
from penjing.progress import Silent


def paragraph(context: str, *qas: dict[str, Any]) -> dict[str, Any]:
    return {"context": context, "qas": [{"id": f"q{number}", **asked} for number, asked in enumerate(qas)]}


def write_squad(path: Path, documents: list[tuple[str, list[dict[str, Any]]]]) -> Path:
    data = [{"title": title, "paragraphs": paragraphs} for title, paragraphs in documents]
    path.write_text(json.dumps({"version": "v2", "data": data}, ensure_ascii=False), encoding="utf-8")
    return path


def answer(text: str, start: int) -> dict[str, Any]:
    return {"text": text, "answer_start": start}


def read(path: Path, **settings: Any) -> tuple[list[Question], dict[str, int]]:
    reader = QuestionReader(QuestionData(path=str(path), **settings))
    return list(reader.read(path)), reader.counts


@pytest.fixture
def many(tmp_path: Path) -> Path:
    documents = [
        (
            f"Town {number // 2}",  # two texts to a document
            [
                paragraph(
                    f"Town number {number} has {number} towers.",
                    {"question": f"How many towers {n}?", "answers": [answer(str(number), 12)]},
                )
                for n in range(1)
            ],
        )
        for number in range(40)
    ]
    return write_squad(tmp_path / "towns.json", documents)


def build(path: Path, out: Path, **settings: Any) -> dict[str, Any]:
    out.mkdir()
    return build_questions(QuestionData(path=str(path), **settings), 0, out, Silent())


def test_squad_keeps_all_references_and_questions_without_an_answer(tmp_path: Path) -> None:
    two = [answer("Paris", 0), answer("Paris is", 0), answer("Paris", 0)]
    asked = paragraph(
        "Paris is large.",
        {"question": "What is large?", "answers": two},
        {"question": "Who?", "is_impossible": True, "answers": [], "plausible_answers": [answer("Paris", 0)]},
    )
    first, second = read(write_squad(tmp_path / "a.json", [("France", [asked])]))[0]
    assert (first.answers, first.starts) == (("Paris", "Paris is"), (0, 0))
    assert (first.document, first.row) == ("France", 1)
    assert not second.is_answerable
    assert second.is_learnable


@pytest.mark.parametrize("kind", ["csv", "jsonl", "hub"])
def test_tables_say_the_same(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{'csv' if kind == 'csv' else 'jsonl'}"
    rows: list[dict[str, Any]] = [
        {"context": "Li lives in Wuhan.", "question": "Where?", "answer": "Wuhan", "at": 12},
        {"context": "Li lives in Wuhan.", "question": "Since when?", "answer": None, "at": None},
    ]
    settings: dict[str, Any] = {"answer_start": "at"}
    if kind == "csv":
        path.write_text(
            "context,question,answer,at\nLi lives in Wuhan.,Where?,Wuhan,12\nLi lives in Wuhan.,Since when?,,\n",
            encoding="utf-8",
        )
    else:
        if kind == "hub":
            settings = {}
            rows = [
                {**row, "answer": {"text": [row["answer"]] if row["answer"] else [], "answer_start": [12]}}
                for row in rows
            ]
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    first, second = read(path, **settings)[0]
    assert (first.answers, first.starts, first.document) == (("Wuhan",), (12,), "Li lives in Wuhan.")
    assert second.answers == ()


def test_wrong_rows_are_refused_by_file_and_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    cases = {
        'the answer "Rome" is not in its text': "Li lives in Wuhan.,Where?,Rome",
        "the question is empty": "Li lives in Wuhan., ,Wuhan",
        "the context is empty": ",Where?,Wuhan",
    }
    for what, row in cases.items():
        path.write_text(f"context,question,answer\n{row}\n", encoding="utf-8")
        with pytest.raises(DataError, match=rf"^a\.csv, row 2: {what}"):
            read(path)


def test_byte_offsets_are_put_right_and_counted_or_refused(tmp_path: Path) -> None:
    asked = paragraph("首都是北京。", {"question": "首都？", "answers": [answer("北京", 9)]})
    path = write_squad(tmp_path / "a.json", [("a", [asked])])
    (question,), counts = read(path)
    assert question.starts == (3,)
    assert counts["byte_offsets"] == 1
    with pytest.raises(DataError, match=r"a.json, question 1 \(q0\): .*its offset counts bytes. It stands at char"):
        read(path, offsets="refuse")


def test_an_empty_reference_is_refused(tmp_path: Path) -> None:
    asked = paragraph("Li lives.", {"question": "Who?", "answers": [answer("Li", 0), answer(" ", 2)]})
    with pytest.raises(DataError, match=r"a.json, question 1 \(q0\): an answer is empty"):
        read(write_squad(tmp_path / "a.json", [("a", [asked])]))


def test_a_text_that_was_removed_goes_with_all_its_questions(many: Path, tmp_path: Path) -> None:
    build(many, tmp_path / "before")
    gone = read_questions(tmp_path / "before", "train")[0].text
    counts = build(many, tmp_path / "after", removed=tuple(text_ids([gone])))
    assert (counts["removed"], counts["kept"]) == (1, 39)
    left = [
        item.text for split in ("train", "validation", "test") for item in read_questions(tmp_path / "after", split)
    ]
    assert gone not in left


def test_a_broken_layout_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"data": [{"paragraphs": [{"qas": []}]}]}', encoding="utf-8")
    with pytest.raises(DataError, match=r'a.json, document 1: there is no "context" in it'):
        read(path)
    path.write_text('{"data": [3]}', encoding="utf-8")
    with pytest.raises(DataError, match="document 1: it is 3, and no object"):
        read(path)
    path.write_text('{"version": "1", "data": [', encoding="utf-8")
    with pytest.raises(DataError, match=r"^a.json: this is no JSON"):
        read(path)
    path.write_text('[{"text": "a"}]', encoding="utf-8")
    with pytest.raises(RecipeError, match='no column "context"'):
        read(path)


def test_no_document_is_on_two_sides_and_documents_have_exact_shares(many: Path, tmp_path: Path) -> None:
    counts = build(many, tmp_path / "out")
    splits = {name: read_questions(tmp_path / "out", name) for name in ("train", "validation", "test")}
    documents = {name: {question.document for question in questions} for name, questions in splits.items()}
    assert [len(documents[name]) for name in splits] == [16, 2, 2]
    assert not documents["train"] & (documents["validation"] | documents["test"])
    assert not documents["validation"] & documents["test"]
    assert counts["kept"] == sum(map(len, splits.values())) == 40


def test_documents_that_share_a_text_are_one() -> None:
    def asked(text: str, document: str) -> Question:
        return Question(text, "?", (), (), document)

    groups = group_documents([asked("One text.", "a"), asked("Another", "b"), asked("one, text", "b"), asked("X", "c")])
    assert [{question.document for question in group} for group in groups] == [{"a", "b"}, {"c"}]


def test_rows_that_ask_the_same_are_one_question_with_several_references(tmp_path: Path) -> None:
    rows = "".join(f"Li lives in Wuhan {n}.,Where?,{text}\n" for n in range(20) for text in ("Wuhan", f"Wuhan {n}"))
    (tmp_path / "a.csv").write_text(f"context,question,answer\n{rows}", encoding="utf-8")
    counts = build(tmp_path / "a.csv", tmp_path / "out")
    assert (counts["read"], counts["kept"], counts["duplicates"]) == (40, 20, 20)
    assert all(len(question.answers) == 2 for question in read_questions(tmp_path / "out", "train"))


def test_training_questions_on_texts_that_are_measured_on_are_left_out(many: Path, tmp_path: Path) -> None:
    test = write_squad(
        tmp_path / "test.json",
        [("x", [paragraph("town NUMBER 3 has 3 towers", {"question": "?", "answers": [answer("3", 12)]})])],
    )
    counts = build(many, tmp_path / "out", test=str(test))
    assert sum(counts["overlap"].values()) == 1
    assert counts["splits"]["test"]["rows"] == 1


def test_a_question_whose_answer_is_nowhere_can_be_kept_for_the_scores(many: Path, tmp_path: Path) -> None:
    test = write_squad(
        tmp_path / "test.json", [("x", [paragraph("Elsewhere.", {"question": "?", "answers": [answer("Rome", 0)]})])]
    )
    counts = build(many, tmp_path / "out", test=str(test), absent="keep")
    assert counts["absent"] == 1
    assert not read_questions(tmp_path / "out", "test")[0].is_learnable


def test_cmrc_is_read_whole(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "cmrc2018" / "dev.json.gz"
    if not path.is_file():
        pytest.skip("cmrc2018 is not here")
    counts = build(path, tmp_path / "out")
    assert (counts["read"], counts["kept"]) == (3219, 3219)
    for split in ("train", "test"):
        for question in read_questions(tmp_path / "out", split)[:200]:
            for text, start in zip(question.answers, question.starts, strict=True):
                assert start < 0 or question.text[start:].startswith(text)


def test_too_few_documents_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("context,question,answer\nLi lives.,Who?,Li\n", encoding="utf-8")
    with pytest.raises(DataError, match="1 documents"):
        build(tmp_path / "a.csv", tmp_path / "out")


def test_training_questions_on_texts_that_contain_a_measured_one_are_left_out(many: Path, tmp_path: Path) -> None:
    text = "Wuhan is a city of many lakes at the Yangtze river 3"
    asked = {"question": "?", "answers": [answer("3", len(text) - 1)]}
    test = write_squad(tmp_path / "test.json", [("x", [paragraph(text, asked)])])
    longer = paragraph(f"{text} . It rains .", {"question": "What falls?", "answers": [answer("rains", len(text) + 6)]})
    document = json.loads(many.read_text(encoding="utf-8"))
    document["data"].append({"title": "longer", "paragraphs": [longer]})
    (tmp_path / "more.json").write_text(json.dumps(document), encoding="utf-8")
    counts = build(tmp_path / "more.json", tmp_path / "out", test=str(test))
    assert sum(counts["containing"].values()) == 1
    assert sum(counts["overlap"].values()) == 0
    texts = {question.text for split in ("train", "validation") for question in read_questions(tmp_path / "out", split)}
    assert not any(text in other for other in texts)


def test_an_empty_one_of_several_answers_leaves_the_places_of_the_others(tmp_path: Path) -> None:
    row = {"context": "Paris is big. Paris is wide.", "question": "Which is wide?"}
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({**row, "answer": {"text": ["", "Paris"], "answer_start": [0, 14]}}), encoding="utf-8")
    assert read(path)[0][0].starts == (14,)
    path.write_text(json.dumps({**row, "answer": [None, "Paris"], "at": [None, 14]}), encoding="utf-8")
    assert read(path, answer_start="at")[0][0].starts == (14,)


def test_a_place_that_a_table_wrote_with_a_point_is_that_place(tmp_path: Path) -> None:
    """To pandas a column in which some answers are missing is one of floats."""
    path = tmp_path / "a.csv"
    path.write_text("context,question,answer,at\na b a,Which?,a,4.0\na b a,Why?,,\n", encoding="utf-8")
    questions, counts = read(path, answer_start="at")
    assert [question.starts for question in questions] == [(4,), ()]
    assert counts["moved"] == 0
    path.write_text("context,question,answer,at\na b a,Which?,a,4.5\n", encoding="utf-8")
    with pytest.raises(DataError, match=r'a\.csv, row 2: the place of the answer is "4\.5"'):
        read(path, answer_start="at")


def test_questions_that_are_only_asked_need_no_answers(tmp_path: Path) -> None:
    path = write_squad(tmp_path / "a.json", [("a", [paragraph("Li lives.", {"question": "Who?"})])])
    (question,) = QuestionReader(QuestionData(path=str(path)), with_answers=False).read(path)
    assert (question.question, question.text, question.answers) == ("Who?", "Li lives.", ())
    with pytest.raises(DataError, match='there is no "answers" in it'):
        read(path)
