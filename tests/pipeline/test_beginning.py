from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.pipeline.text_recipes import texts_recipe

from penjing.pipeline.beginning import begins_by_finetuning, begins_by_pretraining
from penjing.pipeline.check import check_runnable
from penjing.pipeline.dial import turn_dial
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.stage import Artifact
from penjing.pipeline.stages.data import DATA
from penjing.pipeline.stages.examples import EXAMPLES
from penjing.pipeline.stages.finetune import FINETUNE, prepare_finetuning
from penjing.pipeline.stages.tokenizer import TOKENIZER
from penjing.pipeline.store import Store
from penjing.progress import Silent

TRANSLATING: dict[str, Any] = {"name": "r", "task": "translate", "data": {"path": "x.csv"}, "model": {"family": "t5"}}
T5_BEGINS = "by frequency, looking beside what is hidden"


def rate_of(document: dict[str, Any], section: str = "finetune") -> float:
    """Returns the learning rate of the embeddings, in that of the rest."""
    rate: float = getattr(turn_dial(check_recipe(document, "r")), section).embedding_rate
    return rate


def test_the_words_of_a_fresh_t5_learn_at_a_rate_of_their_own_whatever_that_of_the_rest() -> None:
    assert rate_of(TRANSLATING) == pytest.approx(100)
    assert rate_of({**TRANSLATING, "finetune": {"learning_rate": 2e-3}}) == pytest.approx(50)
    assert rate_of({**TRANSLATING, "finetune": {"embedding_rate": 3}}) == 3
    assert rate_of({**TRANSLATING, "finetune": {"embedding_rate": 1.0}}) == 1
    assert rate_of({**TRANSLATING, "model": {"family": "llama"}}) == 1
    assert rate_of({**TRANSLATING, "task": "classify"}) == 1
    turned = turn_dial(check_recipe(TRANSLATING, "r"))
    assert turn_dial(turned) == turned


@pytest.mark.parametrize(
    "more",
    [
        {"model": {"family": "t5", "shape": {"tie_word_embeddings": True}}},
        {"model": {"family": "t5", "shape": {"initializer_factor": 0.05}}},
        {"corpus": {"path": "x.txt"}, "vectors": {}},
        {"finetune": {"lora": {}}},
    ],
)
def test_words_of_another_spread_or_that_stay_have_none(more: dict[str, Any]) -> None:
    assert rate_of({**TRANSLATING, **more}) == 1


def test_so_it_is_in_pretraining_and_not_after_it() -> None:
    before = {"corpus": {"path": "x.txt"}, "pretrain": {"objective": "span", "learning_rate": 5e-4}}
    assert rate_of({"model": {"family": "t5"}, **before}, "pretrain") == pytest.approx(200)
    assert rate_of({**TRANSLATING, **before}, "pretrain") == pytest.approx(200)
    assert rate_of({**TRANSLATING, **before}) == 1
    for more, learned in (({}, 1e-3), ({"size": 8}, 5e-4), ({"size": 4, "optimizer": "muon"}, 4e-3)):
        model = {"family": "t5", "size": more.get("size", "mini")}
        pretrain = {"objective": "span", "optimizer": more.get("optimizer", "adamw")}
        turned = {"corpus": {"path": "x.txt"}, "model": model, "pretrain": pretrain}
        assert rate_of(turned, "pretrain") == pytest.approx(0.1 / learned)


def test_it_counts_as_a_setting_where_it_changes_something() -> None:
    assert FINETUNE.settings(check_recipe(TRANSLATING, "r"))[-1] == T5_BEGINS
    for more in (
        {"model": {"family": "llama"}},
        {"task": "classify"},
        {"corpus": {"path": "x.txt"}, "pretrain": {"objective": "span"}},
        {"model": {"family": "t5", "shape": {"tie_word_embeddings": True}}},
        {"model": {"family": "t5", "shape": {"initializer_factor": 0.05}}},
        {"corpus": {"path": "x.txt"}, "vectors": {}},
    ):
        assert T5_BEGINS not in FINETUNE.settings(check_recipe({**TRANSLATING, **more}, "r"))
    generating = {**TRANSLATING, "task": "generate", "model": {"family": "lstm"}}
    assert FINETUNE.settings(check_recipe(generating, "r"))[-1] == "by frequency"


def test_a_model_that_is_given_goes_on_from_what_it_has_learned(writing_start: Callable[[str], Path]) -> None:
    recipe = turn_dial(check_recipe({**TRANSLATING, "model": {"start": str(writing_start("t5"))}}, "r"))
    assert begins_by_finetuning(recipe) is None
    assert begins_by_pretraining(recipe) is None
    assert T5_BEGINS not in FINETUNE.settings(recipe)
    assert recipe.finetune.embedding_rate == 1


def test_the_report_shows_the_rate_that_was_used(pair_run_of: Callable[[str], Any]) -> None:
    run = pair_run_of("t5")
    assert "&#34;embedding_rate&#34;: 33.3" in run.report.read_text(encoding="utf-8")


@pytest.mark.parametrize("same", [False, True])
def test_a_t5_that_learns_to_write_begins_with_how_often_tokens_come_and_looks_for_as_many_as_it_finds(
    same: bool, pair_recipe: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    document = pair_recipe(tmp_path)
    if same:  # what is to be written is what is read
        with Path(document["data"]["path"]).open(encoding="utf-8", newline="") as file:
            texts = [row["text"] for row in csv.DictReader(file)]
        lines = "".join(f"{text},{text}\n" for text in texts)
        Path(document["data"]["path"]).write_text(f"text,target\n{lines}", encoding="utf-8")
    job = prepare(document, tmp_path / "run")
    network = job.network
    written = torch.cat([batch.written[batch.written >= 0] for batch in map(job.batches.load, job.batches.plan(0))])
    counted = torch.bincount(written, minlength=network.config.vocab_size).double() + 1
    assert torch.allclose(network.lm_head.weight[:, 0].double().softmax(0), counted / counted.sum(), rtol=1e-4)
    assert job.settings.embedding_rate * job.learning_rate == pytest.approx(0.1)
    for block in network.decoder.block:
        attention = block.layer[1].EncDecAttention
        finds = torch.equal(attention.q.weight, attention.k.weight * (4 / 32**0.5))
        assert finds is same


def test_an_lstm_that_learns_to_go_on_with_texts_begins_with_how_often_tokens_come(
    tmp_path: Path,
) -> None:
    shape = {"embedding_size": 16, "hidden_size": 24, "num_hidden_layers": 1}
    job = prepare(texts_recipe(tmp_path, "lstm", shape), tmp_path / "run")
    written = torch.cat([batch.written[batch.written >= 0] for batch in map(job.batches.load, job.batches.plan(0))])
    counted = torch.bincount(written, minlength=job.network.config.vocab_size).double() + 1
    bias = job.network.get_parameter("decoder.bias")
    assert torch.allclose(bias.double().softmax(0), counted / counted.sum(), rtol=1e-4)


def prepare(document: dict[str, Any], out: Path) -> Any:
    """Returns the job of fine-tuning."""
    recipe = turn_dial(check_recipe(document, "r"))
    check_runnable(recipe)
    store, done = Store(out, recipe), dict[str, Artifact]()
    for stage in (DATA, TOKENIZER, EXAMPLES):
        done[stage.name] = store.complete(stage, done, Silent())
    return prepare_finetuning(recipe, {name: artifact.folder for name, artifact in done.items()})[2]
