from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from penjing.models.bert import BertConfig, BertForMaskedLM, initialize
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.pipeline.stage import Artifact
from penjing.pipeline.stages.corpus import CORPUS
from penjing.pipeline.stages.pretrain import PRETRAIN, prepare_pretraining, put_vectors
from penjing.pipeline.stages.shards import SHARDS
from penjing.pipeline.stages.tokenizer import TOKENIZER
from penjing.pipeline.store import Store
from penjing.progress import Silent
from penjing.text.shards import TokenShard, open_shard

VOCABULARY = 11


@pytest.mark.parametrize(
    ("family", "objective", "begins"),
    [
        ("bert", "masked", ["by frequency"]),
        ("lstm", "causal", ["by frequency"]),
        ("t5", "span", ["by frequency, looking beside what is hidden"]),
        ("llama", "causal", []),
    ],
)
def test_it_counts_as_a_setting_where_it_changes_something(
    family: str, objective: str, begins: list[str], request: pytest.FixtureRequest
) -> None:
    document = {"corpus": {"path": "x.txt"}, "pretrain": {"objective": objective}, "model": {"family": family}}
    fresh = check_recipe(document, "r")
    assert PRETRAIN.settings(fresh)[3:] == begins
    if family == "bert":
        start = request.getfixturevalue("small_bert_run").model
        given = check_recipe({**document, "model": {"start": str(start)}}, "r")
        assert len(PRETRAIN.settings(given)) == 3


def test_word_vectors_leave_a_bert_the_dimensions_of_its_positions() -> None:
    config = BertConfig(vocab_size=VOCABULARY, hidden_size=8, num_attention_heads=2, num_hidden_layers=1)
    network = BertForMaskedLM(config)
    initialize(network, config, 0)
    vectors = np.random.default_rng(0).normal(size=(VOCABULARY, 8)).astype(np.float32)
    vectors[7] = 0
    drawn = network.input_embeddings.weight[7].detach().clone()
    put_vectors(network, vectors)
    found = network.input_embeddings.weight.detach()
    assert not found[:, :2].any()
    assert torch.equal(found[3, 2:], torch.from_numpy(vectors[3, 2:]))
    assert torch.equal(found[7], drawn)


@pytest.mark.parametrize("family", ["bert", "lstm"])
def test_pretraining_begins_so_but_for_a_model_that_is_given(
    family: str, small_recipe: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    document = small_recipe(tmp_path, family)
    text = tmp_path / "texts.txt"
    text.write_text("\n\n".join(f"a lovely film of {number} men" for number in range(200)), encoding="utf-8")
    document = {key: document[key] for key in ("tokenizer", "model")} | {"corpus": {"path": str(text)}}
    objective = "masked" if family == "bert" else "causal"
    document["pretrain"] = {"objective": objective, "window_tokens": 8, "batch_tokens": 64, "learning_rate": 1e-2}
    job, shard = prepare(document, tmp_path / "fresh")
    bias = "cls.predictions.bias" if family == "bert" else "decoder.bias"
    begun = job.network.get_parameter(bias)
    counts = np.bincount(shard.tokens, minlength=len(begun)) + 1
    wanted = torch.from_numpy(np.log(counts / counts.sum())).float()
    assert torch.allclose(begun, wanted)
    result = run_recipe(check_recipe(document, "r"), tmp_path / "run", Silent(), ["test"])
    learned = load_file(result.model / "model.safetensors")[bias]
    del document["tokenizer"]
    job, _ = prepare({**document, "model": {"start": str(result.model)}}, tmp_path / "given")
    assert torch.equal(job.network.get_parameter(bias), learned)
    assert not torch.equal(learned, wanted)


def test_a_t5_knows_how_often_sentinels_come_and_looks_at_neighbours(
    small_recipe: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    document = small_recipe(tmp_path, "t5")
    text = tmp_path / "texts.txt"
    text.write_text("\n\n".join(f"a lovely film of {number} men" for number in range(200)), encoding="utf-8")
    document = {key: document[key] for key in ("tokenizer", "model")} | {"corpus": {"path": str(text)}}
    document["pretrain"] = {"objective": "span", "window_tokens": 16, "batch_tokens": 64, "learning_rate": 1e-2}
    job, _ = prepare(document, tmp_path / "fresh")
    (batch,) = [job.batches.load(rows) for rows in job.batches.plan(0)[:1]]
    *_, written = job.objective.prepare(batch, torch.Generator().manual_seed(0), 0.0).tensors
    first = written[0, 0]  # the first sentinel begins what is written of every window
    share = job.network.lm_head.weight[:, 0].softmax(0)[first].item()
    # In this small corpus it matters that each entry counts once more than it comes.
    assert share == pytest.approx((written == first).float().mean().item(), rel=0.3)
    numbers = job.network.encoder.block[0].position_numbers
    assert numbers[1, 0] > 4


def prepare(document: dict[str, Any], out: Path) -> tuple[Any, TokenShard]:
    """Returns the job of pretraining, and the shard that is trained on."""
    recipe = check_recipe(document, "r")
    store, done = Store(out, recipe), dict[str, Artifact]()
    for stage in (CORPUS, TOKENIZER, SHARDS):
        done[stage.name] = store.complete(stage, done, Silent())
    inputs = {name: artifact.folder for name, artifact in done.items()}
    return prepare_pretraining(recipe, inputs)[2], open_shard(inputs["shards"] / "texts")
