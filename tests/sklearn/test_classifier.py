from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from penjing.errors import PenjingError, UsageError
from penjing.sklearn import TextClassifier
from penjing.tasks.label_model import LabelModel
from penjing.tasks.loading import load_as

SMALL: dict[str, Any] = {
    "epochs": 3,
    "learning_rate": 1e-2,
    "max_tokens": 10,
    "vocab_size": 300,
    "device": "cpu",
    "settings": {
        "tokenizer.kind": "word",
        "model.shape.embedding_size": 16,
        "model.shape.hidden_size": 16,
        "finetune.precision": "fp32",
        "finetune.compile": "off",
        "finetune.evaluations": 1,
    },
}
TEXTS = [f"{word} film number {number}" for number in range(30) for word in ("lovely", "dull")]
LABELS = ["good", "bad"] * 30


class OfNumbers(TextClassifier):
    """Reads rows of numbers as words, so that scikit-learn's own checks, which know no texts, can ask it."""

    def __init__(self, seed: int = 0, validation: float = 0.3) -> None:
        super().__init__(**SMALL, seed=seed, validation=validation)

    def fit(self, X: Any, y: Any) -> OfNumbers:  # noqa: N803
        X, y = self._validated(X, reset=True, y=y)  # noqa: N806
        super().fit(X, y)
        return self

    def predict_proba(self, X: Any) -> Any:  # noqa: N803
        return super().predict_proba(self._validated(X, reset=False))

    def _validated(self, X: Any, reset: bool, y: Any = None) -> Any:  # noqa: N803
        from sklearn.utils.validation import check_is_fitted, validate_data

        if not reset:
            check_is_fitted(self)
            return _words(validate_data(self, X, reset=False))
        X, y = validate_data(self, X, y)  # noqa: N806
        return _words(X), y

    @classmethod
    def _get_param_names(cls) -> list[str]:
        return ["seed", "validation"]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.one_d_array, tags.input_tags.two_d_array = False, False, True
        tags.classifier_tags.poor_score = True
        return tags


def _words(rows: Any) -> list[str]:
    return [" ".join(f"c{column}v{value:.3f}" for column, value in enumerate(row)) for row in rows]


@pytest.fixture(scope="module")
def fitted() -> TextClassifier:
    return TextClassifier(**SMALL).fit(TEXTS, LABELS)


def test_estimator_learns_and_answers_with_the_labels_as_given(fitted: TextClassifier) -> None:
    assert fitted.classes_.tolist() == ["bad", "good"]
    assert fitted.score(TEXTS, LABELS) > 0.9
    probabilities = fitted.predict_proba(TEXTS)
    assert probabilities.shape == (60, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert fitted.predict(TEXTS).tolist() == [fitted.classes_[row.argmax()] for row in probabilities]
    assert fitted.predict_proba([]).shape == (0, 2)


def test_estimator_answers_as_its_folder_does(fitted: TextClassifier) -> None:
    model = load_as(LabelModel, fitted.folder_, "cpu")
    assert fitted.predict(TEXTS[:6]).tolist() == [answer.label for answer in model.predict(TEXTS[:6])]


@pytest.mark.parametrize("kind", [list, np.array, pd.Series, pl.Series, lambda v: np.array(v, dtype=object)])
def test_columns_of_every_kind_are_read_alike(fitted: TextClassifier, kind: Any) -> None:
    again = TextClassifier(**SMALL).fit(kind(TEXTS), kind(LABELS))
    np.testing.assert_array_equal(again.predict_proba(kind(TEXTS[:4])), fitted.predict_proba(TEXTS[:4]))


@pytest.mark.parametrize(
    ("good", "bad"),
    [(True, False), (("a", 1), ("a", 2)), (1, "one"), ("", "1 ")],
)
def test_labels_of_any_hashable_type_come_back_as_given(good: Any, bad: Any) -> None:
    classifier = TextClassifier(**SMALL).fit(TEXTS, [good, bad] * 30)
    answers = classifier.predict(TEXTS).tolist()
    assert set(answers) == {good, bad}
    assert answers.count(good) == 30
    assert {type(answer) for answer in answers} == {type(good), type(bad)}


def test_same_seed_gives_the_same_model_and_another_another(fitted: TextClassifier) -> None:
    same, other = (TextClassifier(**SMALL, seed=seed).fit(TEXTS, LABELS) for seed in (0, 1))
    np.testing.assert_array_equal(same.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    assert (other.predict_proba(TEXTS) != fitted.predict_proba(TEXTS)).any()


def test_estimator_goes_through_pickle_without_its_folder() -> None:
    fitted = TextClassifier(**SMALL).fit(TEXTS, LABELS)
    before, kept, folder = fitted.predict_proba(TEXTS), pickle.dumps(fitted), fitted.folder_
    del fitted
    assert not folder.exists()  # the temporary folder goes with its estimator
    again = pickle.loads(kept)
    np.testing.assert_array_equal(again.predict_proba(TEXTS), before)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(again)).predict_proba(TEXTS), before)


def test_saved_estimator_comes_back_with_its_labels_and_other_doors_open_it(tmp_path: Path) -> None:
    fitted = TextClassifier(**SMALL).fit(TEXTS, [1, 0] * 30)
    fitted.save(tmp_path / "model")
    again = TextClassifier.from_folder(tmp_path / "model")
    assert again.predict(TEXTS).tolist() == fitted.predict(TEXTS).tolist()
    assert again.classes_.dtype == fitted.classes_.dtype
    assert load_as(LabelModel, tmp_path / "model").labels == ("0", "1")
    fitted.save(tmp_path / "model")  # a model may be replaced, and nothing else
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="other things in this folder"):
        fitted.save(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_folder_of_an_ordinary_run_becomes_an_estimator(small_run: Any) -> None:
    classifier = TextClassifier.from_folder(small_run.model)
    assert classifier.predict(["a lovely film"]).tolist() == [small_run.predictions[0].label]


def test_labels_that_no_file_holds_are_not_saved(tmp_path: Path) -> None:
    fitted = TextClassifier(**SMALL).fit(TEXTS, [("a", 1), ("a", 2)] * 30)
    with pytest.raises(UsageError, match="texts or numbers"):
        fitted.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_model_that_another_fit_replaced_is_not_taken_for_the_first(tmp_path: Path) -> None:
    first, second = (TextClassifier(**SMALL, seed=seed, folder=tmp_path).fit(TEXTS, LABELS) for seed in (0, 1))
    assert second.predict(TEXTS[:1]).shape == (1,)
    for call in (lambda: first.predict(TEXTS), lambda: pickle.dumps(first), lambda: first.save(tmp_path / "copy")):
        with pytest.raises(UsageError, match="another model has taken the place"):
            call()


def test_clone_and_parameters() -> None:
    copy = clone(TextClassifier(**SMALL, seed=7))
    assert copy.get_params()["seed"] == 7
    assert copy.set_params(epochs=9).epochs == 9
    with pytest.raises(NotFittedError):
        copy.predict(["a"])


def test_pipeline_grid_and_folds() -> None:
    lower = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    pipeline = make_pipeline(lower, TextClassifier(**SMALL))
    assert cross_val_score(pipeline, TEXTS, LABELS, cv=2).shape == (2,)
    search = GridSearchCV(TextClassifier(**SMALL), {"epochs": [0.2, 12]}, cv=2).fit(TEXTS, LABELS)
    assert search.best_params_ == {"epochs": 12}
    assert search.predict(["lovely film"]).tolist() == ["good"]


@pytest.mark.parametrize(
    ("texts", "labels", "paragraph"),
    [
        (["fine", None], ["a", "b"], "row 2: None is no text"),
        (["fine", " "], ["a", "b"], "row 2: the text is empty"),
        (np.array([["fine"], ["bad"]]), ["a", "b"], "one array of 2 dimensions"),
        ("fine", ["a"], "not one text"),
        (["fine", "bad"], ["a", None], "y, row 2: None is no label"),
        (["fine", "bad"], ["a", float("nan")], "y, row 2: nan is no label"),
        (["fine", "bad"], [["a"], ["b"]], r"y, row 1: \['a'\] is no label"),
        (["fine", "bad"], None, "y is None"),
        (TEXTS, ["a"] * 60, "y: all 60 rows have the label 'a', which is one class"),
    ],
)
def test_rows_that_cannot_be_used_are_refused(texts: Any, labels: Any, paragraph: str) -> None:
    with pytest.raises(PenjingError, match=paragraph):
        TextClassifier(**SMALL).fit(texts, labels)


def test_labels_and_texts_of_different_number_and_measurements_are_refused() -> None:
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        TextClassifier(**SMALL).fit(TEXTS, LABELS[:-1])
    with pytest.raises(ValueError, match="continuous"):
        TextClassifier(**SMALL).fit(TEXTS[:2], [0.5, 0.7])


@pytest.mark.parametrize(
    ("parameters", "paragraph"),
    [
        ({"family": "brt"}, 'Did you mean "bert"'),
        ({"epochs": -1}, r"\[finetune\] epochs is -1"),
        ({"settings": {"finetune.warmpu": 0.1}}, r'unknown key \[finetune\] warmpu. Did you mean "warmup"'),
        ({"start": "no/such/folder", "vocab_size": None, "settings": {}}, "there is no such folder"),
        ({"validation": 0.0}, "validation is 0.0: it should be above 0"),
    ],
)
def test_wrong_parameters_are_refused_when_it_is_fitted(parameters: dict[str, Any], paragraph: str) -> None:
    with pytest.raises(PenjingError, match=paragraph):
        TextClassifier(**{**SMALL, **parameters}).fit(TEXTS, LABELS)


def test_start_brings_its_own_family(small_bert_run: Any) -> None:
    classifier = TextClassifier(start=str(small_bert_run.model), epochs=1, max_tokens=10, device="cpu")
    assert classifier.fit(TEXTS, LABELS).predict(TEXTS[:2]).shape == (2,)
    assert load_as(LabelModel, classifier.folder_).card["task"] == "classify"


@pytest.mark.parametrize(
    ("parameters", "paragraph"),
    [
        ({"vocab_size": 300}, "vocab_size would change nothing: start brings its own tokenizer"),
        ({"settings": {"tokenizer.kind": "word"}}, r'settings\["tokenizer.kind"\] would change nothing: start brings'),
        ({"epochs": 2, "settings": {"finetune.epochs": 3}}, r'epochs is 2, and settings\["finetune.epochs"\] takes'),
    ],
)
def test_a_parameter_that_counts_for_nothing_is_refused(
    small_bert_run: Any, parameters: dict[str, Any], paragraph: str
) -> None:
    with pytest.raises(UsageError, match=paragraph):
        TextClassifier(start=str(small_bert_run.model), **parameters).fit(TEXTS, LABELS)


QUICK = (  # of those that fit, the ones that do not fit many times over; test-slow makes all
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_estimators_unfitted",
    "check_estimators_fit_returns_self",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_dont_overwrite_parameters",
    "check_estimators_empty_data_messages",
    "check_estimators_pickle",
    "check_mixin_order",
    "check_get_params_invariance",
    "check_set_params",
    "check_parameters_default_constructible",
    "check_dict_unchanged",
    "check_requires_y_none",
)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.slow
@parametrize_with_checks([OfNumbers()])  # none is expected to fail
def test_all_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


def _quick_checks() -> list[Any]:
    found = estimator_checks_generator(OfNumbers())
    return [pytest.param(e, c, id=name) for e, c in found if (name := _name(c)) in QUICK]


def _name(check: Any) -> str:
    inner = getattr(check, "func", check)
    return str(getattr(inner, "__name__", ""))


@pytest.mark.parametrize(("estimator", "check"), _quick_checks())
def test_quick_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


def test_quick_checks_are_checks_of_scikit_learn() -> None:
    assert {parameter.id for parameter in _quick_checks()} == set(QUICK)
