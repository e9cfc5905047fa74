"""An engine of a model folder."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from penjing.errors import ModelFolderError, UsageError
from penjing.inference.decoding import loading
from penjing.inference.decoding.collecting import write_all
from penjing.inference.decoding.interface import EngineLimits
from penjing.inference.decoding.loading import EngineSettings, Served, load_engine
from penjing.inference.decoding.request import DecodeRequest
from penjing.inference.decoding.torch_stepper import TorchStepper
from penjing.inference.generation import TextGenerator, open_writing_model
from penjing.inference.native.decoder import NativeDecoder
from penjing.inference.native.packing import Weights
from penjing.inference.sampling import SamplingSettings
from penjing.models.native.compiling import CannotCompileError

GREEDY = SamplingSettings(20, 0.0)
Starts = Callable[[str], Path]


def write(folder: Path, **settings: Any) -> tuple[str, Served]:
    """Returns what a model writes after a word."""
    served = load_engine(folder, EngineSettings(**{"threads": 1, "cache_mb": 1, **settings}))
    prompt = (*served.tokenizer.prompt_start, *served.tokenizer.encode(["eins"])[0])
    (ids,) = write_all(served.engine, [DecodeRequest(tuple(prompt), GREEDY, served.end_ids)])
    served.engine.close()
    return served.tokenizer.decode(ids), served


def test_engine_continues_as_the_generator_does(writing_start: Starts) -> None:
    folder = writing_start("llama")
    expected = TextGenerator(*open_writing_model(folder)).generate("eins", GREEDY).text
    assert write(folder, weights="fp32")[0] == expected
    assert write(folder, weights="fp32", kernels="torch")[0] == expected
    assert write(folder, weights="fp32", draft="lookup")[0] == expected
    assert write(folder, weights="fp32", draft=folder)[0] == expected


@pytest.mark.parametrize("weights", get_args(Weights))
def test_every_kind_of_weights_is_served(writing_start: Starts, weights: Weights) -> None:
    text, served = write(writing_start("llama"), weights=weights)
    assert served.kernels == "native"
    assert isinstance(text, str)


def test_without_a_compiler_pytorch_computes_and_the_reason_is_told(
    writing_start: Starts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected, _ = write(writing_start("llama"), weights="fp32")
    assert not caplog.messages
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # nothing was compiled there
    text, served = write(writing_start("llama"), weights="fp32")
    assert text == expected
    assert served.kernels.startswith("torch (there is no C++ compiler")
    (said,) = caplog.messages
    assert "computed by torch (there is no C++ compiler" in said
    assert "weights are held" not in said
    write(writing_start("llama"), weights="int4")
    assert "its weights are held in bf16, not in int4" in caplog.messages[1]
    with pytest.raises(CannotCompileError):
        write(writing_start("llama"), kernels="native")


@pytest.mark.parametrize("bits", ["int8", "int4"])
@pytest.mark.parametrize("weights", ["fp32", "bf16"])
def test_folder_of_quantized_matrices_is_served_by_pytorch(
    writing_start: Starts, tmp_path: Path, bits: str, weights: Weights
) -> None:
    """A head of its own is quantized too, and what PyTorch serves in bf16 is cast."""
    from penjing.models.llama import LLAMA
    from penjing.models.weights import read_config, save_network
    from penjing.pipeline.exporting.exporting import ExportCall, export_model
    from penjing.pipeline.exporting.source import open_source
    from penjing.progress import Silent

    tied, folder = writing_start("llama"), tmp_path / "untied"
    config = LLAMA.config_from_dict({**read_config(tied), "tie_word_embeddings": False})
    network = LLAMA.language_model(config)
    LLAMA.initialize(network, config, 0)
    shutil.copytree(tied, folder)
    save_network(folder, network, LLAMA.config_to_dict(config, head="language"))
    export_model(open_source(folder), ExportCall(bits, tmp_path / bits), Silent())
    text, served = write(tmp_path / bits, weights=weights, kernels="torch")
    assert served.kernels == "torch"
    assert isinstance(text, str)


def test_without_a_place_for_what_is_compiled_pytorch_computes_and_the_reason_is_told(
    writing_start: Starts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (file := tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    monkeypatch.setattr(tempfile, "tempdir", str(file))
    _, served = write(writing_start("llama"), weights="fp32")
    assert served.kernels.startswith("torch (there is no place for the fast arithmetic")
    assert "computed by torch (there is no place for the fast arithmetic" in caplog.messages[-1]


def test_model_that_is_no_decoder_is_refused(writing_start: Starts) -> None:
    with pytest.raises(ModelFolderError, match="Llama family"):
        load_engine(writing_start("t5"))


def test_drafting_model_of_another_vocabulary_is_refused(writing_start: Starts, tmp_path: Path) -> None:
    from penjing.models.llama import LLAMA
    from penjing.models.weights import save_network

    folder = writing_start("llama")
    tokenizer = open_writing_model(folder).tokenizer
    config = LLAMA.config_from_dict({**LLAMA.fresh_shape, "vocab_size": tokenizer.vocab_size + 16})
    save_network(tmp_path, LLAMA.language_model(config), LLAMA.config_to_dict(config, head="language"))
    tokenizer.save(tmp_path)
    with pytest.raises(UsageError, match="same tokenizer"):
        load_engine(folder, EngineSettings(threads=1, cache_mb=1, draft=tmp_path))


def test_drafting_model_that_has_as_many_tokens_and_others_is_refused(writing_start: Starts, tmp_path: Path) -> None:
    folder, other = writing_start("llama"), tmp_path / "other"
    shutil.copytree(folder, other)
    swap_tokens(other)
    with pytest.raises(UsageError, match=r'other tokens: number \d+ is ".+", and ".+" here'):
        load_engine(folder, EngineSettings(threads=1, cache_mb=1, draft=other))


def test_what_was_loaded_before_a_draft_is_refused_is_let_go(
    writing_start: Starts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, closed = list[Any](), list[Any]()
    make = loading._make_stepper
    monkeypatch.setattr(loading, "_make_stepper", lambda *given: (made.append(found := make(*given)), found)[1])
    for kind in (NativeDecoder, TorchStepper):
        close = kind.close
        monkeypatch.setattr(kind, "close", lambda self, close=close: (closed.append(self), close(self)))
    folder, other = writing_start("llama"), tmp_path / "other"
    shutil.copytree(folder, other)
    swap_tokens(other)
    with pytest.raises(UsageError, match="other tokens"):
        load_engine(folder, EngineSettings(threads=1, cache_mb=1, draft=other))
    assert len(made) == 2, "the model and its draft"
    assert all(stepper in closed for stepper, _ in made)


def swap_tokens(folder: Path) -> None:
    """Gives two tokens of a tokenizer the ids of one another."""
    path = folder / "tokenizer.json"
    rules = json.loads(path.read_text(encoding="utf-8"))
    vocabulary = rules["model"]["vocab"]
    first, second = list(vocabulary)[-2:]
    vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]
    path.write_text(json.dumps(rules), encoding="utf-8")


def test_room_for_one_text_of_full_length_there_is_always(writing_start: Starts) -> None:
    settings = EngineSettings(threads=1, cache_mb=0, limits=EngineLimits(texts=3))
    served = load_engine(writing_start("llama"), settings)
    assert served.engine.longest_row == 64
    served.engine.close()
