from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penjing.errors import DataError, UsageError
from penjing.explain.explaining import compare_methods, explain_text, fitting_methods
from penjing.tasks.classify import softmax
from penjing.tasks.label_model import LabelModel
from penjing.tasks.loading import load_model
from penjing.text.renderer import Renderer, RendererSettings

TEXT = "a lovely film, 音乐很无聊 👍🏽!"


def test_explanation_has_every_word_and_the_answer_of_predict(model: LabelModel) -> None:
    found = model.explain(TEXT)
    answer = model.predict([TEXT])[0]
    assert (found.label, found.probability) == (answer.label, pytest.approx(answer.probability, abs=1e-6))
    assert [word.word for word in found.words] == ["a", "lovely", "film", ",", "音乐", "很", "无聊", "👍🏽!"]
    assert all(TEXT[word.start : word.end] == word.word for word in found.words)
    values = json.loads(json.dumps(found.to_dict()))
    assert {"text", "label", "probability", "method", "words", "completeness_error", "comprehensiveness"} < set(values)
    assert set(values["words"][0]) == {"word", "start", "end", "score"}


@given(st.text(min_size=1, max_size=30))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_words_rejoin_to_the_text_or_the_text_is_refused(model: LabelModel, text: str) -> None:
    try:
        found = explain_text(model, text, "occlusion", None)
    except DataError:
        return
    assert "".join(word.word for word in found.words) == "".join(text.split())


def test_any_label_can_be_explained_and_a_wrong_one_is_refused(model: LabelModel) -> None:
    found = model.explain(["lovely film"], label="negative")[0]
    assert found.label == "negative"
    assert found.probability < 0.5
    assert found.words[0].score < 0
    with pytest.raises(UsageError, match=r'no label "negativ".*negative'):
        model.explain("lovely film", label="negativ")


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
def test_each_of_several_labels_is_explained_by_the_words_it_rests_on(
    method: str, label_kind_run: Callable[[str], Any]
) -> None:
    model: Any = load_model(label_kind_run("multilabel").model, "cpu")
    text = "music lovely actor dull"
    answer = model.predict([text])[0]
    for label in ("music", "actor"):
        found = model.explain(text, method=method, label=label)
        assert (found.label, found.probability) == (label, pytest.approx(answer.probabilities[label], abs=1e-6))
        assert max(found.words, key=lambda word: word.score).word == label
    assert model.explain(text, method=method).label == answer.labels[0]
    without = model.predict(["lovely actor dull"])[0].probabilities["music"]
    odds = [math.log(p / (1 - p)) for p in (answer.probabilities["music"], without)]
    score = model.explain(text, method="occlusion", label="music").words[0].score
    assert score == pytest.approx(odds[0] - odds[1], rel=1e-2)


def test_what_was_not_read_is_named_and_has_no_score(model: LabelModel) -> None:
    text = "lovely " * 15 + "dull ending"
    found = model.explain(text, method="occlusion")
    [(start, end)] = found.not_read
    assert text[start:end].endswith("dull ending")
    assert all(word.score == 0 for word in found.words if word.start >= start)


def test_unknown_method_is_refused_and_roll_out_needs_attention(lstm: LabelModel, bert: LabelModel) -> None:
    with pytest.raises(UsageError, match="Known are: attention_rollout, integrated_gradients, occlusion, random"):
        lstm.explain("dull", method="rollout")
    with pytest.raises(UsageError, match="attention_rollout does not fit this network"):
        lstm.explain("dull", method="attention_rollout")
    assert "attention_rollout" in fitting_methods(bert.engine.network)
    assert "attention_rollout" not in fitting_methods(lstm.engine.network)


def test_faithful_methods_beat_the_random_ranking(model: LabelModel) -> None:
    texts = [f"{a} film with a {b} ending of the plot" for a in ("lovely", "dull", "warm") for b in ("camera", "story")]
    measured = compare_methods(model, [*texts, ""], ["integrated_gradients", "occlusion", "random"], seed=0)
    assert measured["texts"] == len(texts)
    figures = measured["methods"]
    floor = figures["random"]["comprehensiveness"]["value"]
    for name in ("integrated_gradients", "occlusion"):
        assert figures[name]["comprehensiveness"]["value"] > 2 * floor
    assert figures["integrated_gradients"]["complete"] == 1
    assert figures["occlusion"]["complete"] is None


def test_template_without_special_tokens_can_lose_every_word(model: LabelModel) -> None:
    bare = replace(model, renderer=Renderer(model.renderer.tokenizer, RendererSettings(template="{text}")))
    found = bare.explain("dull", method="occlusion")
    # An LSTM on a GPU multiplies with eleven bits, and other rows beside it change the last ones.
    expected = found.probability - bare_probability(bare, found.label)
    assert found.comprehensiveness == pytest.approx(expected, rel=1e-6 if bare.engine.device.type == "cpu" else 1e-3)


def bare_probability(model: LabelModel, label: str) -> float:
    logits = model.engine.score([[model.renderer.tokenizer.unknown_id]])
    return float(softmax(logits)[0, model.labels.index(label)])
