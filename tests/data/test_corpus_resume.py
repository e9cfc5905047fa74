"""A corpus whose building is stopped, or killed, goes on where it was, and is the same to the byte."""

from __future__ import annotations

import json
import multiprocessing
import random
import time
from pathlib import Path
from typing import Any

import pytest

import penjing
from penjing.data import corpus, intake
from penjing.data.corpus import build_corpus
from penjing.data.engine import EngineSettings
from penjing.data.labelled import build_labelled
from penjing.data.parts import PreparedParts
from penjing.data.preparing import Prepared
from penjing.data.settings import LabelledData, TextData
from penjing.data.sources import json_lines
from penjing.errors import Interrupted
from penjing.files import read_json
from penjing.progress import Silent

_WORDS = ("the", "staff", "hotel", "film", "was", "clean", "quiet", "never", "always", "bright", "gray", "slow", "that")


def sentence(rng: random.Random) -> str:
    return " ".join(rng.choices(_WORDS, k=rng.randint(5, 12))).capitalize() + "."


class StopsAfter(Silent):
    """Asks to stop when it was asked so many times, and keeps what is said."""

    def __init__(self, times: int) -> None:
        self.times, self.said = times, list[str]()

    def should_stop(self) -> bool:
        self.times -= 1
        return self.times < 0

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small batches, and a part for each."""
    for module in (intake, json_lines):
        monkeypatch.setattr(module, "BATCH_ROWS", 16)
    monkeypatch.setattr(corpus, "_PART_EVERY_S", 0)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> TextData:
    """Files of which some have faults, one is empty, and some are smaller than a batch."""
    folder, rng = tmp_path_factory.mktemp("texts"), random.Random(0)
    for number, rows in enumerate((100, 3, 2, 0, 60, 5, 40)):
        lines = [" ".join(sentence(rng) for _ in range(rng.randint(4, 8))) for _ in range(rows)]
        lines[10::20] = [f"{line} Write to anna@example.org." for line in lines[10::20]]
        lines[12::20] = lines[11::20][: len(lines[12::20])]
        lines[15::20] = ["\u200b" for _ in lines[15::20]]  # empty once it is normalized
        records = [json.dumps({"text": line}) for line in lines]
        records[18::20] = ['{"text": ' for _ in records[18::20]]  # faults
        (folder / f"{number}.jsonl").write_text("".join(f"{record}\n" for record in records), encoding="utf-8")
    return TextData.model_validate(
        {
            "path": str(folder),
            "normalize": {},
            "personal": {"action": "mask"},
            "filters": ["c4"],
            "near_duplicates": 0.75,
            "paragraph_duplicates": True,
        }
    )


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labelled texts of more than one batch."""
    folder, rng = tmp_path_factory.mktemp("labelled"), random.Random(1)
    rows = "".join(f"{' '.join(rng.choices(_WORDS, k=9))},{number % 2}\n" for number in range(3000))
    (folder / "rows.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    (folder / "out").mkdir()
    build_labelled(LabelledData(path=str(folder / "rows.csv")), 0, folder / "out", Silent())
    return folder / "out"


def build(settings: TextData, labelled: Path | None, out: Path, progress: Silent, workers: int = 1) -> dict[str, Any]:
    out.mkdir(exist_ok=True)
    return build_corpus(settings, labelled, 0, out, progress, EngineSettings(workers=workers))


def files_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def finished_parts(out: Path) -> int:
    return len(list((out / ".parts").glob("*.json")))


@pytest.fixture
def undisturbed(settings: TextData, labelled: Path, tmp_path: Path) -> dict[str, bytes]:
    """What is written where nothing stops it."""
    for package in ("daft", "phonenumbers", "ftfy"):
        pytest.importorskip(package)
    counts = build(settings, labelled, tmp_path / "undisturbed", Silent())
    met = ("faults", "empty", "from_training", "personal", "refused", "paragraphs")
    assert not [name for name in met if not counts[name]]
    return files_of(tmp_path / "undisturbed")


def test_stopped_again_and_again_it_ends_with_the_same_files(
    settings: TextData, labelled: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    out, parts = tmp_path / "out", [0]
    while len(parts) < 3 or parts[-1] > parts[-2]:  # at last, all is read and cleaned
        progress = StopsAfter(3)
        with pytest.raises(Interrupted):
            build(settings, labelled, out, progress)
        assert bool(parts[-1]) == any("going on" in line for line in progress.said)
        parts.append(finished_parts(out))
    assert len(parts) > 5
    build(settings, labelled, out, Silent())
    assert files_of(out) == undisturbed


def test_one_that_was_stopped_may_go_on_with_more_workers(
    settings: TextData, labelled: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        build(settings, labelled, tmp_path / "out", StopsAfter(7))
    progress = StopsAfter(1000)
    build(settings, labelled, tmp_path / "out", progress, workers=2)
    assert any("going on" in line for line in progress.said)
    assert files_of(tmp_path / "out") == undisturbed


def test_what_is_done_is_not_read_or_cleaned_again(
    settings: TextData, labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, add = list[int](), PreparedParts.add

    def counting(self: PreparedParts, prepared: Prepared, *args: Any) -> None:
        rows.append(prepared.kept.num_rows + prepared.dropped.num_rows)
        add(self, prepared, *args)

    monkeypatch.setattr(PreparedParts, "add", counting)
    build(settings, labelled, tmp_path / "undisturbed", Silent())
    every = sum(rows)
    rows.clear()
    with pytest.raises(Interrupted):
        build(settings, labelled, tmp_path / "out", StopsAfter(9))
    first = sum(rows)
    build(settings, labelled, tmp_path / "out", Silent())
    assert 0 < first < sum(rows) == every


def test_what_another_version_has_done_is_done_again(
    settings: TextData, labelled: Path, undisturbed: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Interrupted):
        build(settings, labelled, tmp_path / "out", StopsAfter(9))
    monkeypatch.setattr(penjing, "__version__", "another")
    progress = StopsAfter(1000)
    build(settings, labelled, tmp_path / "out", progress)
    assert not any("going on" in line for line in progress.said)
    assert files_of(tmp_path / "out") == undisturbed


def _work(settings: TextData, labelled: Path, out: Path) -> None:
    intake.BATCH_ROWS, json_lines.BATCH_ROWS, corpus._PART_EVERY_S = 16, 16, 0
    build(settings, labelled, out, Silent())


def test_killed_at_random_moments_it_ends_with_the_same_files(
    settings: TextData, labelled: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    out, rng, kills = tmp_path / "out", random.Random(0), 0
    context = multiprocessing.get_context("forkserver")
    for _ in range(6):
        before = finished_parts(out)
        process = context.Process(target=_work, args=(settings, labelled, out))
        process.start()
        while process.is_alive() and finished_parts(out) < before + 2:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.01))
        process.kill()
        process.join()
        kills += process.exitcode == -9
    assert kills > 3
    build(settings, labelled, out, Silent())
    assert files_of(out) == undisturbed


def test_time_is_counted_over_all_sittings(settings: TextData, labelled: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        build(settings, labelled, tmp_path / "out", StopsAfter(9))
    part = max((tmp_path / "out" / ".parts").glob("*.json"))
    before = read_json(part)["seconds"]
    assert 0 < before < build(settings, labelled, tmp_path / "out", Silent())["seconds"]
