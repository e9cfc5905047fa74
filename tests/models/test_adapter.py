from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from penjing.errors import ModelFolderError
from penjing.files import read_json, write_json
from penjing.models.adapter import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    add_adapter,
    add_whole_adapter,
    save_adapter,
)
from penjing.models.interface import Architecture
from penjing.models.lora import LoraShape, adaptable, adapters, choose, inject
from penjing.models.weights import load_weights, save_network
from penjing.registry import load_registered

SHAPE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
FAMILIES: dict[str, dict[str, Any]] = {
    "bert": SHAPE,
    "llama": {**SHAPE, "num_key_value_heads": 1},
    "lstm": {"embedding_size": 8, "hidden_size": 12},
    "t5": {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_heads": 2, "feed_forward_proj": "gated-gelu"},
}
OF_HUB = [family for family in FAMILIES if family != "lstm"]
LORA = LoraShape(3, 12.0)


def build(family: str, folder: Path | None = None) -> tuple[Architecture, Any, nn.Module]:
    """Returns a classifier; its base and a head are written to the folder."""
    architecture: Architecture = load_registered("models", family)
    config = architecture.config_from_dict({**FAMILIES[family], "vocab_size": 30, "pad_token_id": 0, "eos_token_id": 3})
    network = architecture.classifier(config, 2)
    architecture.initialize(network, config, 0)
    if folder is not None:
        document = architecture.config_to_dict(config, head="classifier", labels=["a", "b"])
        save_network(folder, network, document)
    return architecture, config, network.eval()


def adapt(architecture: Architecture, network: nn.Module, shape: LoraShape = LORA) -> None:
    """Gives adapters with numbers, and another head, to a network."""
    backbone = {id(parameter) for parameter in network.backbone.parameters()}
    for parameter in network.parameters():
        parameter.requires_grad_(id(parameter) not in backbone)
    names = [name for name, matrix in adaptable(network).items() if id(matrix) in backbone]
    inject(network, choose(names, architecture.adapted), shape, 0)
    generator = torch.Generator().manual_seed(1)
    for adapter in adapters(network).values():
        nn.init.normal_(adapter.B, std=0.2, generator=generator)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.requires_grad and id(parameter) not in backbone and parameter.ndim == 1:
                parameter.add_(0.5)


def rows() -> tuple[Tensor, Tensor]:
    ids = torch.randint(5, 30, (4, 9), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    ids[:, -1] = 3
    ids[1, 5:], mask[1, 5:], ids[1, 4] = 0, 0, 3
    return ids, mask


def score(network: nn.Module) -> Tensor:
    ids, mask = rows()
    with torch.no_grad():
        logits: Tensor = network(ids, mask.bool())
    return logits


@pytest.mark.parametrize("family", list(FAMILIES))
def test_adapter_written_and_added_to_the_base_gives_the_same_hidden_states(family: str, tmp_path: Path) -> None:
    architecture, config, network = build(family, tmp_path / "base")
    before = score(network)
    adapt(architecture, network)
    is_of_hub = config.is_of_hub("classifier")
    save_adapter(tmp_path / "adapter", network, LORA, head="SEQ_CLS", is_of_hub=is_of_hub)
    _, _, other = build(family)
    load_weights(other, tmp_path / "base")
    add_adapter(other, tmp_path / "adapter")
    assert (score(other) - before).abs().max() > 1e-3
    for name, parameter in network.named_parameters():  # an adapter's head is left, as that of a start is
        if name in dict(other.named_parameters()) and not name.startswith(architecture_backbone(network)):
            with torch.no_grad():
                other.get_parameter(name).copy_(parameter)
    torch.testing.assert_close(score(other), score(network), rtol=1e-5, atol=1e-6)
    stored = read_json(tmp_path / "adapter" / ADAPTER_CONFIG)
    assert stored["peft_type"] == ("LORA" if is_of_hub else "PENJING_LORA")
    assert stored["target_modules"] == list(adapters(network))


@pytest.mark.parametrize("family", list(FAMILIES))
def test_adapter_added_whole_brings_its_classifier(family: str, tmp_path: Path) -> None:
    architecture, _, network = build(family, tmp_path / "base")
    adapt(architecture, network)
    save_adapter(tmp_path / "adapter", network, LORA, head="SEQ_CLS", is_of_hub=family != "lstm")
    _, _, other = build(family)
    load_weights(other, tmp_path / "base")
    add_whole_adapter(other, tmp_path / "adapter")
    torch.testing.assert_close(score(other), score(network), rtol=1e-5, atol=1e-6)


def test_adapter_with_a_head_that_the_network_lacks_is_not_added_whole(tmp_path: Path) -> None:
    architecture, config, network = build("bert")
    adapt(architecture, network)
    save_adapter(tmp_path, network, LORA, head="SEQ_CLS", is_of_hub=True)
    with pytest.raises(ModelFolderError, match=r"a head that this model does not have \(classifier\.bias, "):
        add_whole_adapter(architecture.language_model(config), tmp_path)
    with pytest.raises(ModelFolderError, match=r"classifier\.weight is \[2, 16\] there and \[3, 16\] here"):
        add_whole_adapter(architecture.classifier(config, 3), tmp_path)


def test_embeddings_trained_apart_from_a_head_that_shares_them_are_refused(tmp_path: Path) -> None:
    """PEFT trains a copy of a tied matrix; told to tie the copies, it stores both, with the same numbers."""
    architecture: Architecture = load_registered("models", "llama")
    values = {**FAMILIES["llama"], "vocab_size": 30}
    make = {tied: architecture.config_from_dict({**values, "tie_word_embeddings": tied}) for tied in (True, False)}
    network = architecture.language_model(make[True])
    architecture.initialize(network, make[True], 0)
    network.requires_grad_(False)
    inject(network, ["model.layers.0.self_attn.q_proj"], LORA, 0)
    save_adapter(tmp_path, network, LORA, head="CAUSAL_LM", is_of_hub=True)
    change_config(modules_to_save=["embed_tokens"])(tmp_path)
    copy = torch.full((30, 16), 0.5)
    words, head = "base_model.model.model.embed_tokens.weight", "base_model.model.lm_head.weight"
    change_weights(lambda tensors: tensors.update({words: copy}))(tmp_path)
    with pytest.raises(ModelFolderError, match=r"embed_tokens\.weight was trained as a matrix of its own"):
        add_adapter(architecture.language_model(make[True]), tmp_path)
    apart = architecture.language_model(make[False])
    add_adapter(apart, tmp_path)
    assert torch.equal(apart.model.embed_tokens.weight, copy)
    add_adapter(architecture.classifier(make[True], 2), tmp_path)
    change_config(ensure_weight_tying=True)(tmp_path)
    change_weights(lambda tensors: tensors.update({head: copy.clone()}))(tmp_path)
    together = architecture.language_model(make[True])
    add_adapter(together, tmp_path)
    assert torch.equal(together.lm_head.weight, copy)
    change_weights(lambda tensors: tensors.update({head: copy + 1}))(tmp_path)
    for modules in (["embed_tokens"], None):  # without: PEFT stores both where the vocabulary was made larger
        change_config(modules_to_save=modules)(tmp_path)
        with pytest.raises(ModelFolderError, match="are one matrix in this model, and differ"):
            add_adapter(architecture.language_model(make[True]), tmp_path)


def architecture_backbone(network: nn.Module) -> str:
    return next(f"{name}." for name, module in network.named_modules() if module is network.backbone)


@pytest.mark.parametrize("rank_stabilized", [False, True])
@pytest.mark.parametrize("family", OF_HUB)
def test_peft_reads_our_adapter_and_gives_the_same_logits(family: str, rank_stabilized: bool, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="PEFT is not installed")
    architecture, _, network = build(family, tmp_path / "base")
    shape = LoraShape(3, 12.0, rank_stabilized=rank_stabilized)
    adapt(architecture, network, shape)
    save_adapter(tmp_path / "adapter", network, shape, head="SEQ_CLS", is_of_hub=True)
    base = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "base")
    theirs = peft.PeftModel.from_pretrained(base, str(tmp_path / "adapter")).eval()
    ids, mask = rows()
    with torch.no_grad():
        expected = theirs(input_ids=ids, attention_mask=mask).logits
    torch.testing.assert_close(score(network), expected, rtol=1e-5, atol=1e-5)


def test_peft_reads_our_adapter_of_a_model_that_answers_questions_and_gives_the_same_logits(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="PEFT is not installed")
    architecture: Architecture = load_registered("models", "bert")
    config = architecture.config_from_dict({**FAMILIES["bert"], "vocab_size": 30, "pad_token_id": 0})
    assert architecture.span_scorer is not None
    network = architecture.span_scorer(config)
    architecture.initialize(network, config, 0)
    save_network(tmp_path / "base", network, architecture.config_to_dict(config, head="span"))
    adapt(architecture, network.eval())
    is_of_hub = config.is_of_hub("span")
    save_adapter(tmp_path / "adapter", network, LORA, head="QUESTION_ANS", is_of_hub=is_of_hub)
    assert read_json(tmp_path / "adapter" / ADAPTER_CONFIG)["modules_to_save"] == ["qa_outputs"]
    base = transformers.AutoModelForQuestionAnswering.from_pretrained(tmp_path / "base")
    theirs = peft.PeftModel.from_pretrained(base, str(tmp_path / "adapter")).eval()
    assert type(theirs) is peft.PeftModelForQuestionAnswering
    ids, mask = rows()
    types = (torch.arange(ids.shape[1]) > 3).long().expand_as(ids)
    with torch.no_grad():
        # PEFT's own forward pass takes the segments, and does not hand them on (0.21): the network below it is asked.
        found = theirs.base_model(input_ids=ids, attention_mask=mask, token_type_ids=types)
        own = network(ids, mask.bool(), token_type_ids=types)
    expected = torch.stack([found.start_logits, found.end_logits], dim=-1)
    torch.testing.assert_close(own[mask.bool()], expected[mask.bool()], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("use_rslora", [False, True])
@pytest.mark.parametrize("family", OF_HUB)
def test_adapter_of_peft_is_added_to_the_base_as_peft_merges_it(family: str, use_rslora: bool, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="PEFT is not installed")
    architecture, _, network = build(family, tmp_path / "base")
    base = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "base")
    first, second = architecture.adapted[0], architecture.adapted[-1]
    torch.manual_seed(0)
    config = peft.LoraConfig(
        r=3,
        lora_alpha=5,
        target_modules=[first, second],
        rank_pattern={first: 2},
        alpha_pattern={second: 9},
        use_rslora=use_rslora,
        bias="all",
        init_lora_weights=False,
    )
    theirs = peft.get_peft_model(base, config).eval()
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            if name.endswith("bias"):
                parameter.add_(0.1)
    theirs.save_pretrained(tmp_path / "adapter")
    ids, mask = rows()
    with torch.no_grad():
        expected = theirs(input_ids=ids, attention_mask=mask).logits
    load_weights(network, tmp_path / "base")
    add_adapter(network, tmp_path / "adapter")
    with torch.no_grad():  # a head of theirs is left
        for name, parameter in network.named_parameters():
            if not name.startswith(architecture_backbone(network)):
                parameter.copy_(theirs.base_model.model.get_parameter(name))
    torch.testing.assert_close(score(network), expected, rtol=1e-5, atol=1e-5)


def test_adapter_of_a_language_model_is_added_to_a_classifier_and_to_a_language_model(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="PEFT is not installed")
    architecture: Architecture = load_registered("models", "llama")
    config = architecture.config_from_dict({**FAMILIES["llama"], "vocab_size": 30, "tie_word_embeddings": False})
    language = architecture.language_model(config)
    architecture.initialize(language, config, 0)
    save_network(tmp_path / "base", language, architecture.config_to_dict(config, head="language"))
    torch.manual_seed(0)
    base = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    adapted = ["q_proj", "down_proj", "lm_head"]
    theirs = peft.get_peft_model(
        base, peft.LoraConfig(r=2, target_modules=adapted, task_type="CAUSAL_LM", init_lora_weights=False)
    )
    theirs.save_pretrained(tmp_path / "adapter")
    add_adapter(language, tmp_path / "adapter")
    ids = rows()[0]
    with torch.no_grad():
        torch.testing.assert_close(language(ids), theirs(input_ids=ids).logits, rtol=1e-5, atol=1e-5)
    classifier = architecture.classifier(config, 2)
    architecture.initialize(classifier, config, 0)
    before = classifier.model.layers[0].self_attn.q_proj.weight.detach().clone()
    add_adapter(classifier, tmp_path / "adapter")
    after = classifier.model.layers[0].self_attn.q_proj.weight
    assert not torch.equal(before, after)
    assert torch.equal(after, language.model.layers[0].self_attn.q_proj.weight)


def test_adapter_whose_matrix_the_embeddings_share_is_refused(tmp_path: Path) -> None:
    architecture: Architecture = load_registered("models", "llama")
    config = architecture.config_from_dict({**FAMILIES["llama"], "vocab_size": 30, "tie_word_embeddings": True})
    network = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    network.requires_grad_(False)
    inject(network, ["model.layers.0.self_attn.q_proj", "lm_head"], LORA, 0)
    save_adapter(tmp_path, network, LORA, head="CAUSAL_LM", is_of_hub=True)
    with pytest.raises(ModelFolderError, match="lm_head shares its matrix with the embeddings"):
        add_adapter(architecture.language_model(config), tmp_path)


def test_peft_refuses_an_adapter_of_a_network_that_the_hub_does_not_have(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="PEFT is not installed")
    architecture, _, network = build("bert", tmp_path / "base")
    adapt(architecture, network)
    save_adapter(tmp_path / "adapter", network, LORA, head="SEQ_CLS", is_of_hub=False)
    base = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "base")
    with pytest.raises((KeyError, ValueError), match="PENJING_LORA"):
        peft.PeftModel.from_pretrained(base, str(tmp_path / "adapter"))


def change_config(**values: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        write_json(folder / ADAPTER_CONFIG, {**read_json(folder / ADAPTER_CONFIG), **values})

    return change


def change_weights(change: Callable[[dict[str, Tensor]], None]) -> Callable[[Path], None]:
    def rewrite(folder: Path) -> None:
        tensors = load_file(folder / ADAPTER_WEIGHTS)
        change(tensors)
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / ADAPTER_WEIGHTS)

    return rewrite


QUERY = "base_model.model.bert.encoder.layer.1.attention.self.query"
DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no config": (lambda folder: (folder / ADAPTER_CONFIG).unlink(), "there is no adapter_config.json"),
    "no json": (lambda folder: (folder / ADAPTER_CONFIG).write_text("{"), "this is not JSON"),
    "another kind": (change_config(peft_type="IA3"), "peft_type is 'IA3', and LORA alone is read here"),
    "a list": (lambda folder: write_json(folder / ADAPTER_CONFIG, []), "peft_type is None"),
    "dora": (change_config(use_dora=True), "use_dora is True, which is not computed here"),
    "changed base": (change_config(init_lora_weights="pissa"), "init_lora_weights is 'pissa'"),
    "no alpha": (change_config(lora_alpha="x"), "lora_alpha is no number"),
    "no weights": (lambda folder: (folder / ADAPTER_WEIGHTS).unlink(), "adapter_model.safetensors is missing"),
    "a pickle": (
        lambda folder: (folder / ADAPTER_WEIGHTS).rename(folder / "adapter_model.bin"),
        "the weights are in adapter_model.bin, and a pickle is never opened",
    ),
    "cut off": (
        lambda folder: (folder / ADAPTER_WEIGHTS).write_bytes((folder / ADAPTER_WEIGHTS).read_bytes()[:100]),
        "cut off or not safetensors",
    ),
    "half a pair": (
        change_weights(lambda tensors: tensors.pop(f"{QUERY}.lora_B.weight")),  # type: ignore[arg-type, return-value]
        "query has not two matrices",
    ),
    "another width": (
        change_weights(lambda tensors: tensors.update({f"{QUERY}.lora_A.weight": torch.zeros(3, 17)})),
        r"query is \[16, 17\] there and \[16, 16\] here",
    ),
    "another layer": (
        change_weights(
            lambda tensors: tensors.update(
                {
                    QUERY.replace("1", "7") + ".lora_A.weight": torch.zeros(3, 16),
                    QUERY.replace("1", "7") + ".lora_B.weight": torch.zeros(16, 3),
                }
            )
        ),
        r"1 without a place in it \(bert.encoder.layer.7.attention.self.query\)",
    ),
    "more than a pair": (
        change_weights(lambda tensors: tensors.update({f"{QUERY}.lora_magnitude_vector": torch.zeros(16)})),
        "without a place in it .*lora_magnitude_vector",
    ),
    "whole numbers": (
        change_weights(lambda tensors: tensors.update({f"{QUERY}.lora_A.weight": torch.zeros(3, 16).long()})),
        "lora_A.weight is stored as I64",
    ),
    "no number": (
        change_weights(lambda tensors: tensors[f"{QUERY}.lora_A.weight"].fill_(float("nan"))),  # type: ignore[arg-type, return-value]
        "lora_A.weight holds something that is not a number",
    ),
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_a_damaged_or_foreign_adapter_is_refused_and_nothing_is_changed(damage: str, tmp_path: Path) -> None:
    architecture, _, network = build("bert")
    adapt(architecture, network)
    save_adapter(tmp_path, network, LORA, head="SEQ_CLS", is_of_hub=True)
    work, message = DAMAGES[damage]
    work(tmp_path)
    _, _, other = build("bert")
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    with pytest.raises(ModelFolderError, match=message):
        add_adapter(other, tmp_path)
    assert all(torch.equal(tensor, before[name]) for name, tensor in other.state_dict().items())


def test_an_adapter_that_belongs_to_another_family_is_refused(tmp_path: Path) -> None:
    architecture, _, network = build("llama")
    adapt(architecture, network)
    save_adapter(tmp_path, network, LORA, head="SEQ_CLS", is_of_hub=True)
    with pytest.raises(ModelFolderError, match="does not fit the network"):
        add_adapter(build("bert")[2], tmp_path)
