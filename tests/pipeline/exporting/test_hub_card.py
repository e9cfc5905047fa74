"""Classifiers and readers of the hub are of use as soon as they are taken in, and say what Transformers' say."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from penjing.errors import ModelFolderError, UsageError
from penjing.files import read_json, write_json
from penjing.pipeline.exporting.importing import ImportCall, import_model
from penjing.progress import Silent
from penjing.tasks.answer_model import AnswerModel
from penjing.tasks.label_model import LabelModel
from penjing.tasks.loading import load_as, load_model
from penjing.tasks.multilabel_model import MultilabelModel

transformers = pytest.importorskip("transformers", reason="transformers is not installed")
TEXTS = ["a lovely film", "dull " * 8, "not bad at all"]
TOKENIZER = ("tokenizer.json", "tokenizer_config.json")


def make(kind: str, start: Path, folder: Path, **settings: Any) -> Path:
    """Writes a model of Transformers' own, with the tokenizer of a model folder."""
    torch.manual_seed(0)
    config = transformers.AutoConfig.from_pretrained(start, **settings)
    getattr(transformers, kind)(config).save_pretrained(folder)
    for name in TOKENIZER:
        shutil.copyfile(start / name, folder / name)
    return folder


def take_in(source: Path, folder: Path, task: str | None = None, labels: tuple[str, ...] | None = None) -> Path:
    made = import_model(ImportCall(str(source), folder, task=task, labels=labels), Silent())
    assert made.parity["proved"]
    return folder


def logits_there(kind: str, folder: Path, text: str) -> Any:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        return getattr(transformers, kind).from_pretrained(folder)(**tokenizer(text, return_tensors="pt")).logits[0]


def chances_of(model: LabelModel) -> Any:
    return [[found.probabilities[label] for label in model.labels] for found in model.predict(TEXTS)]


def test_encoder_that_gives_a_label(small_bert_run: Any, tmp_path: Path) -> None:
    kind = "BertForSequenceClassification"
    source = make(kind, small_bert_run.model, tmp_path / "hub", num_labels=3)
    model = load_as(LabelModel, take_in(source, tmp_path / "model"), "cpu")
    assert (model.task.name, list(model.labels)) == ("classify", ["LABEL_0", "LABEL_1", "LABEL_2"])
    expected = [logits_there(kind, source, text).softmax(-1).numpy() for text in TEXTS]
    np.testing.assert_allclose(chances_of(model), expected, atol=1e-5)


def test_labels_and_task_are_named(small_bert_run: Any, tmp_path: Path) -> None:
    source = make("BertForSequenceClassification", small_bert_run.model, tmp_path / "hub", num_labels=2)
    folder = take_in(source, tmp_path / "model", "sentiment", ("差评", "好评"))
    model = load_as(LabelModel, folder, "cpu")
    assert (model.task.name, list(model.labels)) == ("sentiment", ["差评", "好评"])
    card = read_json(folder / "penjing.json")
    assert card["raw_labels"] == dict(
        zip(read_json(source / "config.json")["id2label"].values(), model.labels, strict=True)
    )


def test_encoder_that_gives_several_labels(small_bert_run: Any, tmp_path: Path) -> None:
    kind, several = "BertForSequenceClassification", "multi_label_classification"
    source = make(kind, small_bert_run.model, tmp_path / "hub", num_labels=3, problem_type=several)
    model = load_as(MultilabelModel, take_in(source, tmp_path / "model"), "cpu")
    assert model.threshold == 0.5
    chances = logits_there(kind, source, TEXTS[0]).sigmoid()
    found = model.predict(TEXTS[:1])[0]
    np.testing.assert_allclose([found.probabilities[label] for label in model.labels], chances, atol=1e-5)
    likely = [label for label, chance in zip(model.labels, chances, strict=True) if chance > 0.5]
    assert sorted(found.labels) == likely
    assert likely


@pytest.mark.parametrize("bos", [True, False])
@pytest.mark.parametrize("eos", [True, False])
def test_decoder_is_read_as_its_tokenizer_lays_it_out(
    bos: bool, eos: bool, small_decoder: Callable[..., Path], tmp_path: Path
) -> None:
    from tokenizers import Tokenizer, processors

    kind = "LlamaForSequenceClassification"
    source = make(kind, small_decoder(), tmp_path / "hub", num_labels=2)
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    settings = read_json(source / "tokenizer_config.json")
    names = [settings[name] for name in ("bos_token", "eos_token")]
    layout = f"{names[0] if bos else ''} $A {names[1] if eos else ''}".strip()
    marks = [(name, tokenizer.token_to_id(name)) for name in names]
    tokenizer.post_processor = processors.TemplateProcessing(single=layout, special_tokens=marks)
    tokenizer.save(str(source / "tokenizer.json"))
    model = load_as(LabelModel, take_in(source, tmp_path / "model"), "cpu")
    assert model.renderer.settings.template == f"{'[CLS]' * bos}{{text}}{'[SEP]' * eos}"
    expected = [logits_there(kind, source, text).softmax(-1).numpy() for text in TEXTS]
    np.testing.assert_allclose(chances_of(model), expected, atol=1e-5)


def test_reader_that_finds_answers(small_bert_run: Any, tmp_path: Path) -> None:
    source = make("BertForQuestionAnswering", small_bert_run.model, tmp_path / "hub")
    model = load_as(AnswerModel, take_in(source, tmp_path / "model"), "cpu")
    found = model.predict([{"question": "a film?", "context": "not bad at all"}])
    assert found[0].answer
    assert found[0].answer in "not bad at all"


def test_one_number_is_no_label_and_a_language_model_has_no_task(small_bert_run: Any, tmp_path: Path) -> None:
    for kind, settings in (
        ("BertForSequenceClassification", {"num_labels": 1, "id2label": {0: "LABEL_0"}}),
        ("BertForMaskedLM", {}),
    ):
        source = make(kind, small_bert_run.model, tmp_path / kind, **settings)
        assert not (take_in(source, tmp_path / f"{kind}-model") / "penjing.json").exists()
        with pytest.raises(UsageError, match="are for classifiers"):
            import_model(ImportCall(str(source), tmp_path / "other", task="classify"), Silent())


@pytest.mark.parametrize(
    ("task", "labels", "message"),
    [
        (None, ("a",), "1 names are given for its 2 labels, LABEL_0, LABEL_1"),
        (None, ("a", "a"), "two of the names are the same"),
        (None, ("a", ""), "or one is empty"),
        ("answer", None, "the task answer asks for"),
        ("sentimental", None, "sentiment"),
    ],
)
def test_names_and_tasks_that_do_not_fit_are_refused(
    task: str | None, labels: tuple[str, ...] | None, message: str, small_bert_run: Any, tmp_path: Path
) -> None:
    names = {"id2label": {0: "LABEL_0", 1: "LABEL_1"}, "label2id": {"LABEL_0": 0, "LABEL_1": 1}}
    source = make("BertForSequenceClassification", small_bert_run.model, tmp_path / "hub", **names)
    with pytest.raises(UsageError, match=message):
        import_model(ImportCall(str(source), tmp_path / "model", task=task, labels=labels), Silent())
    assert not (tmp_path / "model").exists()


def test_numbers_are_no_labels(small_decoder: Callable[..., Path], small_bert_run: Any, tmp_path: Path) -> None:
    several = {"num_labels": 3, "problem_type": "regression"}
    source = make("BertForSequenceClassification", small_bert_run.model, tmp_path / "several", **several)
    assert not (take_in(source, tmp_path / "one-model") / "penjing.json").exists()
    rewards = make("LlamaForSequenceClassification", small_decoder(), tmp_path / "one", num_labels=1)
    assert not (take_in(rewards, tmp_path / "other-model") / "penjing.json").exists()


def test_names_that_the_model_has_for_others_are_not_read_for_those(small_bert_run: Any, tmp_path: Path) -> None:
    names = {"id2label": {0: "bad", 1: "good"}, "label2id": {"bad": 0, "good": 1}}
    source = make("BertForSequenceClassification", small_bert_run.model, tmp_path / "hub", **names)
    card = read_json(take_in(source, tmp_path / "model", labels=("good", "bad")) / "penjing.json")
    assert (card["labels"], "raw_labels" in card) == (["good", "bad"], False)


@pytest.mark.parametrize(
    "named", [{"0": 0, "1": 1}, {"0": "a", "1": None}, {"a": "0", "b": "1"}, ["a", "b"], {"0": "a", "1": "a"}]
)
def test_labels_that_are_no_names_are_refused(named: Any, small_bert_run: Any, tmp_path: Path) -> None:
    source = make("BertForSequenceClassification", small_bert_run.model, tmp_path / "hub", num_labels=2)
    write_json(source / "config.json", read_json(source / "config.json") | {"id2label": named})
    with pytest.raises(ModelFolderError, match="id2label is no table"):
        import_model(ImportCall(str(source), tmp_path / "model"), Silent())


def test_the_side_that_is_cut_is_that_of_the_tokenizer(small_bert_run: Any, tmp_path: Path) -> None:
    kind = "BertForSequenceClassification"
    source = make(kind, small_bert_run.model, tmp_path / "hub", num_labels=2)
    settings = {"truncation_side": "left"}
    write_json(source / "tokenizer_config.json", read_json(source / "tokenizer_config.json") | settings)
    model = load_as(LabelModel, take_in(source, tmp_path / "model"), "cpu")
    long = "a lovely film " + "dull " * 1000
    tokenizer = transformers.AutoTokenizer.from_pretrained(source)
    ids = tokenizer(long, truncation=True, max_length=model.renderer.settings.max_tokens)["input_ids"]
    assert model.renderer.render([{"text": long}])[0].ids == ids
    assert model.renderer.render([{"text": long}])[0].cut_tokens > 0


def test_a_decoder_that_would_not_see_the_end_token_is_refused(
    small_decoder: Callable[..., Path], tmp_path: Path
) -> None:
    from tokenizers import Tokenizer, processors

    source = make("LlamaForSequenceClassification", small_decoder(), tmp_path / "hub", num_labels=2)
    tokenizer, end = Tokenizer.from_file(str(source / "tokenizer.json")), "eos_token"
    name = read_json(source / "tokenizer_config.json")[end]
    marks = [(name, tokenizer.token_to_id(name))]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"$A {name}", special_tokens=marks)
    tokenizer.save(str(source / "tokenizer.json"))
    write_json(source / "config.json", read_json(source / "config.json") | {"pad_token_id": marks[0][1]})
    with pytest.raises(UsageError, match="ends a text with the token that fills up rows"):
        import_model(ImportCall(str(source), tmp_path / "model"), Silent())


def test_a_card_of_ours_stays(small_bert_run: Any, tmp_path: Path) -> None:
    source = take_in(make("BertForSequenceClassification", small_bert_run.model, tmp_path / "hub"), tmp_path / "model")
    assert load_model(take_in(source, tmp_path / "again"), "cpu").card == read_json(source / "penjing.json")
