"""Folders for Transformers and vLLM, and adapters merged into models."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from penjing.errors import GateError, ModelFolderError, UsageError
from penjing.files import read_json, write_json
from penjing.models.adapter import save_adapter
from penjing.models.lora import LoraShape, adaptable, adapters, choose, inject
from penjing.pipeline.exporting.exporting import ExportCall, Exported, export_model
from penjing.pipeline.exporting.importing import ImportCall, import_model
from penjing.pipeline.exporting.source import Source, open_source
from penjing.pipeline.exporting.transformers_folder import TransformersExporter
from penjing.progress import Progress, Silent
from penjing.text.chat_template import DEFAULT_TEMPLATE, write_chat_template

pytest.importorskip("transformers", reason="Transformers is not installed")
Export = Callable[..., Exported]


@pytest.mark.parametrize("target", ["transformers", "vllm"])
def test_decoder_is_the_same_in_transformers(target: str, small_decoder: Callable[..., Path], export: Export) -> None:
    parity = export(small_decoder(), target).parity
    assert parity["tokens"]["equal"] == 1000
    assert parity["scores"]["relative_difference"] < 1e-3
    assert any("vLLM itself was not run" in note for note in parity["notes"]) == (target == "vllm")


def test_exported_folder_has_the_chat_template_of_its_file_in_both_places(
    small_decoder: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "talker"
    shutil.copytree(small_decoder(), folder)
    write_chat_template(folder, DEFAULT_TEMPLATE)
    config = read_json(folder / "tokenizer_config.json")
    write_json(folder / "tokenizer_config.json", {**config, "chat_template": "an older one"})
    export_model(open_source(folder), ExportCall("vllm", tmp_path / "out", "as-is"), Silent())
    assert read_json(tmp_path / "out" / "tokenizer_config.json")["chat_template"] == DEFAULT_TEMPLATE
    assert (tmp_path / "out" / "chat_template.jinja").read_text(encoding="utf-8") == DEFAULT_TEMPLATE


def test_classifier_is_the_same_in_transformers(small_bert_run: Any, export: Export) -> None:
    data = Path(small_bert_run.model).parent.parent / "reviews.csv"
    parity = export(small_bert_run.model, "transformers", data=data).parity
    assert parity["task"]["before"] == parity["task"]["after"]


def test_encoder_decoder_reads_the_same_in_transformers(pair_run_of: Callable[[str], Any], export: Export) -> None:
    assert export(pair_run_of("t5").model, "transformers").parity["proved"]


class Spoiling(TransformersExporter):
    """Writes a folder in which one matrix is a little wrong."""

    def __init__(self, name: str) -> None:
        self._name = name

    def write(self, source: Source, precision: str, folder: Path, progress: Progress) -> None:
        super().write(source, precision, folder, progress)
        tensors = load_file(folder / "model.safetensors")
        tensors[self._name] *= 1.3
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    "name",
    [
        "encoder.block.0.layer.0.SelfAttention.v.weight",
        "decoder.block.0.layer.0.SelfAttention.q.weight",
        "decoder.block.0.layer.1.EncDecAttention.o.weight",
        "decoder.block.0.layer.2.DenseReluDense.wo.weight",
        "lm_head.weight",
    ],
)
def test_encoder_decoder_with_a_wrong_matrix_is_not_exported(
    name: str, pair_run_of: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penjing.pipeline.exporting.exporting.load_registered", lambda *_: Spoiling(name))
    with pytest.raises(GateError, match="the export is not equal to the model") as caught:
        export_model(open_source(pair_run_of("t5").model), ExportCall("transformers", tmp_path / "out"), Silent())
    assert caught.value.exit_code == 3
    assert not list(tmp_path.iterdir())


def test_network_that_the_hub_lacks_is_refused(small_run: Any, export: Export) -> None:
    with pytest.raises(UsageError, match="is none of the hub's"):
        export(small_run.model, "transformers")


def test_classifier_is_no_model_for_vllm(small_bert_run: Any, export: Export) -> None:
    with pytest.raises(UsageError, match="no language model of the families"):
        export(small_bert_run.model, "vllm")


@pytest.fixture
def adapter(small_decoder: Callable[..., Path], tmp_path: Path) -> Path:
    """A folder with an adapter of the small decoder, whose products are far from zero."""
    source, shape = open_source(small_decoder()), LoraShape(rank=4, alpha=8.0)
    network = source.load(source.folder).requires_grad_(False)
    inject(network, choose(adaptable(network), source.architecture.adapted), shape, 0)
    for pair in adapters(network).values():
        torch.nn.init.normal_(pair.B, std=0.1, generator=torch.Generator().manual_seed(1))
    folder = tmp_path / "adapter"
    save_adapter(folder, network, shape, head="CAUSAL_LM", is_of_hub=True)
    return folder


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_merged_adapter_computes_what_it_did_beside_the_model(
    precision: str, adapter: Path, small_decoder: Callable[..., Path], tmp_path: Path
) -> None:
    source = open_source(small_decoder(), adapter)
    call = ExportCall("merged", tmp_path / "merged", precision)
    parity = export_model(source, call, Silent()).parity
    assert parity["proved"]
    bare, merged = (open_source(folder).network.state_dict() for folder in (small_decoder(), tmp_path / "merged"))
    name = "model.layers.0.self_attn.q_proj.weight"
    assert not torch.allclose(bare[name], merged[name], atol=1e-2)


def test_merged_adapter_of_a_classifier_brings_its_classifier(small_bert_run: Any, tmp_path: Path) -> None:
    source, shape = open_source(small_bert_run.model), LoraShape(rank=2, alpha=4.0)
    network = source.load(source.folder).requires_grad_(False)
    inject(network, choose(adaptable(network), ("query",)), shape, 0)
    head = network.get_submodule("classifier").requires_grad_(True)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(0.3)
    save_adapter(tmp_path / "adapter", network, shape, head="SEQ_CLS", is_of_hub=True)
    adapted = open_source(small_bert_run.model, tmp_path / "adapter")
    assert export_model(adapted, ExportCall("merged", tmp_path / "merged"), Silent()).parity["proved"]
    merged = open_source(tmp_path / "merged").network
    assert torch.equal(merged.get_parameter("classifier.weight"), network.get_parameter("classifier.weight"))


def test_adapter_of_a_head_is_merged(small_decoder: Callable[..., Path], tmp_path: Path) -> None:
    source, shape = open_source(small_decoder(tie_word_embeddings=False)), LoraShape(rank=2, alpha=4.0)
    network = source.load(source.folder).requires_grad_(False)
    inject(network, ["model.layers.0.self_attn.q_proj", "lm_head"], shape, 0)
    torch.nn.init.normal_(adapters(network)["lm_head"].B, std=0.1, generator=torch.Generator().manual_seed(1))
    save_adapter(tmp_path / "adapter", network, shape, head="CAUSAL_LM", is_of_hub=True)
    adapted = open_source(source.folder, tmp_path / "adapter")
    assert export_model(adapted, ExportCall("merged", tmp_path / "merged"), Silent()).parity["proved"]


def test_adapter_beside_a_gguf_file_is_imported_as_an_adapter(
    adapter: Path, small_decoder: Callable[..., Path], tmp_path: Path
) -> None:
    (adapter / "adapter.gguf").write_bytes(b"GGUF")
    made = import_model(ImportCall(str(adapter), tmp_path / "made", small_decoder()), Silent())
    assert made.parity["proved"]


def test_merging_asks_for_an_adapter_that_fits(
    adapter: Path, small_decoder: Callable[..., Path], export: Export, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="no adapter is given"):
        export(small_decoder(), "merged")
    other = open_source(small_decoder(hidden_size=32), adapter)
    with pytest.raises(ModelFolderError, match="does not fit the network"):
        export_model(other, ExportCall("merged", tmp_path / "merged"), Silent())
    assert [file.name for file in tmp_path.iterdir()] == ["adapter"]


def test_only_merging_takes_an_adapter(adapter: Path, small_decoder: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="int8 takes no adapter"):
        export_model(open_source(small_decoder(), adapter), ExportCall("int8", tmp_path / "x"), Silent())
