"""Answers by sentence: each with its place, whatever the model answers with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import penjing
from penjing.tasks.by_sentence import predict_sentences
from penjing.text.sentences import locate_sentences, split_sentences

TEXTS = ["A lovely film.  The plot was dull!\nDr. Li liked it.", "音乐精彩。画面无聊，拖沓！ 不错", "one"]


@pytest.mark.parametrize("task", ["sentiment", "stars", "multilabel"])
def test_each_sentence_is_answered_as_if_it_were_alone(
    label_kind_run: Callable[[str], Any], small_bert_run: Any, task: str
) -> None:
    run = small_bert_run if task == "sentiment" else label_kind_run(task)
    model: Any = penjing.load(run.model, "cpu")
    found = predict_sentences(model, TEXTS)
    assert [item.text for item in found] == TEXTS
    assert [len(item.sentences) for item in found] == [3, 3, 1]
    parts = [sentence.prediction for item in found for sentence in item.sentences]
    alone = model.predict_texts([part.text for part in parts])
    key = "labels" if task == "multilabel" else "label"
    assert [getattr(part, key) for part in parts] == [getattr(item, key) for item in alone]
    for item in found:
        for sentence in item.sentences:
            assert item.text[sentence.start : sentence.end] == sentence.prediction.text
            assert sentence.to_dict()["start"] == sentence.start


@given(st.text(alphabet="ab .!?。！\n\t”“A", max_size=40))
def test_places_are_those_of_the_sentences_and_leave_out_spaces_only(text: str) -> None:
    spans = locate_sentences(text)
    assert [text[start:end] for start, end in spans] == split_sentences(text)
    borders = [0, *(place for span in spans for place in span), len(text)]
    assert borders == sorted(borders)
    assert all(not text[end:start].strip() for end, start in zip(borders[::2], borders[1::2], strict=True))
