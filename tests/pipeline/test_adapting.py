from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

import penjing
from penjing.errors import ModelFolderError, PenjingError, TrainingError
from penjing.files import read_json
from penjing.pipeline import adapting
from penjing.pipeline.check import check_runnable
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.pipeline.start import architecture_of, choose_learning_rate
from penjing.pipeline.tracing import started_from
from penjing.progress import Silent

FAMILIES = ("bert", "llama", "lstm", "t5")
LORA = {"rank": 2, "alpha": 8}


@pytest.fixture(scope="module")
def bases(
    tmp_path_factory: pytest.TempPathFactory, small_recipe: Callable[..., dict[str, Any]]
) -> Callable[[str], Any]:
    """Makes a finished run of each family once."""
    made: dict[str, Any] = {}

    def make(family: str) -> Any:
        if family not in made:
            folder = tmp_path_factory.mktemp(f"base-{family}")
            document = small_recipe(folder, family)
            made[family] = run_recipe(check_recipe(document, "base"), folder / "out", Silent(), ["test"])
        return made[family]

    return make


def recipe(folder: Path, small_recipe: Any, start: Path | None, lora: dict[str, Any] | None = None, **more: Any) -> Any:
    document = small_recipe(folder, "bert")
    document["model"] = {"family": "bert"} if start is None else {"start": str(start)}
    document["finetune"] |= {"lora": LORA if lora is None else lora, "epochs": 2, **more}
    return document


def run(document: dict[str, Any], out: Path) -> Any:
    return run_recipe(check_recipe(document, "r"), out, Silent(), ["test"])


@pytest.mark.parametrize("family", FAMILIES)
def test_model_is_published_merged_with_the_adapter_beside_it_and_the_proof(
    family: str, bases: Any, small_recipe: Any, tmp_path: Path
) -> None:
    base = bases(family)
    result = run(recipe(tmp_path, small_recipe, base.model), tmp_path / "out")
    before, after = (load_file(made.model / "model.safetensors") for made in (base, result))
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all("layer" in name or "block" in name for name in changed if not name.startswith(("classif", "score")))
    card = read_json(result.model / "penjing.json")
    lora = card["lora"]
    assert lora["rank"] == 2
    assert 0 < lora["trained_share"] < 1
    assert 0 <= lora["merging"]["largest_difference"] <= lora["merging"]["allowed"]
    assert result.artifacts["finetune"].facts["lora"] == lora
    assert result.adapter == tmp_path / "out" / "adapter"
    stored = load_file(result.adapter / "adapter_model.safetensors")
    assert sum(tensor.numel() for tensor in stored.values()) == lora["trained_parameters"]
    assert penjing.load(result.model).predict(["a lovely film"])[0].label in ("positive", "negative")
    report = result.report.read_text("utf-8")
    assert f"{lora['trained_parameters']:,}, {100 * lora['trained_share']:.2f}% of all" in report


@pytest.mark.parametrize("family", ["bert", "llama", "t5"])
def test_peft_gives_the_published_models_logits_on_the_base(
    family: str, bases: Any, small_recipe: Any, tmp_path: Path
) -> None:
    peft = pytest.importorskip("peft", reason="PEFT is not installed")
    base = bases(family)
    result = run(recipe(tmp_path, small_recipe, base.model), tmp_path / "out")
    network = transformers.AutoModelForSequenceClassification.from_pretrained(base.model)
    theirs = peft.PeftModel.from_pretrained(network, str(result.adapter)).eval()
    model = penjing.load(result.model)
    for text in ("a lovely film", "a dull plot and a slow ending"):
        ids = torch.tensor([model.renderer.render([{"text": text}])[0].ids])
        with torch.no_grad():
            expected = theirs(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        assert model.score_texts([text])[0] == pytest.approx(expected.numpy(), abs=1e-5)


@pytest.mark.parametrize(("family", "base"), [("bert", "int4"), ("t5", "int8")])
def test_model_on_a_quantized_base_is_published_as_it_computed_and_says_what_quantizing_did(
    family: str, base: str, bases: Any, small_recipe: Any, tmp_path: Path
) -> None:
    document = recipe(tmp_path, small_recipe, bases(family).model, {**LORA, "base": base}, epochs=6)
    planned = make_plan(check_recipe(document, "r"), tmp_path / "out", Silent()).facts("finetune")["lora"]
    result = run(document, tmp_path / "out")
    lora = read_json(result.model / "penjing.json")["lora"]
    assert planned == {key: value for key, value in lora.items() if key not in ("merging", "quantizing")}
    assert lora["base"] == base
    assert lora["merging"]["largest_difference"] <= lora["merging"]["allowed"]
    found = lora["quantizing"]
    assert found["largest_difference"] > 10 * lora["merging"]["allowed"]
    assert found["validation"]["original"] != found["validation"]["quantized"]
    report = result.report.read_text("utf-8")
    assert f"its matrices held in {base}" in report
    assert f"{found['validation']['original']['validation_loss']:.4f}, quantized" in report


def test_a_run_starts_from_a_base_with_an_adapter_as_from_the_merged_model(
    bases: Any, small_recipe: Any, tmp_path: Path
) -> None:
    base = bases("bert")
    adapted = run(recipe(tmp_path, small_recipe, base.model), tmp_path / "adapted")
    still = {"epochs": 0.1, "learning_rate": 1e-12, "weight_decay": 0}
    weights = []
    for name, model in (
        ("merged", {"start": str(adapted.model)}),
        ("beside", {"start": str(base.model), "adapter": str(adapted.adapter)}),
    ):
        document = recipe(tmp_path, small_recipe, base.model, **still)
        document["model"] = model
        document["finetune"].pop("lora")
        weights.append(load_file(run(document, tmp_path / name).model / "model.safetensors"))
    for name, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][name], rtol=0, atol=1e-6)
    files = [name for name, _ in read_json(tmp_path / "beside" / "lineage.json")[-2]["files"]]
    assert files == ["config.json", "model.safetensors", "adapter_config.json", "adapter_model.safetensors"]
    found = started_from(tmp_path / "adapted")
    assert {path.parent.name for path in found} == {"merged", "beside"}


def test_a_run_without_adapters_afterwards_takes_the_old_adapter_away(
    bases: Any, small_recipe: Any, tmp_path: Path
) -> None:
    document = recipe(tmp_path, small_recipe, bases("bert").model)
    assert run(document, tmp_path / "out").adapter.is_dir()
    del document["finetune"]["lora"]
    result = run(document, tmp_path / "out")
    assert result.adapter is None
    assert not (tmp_path / "out" / "adapter").exists()
    assert "lora" not in read_json(result.model / "penjing.json")


def test_after_pretraining_the_missing_pooler_is_trained_whole_and_the_rest_by_adapters(
    small_recipe: Any, tmp_path: Path
) -> None:
    document = small_recipe(tmp_path, "bert") | {
        "corpus": {"path": str(tmp_path / "reviews.csv")},
        "pretrain": {"objective": "masked", "window_tokens": 16, "epochs": 1, "precision": "fp32", "device": "cpu"},
    }
    document["finetune"] |= {"lora": LORA, "epochs": 1}
    result = run(document, tmp_path / "out")
    config = read_json(result.adapter / "adapter_config.json")
    assert config["modules_to_save"] == ["bert.pooler.dense", "classifier"]
    before, after = (
        load_file(folder / "model.safetensors")
        for folder in (result.artifacts["pretrain"].folder / "model", result.model)
    )
    for name in ("bert.embeddings.word_embeddings.weight", "bert.encoder.layer.0.output.LayerNorm.weight"):
        assert torch.equal(before[name], after[name])


def test_plan_says_what_is_trained(bases: Any, small_recipe: Any, tmp_path: Path) -> None:
    document = recipe(tmp_path, small_recipe, bases("bert").model)
    planned = make_plan(check_recipe(document, "r"), tmp_path / "out", Silent()).facts("finetune")
    made = run(document, tmp_path / "out").artifacts["finetune"].facts
    assert planned["parameters"] == made["parameters"]
    assert planned["lora"] == {key: value for key, value in made["lora"].items() if key != "merging"}


def test_settings_of_adapters_count_and_a_recipe_without_them_keeps_its_key(bases: Any, small_recipe: Any) -> None:
    from penjing.pipeline.stages.finetune import FINETUNE

    start = bases("bert").model
    plain = check_recipe({"data": {"path": "x.csv"}, "model": {"start": str(start)}}, "r")
    two, four = (plain.model_copy(update={"finetune": _with_rank(plain, rank)}) for rank in (2, 4))
    settings = [json.dumps(FINETUNE.settings(made)) for made in (plain, two, four)]
    assert len(set(settings)) == 3
    assert "lora" not in settings[0]
    assert "adapter" not in settings[0]


def _with_rank(plain: Recipe, rank: int) -> Any:
    return plain.finetune.model_validate({**plain.finetune.model_dump(exclude_unset=True), "lora": {"rank": rank}})


@pytest.mark.parametrize(("family", "rate"), [("bert", 1e-3), ("lstm", 2e-3)])
def test_learning_rate_of_adapters_is_that_measured_or_ten_times_that_of_all_weights(
    family: str, rate: float, bases: Any
) -> None:
    plain = check_recipe({"data": {"path": "x.csv"}, "model": {"start": str(bases(family).model)}}, "r")
    assert choose_learning_rate(plain, _with_rank(plain, 2)) == rate
    assert choose_learning_rate(plain, plain.finetune) == pytest.approx(architecture_of(plain).learning_rate / 10)


@pytest.mark.parametrize(
    ("lora", "more", "message"),
    [
        ({"rank": 0}, {}, r"\[finetune.lora\] rank is 0: it should be greater than or equal to 1"),
        ({"rnak": 4}, {}, r'unknown key \[finetune.lora\] rnak. Did you mean "rank"'),
        ({"targets": []}, {}, r"targets is \[\]"),
        ({"targets": ["querry"]}, {}, r'targets has "querry".*bert has no linear layer.*Did you mean "query"'),
        ({"targets": ["output.densse"]}, {}, r'Did you mean "output.dense"'),
        ({"targets": ["classifier"]}, {}, r"targets are in the head alone"),
        ({"base": "int2"}, {}, r"base is 'int2'"),
        ({"rank": 33}, {}, r"rank is 33, and bert.encoder.layer.0.attention.self.query is a matrix of 32 by 32"),
        ({}, {"embedding_rate": 0.1}, r"has an embedding_rate, and with adapters the embeddings stay"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_runs(
    lora: dict[str, Any], more: dict[str, Any], message: str, bases: Any, small_recipe: Any, tmp_path: Path
) -> None:
    with pytest.raises(PenjingError, match=message):
        check_runnable(check_recipe(recipe(tmp_path, small_recipe, bases("bert").model, lora, **more), "r"))


def test_adapters_without_a_model_that_has_learned_are_refused(small_recipe: Any, tmp_path: Path) -> None:
    with pytest.raises(PenjingError, match="adapters change a model that has learned already"):
        check_runnable(check_recipe(recipe(tmp_path, small_recipe, None), "r"))


def test_an_adapter_without_a_start_or_a_folder_is_refused(bases: Any, small_recipe: Any, tmp_path: Path) -> None:
    document = small_recipe(tmp_path, "bert")
    document["model"]["adapter"] = str(tmp_path)
    with pytest.raises(PenjingError, match="has an adapter, and no start"):
        check_runnable(check_recipe(document, "r"))
    document["model"] = {"start": str(bases("bert").model), "adapter": str(tmp_path / "nowhere")}
    with pytest.raises(PenjingError, match=r"\[model\] adapter = .*nowhere: there is no such folder"):
        check_runnable(check_recipe(document, "r"))


def test_an_adapter_of_another_model_is_refused_before_a_row_is_read(
    bases: Any, small_recipe: Any, tmp_path: Path
) -> None:
    base = bases("bert")
    adapted = run(recipe(tmp_path, small_recipe, base.model), tmp_path / "adapted")
    foreign = shutil.copytree(adapted.adapter, tmp_path / "foreign")
    tensors = load_file(foreign / "adapter_model.safetensors")
    name = next(name for name in tensors if name.endswith("lora_A.weight"))
    save_file({**tensors, name: tensors[name][:, :16].contiguous()}, foreign / "adapter_model.safetensors")
    document = recipe(tmp_path, small_recipe, base.model)
    document["model"] = {"start": str(base.model), "adapter": str(foreign)}
    with pytest.raises(ModelFolderError, match="the adapter does not fit the network: 1 of another shape"):
        run(document, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_dropout_before_the_adapters_of_an_lstm_is_refused(bases: Any, small_recipe: Any, tmp_path: Path) -> None:
    document = recipe(tmp_path, small_recipe, bases("lstm").model, {"dropout": 0.1})
    with pytest.raises(PenjingError, match=r"an LSTM takes .*weight_ih_l0 whole"):
        check_runnable(check_recipe(document, "r"))


def test_a_quantized_base_of_an_lstm_is_refused(bases: Any, small_recipe: Any, tmp_path: Path) -> None:
    document = recipe(tmp_path, small_recipe, bases("lstm").model, {"base": "int8"})
    with pytest.raises(PenjingError, match='base is "int8", and an LSTM takes its matrices whole'):
        check_runnable(check_recipe(document, "r"))


def test_merged_weights_that_answer_otherwise_are_not_published(
    bases: Any, small_recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapting, "_TOLERANCE", -1.0)  # even equal logits are too far apart
    with pytest.raises(TrainingError, match="with the adapters merged a logit differs"):
        run(recipe(tmp_path, small_recipe, bases("bert").model), tmp_path / "out")
    assert not (tmp_path / "out" / "model").exists()


def test_where_an_adapter_lies_does_not_count_but_its_numbers_do(bases: Any, small_recipe: Any, tmp_path: Path) -> None:
    base = bases("bert")
    adapted = run(recipe(tmp_path, small_recipe, base.model), tmp_path / "adapted")
    shutil.copytree(adapted.adapter, tmp_path / "copy")
    document = recipe(tmp_path, small_recipe, base.model)
    document["model"] = {"start": str(base.model), "adapter": str(adapted.adapter)}
    assert not run(document, tmp_path / "out").artifacts["finetune"].skipped
    document["model"]["adapter"] = str(tmp_path / "copy")
    assert run(document, tmp_path / "out").artifacts["finetune"].skipped
    del document["model"]["adapter"]
    assert not run(document, tmp_path / "out").artifacts["finetune"].skipped
