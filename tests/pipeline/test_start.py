from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tokenizers
import torch
import transformers

import penjing
from penjing.errors import PenjingError
from penjing.files import read_json, write_json
from penjing.inference.generation import load_generator
from penjing.inference.sampling import SamplingSettings
from penjing.models.bert import BERT
from penjing.models.llama import LLAMA
from penjing.models.lstm import LSTM
from penjing.pipeline import start
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.pipeline.start import (
    architecture_of,
    choose_learning_rate,
    config_values,
    files_of_encoder,
    model_settings,
    start_files,
)
from penjing.progress import Silent

PLACES = {"start", "size", "adapter"}  # their files count instead


def recipe(model: dict[str, Any], **finetune: Any) -> Recipe:
    return check_recipe({"data": {"path": "x.csv"}, "model": model, "finetune": finetune}, "r")


def test_learning_rate_is_the_recipes_else_the_familys_else_a_tenth_for_a_given_model(small_run: Any) -> None:
    fresh, given = recipe({"family": "lstm"}), recipe({"start": str(small_run.model)})
    rate = choose_learning_rate(fresh, fresh.finetune)
    assert rate == architecture_of(fresh).learning_rate
    assert choose_learning_rate(given, given.finetune) == pytest.approx(rate / 10)
    named = recipe({"start": str(small_run.model)}, learning_rate=0.5)
    assert choose_learning_rate(named, named.finetune) == 0.5


def test_family_follows_from_the_folder_and_another_is_refused(small_bert_run: Any) -> None:
    assert architecture_of(recipe({"start": str(small_bert_run.model)})).name == "bert"
    with pytest.raises(PenjingError, match=r'family is "lstm", but the model in .* "bert". Remove family'):
        architecture_of(recipe({"start": str(small_bert_run.model), "family": "lstm"}))


def test_shape_of_the_folder_counts_and_the_recipe_may_change_what_has_no_weights(small_bert_run: Any) -> None:
    values = config_values(recipe({"start": str(small_bert_run.model), "shape": {"pooling": "mean"}}), 400, 0, 3)
    assert (values["hidden_size"], values["pooling"]) == (32, "mean")


def test_where_a_model_lies_does_not_count_but_its_files_do(small_run: Any, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(small_run.model, copy)
    here, there = (recipe({"start": str(folder)}) for folder in (small_run.model, copy))
    assert model_settings(here) == model_settings(there)
    assert [file.name for file in start_files(here)] == ["config.json", "model.safetensors"]


def test_how_an_encoder_pools_is_among_its_files(small_bert_run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(small_bert_run.model, folder)
    before = files_of_encoder(folder)
    (folder / "1_Pooling").mkdir()
    write_json(folder / "1_Pooling" / "config.json", {"pooling_mode": "cls"})
    kinds = {"": "Transformer", "1_Pooling": "Pooling"}
    write_json(folder / "modules.json", [{"type": kind, "path": path} for path, kind in kinds.items()])
    assert set(files_of_encoder(folder)) - set(before) == {
        folder / "modules.json",
        folder / "1_Pooling" / "config.json",
    }


def test_first_weights_that_a_family_sets_otherwise_than_before_make_its_fresh_networks_anew_alone(
    monkeypatch: pytest.MonkeyPatch, small_bert_run: Any
) -> None:
    made = [recipe({"family": "bert"}), recipe({"family": "lstm"}), recipe({"start": str(small_bert_run.model)})]
    now = [model_settings(one) for one in made]
    known = replace(BERT, initialization=BERT.initialization + 1)
    monkeypatch.setattr(start, "_load", lambda family, where: {"bert": known, "lstm": LSTM}[family])
    assert [model_settings(one) == before for one, before in zip(made, now, strict=True)] == [False, True, True]
    assert now[1:] == [[one.seed, one.model.model_dump(mode="json", exclude=PLACES)] for one in made[1:]]


def test_run_goes_on_from_a_finished_model_with_its_tokenizer(
    small_bert_run: Any, small_recipe: Any, tmp_path: Path
) -> None:
    document = {**small_recipe(tmp_path, "bert"), "model": {"start": str(small_bert_run.model)}}
    document["finetune"] = {"epochs": 0.1, "learning_rate": 1e-9, "precision": "fp32", "device": "cpu"}
    result = run_recipe(check_recipe(document, "r"), tmp_path / "out", Silent(), ["test"])
    first, second = (read_json(run.model / "penjing.json") for run in (small_bert_run, result))
    assert first["fingerprint"] == second["fingerprint"]
    # The classifier is made anew, the encoder has hardly moved.
    from safetensors.torch import load_file

    before, after = (load_file(run.model / "model.safetensors") for run in (small_bert_run, result))
    for name, tensor in before.items():
        if name.startswith("bert.encoder"):
            assert tensor.numpy() == pytest.approx(after[name].numpy(), abs=1e-5)


def test_llama_is_pretrained_continues_texts_and_becomes_a_classifier_that_transformers_loads(
    small_recipe: Any, tmp_path: Path
) -> None:
    document = small_recipe(tmp_path, "llama") | {
        "corpus": {"path": str(tmp_path / "reviews.csv")},
        "pretrain": {"objective": "causal", "window_tokens": 16, "epochs": 2, "precision": "fp32", "compile": "off"},
        "explain": {"examples": 1, "mistakes": 0, "texts": 2},
    }
    result = run_recipe(check_recipe(document, "r"), tmp_path / "out", Silent(), ["test"])
    continued = load_generator(result.artifacts["pretrain"].folder / "model").generate("a", SamplingSettings(5))
    assert 0 < continued.tokens <= 5
    model = penjing.load(result.model)
    ours, _ = model.score_texts(["a lovely film"])
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(result.model).eval()
    rendered = transformers.AutoTokenizer.from_pretrained(result.model)("a lovely film", return_tensors="pt")
    with torch.no_grad():
        expected = theirs(rendered["input_ids"], attention_mask=rendered["attention_mask"]).logits
    assert ours == pytest.approx(expected.numpy(), abs=1e-5)


def test_t5_starts_from_one_of_the_hub_and_becomes_a_classifier_that_transformers_loads(
    small_recipe: Any, tmp_path: Path
) -> None:
    document = small_recipe(tmp_path, "t5")
    fresh = run_recipe(check_recipe(document, "r"), tmp_path / "fresh", Silent(), ["test"])
    assert fresh.evaluation["scores"]["accuracy"]["value"] > 0.7
    hub = tmp_path / "hub"
    config = {"vocab_size": 450, "d_model": 32, "d_kv": 16, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    more = {"feed_forward_proj": "gated-gelu", "decoder_start_token_id": 0, "tie_word_embeddings": False}
    transformers.T5ForConditionalGeneration(transformers.T5Config(**config, **more)).save_pretrained(hub)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(fresh.model / name, hub / name)
    document["model"] = {"start": str(hub)}
    result = run_recipe(check_recipe(document, "r"), tmp_path / "out", Silent(), ["test"])
    written = read_json(result.model / "config.json")
    model = penjing.load(result.model)
    tokenizer = model.renderer.tokenizer
    assert (written["eos_token_id"], written["pad_token_id"]) == (tokenizer.end_id, tokenizer.pad_id)
    assert written["decoder_start_token_id"] == 0
    theirs, report = transformers.AutoModelForSequenceClassification.from_pretrained(
        result.model, output_loading_info=True
    )
    assert not any(report.values())
    ours, _ = model.score_texts(["a lovely film"])
    rendered = transformers.AutoTokenizer.from_pretrained(result.model)("a lovely film", return_tensors="pt")
    with torch.no_grad():
        expected = theirs.eval()(rendered["input_ids"], attention_mask=rendered["attention_mask"]).logits
    assert ours == pytest.approx(expected.numpy(), abs=1e-5)
    assert len(model.explain("a lovely film").words) == 3


def test_run_starts_from_a_decoder_of_the_hub_whose_tokenizer_has_an_end_token_alone(
    small_recipe: Any, tmp_path: Path
) -> None:
    document = small_recipe(tmp_path, "lstm")
    hub = tmp_path / "hub"
    backend = tokenizers.Tokenizer(tokenizers.models.BPE())
    backend.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator((tmp_path / "reviews.csv").read_text().splitlines(), trainer)
    config = transformers.Qwen2Config(
        vocab_size=320,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=16,
    )
    transformers.Qwen2ForCausalLM(config).save_pretrained(hub)  # with embeddings to spare, as Qwen's have
    backend.save(str(hub / "tokenizer.json"))
    write_json(hub / "tokenizer_config.json", {"eos_token": "<|endoftext|>"})
    document["model"] = {"start": str(hub)}
    result = run_recipe(check_recipe(document, "r"), tmp_path / "out", Silent(), ["test"])
    assert read_json(result.model / "config.json")["model_type"] == "qwen2"
    assert result.evaluation["scores"]["accuracy"]["value"] > 0.7
    model = penjing.load(result.model)
    ours, _ = model.score_texts(["a lovely film"])
    ids = [row.ids for row in model.renderer.render([{"text": "a lovely film"}])]
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(result.model).eval()
    with torch.no_grad():
        assert ours == pytest.approx(theirs(torch.tensor(ids)).logits.numpy(), abs=1e-5)


def test_shape_is_laid_over_the_positions_of_the_start(tmp_path: Path) -> None:
    transformers.LlamaConfig(vocab_size=300, rope_theta=123.0).save_pretrained(tmp_path)
    values = config_values(recipe({"start": str(tmp_path), "shape": {"rope_theta": 500.0}}), 300, 0, 3)
    assert LLAMA.config_from_dict(values).rotary.theta == 500.0
