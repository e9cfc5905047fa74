"""Labels in order and several labels a text: recipes become models, the same in other tools, with reports."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import penjing
from penjing.data.reading import read_label_sets, read_split
from penjing.errors import RecipeError
from penjing.evaluate.multilabel import label_flags
from penjing.files import read_json
from penjing.metrics.multilabel import choose_threshold
from penjing.pipeline.check import check_runnable
from penjing.pipeline.recipe_file import check_recipe
from penjing.tasks.ordinal import choose_median, label_values
from penjing.tasks.task import load_task

Run = Callable[[str], Any]


@pytest.mark.parametrize("task", ["stars", "multilabel"])
def test_logits_are_those_of_the_hubs_class(label_kind_run: Run, task: str) -> None:
    transformers = pytest.importorskip("transformers")
    run = label_kind_run(task)
    model: Any = penjing.load(run.model, "cpu")
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(run.model).eval()
    row = model.renderer.render([{"text": "lovely film and dull plot"}])[0]
    ids = torch.tensor([row.ids])
    with torch.inference_mode():
        expected = theirs(ids).logits
        network = model.engine.network.network if task == "stars" else model.engine.network
        torch.testing.assert_close(network(ids), expected, atol=1e-5, rtol=0)
    config = read_json(run.model / "config.json")
    names = [config["id2label"][str(number)] for number in range(expected.shape[1])]
    if task == "stars":
        assert names == ["above 1", "above 2", "above 3", "above 4"]
    else:
        assert config["problem_type"] == theirs.config.problem_type == "multi_label_classification"
        assert names == list(model.labels)


def test_stars_come_with_median_and_expected_value(label_kind_run: Run) -> None:
    run = label_kind_run("stars")
    model: Any = penjing.load(run.model, "cpu")
    texts, labels = read_split(run.artifacts["data"].folder, "test")
    answers = model.predict(texts)
    chances = np.array([list(item.probabilities.values()) for item in answers])
    assert list(answers[0].probabilities) == ["1", "2", "3", "4", "5"]
    assert [item.label for item in answers] == [model.labels[n] for n in choose_median(chances)]
    assert [item.expected for item in answers] == pytest.approx(list(chances @ np.arange(1, 6)))
    scores = run.evaluation["scores"]
    off = [abs(int(item.label) - int(label)) for item, label in zip(answers, labels, strict=True)]
    assert scores["mae"]["value"] == pytest.approx(np.mean(off))
    assert scores["mae"]["value"] < run.evaluation["baselines"]["majority"]["scores"]["mae"]["value"]
    assert scores["qwk"]["value"] > 0.5
    assert set(run.evaluation["baselines"]) - {"lexicon"} == {"majority", "tfidf-logistic", "tfidf-ridge"}
    assert len(run.evaluation["confusion"]) == 5


def test_an_answer_in_stars_is_explained(label_kind_run: Run) -> None:
    model: Any = penjing.load(label_kind_run("stars").model, "cpu")
    text = "lovely warm bright film"
    found = model.explain(text)
    assert found.label == model.predict([text])[0].label
    assert found.completeness_error < 0.05


def test_labels_count_by_their_numbers_or_by_their_places() -> None:
    assert label_values(["-1", "0.5", "2"]).tolist() == [-1, 0.5, 2]
    assert label_values(["bad", "2"]).tolist() == [1, 2]
    assert label_values(["1", "inf"]).tolist() == [1, 2]


def test_stars_have_many_names() -> None:
    names: Any = load_task("stars")
    assert [names.label_names[raw] for raw in ("5", "1 star", "3星", "四星", "★★☆☆☆")] == ["5", "1", "3", "4", "2"]


def test_the_threshold_is_the_one_of_the_validation_rows(label_kind_run: Run) -> None:
    run = label_kind_run("multilabel")
    model: Any = penjing.load(run.model, "cpu")
    rows = read_label_sets(run.artifacts["data"].folder, "validation")
    answers = model.predict(rows.texts)
    chances = np.array([[item.probabilities[label] for label in model.labels] for item in answers])
    expected = choose_threshold(label_flags(rows.labels, model.labels), chances)
    assert model.threshold == pytest.approx(expected, abs=1e-5)
    for item in answers:
        given = {label for label, chance in item.probabilities.items() if chance >= model.threshold}
        assert set(item.labels) == given
        assert [item.probabilities[label] for label in item.labels] == sorted(
            (item.probabilities[label] for label in given), reverse=True
        )


def test_a_model_of_several_labels_learns_and_is_compared(label_kind_run: Run) -> None:
    evaluation = label_kind_run("multilabel").evaluation
    assert evaluation["scores"]["micro_f1"]["value"] > 0.65
    assert evaluation["difference"]["frequent-set"]["micro_f1"]["low"] > 0
    assert set(evaluation["per_label"]) == {"actor", "film", "music", "plot"}
    assert evaluation["scores"]["macro_auroc"]["value"] > 0.8


def test_a_table_is_answered_with_labels_in_a_column(label_kind_run: Run) -> None:
    polars = pytest.importorskip("polars")
    model: Any = penjing.load(label_kind_run("multilabel").model, "cpu")
    found = model.predict(polars.DataFrame({"text": ["film and music", "lovely"]}))
    answers = model.predict(["film and music", "lovely"])
    assert found["labels"].to_list() == ["|".join(item.labels) for item in answers]
    column = model.predict(polars.Series("said", ["film and music", "lovely"]))
    assert (column.columns, column["labels"].to_list()) == (["said", "labels"], found["labels"].to_list())


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("stars", {"en": "sentiment by stars", "zh": "二次加权 kappa"}),
        ("multilabel", {"en": "several labels a text", "zh": "微平均 F1"}),
    ],
)
def test_reports_say_what_kind_of_labels_they_are_about(label_kind_run: Run, task: str, words: dict[str, str]) -> None:
    from penjing.pipeline.facts import collect_facts
    from penjing.pipeline.outcome import Outcome
    from penjing.pipeline.report.report import render_report

    run = label_kind_run(task)
    assert words["en"] in Path(run.report).read_text(encoding="utf-8")
    folder = run.out.parent
    recipe = check_recipe({"task": task, "data": {"path": str(folder / "rows.csv")}, "model": {"family": "bert"}}, task)
    facts = collect_facts(recipe, Outcome(run.artifacts, run.evaluation, run.predictions, "penjing run"))
    assert words["zh"] in render_report(facts, "zh")


def _report(run: Any, evaluation: Any, language: Any, task: str = "multilabel") -> str:
    from penjing.pipeline.facts import collect_facts
    from penjing.pipeline.outcome import Outcome
    from penjing.pipeline.report.report import render_report

    data = {"path": str(run.out.parent / "rows.csv")}
    recipe = check_recipe({"task": task, "data": data, "model": {"family": "bert"}}, "r")
    return render_report(collect_facts(recipe, Outcome(run.artifacts, evaluation, run.predictions, "x")), language)


def test_the_report_shows_calibration_and_the_confusion_of_each_label_the_most_frequent_first(
    label_kind_run: Run,
) -> None:
    run = label_kind_run("multilabel")
    figures = run.evaluation["per_label"]
    ordered = sorted(figures, key=lambda label: -figures[label]["support"])
    counts = ("support", "true_positives", "false_positives", "false_negatives", "true_negatives")
    for language, heading in (("en", "False negatives"), ("zh", "假负例")):
        page = _report(run, run.evaluation, language)
        table = page[page.index('id="per-class"') : page.index("</table>", page.index('id="per-class"'))]
        assert f'<th scope="col">{heading}</th>' in table
        rows = re.findall(r'<tr><th scope="row" class="label">(.*?)</th>(.*?)</tr>', table)
        assert [label for label, _ in rows] == ordered
        for label, cells in rows:
            shown = re.findall(r"<td>(\d+)</td>", cells)[-len(counts) :]
            assert shown == [str(figures[label][name]) for name in counts]
            assert sum(figures[label][name] for name in counts[1:]) == run.evaluation["rows"]
        assert "ECE" in table
        assert {f"{figures[label]['ece']['value']:.1%}" in cells for label, cells in rows} == {True}
        assert {"en": "in each of 15 bins", "zh": "分成 15 段"}[language] in page
    assert 0 < run.evaluation["scores"]["ece"]["value"] < 0.5
    assert "ece" in run.evaluation["baselines"]["tfidf-each"]["scores"]
    assert "ece" not in run.evaluation["baselines"]["frequent-set"]["scores"]


def test_an_evaluation_of_an_earlier_version_is_still_shown(label_kind_run: Run) -> None:
    run = label_kind_run("multilabel")
    earlier = copy.deepcopy(run.evaluation)
    for scores in (earlier, *earlier["baselines"].values()):
        scores["scores"].pop("ece", None)
    for figures in earlier["per_label"].values():
        for name in ("ece", "true_positives", "false_positives", "false_negatives", "true_negatives"):
            del figures[name]
    for language in ("en", "zh"):
        page = _report(run, earlier, language)
        assert "ECE" not in page
        assert "False negatives" not in page
        assert "假负例" not in page
        assert f"<td>{earlier['per_label']['film']['support']}</td></tr>" in page


def test_the_report_says_how_a_list_of_words_gives_stars_and_shows_evaluations_without_one(
    label_kind_run: Run,
) -> None:
    run = label_kind_run("stars")
    measured = run.evaluation["baselines"]
    for added in (False, True):
        baselines = {name: scores for name, scores in measured.items() if name != "lexicon"}
        if added:
            baselines["lexicon"] = baselines["tfidf-ridge"]
        for language, name, note in (
            ("en", "English word list (VADER)", "by an ordered logistic regression"),
            ("zh", "英文情感词典（VADER）", "由有序逻辑回归从训练数据学来"),
        ):
            page = _report(run, {**run.evaluation, "baselines": baselines}, language, "stars")
            assert (name in page) is (note in page) is added


def test_attention_is_no_explanation_of_labels_in_order() -> None:
    recipe = {"task": "ordinal", "data": {"path": "a.csv"}, "model": {"family": "bert"}}
    with pytest.raises(RecipeError, match=r"attention_rollout.*does not fit bert"):
        check_runnable(check_recipe({**recipe, "explain": {"method": "attention_rollout"}}, "recipe"))


def test_explanations_of_several_labels_are_refused() -> None:
    with pytest.raises(RecipeError, match="answers of one label"):
        check_recipe({"task": "multilabel", "data": {"path": "a.csv"}, "explain": {}}, "recipe")
