"""What all exports have in common: nothing half-made, nothing overwritten, a gate that holds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from safetensors.torch import load_file, save_file

import penjing
from penjing.errors import GateError, ModelFolderError, UsageError
from penjing.inference.generation import load_generator
from penjing.inference.sampling import SamplingSettings
from penjing.models.quantized import QuantizedLinear
from penjing.pipeline.exporting.exporting import ExportCall, Exported, export_model
from penjing.pipeline.exporting.parity import Bounds, compare_scores
from penjing.pipeline.exporting.proving import compare_task
from penjing.pipeline.exporting.quantized import INT8, QuantizedExporter
from penjing.pipeline.exporting.source import Source, open_source
from penjing.pipeline.exporting.texts import varied_texts
from penjing.progress import Silent

Export = Callable[..., Exported]


def test_texts_are_a_thousand_the_same_ones_and_utf8() -> None:
    texts = varied_texts()
    assert len(texts) == 1000
    assert texts == varied_texts()
    assert len(set(texts)) > 900
    assert all(text.encode("utf-8").decode("utf-8") == text for text in texts)
    assert any("中" in text for text in texts)
    assert any("😀" in text for text in texts)
    assert any("\x00" in text for text in texts)


@pytest.mark.parametrize("bits", ["int8", "int4"])
def test_quantized_folder_is_read_with_no_flag(
    bits: str, small_decoder: Callable[..., Path], export: Export, read_parity: Callable[[Path], dict[str, Any]]
) -> None:
    exported = export(small_decoder(), bits)
    generator = load_generator(exported.destination)
    linears = [m for m in generator._network.modules() if isinstance(m, QuantizedLinear)]  # type: ignore[attr-defined]
    assert len(linears) == 2 * 7 + 1
    settings = SamplingSettings(max_tokens=4, temperature=0.0)
    assert generator.generate("a lovely", settings).tokens >= 0
    parity = read_parity(exported.destination)
    assert parity["scores"]["largest_difference"] == 0.0
    assert parity["loss"]["mean_divergence"] > 0


def test_int4_loses_more_than_int8(small_decoder: Callable[..., Path], export: Export) -> None:
    less, more = (export(small_decoder(), bits, bits).parity["loss"] for bits in ("int8", "int4"))
    assert less["mean_divergence"] * 10 < more["mean_divergence"]


def test_quantized_classifier_keeps_its_score_and_says_so(small_bert_run: Any, export: Export) -> None:
    data = Path(small_bert_run.model).parent.parent / "reviews.csv"
    exported = export(small_bert_run.model, "int8", data=data)
    task = exported.parity["task"]
    assert task["before"]["rows"] == 120
    assert abs(task["before"]["accuracy"] - task["after"]["accuracy"]) < 0.05
    model = penjing.load(exported.destination)
    assert model.card["quantization"]["bits"] == "int8"
    assert model.card["quantization"]["task"] == task
    assert model.predict(["a lovely film"])[0].label in model.labels


class Contrary(QuantizedExporter):
    """Says the opposite of what the model says."""

    def _quantize(self, source: Source) -> torch.nn.Module:
        network: Any = super()._quantize(source)
        with torch.no_grad():
            for parameter in network.classifier.parameters():
                parameter.neg_()
            for name, codes in network.classifier.named_buffers():
                if name.endswith("scales"):
                    codes.neg_()
        return cast("torch.nn.Module", network)


def test_an_export_that_does_its_task_worse_leaves_nothing(
    small_bert_run: Any, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Path(small_bert_run.model).parent.parent / "reviews.csv"
    contrary = Contrary("int8", 1e9, 0.02)
    monkeypatch.setattr("penjing.pipeline.exporting.exporting.load_registered", lambda *_: contrary)
    with pytest.raises(GateError, match=r"accuracy is .* worse than before, and 0\.02 is allowed"):
        export(small_bert_run.model, "int8", data=data)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("before", "after", "allowed", "is_fine"),
    [
        ({"accuracy": 0.9, "rows": 500}, {"accuracy": 0.895, "rows": 500}, 0.005, True),
        ({"accuracy": 0.9, "rows": 500}, {"accuracy": 0.892, "rows": 500}, 0.005, False),
        ({"accuracy": 0.9, "rows": 10}, {"accuracy": 0.8, "rows": 10}, 0.005, True),  # one row
        ({"micro_f1": 0.5, "rows": 500}, {"micro_f1": 0.6, "rows": 500}, 0.0, True),  # better
        ({"bits_per_byte": 2.0, "texts": 3}, {"bits_per_byte": 2.009, "texts": 3}, 0.005, True),
        ({"bits_per_byte": 2.0, "texts": 3}, {"bits_per_byte": 2.011, "texts": 3}, 0.005, False),
        ({"bits_per_byte": 2.0, "texts": 3}, {"bits_per_byte": float("nan"), "texts": 3}, 0.005, False),
    ],
)
def test_how_much_worse_a_task_may_be(
    before: dict[str, float], after: dict[str, float], allowed: float, is_fine: bool
) -> None:
    told, faults = compare_task(before, after, allowed)
    assert (not faults) is is_fine
    assert (told["before"], told["after"]) == (before, after)


def test_other_tools_refuse_a_quantized_folder(small_decoder: Callable[..., Path], export: Export) -> None:
    transformers = pytest.importorskip("transformers")
    folder = export(small_decoder(), "int8").destination
    with pytest.raises(ValueError, match="penjing_llama"):
        transformers.AutoModelForCausalLM.from_pretrained(folder)


def test_a_model_that_lost_too_much_leaves_nothing(small_decoder: Callable[..., Path], tmp_path: Path) -> None:
    strict = QuantizedExporter("int4", 1e-9, 1.0)
    source, call = open_source(small_decoder()), ExportCall("int4", tmp_path / "out")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("penjing.pipeline.exporting.exporting.load_registered", lambda kind, name: strict)
        with pytest.raises(GateError, match=r"the mean divergence is .* is allowed") as caught:
            export_model(source, call, Silent())
    assert caught.value.exit_code == 3
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["pairs", "answers"])
def test_what_writes_or_answers_is_held_to_a_bound_of_quality(
    kind: str,
    pair_run_of: Callable[[str], Any],
    question_run: Any,
    export: Export,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = pair_run_of("t5").model if kind == "pairs" else question_run.model
    loss = export(model, "int8").parity["loss"]
    assert 0 < loss["mean_divergence"] <= loss["bounds"]["divergence"]
    strict = QuantizedExporter("int8", loss["mean_divergence"] / 2, 1.0)
    monkeypatch.setattr("penjing.pipeline.exporting.exporting.load_registered", lambda *_: strict)
    with pytest.raises(GateError, match=r"the mean divergence is .* is allowed"):
        export(model, "int8", "worse")
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


class Shifting(QuantizedExporter):
    """Says of every label that it applies rather more."""

    def _quantize(self, source: Source) -> torch.nn.Module:
        network: Any = super()._quantize(source)
        with torch.no_grad():
            network.classifier.bias += 1.0
        return cast("torch.nn.Module", network)


def test_labels_that_are_asked_one_by_one_are_bounded_one_by_one(
    label_kind_run: Callable[[str], Any], export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penjing.pipeline.exporting.exporting.load_registered", lambda *_: Shifting("int8", 1e-2, 0.02))
    with pytest.raises(GateError, match=r"the mean divergence is .* is allowed"):
        export(label_kind_run("multilabel").model, "int8")


def test_nothing_is_overwritten(small_decoder: Callable[..., Path], export: Export, tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    with pytest.raises(UsageError, match="there is something already"):
        export(small_decoder(), "int8")


def test_unknown_targets_and_types_are_refused(small_decoder: Callable[..., Path], export: Export) -> None:
    with pytest.raises(UsageError, match=r'"ggfu" is not one of the exporters. Did you mean "gguf"'):
        export(small_decoder(), "ggfu")
    with pytest.raises(UsageError, match='int8 has no type "q8"'):
        export(small_decoder(), "int8", precision="q8")


def test_quantized_folder_is_not_quantized_again_nor_learned_from(
    small_decoder: Callable[..., Path], export: Export
) -> None:
    from penjing.models.weights import load_backbone

    folder = export(small_decoder(), "int8").destination
    with pytest.raises(UsageError, match="quantized already"):
        export(folder, "int4", "again")
    source = open_source(folder)
    with pytest.raises(ModelFolderError, match="learning goes on from whole ones"):
        load_backbone(source.blank(), folder)


def test_damaged_codes_are_an_error_that_names_them(
    small_decoder: Callable[..., Path], export: Export, tmp_path: Path
) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(export(small_decoder(), "int8").destination, folder)
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.0.mlp.up_proj.scales"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelFolderError, match=r"1 missing \(model.layers.0.mlp.up_proj.scales\)"):
        load_generator(folder)


def test_scores_that_are_no_numbers_break_every_bound() -> None:
    ours = [torch.randn(4, 9).numpy()]
    theirs = [ours[0].copy()]
    theirs[0][1, 2] = float("nan")
    found = compare_scores(ours, theirs, is_distribution=True)
    assert len(found.faults(Bounds(1.0, 1.0, 0.1), "here")) == 2


def test_an_lstm_is_not_quantized(small_run: Any, export: Export) -> None:
    with pytest.raises(UsageError, match="an LSTM takes its matrices whole"):
        export(small_run.model, "int8")


def test_int8_is_registered() -> None:
    from penjing.registry import load_registered, registered_names

    assert load_registered("exporters", "int8") is INT8
    assert {"gguf", "int8", "int4"} <= set(registered_names("exporters"))
