"""A head fitted to vectors: of a network that stays as it is, and of one that learned by contrast before."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression

import penjing
from penjing.data.reading import read_label_sets, read_split
from penjing.errors import Interrupted, PenjingError
from penjing.files import read_json
from penjing.pipeline.check import check_runnable
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.pipeline.stages.data import DATA
from penjing.pipeline.stages.finetune import FINETUNE
from penjing.progress import Silent

TEXTS = ["a lovely film", "a dull plot and a slow ending", "精彩 的 story"]
CONTRAST = {"learning_rate": 3e-3, "precision": "fp32", "device": "cpu", "contrastive": {"steps": 12}}


@pytest.fixture(scope="module")
def bases(
    tmp_path_factory: pytest.TempPathFactory, small_recipe: Callable[..., dict[str, Any]]
) -> Callable[[str], Any]:
    """Makes a finished run of each family once, from which others start."""
    made: dict[str, Any] = {}

    def make(family: str) -> Any:
        if family not in made:
            folder = tmp_path_factory.mktemp(f"base-{family}")
            document = small_recipe(folder, family)
            document["finetune"] |= {"epochs": 1}
            made[family] = run_recipe(check_recipe(document, "base"), folder / "out", Silent(), ["test"])
        return made[family]

    return make


def recipe(
    folder: Path, small_recipe: Any, start: Path | None, finetune: dict[str, Any] | None = None, **data: Any
) -> dict[str, Any]:
    document: dict[str, Any] = small_recipe(folder, "bert")
    document["model"] = {"family": "bert"} if start is None else {"start": str(start)}
    document["finetune"] = {"head": {}, "device": "cpu"} if finetune is None else finetune
    document["data"] |= data
    return document


def run(document: dict[str, Any], out: Path, progress: Any = None) -> Any:
    return run_recipe(check_recipe(document, "r"), out, progress or Silent(), ["test"])


def regression(result: Any, texts: list[str]) -> Any:
    """The probabilities of scikit-learn's own regression on the vectors of the published model."""
    model = penjing.load(result.model)
    head = read_json(result.model / "penjing.json")["head"]
    train = read_split(result.artifacts["data"].folder, "train")

    rows = _vectors(model, train.texts)
    has_bias = model.engine.network.head.bias is not None
    center = rows.mean(axis=0) if has_bias else 0
    scale = np.sqrt(np.mean(np.sum((rows - center) ** 2, axis=1)))
    fitted = LogisticRegression(C=head["strength"], fit_intercept=has_bias, max_iter=2000, tol=1e-6)
    fitted.fit((rows - center) / scale, [model.labels.index(label) for label in train.labels])
    return fitted.predict_proba((_vectors(model, texts) - center) / scale)


def _vectors(model: Any, texts: list[str]) -> Any:
    found = []
    for text in texts:
        ids = torch.tensor([model.renderer.render([{"text": text}])[0].ids])
        with torch.no_grad():
            found.append(model.engine.network.pool(ids)[0].double().numpy())
    return np.array(found)


def given(result: Any, texts: list[str]) -> Any:
    model = penjing.load(result.model)
    return np.array([[item.probabilities[label] for label in model.labels] for item in model.predict(texts)])


@pytest.mark.parametrize("family", ["bert"])
def test_the_network_stays_and_the_published_model_answers_as_the_regression(
    family: str, bases: Any, small_recipe: Any, tmp_path: Path
) -> None:
    base = bases(family)
    result = run(recipe(tmp_path, small_recipe, base.model), tmp_path / "out")
    before, after = (load_file(made.model / "model.safetensors") for made in (base, result))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith(("classifier.", "score.")) for name in changed)
    assert given(result, TEXTS) == pytest.approx(regression(result, TEXTS), abs=1e-3)
    facts = result.artifacts["finetune"].facts
    assert facts["steps"] == 0
    assert facts["head"]["chosen_by"] == "validation"
    assert facts["head"]["largest_difference"] < 1e-3
    assert facts["head"] == read_json(result.model / "penjing.json")["head"]


def test_transformers_loads_it_and_gives_the_same_probabilities(bases: Any, small_recipe: Any, tmp_path: Path) -> None:
    result = run(recipe(tmp_path, small_recipe, bases("bert").model, per_class=8), tmp_path / "out")
    assert result.artifacts["finetune"].facts["head"]["chosen_by"] == "cross-validation"
    network = transformers.AutoModelForSequenceClassification.from_pretrained(result.model).eval()
    renderer = penjing.load(result.model).renderer
    for text, own in zip(TEXTS, given(result, TEXTS), strict=True):
        ids = torch.tensor([renderer.render([{"text": text}])[0].ids])
        with torch.no_grad():
            theirs = network(input_ids=ids, attention_mask=torch.ones_like(ids)).logits.softmax(-1)[0]
        assert own == pytest.approx(theirs.numpy(), abs=1e-4)


@pytest.fixture(scope="module")
def contrasted(tmp_path_factory: pytest.TempPathFactory, bases: Any, small_recipe: Any) -> Any:
    """A finished run by contrast, from a base whose vectors are pooled by their mean here."""
    folder = tmp_path_factory.mktemp("contrast")
    return run(contrast_recipe(folder, small_recipe, bases("bert").model), folder / "out")


def contrast_recipe(folder: Path, small_recipe: Any, start: Path) -> dict[str, Any]:
    described = {"positive": ["It was great."], "negative": ["It was bad."]}
    document = recipe(folder, small_recipe, start, CONTRAST | {"dropout": 0.2}, per_class=8, described=described)
    document["model"]["shape"] = {"pooling": "mean"}
    return document


def test_by_contrast_the_network_changes_and_the_head_is_that_of_its_own_vectors(contrasted: Any, bases: Any) -> None:
    before, after = (load_file(made.model / "model.safetensors") for made in (bases("bert"), contrasted))
    name = "bert.encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(before[name], after[name])
    assert given(contrasted, TEXTS) == pytest.approx(regression(contrasted, TEXTS), abs=1e-4)
    facts = contrasted.artifacts["finetune"].facts
    assert (facts["steps"], facts["head"]["rows"], facts["head"]["strength"]) == (12, 18, 1.0)
    assert facts["head"]["chosen_by"] == "settings"
    losses = [point["loss"] for point in map(json.loads, _history(contrasted)) if "loss" in point]
    assert losses[-1] < losses[0]


def test_the_report_says_which_rows_were_drawn_and_how_the_model_was_adapted(contrasted: Any) -> None:
    of = contrasted.artifacts["data"].facts["drawn"]["of"]
    report = contrasted.report.read_text("utf-8")
    told = (
        f"8 rows of each label were drawn by the seed 0, of {of['negative']} “negative”, {of['positive']} “positive”."
    )
    assert told in report
    assert f"{sum(of.values()) - 16} that were not drawn" in report
    assert "contrast in 12 steps" in report
    assert "66, by logistic regression on 18 rows" in report


def _history(result: Any) -> list[str]:
    lines: list[str] = (result.artifacts["finetune"].folder / "history.jsonl").read_text("utf-8").splitlines()
    return lines


def test_a_stopped_run_goes_on_to_the_same_weights_to_the_bit(
    contrasted: Any, bases: Any, small_recipe: Any, tmp_path: Path
) -> None:
    document, asked = contrast_recipe(tmp_path, small_recipe, bases("bert").model), 0

    class Stop(Silent):
        def should_stop(self) -> bool:
            nonlocal asked
            asked += bool(list((tmp_path / "parts").rglob("history.jsonl")))
            return asked == 5

    with pytest.raises(Interrupted):
        run(document, tmp_path / "parts", Stop())
    parts = run(document, tmp_path / "parts")
    assert 1 < asked <= 5
    first, second = ((made.model / "model.safetensors").read_bytes() for made in (contrasted, parts))
    assert first == second
    ways = ([json.loads(line).get("loss") for line in _history(made)] for made in (contrasted, parts))
    assert len({tuple(losses) for losses in ways}) == 1


def test_the_same_few_rows_can_be_learned_by_all_weights_without_validation(
    bases: Any, small_recipe: Any, tmp_path: Path
) -> None:
    settings = {"epochs": 2, "batch_rows": 4, "precision": "fp32", "device": "cpu"}
    result = run(recipe(tmp_path, small_recipe, bases("bert").model, settings, per_class=8), tmp_path / "out")
    facts = result.artifacts["finetune"].facts
    assert (facts["steps"], facts["best"]) == (8, {})
    assert result.artifacts["examples"].facts["splits"].keys() == {"train", "test"}


def test_plan_says_what_will_be_fitted(contrasted: Any, bases: Any, small_recipe: Any, tmp_path: Path) -> None:
    document = contrast_recipe(tmp_path, small_recipe, bases("bert").model)
    plan, made = make_plan(check_recipe(document, "r"), tmp_path / "out", Silent()), contrasted.artifacts
    planned, facts = plan.facts("finetune"), made["finetune"].facts
    for name in ("steps", "parameters"):
        assert planned[name] == facts[name]
    assert planned["head"] == {key: facts["head"][key] for key in ("rows", "contrastive")}
    for name in ("drawn", "described"):
        assert plan.facts("data")[name] == made["data"].facts[name]


def test_new_settings_count_and_recipes_without_them_keep_their_keys(bases: Any, tmp_path: Path) -> None:
    (rows := tmp_path / "x.csv").write_text("text,label\n", encoding="utf-8")
    data = {"path": str(rows)}
    document = {"data": data, "model": {"start": str(bases("bert").model)}}
    plain, few = check_recipe(document, "r"), check_recipe(document | {"data": {**data, "per_class": 3}}, "r")
    head, contrast = (
        check_recipe(document | {"finetune": section}, "r") for section in ({"head": {}}, {"contrastive": {}})
    )
    assert len({json.dumps(FINETUNE.settings(made)) for made in (plain, head, contrast)}) == 3
    assert not {"head", "contrastive", "fits_head"} & set(FINETUNE.settings(plain)[2])
    assert not {"per_class", "described"} & set(DATA.settings(plain))
    assert DATA.settings(few)["per_class"] == 3


@pytest.mark.parametrize(
    ("family", "finetune", "data", "message"),
    [
        (None, {"head": {}}, {}, r"this one starts from nothing.*Name a model in \[model\] start"),
        ("bert", {"head": {}, "learning_rate": 1e-3}, {}, r"learning_rate has no sense with \[finetune.head\]"),
        (
            "bert",
            {"head": {"strength": 2, "folds": 3}},
            {},
            r"r: \[finetune.head\]: folds choose a strength, and strength says which",
        ),
        ("bert", CONTRAST | {"head": {"folds": 3}}, {}, r"with \[finetune.contrastive\] it is 1"),
        ("bert", CONTRAST | {"epochs": 2}, {}, r"epochs has no sense with \[finetune.contrastive\]"),
        ("bert", {"head": {}, "lora": {"rank": 2}}, {}, r"lora has no sense with \[finetune.head\]"),
        ("bert", {"head": {"strenght": 1}}, {}, r'\[finetune.head\] strenght. Did you mean "strength"'),
        ("bert", {"contrastive": {"objective": "triplet"}}, {}, r"\[finetune.contrastive\] objective is 'triplet'"),
        ("bert", {"patience": 2}, {"per_class": 4}, r"patience, and \[data\] leaves no validation rows"),
        ("bert", {"head": {}}, {"per_class": 1}, r"\[data\] per_class is 1"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    family: str | None, finetune: Any, data: Any, message: str, bases: Any, small_recipe: Any, tmp_path: Path
) -> None:
    start = None if family is None else bases(family).model
    with pytest.raises(PenjingError, match=message):
        check_runnable(check_recipe(recipe(tmp_path, small_recipe, start, finetune, **data), "r"))


@pytest.mark.parametrize(
    ("section", "task"),
    [
        *product(
            ("head", "contrastive"),
            (
                *("answer", "chat", "generate", "multi", "ordinal"),
                *("prefer", "prefer_reply", "recommend", "summarize", "translate"),
            ),
        ),
        ("contrastive", "multilabel"),
    ],
)
def test_tasks_without_a_head_of_labels_refuse_to_fit_one(task: str, section: str, bases: Any) -> None:
    part = {"task": "summarize", "data": {"path": "rows.csv"}, "template": "{text}"}
    document = {
        "task": task,
        "model": {"start": str(bases("bert").model)},
        "finetune": {section: {}},
        **({"parts": {"a": part}} if task == "multi" else {"data": {"path": "rows.csv"}}),
    }
    if task == "recommend":
        document["data"]["items"] = "items.csv"
    if task == "ordinal":
        document["data"]["labels"] = ["1", "2"]
    with pytest.raises(PenjingError, match=r"for the tasks classify(,| and) sentiment"):
        check_runnable(check_recipe(document, "r"))


def several(folder: Path, small_recipe: Any, start: Path, **head: Any) -> dict[str, Any]:
    """A recipe whose rows have several labels: one that all have, and one of which few have any."""
    rng, names = random.Random(0), ("lovely", "dull", "plot", "warm")
    lines = ["text,labels"]
    for number in range(240):
        words = rng.sample(("film", "story", "music", *names), 4)
        rare = ["rare"] if number % 24 == 0 else []
        lines.append(f"{' '.join(words)} {number},{'|'.join(['text', *rare, *(n for n in names if n in words)])}")
    (folder / "sets.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    document = recipe(folder, small_recipe, start, {"head": head, "device": "cpu"})
    document["data"] = {"path": str(folder / "sets.csv"), "separator": "|"}
    return document | {"task": "multilabel", "name": "sets"}


@pytest.mark.parametrize("family", ["bert", "lstm", "llama"])
def test_of_several_labels_each_answers_as_a_regression_against_the_rest(
    family: str, bases: Any, small_recipe: Any, tmp_path: Path
) -> None:
    base = bases(family)
    document = several(tmp_path, small_recipe, base.model)
    result = run(document, tmp_path / "out")
    model: Any = penjing.load(result.model)
    head, layer = read_json(result.model / "penjing.json")["head"], model.engine.network.head
    before, after = (load_file(made.model / "model.safetensors") for made in (base, result))
    heads = ("classifier.", "score.", "head.")
    assert all(torch.equal(before[name], after[name]) for name in after if not name.startswith(heads))
    train = read_label_sets(result.artifacts["data"].folder, "train")
    rows, asked = (_vectors(model, texts) for texts in (train.texts, TEXTS))
    has_bias = layer.bias is not None
    center = rows.mean(axis=0) if has_bias else 0
    scale = np.sqrt(np.mean(np.sum((rows - center) ** 2, axis=1)))
    chances = given(result, TEXTS)
    for number, label in enumerate(model.labels):
        truth = [label in labels for labels in train.labels]
        if label == "text":  # every row has it: the rule of its own
            assert all(truth)
            if has_bias:
                assert chances[:, number] == pytest.approx(len(truth) / (len(truth) + 1), abs=1e-4)
            continue
        fitted = LogisticRegression(C=head["strength"], fit_intercept=has_bias, max_iter=2000, tol=1e-6)
        fitted.fit((rows - center) / scale, truth)
        assert chances[:, number] == pytest.approx(fitted.predict_proba((asked - center) / scale)[:, 1], abs=1e-3)
    assert (head["chosen_by"], head["regressions"], head["rows"]) == ("validation", 6, len(train.texts))
    assert head["largest_difference"] < 1e-3
    assert "by 6 logistic regressions, one a label" in result.report.read_text("utf-8")


def test_plan_says_that_a_head_of_several_labels_will_be_fitted(bases: Any, small_recipe: Any, tmp_path: Path) -> None:
    document = several(tmp_path, small_recipe, bases("bert").model, strength=1.0)
    plan = make_plan(check_recipe(document, "r"), tmp_path / "out", Silent())
    assert plan.facts("finetune")["steps"] == 0
    assert plan.facts("finetune")["head"] == {"rows": 192, "contrastive": None}


def test_folds_are_refused_where_there_are_always_validation_rows(
    bases: Any, small_recipe: Any, tmp_path: Path
) -> None:
    with pytest.raises(PenjingError, match="folds is for data without validation rows"):
        check_recipe(several(tmp_path, small_recipe, bases("bert").model, folds=3), "r")


def test_a_head_that_is_no_linear_layer_is_refused(small_recipe: Any, tmp_path: Path) -> None:
    document = small_recipe(tmp_path, "t5") | {"finetune": {"head": {}}}
    pretrain = {"objective": "span", "window_tokens": 16, "device": "cpu"}
    with pytest.raises(PenjingError, match="the head of t5 is not one linear layer"):
        check_runnable(check_recipe(document | {"pretrain": pretrain}, "r"))


def test_a_network_that_stays_may_not_have_parts_that_learned_nothing(
    small_recipe: Any, bases: Any, tmp_path: Path
) -> None:
    document = recipe(tmp_path, small_recipe, bases("bert").model)
    document["model"]["shape"] = {"pooling": "attention"}
    with pytest.raises(PenjingError, match=r"pooling.attention.*holds nothing learned.*pooling = \"mean\""):
        run(document, tmp_path / "out")
