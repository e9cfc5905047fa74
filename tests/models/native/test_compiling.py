"""The compiled library is made once, and its absence is said."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
import torch
from tests.inference.native.test_decoder import IDS, KINDS, make, rows_of, whole

from penjing.inference.native import decoder
from penjing.inference.native.decoder import NativeDecoder
from penjing.models.native import checking, compiling, training
from penjing.models.native.compiling import CannotCompileError, open_library
from penjing.train import adamw

SOURCE = Path(decoder.__file__).parent / "decoder.cpp"
TABLE = (5, 1, 7, 2, 9, 11, 0, 3)


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


def small_source(folder: Path) -> Path:
    """Returns a source that is soon compiled."""
    source = folder / "one.cpp"
    source.write_text('extern "C" int one() { return 1; }\n')
    return source


@pytest.mark.parametrize("fault", ["no folder", "no home", "not executable"])
def test_library_that_cannot_be_kept_is_made_for_this_process(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    source, cache = small_source(tmp_path), tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    if fault == "no folder":
        cache.write_text("a file")  # root may write into any folder
    elif fault == "no home":
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("Could not determine home")))
    else:  # a file that cannot be opened stands in for a file system whose files cannot be executed
        open_library(source, tmp_path / "elsewhere")
        (made,) = (tmp_path / "elsewhere").glob("*.so")
        (kept := cache / "penjing" / "native" / made.name).parent.mkdir(parents=True)
        kept.write_text("no library")
        assert not caplog.messages
    assert open_library(source).one() == open_library(source).one() == 1
    (said,) = caplog.messages
    assert said.startswith("one: compiled for this process alone")


def test_library_that_fills_the_disk_is_made_for_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache, real = tmp_path / "cache", shutil.which("g++")
    full = tmp_path / "g++"
    said = "as: one.o: No space left on device"
    full.write_text(f'#!/bin/sh\ncase "$*" in *{cache}*) echo "{said}" >&2; exit 1;; esac\nexec {real} "$@"\n')
    full.chmod(full.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert open_library(small_source(tmp_path), cache).one() == 1
    assert "compiled for this process alone" in caplog.text
    assert not list(cache.iterdir())


def test_no_place_for_a_library_is_said_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file := tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(tempfile, "tempdir", str(file))
    with pytest.raises(CannotCompileError, match=r"no place .* XDG_CACHE_HOME"):
        open_library(small_source(tmp_path), file)


def test_compiler_that_does_not_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "g++"
    slow.write_text('#!/bin/sh\n[ "$1" = --version ] || exec sleep 100\n')
    slow.chmod(slow.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(compiling, "_TIMEOUT_S", 5.0)
    with pytest.raises(CannotCompileError, match=r"g\+\+ did not make the fast arithmetic within 5 s"):
        open_library(small_source(tmp_path), tmp_path / "cache")


def flags_for(instructions: str | None) -> tuple[str, ...]:
    """Returns what the compiler is called with for such processors; None: for any."""
    kept = tuple(flag for flag in compiling._FLAGS if not flag.startswith("-march"))
    return (*kept, "-O1", *([] if instructions is None else [f"-march={instructions}"]))


def needs(instructions: str | None) -> None:
    """Skips a test whose library this processor could not run."""
    if instructions is not None and platform.machine() != "x86_64":
        pytest.skip("this is another kind of processor")
    if instructions == "x86-64-v3" and torch.backends.cpu.get_cpu_capability() not in {"AVX2", "AVX512"}:
        pytest.skip("this processor has no AVX2")


@pytest.mark.parametrize("instructions", [None, "x86-64-v2", "x86-64-v3"])
def test_library_for_any_processor_computes_the_same(
    instructions: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without some instructions of this one: whole numbers to the bit, the rest within rounding."""
    needs(instructions)
    monkeypatch.setattr(compiling, "_FLAGS", flags_for(instructions))
    network = make(KINDS["qwen3"])
    for weights in ("int8", "fp32", "bf16", "int4"):
        plain = NativeDecoder(network, weights, 40, 2, tmp_path)  # type: ignore[arg-type]
        found = whole(plain, IDS).clone()
        for begin, end in ((0, 7), (7, 9)):
            assert torch.equal(plain.step(rows_of([(IDS[begin:end], begin)], [TABLE])), found[begin:end])
        plain.close()
        made = NativeDecoder(network, weights, 40, 2)  # type: ignore[arg-type]
        expected = whole(made, IDS)
        made.close()
        bound = 1e-5 if weights == "fp32" else 0.05
        assert (found - expected).abs().max() < bound * expected.std(), weights
        assert torch.equal(found.argmax(dim=1)[:10], expected.argmax(dim=1)[:10])
    assert len(list(tmp_path.glob("*.so"))) == 1


@pytest.mark.parametrize("instructions", [None, "x86-64-v2", "x86-64-v3"])
def test_steps_of_training_for_any_processor_are_right(
    instructions: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs(instructions)
    monkeypatch.setattr(compiling, "_FLAGS", flags_for(instructions))
    assert checking.is_right(open_library(training._SOURCE, tmp_path, ("-fopenmp",)))
    stepping = open_library(adamw._SOURCE, tmp_path, ("-fopenmp",))
    stepping.penjing_gradient_norm.restype = ctypes.c_double
    assert adamw.is_right(stepping)


@pytest.mark.parametrize("processor", ["knl", "skylake-avx512", "cooperlake", "alderlake"])
@pytest.mark.parametrize("source", [SOURCE, training._SOURCE, adamw._SOURCE])
def test_sources_are_those_of_processors_that_are_not_here(source: Path, processor: str) -> None:
    """AVX-512 without and with what multiplies bytes and bf16, and AVX2 with what multiplies bytes."""
    compiler = shutil.which("g++")
    if compiler is None or platform.machine() != "x86_64":
        pytest.skip("there is no g++ that knows such processors")
    call = [compiler, *flags_for(processor), "-fsyntax-only", f"-I{compiling._SHARED}", str(source)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    if "for '-march=' switch" in done.stderr or "for ‘-march=’ switch" in done.stderr:
        pytest.skip("this g++ does not know such processors")
    assert done.returncode == 0, done.stderr
