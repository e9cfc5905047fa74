"""``penjing explain``: the document that was promised, the words of the text and nothing else, and its refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest

_MODEL = "runs/small/model"
_KEYS = {"text", "label", "probability", "method", "words", "completeness_error", "comprehensiveness", "sufficiency"}


def _explain(cli: Any, trained: Any, *args: str, stdin: bytes = b"") -> Any:
    return cli.run("explain", _MODEL, *args, cwd=trained[0].folder, stdin=stdin)


def test_one_text_is_one_object_whose_words_are_those_of_the_text(cli: Any, trained: Any) -> None:
    text = "A lovely film, 很好看 😀 — naïve?"
    finished = _explain(cli, trained, text, "--json")
    document = json.loads(finished.out)
    assert set(document) >= _KEYS
    assert document["text"] == text
    assert all(text[word["start"] : word["end"]] == word["word"] for word in document["words"])
    assert document["completeness_error"] >= 0


def test_two_texts_are_a_list(cli: Any, trained: Any) -> None:
    documents = json.loads(_explain(cli, trained, "A lovely film", "A dull plot", "--json").out)
    assert [item["text"] for item in documents] == ["A lovely film", "A dull plot"]


def test_reader_sees_the_words_the_label_and_how_far_the_explanation_can_be_believed(cli: Any, trained: Any) -> None:
    finished = _explain(cli, trained, "A lovely film", "--method", "occlusion")
    assert finished.code == 0, finished.err
    assert "lovely" in finished.out
    assert "comprehensiveness" in finished.out


def test_compare_puts_every_method_that_fits_beside_the_random_ranking(cli: Any, trained: Any) -> None:
    finished = _explain(cli, trained, "--file", "rows.csv", "--compare", "--json")
    assert finished.code == 0, finished.err
    methods = json.loads(finished.out)["methods"]
    assert set(methods) == {"integrated_gradients", "occlusion", "random"}
    lovely = methods["integrated_gradients"]["comprehensiveness"]["value"]
    assert lovely > methods["random"]["comprehensiveness"]["value"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["A lovely film", "--method", "guess"], "integrated_gradients"),
        (["A lovely film", "--method", "attention_rollout"], "attention_rollout"),
        (["A lovely film", "--label", "neutral"], "positive"),
        ([""], "empty"),
        (["--file", "missing.csv"], "missing.csv"),
    ],
)
def test_refusals_are_one_paragraph(args: list[str], said: str, cli: Any, trained: Any) -> None:
    _explain(cli, trained, *args, "--json").assert_refused(2, said)
