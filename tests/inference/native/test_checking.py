"""The compiled decoder is held against PyTorch before it serves."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
import torch

from penjing.inference.decoding import loading
from penjing.inference.decoding.loading import EngineSettings, load_engine
from penjing.inference.native import checking, decoder
from penjing.inference.native.checking import check_decoder, held_in
from penjing.inference.native.packing import Weights
from penjing.models.native import compiling
from penjing.models.native.compiling import CannotCompileError


@pytest.mark.parametrize("weights", get_args(Weights))
def test_this_library_is_right_and_chance_is_left_alone(weights: Weights) -> None:
    check_decoder.cache_clear()
    torch.manual_seed(3)
    before = torch.get_rng_state()
    check_decoder(weights)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.fixture
def wrong_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that multiplies the first four of eight weights of four bits twice."""
    own = decoder._SOURCE.parent
    sources = tmp_path / "sources"
    shutil.copytree(own, sources)
    for header in compiling._SHARED.glob("*.h"):
        shutil.copy(header, sources)
    dots = sources / "dots.h"
    text = dots.read_text(encoding="utf-8")
    assert "as<u16>(both) >> 4" in text
    dots.write_text(text.replace("as<u16>(both) >> 4", "as<u16>(both) >> 0"), encoding="utf-8")
    monkeypatch.setattr(decoder, "_SOURCE", sources / "decoder.cpp")
    monkeypatch.setattr(compiling, "_SHARED", sources)
    monkeypatch.setattr(compiling, "_FLAGS", (*(flag for flag in compiling._FLAGS if flag != "-O3"), "-O1"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    check_decoder.cache_clear()


def test_wrong_library_serves_nothing(wrong_library: None, writing_start: Callable[[str], Path]) -> None:
    check_decoder("int8")  # knows nothing of it
    with pytest.raises(CannotCompileError, match="computes wrongly on this processor: in int4"):
        check_decoder("int4")
    served = load_engine(writing_start("llama"), EngineSettings(weights="int4", threads=1, cache_mb=1))
    served.engine.close()
    assert served.kernels.startswith("torch (the compiled arithmetic computes wrongly")
    with pytest.raises(CannotCompileError):
        load_engine(writing_start("llama"), EngineSettings(weights="int4", kernels="native", threads=1, cache_mb=1))


def test_codes_of_a_folder_are_checked_whatever_is_asked_for(wrong_library: None) -> None:
    network = checking._make_network("int4")
    assert held_in(network, "bf16") == {"bf16", "int4"}
    stepper, kernels = loading._make_stepper(network, EngineSettings(threads=1, cache_mb=1), torch.device("cpu"))
    stepper.close()
    assert kernels.startswith("torch (the compiled arithmetic computes wrongly")


@pytest.mark.parametrize("weights", get_args(Weights))
def test_what_is_set_around_it_does_not_disturb_it(weights: Weights) -> None:
    check_decoder.cache_clear()
    kept = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.bfloat16)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            check_decoder(weights)
    finally:
        torch.set_default_dtype(kept)


def test_what_is_no_number_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    check_decoder.cache_clear()
    monkeypatch.setattr(checking, "_read", lambda *_: torch.full((21, 80), float("nan")))
    with pytest.raises(CannotCompileError):
        check_decoder("fp32")
