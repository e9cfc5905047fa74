"""Models from elsewhere become folders that are the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from penjing.errors import DataError, UsageError
from penjing.files import read_json
from penjing.inference.generation import load_generator
from penjing.pipeline.exporting.exporting import Exported
from penjing.pipeline.exporting.importing import ImportCall, import_model
from penjing.pipeline.exporting.source import open_source
from penjing.pipeline.exporting.texts import varied_texts
from penjing.progress import Silent
from penjing.text.chat_template import DEFAULT_TEMPLATE, MARKS, write_chat_template

pytest.importorskip("gguf", reason="the package gguf is not installed")
Export = Callable[..., Exported]


@pytest.mark.parametrize(
    ("family", "more", "precision"),
    [("llama", {}, "f32"), ("llama", {}, "q4_0"), ("qwen3", {"tie_word_embeddings": True}, "bf16")],
)
def test_gguf_comes_back_as_the_model_it_was(
    family: str,
    more: dict[str, Any],
    precision: str,
    small_decoder: Callable[..., Path],
    export: Export,
    tmp_path: Path,
) -> None:
    pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed: it takes minutes to build")
    folder = tmp_path / "chat"
    shutil.copytree(small_decoder(family, reserved=4, **more), folder)
    open_source(folder).tokenizer.name_reserved(MARKS).save(folder)
    write_chat_template(folder, DEFAULT_TEMPLATE)
    export(folder, "gguf", "x.gguf", precision=precision)
    parity = import_model(ImportCall(str(tmp_path / "x.gguf"), tmp_path / "back"), Silent()).parity
    assert parity["tokens"]["equal"] == 1000
    before, after = open_source(folder), open_source(tmp_path / "back")
    assert before.architecture is after.architecture
    assert before.render(varied_texts()) == after.render(varied_texts())
    assert "generation" not in (tmp_path / "back" / "chat_template.jinja").read_text(encoding="utf-8").split("add_")[0]
    if precision == "f32":
        pairs = zip(before.network.state_dict().values(), after.network.state_dict().values(), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)
    load_generator(tmp_path / "back")


def test_folder_of_the_hub_is_taken_in_with_its_proof(small_decoder: Callable[..., Path], tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    made = import_model(ImportCall(str(small_decoder()), tmp_path / "model"), Silent())
    assert made.parity["proved"]
    load_generator(made.destination)


def test_classifier_of_two_labels_without_names_of_their_own_is_taken_in(small_bert_run: Any, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(small_bert_run.model)
    model.config.id2label, model.config.label2id = {0: "LABEL_0", 1: "LABEL_1"}, {"LABEL_0": 0, "LABEL_1": 1}
    model.save_pretrained(tmp_path / "hub")
    assert "id2label" not in read_json(tmp_path / "hub" / "config.json")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(small_bert_run.model / name, tmp_path / "hub" / name)
    made = import_model(ImportCall(str(tmp_path / "hub"), tmp_path / "model"), Silent())
    assert made.parity["proved"]
    assert open_source(made.destination).labels == ["LABEL_0", "LABEL_1"]


def test_file_that_is_cut_off_is_an_error(small_decoder: Callable[..., Path], export: Export, tmp_path: Path) -> None:
    export(small_decoder(), "gguf", "x.gguf", unproved=True)
    whole = (tmp_path / "x.gguf").read_bytes()
    for number, size in enumerate((3, 40, 5000, len(whole) - 1000)):
        (tmp_path / f"{number}.gguf").write_bytes(whole[:size])
        with pytest.raises(DataError, match="cut off or no GGUF"):
            import_model(ImportCall(str(tmp_path / f"{number}.gguf"), tmp_path / "model"), Silent())
    assert not (tmp_path / "model").exists()


def test_folder_that_an_export_wrote_is_taken_for_the_file_in_it(
    small_decoder: Callable[..., Path], export: Export, tmp_path: Path
) -> None:
    export(small_decoder(), "gguf", "written", unproved=True)
    (file,) = (tmp_path / "written").glob("*.gguf")
    made = import_model(ImportCall(str(tmp_path / "written"), tmp_path / "model", unproved=True), Silent())
    assert made.parity["source"] == file.name
    load_generator(made.destination)
    (tmp_path / "written" / "other.gguf").write_bytes(file.read_bytes())
    with pytest.raises(UsageError, match=rf"2 GGUF files in it: other.gguf, {file.name}. Name one"):
        import_model(ImportCall(str(tmp_path / "written"), tmp_path / "again", unproved=True), Silent())


@pytest.mark.parametrize("address", ["hf://", "hf://owner", "hf://owner/name/file", "hf://../name"])
def test_malformed_address_of_the_hub_is_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no address of a model"):
        import_model(ImportCall(address, tmp_path / "model"), Silent())


def test_what_is_not_there_or_not_whole_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        import_model(ImportCall(str(tmp_path / "none"), tmp_path / "model"), Silent())
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="empty: there is no model in this folder"):
        import_model(ImportCall(str(tmp_path / "empty"), tmp_path / "model"), Silent())
    with pytest.raises(UsageError, match="--base is for adapters"):
        import_model(ImportCall(str(tmp_path / "empty"), tmp_path / "model", tmp_path / "empty"), Silent())
