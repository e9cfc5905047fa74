from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import penjing
from penjing.tasks.label_model import LabelModel
from penjing.tasks.loading import load_model

TEXTS = [
    "a lovely film",
    "dull",
    "the story and the plot and the music and the ending are gray 灰 音乐 无聊",
    "精彩的 画面",
]


@pytest.fixture(scope="module")
def model(small_run: Any) -> LabelModel:
    return load_model(small_run.model)


def test_answers_come_in_the_order_of_the_texts_with_every_probability(model: LabelModel) -> None:
    answers = model.predict(TEXTS)
    assert [answer.text for answer in answers] == TEXTS
    for answer in answers:
        assert set(answer.probabilities) == {"negative", "positive"}
        assert sum(answer.probabilities.values()) == pytest.approx(1)
        assert answer.probability == answer.probabilities[answer.label] == max(answer.probabilities.values())


def test_small_model_has_learned_its_words(model: LabelModel) -> None:
    assert [answer.label for answer in model.predict(["lovely film", "dull film"])] == ["positive", "negative"]


def test_answer_does_not_depend_on_what_else_is_asked(model: LabelModel, small_bert_run: Any) -> None:
    for asked in (model, load_model(small_bert_run.model)):
        together = asked.predict([*TEXTS, *(f"{text} film" for text in TEXTS)] * 3)
        for number, text in enumerate(TEXTS):
            alone = asked.predict([text])[0]
            assert alone.probability == pytest.approx(together[number].probability, abs=1e-5)


def test_more_texts_than_a_chunk_are_all_answered_in_order(model: LabelModel) -> None:
    texts = [f"{'lovely' if number % 3 else 'dull'} film" for number in range(5000)]
    answers = model.predict(texts)
    assert [answer.text for answer in answers] == texts
    assert {answer.label for answer in answers[::3]} == {"negative"}


def test_tokens_that_were_not_read_are_counted(model: LabelModel) -> None:
    short, long = model.predict(["dull film", "film " * 50])
    assert short.cut_tokens == 0
    assert long.cut_tokens == 50 + 2 - 10


def test_no_rows_give_no_answers(model: LabelModel) -> None:
    assert model.predict([]) == []


def test_penjing_load_is_this_model(small_run: Any, model: LabelModel) -> None:
    assert penjing.load(str(small_run.model)).predict(TEXTS) == model.predict(TEXTS)


def test_transformers_opens_the_finished_folder_with_the_same_tokens_and_logits(small_bert_run: Any) -> None:
    ours = load_model(small_bert_run.model)
    tokenizer = AutoTokenizer.from_pretrained(small_bert_run.model)
    theirs = AutoModelForSequenceClassification.from_pretrained(small_bert_run.model).eval()
    assert [theirs.config.id2label[number] for number in range(2)] == list(ours.labels)
    for text in ["a lovely film", "音乐很精彩，画面动人", "emoji 😀 and [SEP] or [MASK] in a text", "  ÀÉÎ\tdull\n"]:
        rendered = ours.renderer.render([{"text": text}])[0]
        encoded = tokenizer(text, truncation=True, max_length=10, return_tensors="pt")
        assert encoded["input_ids"][0].tolist() == rendered.ids
        with torch.inference_mode():
            logits = theirs(**encoded).logits.double().numpy()
        assert logits == pytest.approx(ours.score_texts([text])[0], abs=1e-5)
