"""One corpus from many engines: whoever cleans the texts, every file is the same to the byte."""

from __future__ import annotations

import importlib.util
import operator
import os
import random
import signal
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from penjing.data import corpus, storing
from penjing.data.corpus import build_corpus
from penjing.data.engine import AUTOMATIC, EngineSettings, LocalEngine
from penjing.data.label_settings import LabelledData
from penjing.data.labelled import build_labelled
from penjing.data.minhash import sign_texts
from penjing.data.ray_engine import RayEngine
from penjing.data.settings import TextData
from penjing.errors import DataError, PenjingError, UsageError
from penjing.machine import count_cores
from penjing.progress import Silent

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
_PERSONAL = (
    "Write to anna@example.org.",
    "Call +1 650-253-0000 now.",
    "IBAN GB82WEST12345698765432.",
    "电话13912345678。",
)
_ENGLISH = "the of and that with room staff clean quiet hotel film plot scene never always bright gray slow"
_CHINESE = "的了是在不有和我这人酒店房间干净服务位置早餐安静电影情节演员"


def english(rng: random.Random) -> str:
    sentences = (" ".join(rng.choices(_ENGLISH.split(), k=rng.randint(4, 14))) for _ in range(rng.randint(3, 9)))
    return " ".join(f"{sentence.capitalize()}." for sentence in sentences)


def chinese(rng: random.Random) -> str:
    return "".join("".join(rng.choices(_CHINESE, k=rng.randint(8, 20))) + "。" for _ in range(rng.randint(3, 8)))


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Settings with all cleaning, for seven files of English and Chinese texts of which each rule drops some."""
    folder, rng = tmp_path_factory.mktemp("everything"), random.Random(0)
    texts = [(english, chinese)[number % 3 == 2](rng) for number in range(700)]
    for number in range(0, 700, 7):
        texts[number] += f" {rng.choice(_PERSONAL)}"
    texts[50::60] = [f"{texts[number]} And more." for number in range(len(texts[50::60]))]  # near duplicates
    texts[51::70] = ["Das Zimmer war sauber, und das Personal sprach sehr gutes Englisch." for _ in texts[51::70]]
    texts[52::70] = [f"cafÃ© ＡＢＣ  {text}\u200b" for text in texts[52::70]]
    texts[53] = "\u200b"  # empty once it is normalized
    (folder / "texts").mkdir()
    for part in range(7):
        lines = "".join(f"{text}\n" for text in texts[part::7])
        (folder / "texts" / f"{part}.txt").write_text(lines, encoding="utf-8")
    (folder / "test.txt").write_text(f"{texts[3]}\n{texts[5]}\n", encoding="utf-8")
    (folder / "key").write_bytes(b"0123456789abcdef")
    return {
        "path": str(folder / "texts"),
        "normalize": {"width": "all"},
        "languages": ["en", "zh"],
        "without": {"path": str(folder / "test.txt")},
        "personal": {"action": "surrogate", "key_file": str(folder / "key")},
        "filters": ["gopher_quality", "gopher_repetition", "fineweb", "c4"],
        "near_duplicates": 0.75,
        "paragraph_duplicates": True,
    }


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory, everything: dict[str, Any]) -> Path:
    """Labelled rows, some of whose texts are in the corpus."""
    folder = tmp_path_factory.mktemp("labelled")
    lines = (Path(everything["path"]) / "1.txt").read_text("utf-8").splitlines()
    rows = "".join(f'"{text}",{number % 2}\n' for number, text in enumerate(lines))
    (folder / "rows.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    (folder / "out").mkdir()
    build_labelled(LabelledData(path=str(folder / "rows.csv")), 0, folder / "out", Silent())
    return folder / "out"


def files_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def build(out: Path, settings: dict[str, Any], labelled: Path | None, engine: EngineSettings) -> dict[str, Any]:
    out.mkdir()
    return build_corpus(TextData.model_validate(settings), labelled, 0, out, Silent(), engine)


@pytest.fixture(scope="module")
def in_this_process(
    everything: dict[str, Any], labelled: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """The files that one process writes, in row groups of some rows each; all rules have found something."""
    for package in ("daft", "phonenumbers", "py3langid", "ftfy"):
        pytest.importorskip(package)
    out = tmp_path_factory.mktemp("alone") / "out"
    counts = build(out, everything, labelled, EngineSettings(workers=1))
    kinds = ("normalized", "empty", "in_evaluation", "foreign", "overlapping", "personal", "refused", "near_duplicates")
    assert all(counts[kind] for kind in (*kinds, "from_training", "documents")), counts
    assert {"dropped.parquet", "texts.parquet", "held_out.parquet"} <= files_of(out).keys()
    return files_of(out)


@pytest.fixture(autouse=True, scope="module")
def _small_row_groups() -> Iterator[None]:
    """Where a row group ends goes by the bytes of what comes in; there shall be many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storing, "_GROUP_BYTES", 4096)
        yield


@pytest.mark.parametrize("workers", [2, 3])
def test_more_workers_write_the_same_bytes(
    workers: int, everything: dict[str, Any], labelled: Path, in_this_process: dict[str, bytes], tmp_path: Path
) -> None:
    build(tmp_path / "out", everything, labelled, EngineSettings(workers=workers))
    assert files_of(tmp_path / "out") == in_this_process


def test_workers_are_many_for_a_large_corpus_with_costly_rules_only(tmp_path: Path) -> None:
    small, large = tmp_path / "small.txt", tmp_path / "large.txt"
    small.write_text("A text.\n", encoding="utf-8")
    large.write_text("A text.\n" * 700_000, encoding="utf-8")

    def workers(path: Path, **rules: Any) -> int:
        settings = TextData.model_validate({"path": str(path), **rules})
        engine = corpus._Build(settings, None, 0, tmp_path, Silent(), AUTOMATIC).engine
        assert isinstance(engine, LocalEngine)
        return engine.workers

    assert workers(large, filters=["c4"]) == workers(large, normalize={}) == count_cores()
    assert workers(small, filters=["c4"]) == workers(large) == workers(large, near_duplicates=0.75) == 1


def test_error_of_the_preparation_is_said_as_in_one_process(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("\u200b\n" * 10, encoding="utf-8")
    settings = {"path": str(tmp_path / "lines.txt"), "normalize": {"mojibake": False}}
    said = []
    for workers in (1, 2):
        with pytest.raises(DataError) as error:
            build(tmp_path / f"{workers}", settings, None, EngineSettings(workers=workers))
        said.append(str(error.value))
    assert said[0] == said[1]


@needs_ray
def test_address_without_a_cluster_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match=r"--ray-address 127.0.0.1:9: there is no Ray to work on \(.*refused"):
        next(RayEngine("127.0.0.1:9").map(partial(partial, sum), []))


@pytest.fixture(scope="module")
def ray_engine() -> Iterator[RayEngine]:
    """An engine on a Ray of two processors that it has started itself, and ends; starting takes ten seconds."""
    import ray

    with RayEngine(workers=2).connected():
        yield RayEngine(workers=2)
        assert ray.is_initialized()
    assert not ray.is_initialized()


@needs_ray
def test_ray_of_two_workers_writes_the_same_bytes(
    ray_engine: RayEngine,
    everything: dict[str, Any],
    labelled: Path,
    in_this_process: dict[str, bytes],
    tmp_path: Path,
) -> None:
    build(tmp_path / "out", everything, labelled, EngineSettings("ray", workers=2))
    assert files_of(tmp_path / "out") == in_this_process
    sign_texts(["What is made here while a Ray is connected, as of texts that were cut, is made by this process."])
    import daft

    assert daft.get_or_create_runner().name == "native"
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


@needs_ray
def test_ray_gives_results_in_order_and_errors_as_they_are(ray_engine: RayEngine) -> None:
    ranges = [range(10**7), *map(range, range(20))]
    assert list(ray_engine.map(partial(partial, sum), ranges)) == list(map(sum, ranges))
    results = ray_engine.map(partial(partial, operator.truediv, 1), [1, 2, 0, 4])
    assert [next(results), next(results)] == [1, 0.5]
    with pytest.raises(ZeroDivisionError):
        next(results)


@needs_ray
def test_death_of_a_worker_on_ray_is_said(ray_engine: RayEngine) -> None:
    killed = ray_engine.map(partial(partial, signal.raise_signal), [signal.SIGKILL] * 4)
    with closing(killed), pytest.raises(PenjingError, match="a worker on Ray has failed"):
        next(killed)


@needs_ray
def test_more_workers_than_the_cluster_has_processors_are_refused(ray_engine: RayEngine) -> None:
    with pytest.raises(UsageError, match="--workers: the Ray cluster has 2 processors, and 3 workers are asked for"):
        next(RayEngine(workers=3).map(partial(partial, sum), []))
