"""What is asked next: the same for the same answers, different texts, and the suspected ones first."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from penjing.data.labels.answers import AnswerFile
from penjing.data.labels.asking import BATCH, choose_batch, fit_answers, map_texts, tells_apart
from penjing.data.labels.questions import (
    Order,
    Question,
    assign_keys,
    choose_labels,
    list_questions,
    order_questions,
)
from penjing.data.labels.session import LabelSession
from penjing.data.labels.table import WHOLE, TableRules, read_table
from penjing.errors import DataError, UsageError
from penjing.progress import Silent

TOPICS = {"film": ["plot", "scene", "actor", "camera"], "hotel": ["room", "bed", "breakfast", "lobby"]}


def texts_of(count: int) -> list[str]:
    draw = random.Random(0)
    return [
        " ".join([*draw.choices(list(TOPICS.values())[n % 2], k=4), f"w{draw.randrange(40)}", f"w{draw.randrange(40)}"])
        for n in range(count)
    ]


def questions_of(count: int, label: str = "") -> list[Question]:
    return [Question(f"id{n}", "rows.csv", n + 2, 1, label, text) for n, text in enumerate(texts_of(count))]


def test_a_batch_is_the_same_on_every_run_and_holds_different_texts() -> None:
    space = map_texts(texts_of(200), seed=0)
    assert space is not None
    waiting = np.arange(200)
    answers: dict[int, int] = {}
    for _ in range(4):
        batch = choose_batch(space, answers, waiting, seed=3)
        assert batch.tolist() == choose_batch(space, dict(reversed(answers.items())), waiting, seed=3).tolist()
        assert len(set(batch.tolist())) == BATCH
        assert set(batch.tolist()) <= set(waiting.tolist())
        answers |= {text: text % 2 for text in batch.tolist()}
        waiting = np.setdiff1d(waiting, batch)


def test_a_model_is_asked_only_once_it_tells_answers_apart() -> None:
    space = map_texts(texts_of(200), seed=0)
    assert space is not None
    truth = {n: n % 2 for n in range(60)}
    coin = random.Random(0)
    assert tells_apart(space, truth)
    assert not tells_apart(space, {n: coin.randrange(2) for n in truth})
    assert not tells_apart(space, {n: truth[n] for n in range(10)})
    assert not tells_apart(space, dict.fromkeys(truth, 0))


def test_once_answers_tell_labels_apart_the_uncertain_texts_are_asked() -> None:
    texts = [*texts_of(150), *(f"plot room scene bed actor breakfast w{n}" for n in range(12))]
    space = map_texts(texts, seed=0)
    assert space is not None
    answers = {n: n % 2 for n in range(60)}
    waiting = np.arange(60, len(texts))
    batch = choose_batch(space, answers, waiting, seed=0)
    chances = np.abs(fit_answers(space, answers).predict_proba(space.features)[:, 1] - 0.5)
    assert chances[batch].mean() < chances[waiting].mean()
    assert (batch >= 150).sum() >= 2  # of 12 that are nearly the same


@pytest.mark.parametrize("texts", [["one"], ["same words"] * 30, ["one two", "three four", "five six"], ["!!!", "???"]])
def test_few_equal_or_wordless_texts_can_be_asked_about(texts: list[str]) -> None:
    space = map_texts(texts, seed=0)
    if texts[0] == "!!!":
        assert space is None
        return
    assert space is not None
    batch = choose_batch(space, {}, np.arange(len(texts)), seed=0)
    assert len(set(batch.tolist())) == len(batch) == min(BATCH, len(texts))


def test_a_session_asks_every_text_once_and_the_skipped_ones_last(tmp_path: Path) -> None:
    questions = questions_of(45)
    with AnswerFile(tmp_path / "a.jsonl") as answers:
        session = LabelSession(
            questions, ["x", "y"], answers, Order(chosen=list(range(45))), map_texts(texts_of(45), 0)
        )
        with session:
            asked = []
            while (question := session.next()) is not None:
                if len(asked) == 3:
                    skipped = question.id
                    session.skip(question.id)
                    assert session.state().skipped == 1
                else:
                    session.answer(question.id, "xy"[int(question.id[2:]) % 2])
                asked.append(question.id)
            state = session.state()
    assert len(asked) == 46
    assert asked[3] == asked[-1] == skipped
    assert set(asked) == {question.id for question in questions}
    assert (state.answered, state.skipped, state.labels) == (45, 0, {"x": 23, "y": 22})


def test_undone_answers_are_asked_again_also_in_a_later_session(tmp_path: Path) -> None:
    questions = questions_of(3)
    for _ in range(2):
        with (
            AnswerFile(tmp_path / "a.jsonl") as answers,
            LabelSession(questions, ["x", "y"], answers, Order(chosen=[0, 1, 2]), None) as session,
        ):
            if session.state().answered == 0:
                session.answer("id0", "x")
                session.answer("id1", "y")
            else:
                undone = session.undo()
                assert undone is not None
                assert undone.id == "id1"
                following = session.next()
                assert following is not None
                assert following.id == "id1"
                assert session.undo() == questions[0]
                assert session.undo() is None
            with pytest.raises(UsageError, match="none of the labels"):
                session.answer("id2", "z")
            with pytest.raises(UsageError, match="there is no text"):
                session.answer("id9", "x")


def test_suspected_labels_come_first_then_open_texts_then_the_rest() -> None:
    pytest.importorskip("cleanlab")
    topic = ["film", "hotel"]
    questions = [
        Question(q.id, q.file, q.row, 1, "" if n >= 180 else topic[n % 2], q.text)
        for n, q in enumerate(questions_of(200))
    ]
    wrong = questions[40]
    questions[40] = Question(wrong.id, wrong.file, wrong.row, 1, "hotel", wrong.text)
    order = order_questions(questions, by_file=False)
    assert order.first == [40]
    assert order.chosen == list(range(180, 200))
    assert sorted(order.last) == [n for n in range(180) if n != 40]
    assert order_questions(questions, by_file=True).chosen == list(range(200))


def test_equal_texts_are_one_question(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,label\nb,\na,x\n,y\nb,y\n", encoding="utf-8")
    table = read_table({WHOLE: [tmp_path / "rows.csv"]}, TableRules(), Silent())
    questions = [(q.text, q.row, q.rows, q.label) for q in list_questions(table)]
    assert questions == [("b", 2, 2, "y"), ("a", 3, 1, "x")]


@pytest.mark.parametrize(
    ("given", "label", "said"),
    [
        (None, "", "there are no labels to choose from"),
        (None, "one", 'there are no labels to choose from: column "label" has 1 different'),
        ("a", "", "are not two or more different labels"),
        ("a,a", "", "are not two or more different labels"),
        ("a,,b", "", "are not two or more different labels"),
        (",".join(f"l{n}" for n in range(40)), "", "there are 40 labels, and keys for 35"),
    ],
)
def test_labels_that_cannot_be_chosen_from_are_refused(given: str | None, label: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        choose_labels(given, questions_of(2, label), "label" if label else None)


def test_a_label_of_the_file_that_is_not_offered_is_refused_by_its_row() -> None:
    with pytest.raises(DataError, match=r'rows.csv, row 2: column "label" is "1"; --labels are x, y'):
        choose_labels("x,y", questions_of(1, "1"), "label")
    assert choose_labels("x, y", questions_of(2), None) == ["x", "y"]


def test_every_label_has_a_key_of_its_own_and_u_is_none() -> None:
    assert assign_keys(["no", "yes"]) == {"1": "no", "2": "yes"}
    assert assign_keys(["0", "1"]) == {"0": "0", "1": "1"}
    assert assign_keys(["u", "v"]) == {"1": "u", "2": "v"}
    many = assign_keys([f"l{n}" for n in range(34)])
    assert len(many) == 34
    assert "u" not in many
