"""The compiled library is made once, and its absence is said."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import torch
from tests.inference.native.test_decoder import IDS, KINDS, make, whole

from penjing.inference.native import decoder
from penjing.inference.native.decoder import NativeDecoder
from penjing.models.native import compiling
from penjing.models.native.compiling import CannotCompileError, open_library

SOURCE = Path(decoder.__file__).parent / "decoder.cpp"


def test_no_compiler_is_said_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotCompileError, match=r"Install g\+\+"):
        open_library(SOURCE, tmp_path / "cache")


def test_compiler_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "g++"
    broken.write_text("#!/bin/sh\necho 'no such option -std=c++20' >&2\nexit 1\n")
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(CannotCompileError, match="no such option"):
        open_library(SOURCE, tmp_path / "other-cache")
    assert not list((tmp_path / "other-cache").iterdir())


def test_library_for_any_processor_computes_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the instructions of this one: whole numbers to the bit, the rest within rounding."""
    flags = (*(flag for flag in compiling._FLAGS if not flag.startswith("-march")), "-O1")
    monkeypatch.setattr(compiling, "_FLAGS", flags)
    network = make(KINDS["qwen3"])
    for weights in ("int8", "fp32", "bf16", "int4"):
        plain = NativeDecoder(network, weights, 40, 2, tmp_path)  # type: ignore[arg-type]
        found = whole(plain, IDS)
        plain.close()
        made = NativeDecoder(network, weights, 40, 2)  # type: ignore[arg-type]
        expected = whole(made, IDS)
        made.close()
        assert (found - expected).abs().max() < 0.05 * expected.std(), weights
        assert torch.equal(found.argmax(dim=1)[:10], expected.argmax(dim=1)[:10])
    assert len(list(tmp_path.glob("*.so"))) == 1
