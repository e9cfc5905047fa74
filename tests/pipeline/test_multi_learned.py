"""What a model of several tasks learns of questions, and what of its recipe decides what it learns."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.pipeline.several_tasks import make_document

from penjing.cli.plan import _count_parts, _part_lines
from penjing.errors import DataError
from penjing.pipeline.kinds.parts import multi_recipe
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.samples import show_rows
from penjing.pipeline.stages.examples import EXAMPLES
from penjing.pipeline.stages.finetune import FINETUNE
from penjing.progress import Silent

LONG = "tree house " * 30  # more than max_tokens


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    """Questions of which every other has its answer at the end of a text that is too long to be read whole."""
    found = make_document(tmp_path)
    path = Path(found["parts"]["ask"]["data"]["path"])
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [
        f"{LONG}{number} zebra,what is last?,zebra" if number % 2 else f"zebra {LONG}{number},what is first?,zebra"
        for number in range(len(lines) - 1)
    ]
    path.write_text("\n".join([lines[0], *rows]), encoding="utf-8")
    return found


def test_a_question_whose_answer_is_cut_off_is_not_learned_and_counted(
    document: dict[str, Any], tmp_path: Path
) -> None:
    recipe = check_recipe(document, "test")
    plan = make_plan(recipe, tmp_path / "run", Silent())
    part = _count_parts(plan)["ask"]
    given = plan.facts("data")["parts"]["ask"]["splits"]
    assert 0 < part["not_learned"] == sum(given[s]["rows"] - part["rows"][s] for s in ("train", "validation"))
    assert part["rows"]["test"] == given["test"]["rows"]
    assert f"{part['not_learned']:,} questions not learned" in next(line for line in _part_lines(plan) if "ask" in line)
    shown = show_rows(recipe, tmp_path / "run", 500, Silent())
    asked = ["".join(token.text for token in row.tokens if token.state == "read") for row in shown]
    learned = [text for text in asked if "what is" in text]
    assert len(learned) == part["rows"]["train"]
    assert all("what is first?" in text and "zebra" in text for text in learned)


def test_with_the_end_of_texts_kept_the_other_questions_are_learned(document: dict[str, Any], tmp_path: Path) -> None:
    recipe = multi_recipe(check_recipe({**document, "render": {**document["render"], "cut": "start"}}, "test"))
    shown = show_rows(recipe, tmp_path / "run", 500, Silent())
    asked = ["".join(token.text for token in row.tokens if token.state == "read") for row in shown]
    assert {"what is last?" in text for text in asked if "what is" in text} == {True}


def test_an_answer_that_is_not_in_the_text_is_not_learned(document: dict[str, Any], tmp_path: Path) -> None:
    path = Path(document["parts"]["ask"]["data"]["path"])
    rows = [f"cat {number},what is it?,{'dog' if number % 2 else 'cat'}" for number in range(40)]
    path.write_text("\n".join(["context,question,answer", *rows]), encoding="utf-8")
    document["parts"]["ask"]["data"]["absent"] = "keep"
    plan = make_plan(check_recipe(document, "test"), tmp_path / "run", Silent())
    absent = sum("dog" in row for row in rows)
    assert 0 < _count_parts(plan)["ask"]["not_learned"] <= absent == plan.facts("data")["parts"]["ask"]["absent"]


@pytest.mark.parametrize("is_alone", [False, True])
def test_questions_none_of_which_can_be_learned_are_refused(
    document: dict[str, Any], tmp_path: Path, is_alone: bool
) -> None:
    if is_alone:
        document["parts"] = {"ask": document["parts"]["ask"]}
    path = Path(document["parts"]["ask"]["data"]["path"])
    rows = [f"{LONG}{number} zebra,what is last?,zebra" for number in range(40)]
    path.write_text("\n".join(["context,question,answer", *rows]), encoding="utf-8")
    with pytest.raises(DataError, match=r"of none of 3\d training questions is in what is read"):
        make_plan(check_recipe(document, "test"), tmp_path / "run", Silent())


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document["parts"]["mood"].update(template="feeling: {text}"),
        lambda document: document["parts"]["mood"].update(weight=5.0),
        lambda document: document.update(mix={"temperature": 4.0}),
    ],
)
def test_another_template_weight_or_mixture_is_another_run(
    document: dict[str, Any], change: Callable[[dict[str, Any]], None]
) -> None:
    other = copy.deepcopy(document)
    change(other)
    one, two = (check_recipe(given, "test") for given in (document, other))
    assert EXAMPLES.settings(one) != EXAMPLES.settings(two)
    if one.mixing != two.mixing:  # else the examples are others
        assert FINETUNE.settings(one) != FINETUNE.settings(two)
