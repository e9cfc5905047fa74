from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from penjing.errors import MissingExtraError, ModelFolderError, UsageError
from penjing.tasks.label_model import LabelModel
from penjing.tasks.loading import load_as

spacy = pytest.importorskip("spacy", reason="spaCy is not installed")
TEXTS = ["a lovely film", "dull and slow", "精彩 的 音乐", "empty"]


def pipeline(language: str, model: Path) -> Any:
    nlp = spacy.blank(language)
    nlp.add_pipe("penjing", config={"model": str(model), "device": "cpu"})
    return nlp


@pytest.mark.parametrize("language", ["en", "zh"])
def test_component_gives_documents_what_the_model_answers(small_run: Any, language: str) -> None:
    nlp = pipeline(language, small_run.model)
    expected = [answer.probabilities for answer in load_as(LabelModel, small_run.model, "cpu").predict(TEXTS)]
    assert [nlp(text).cats for text in TEXTS] == [pytest.approx(each) for each in expected]
    assert [doc.cats for doc in nlp.pipe(TEXTS, batch_size=3)] == [pytest.approx(each) for each in expected]
    assert nlp.get_pipe("penjing").labels == ("negative", "positive")


def test_other_cats_stay_and_documents_without_text_get_none(small_run: Any) -> None:
    nlp = pipeline("en", small_run.model)
    doc = nlp.make_doc("a lovely film")
    doc.cats = {"long": 0.5}
    assert set(nlp(doc).cats) == {"long", "negative", "positive"}
    assert [bool(doc.cats) for doc in nlp.pipe(["", "fine", " \n"])] == [False, True, False]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pipeline_on_disk_brings_its_model_along(small_run: Any, tmp_path: Path, language: str) -> None:
    shutil.copytree(small_run.model, tmp_path / "model")
    nlp = pipeline(language, tmp_path / "model")
    nlp.to_disk(tmp_path / "nlp")
    shutil.rmtree(tmp_path / "model")
    (tmp_path / "nlp").rename(tmp_path / "moved")
    again = spacy.load(tmp_path / "moved")
    assert again(TEXTS[0]).cats == nlp(TEXTS[0]).cats
    again.to_disk(tmp_path / "twice")
    assert spacy.load(tmp_path / "twice")(TEXTS[0]).cats == nlp(TEXTS[0]).cats


def test_two_models_in_one_pipeline(small_run: Any, small_bert_run: Any) -> None:
    nlp = pipeline("en", small_run.model)
    nlp.add_pipe("penjing", name="second", config={"model": str(small_bert_run.model)})
    expected = load_as(LabelModel, small_bert_run.model).predict(TEXTS[:1])[0].probabilities
    assert nlp(TEXTS[0]).cats == pytest.approx(expected)  # of the same labels: the last one's


def test_missing_models_are_refused(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("penjing")
    with pytest.raises(UsageError, match="component penjing: it has no model"):
        nlp("a film")
    with pytest.raises(ModelFolderError, match="there is no such folder"):
        pipeline("en", tmp_path / "none")("a film")
    with pytest.raises(ModelFolderError, match="there is no model in this folder"):
        pipeline("en", tmp_path)


def test_component_in_the_making_answers_whatever_spacy_asks_of_it(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    component = nlp.add_pipe("penjing", config={"model": str(tmp_path / "comes later")})
    for name in spacy.ty.ListenedToComponent.__annotations__:  # in an order that changes from one process to the next
        assert not hasattr(component, name)


def test_absent_spacy_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("spacy.language", "penjing.spacy"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "spacy.language", None)
    with pytest.raises(MissingExtraError, match=r"penjing\[spacy\]"):
        import penjing.spacy  # noqa: F401
