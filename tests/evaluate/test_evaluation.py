from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss

from penjing.data.reading import read_split
from penjing.errors import DataError
from penjing.evaluate.evaluation import LabelledTexts, class_numbers, evaluate_baselines, evaluate_model
from penjing.files import read_json
from penjing.tasks.label_model import LabelModel
from penjing.tasks.loading import load_model


@pytest.fixture(scope="module")
def model(small_run: Any) -> LabelModel:
    return load_model(small_run.model, device="cpu")


@pytest.fixture(scope="module")
def splits(small_run: Any) -> dict[str, LabelledTexts]:
    data = small_run.artifacts["data"].folder
    return {split: LabelledTexts(*read_split(data, split)) for split in ("train", "validation", "test")}


def measure(model: LabelModel, rows: LabelledTexts) -> dict[str, Any]:
    return evaluate_model(model, rows, resamples=100, mistakes=5, seed=0)


def test_scores_are_those_of_scikit_learn_on_the_models_answers(
    model: LabelModel, splits: dict[str, LabelledTexts]
) -> None:
    rows = splits["train"]
    truth = list(rows.labels)
    truth[:9] = ["positive" if label == "negative" else "negative" for label in truth[:9]]  # so that it errs
    measured = measure(model, LabelledTexts(rows.texts, truth))
    answers = model.predict(list(rows.texts))
    said = [answer.label for answer in answers]
    probabilities = [[answer.probabilities[label] for label in model.labels] for answer in answers]
    scores = {name: score["value"] for name, score in measured["scores"].items()}
    assert scores["accuracy"] == pytest.approx(accuracy_score(truth, said))
    assert scores["macro_f1"] == pytest.approx(f1_score(truth, said, average="macro"))
    assert scores["loss"] == pytest.approx(log_loss(truth, probabilities, labels=list(model.labels)))
    assert measured["correct"] == [a == b for a, b in zip(said, truth, strict=True)]


def test_mistakes_are_mistakes_and_the_surest_come_first(model: LabelModel, splits: dict[str, LabelledTexts]) -> None:
    rows = splits["train"]
    wrong = LabelledTexts(rows.texts, ["positive" if label == "negative" else "negative" for label in rows.labels])
    mistakes = measure(model, wrong)["mistakes"]
    assert len(mistakes) == 5
    assert all(mistake["truth"] != mistake["label"] for mistake in mistakes)
    every = sorted(
        (a.probability for a, t in zip(model.predict(list(rows.texts)), wrong.labels, strict=True) if a.label != t),
        reverse=True,
    )
    assert [mistake["probability"] for mistake in mistakes] == every[:5]


def test_baselines_learn_nothing_from_the_test_rows(model: LabelModel, splits: dict[str, LabelledTexts]) -> None:
    train, validation, test = splits["train"], splits["validation"], splits["test"]
    swapped = LabelledTexts(test.texts, ["positive" if label == "negative" else "negative" for label in test.labels])
    found = [
        evaluate_baselines(model, train, validation, rows, [True] * len(rows.texts), resamples=100, seed=0)[0]
        for rows in (test, swapped)
    ]
    accuracies = [scores["tfidf-logistic"]["scores"]["accuracy"]["value"] for scores in found]
    assert sum(accuracies) == pytest.approx(1)


def test_difference_is_that_of_the_accuracies_and_its_interval_holds_it(
    model: LabelModel, splits: dict[str, LabelledTexts]
) -> None:
    rows = splits["test"]
    for correct in ([True] * len(rows.texts), [False] * len(rows.texts)):
        scores, differences = evaluate_baselines(
            model, splits["train"], splits["validation"], rows, correct, resamples=100, seed=0
        )
        for name, difference in differences.items():
            expected = np.mean(correct) - scores[name]["scores"]["accuracy"]["value"]
            assert difference["value"] == pytest.approx(expected)
            assert difference["low"] <= difference["value"] <= difference["high"]


def test_run_writes_what_evaluation_gives(small_run: Any, model: LabelModel, splits: dict[str, LabelledTexts]) -> None:
    written = read_json(small_run.artifacts["evaluate"].folder / "evaluation.json")
    again = evaluate_model(model, splits["test"], resamples=100, mistakes=20, seed=0)
    assert written["scores"] == again["scores"]
    assert written["mistakes"] == again["mistakes"]


def test_unknown_label_is_refused_with_its_row() -> None:
    with pytest.raises(DataError, match=r'row 2: the label "c" is not one of the model\'s: a, b'):
        class_numbers(["a", "c"], ["a", "b"])


def test_nothing_to_measure_is_refused() -> None:
    with pytest.raises(DataError, match="no rows to measure"):
        class_numbers([], ["a", "b"])
