"""A corpus whose building is stopped, or killed, goes on where it was, and is the same to the byte."""

from __future__ import annotations

import json
import multiprocessing
import random
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import penjing
from penjing.data import corpus, intake
from penjing.data.corpus import build_corpus
from penjing.data.engine import EngineSettings
from penjing.data.intake import ORIGIN_SCHEMA
from penjing.data.label_settings import LabelledData
from penjing.data.labelled import build_labelled
from penjing.data.minhash import SIGNATURES
from penjing.data.parts import PreparedParts
from penjing.data.preparing import Prepared
from penjing.data.settings import TextData
from penjing.data.sources import json_lines
from penjing.data.storing import Spool
from penjing.errors import Interrupted
from penjing.files import read_json, write_json
from penjing.hashing import hash_json
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
        lines[13::20] = [f"{line} Yes." for line in lines[11::20][: len(lines[13::20])]]  # near duplicates
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
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def finished_parts(out: Path) -> int:
    return len(list((out / ".parts").glob("*.json")))


def finished_texts(out: Path) -> list[pa.RecordBatch]:
    """Returns the texts that are kept, of each finished part."""
    tables = []
    for record in sorted((out / ".parts").glob("*.json")):
        with pa.OSFile(str(record.with_suffix(".kept.arrow")), "rb") as file, pa.ipc.open_stream(file) as stream:
            tables.append(stream.read_all().combine_chunks())
    return [(table.to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)])[0] for table in tables]


def write_finished(out: Path, part: int, texts: pa.RecordBatch) -> None:
    """Writes other texts into a finished part."""
    with Spool(out / ".parts" / f"{part:06}.kept.arrow", texts.schema).writing() as write:
        write(texts.columns)


@pytest.fixture
def undisturbed(settings: TextData, labelled: Path, tmp_path: Path) -> dict[str, bytes]:
    """What is written where nothing stops it."""
    for package in ("daft", "phonenumbers", "ftfy"):
        pytest.importorskip(package)
    counts = build(settings, labelled, tmp_path / "undisturbed", Silent())
    met = ("faults", "empty", "from_training", "personal", "refused", "paragraphs", "near_duplicates")
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
    assert any("going on" in line and line.endswith("read, cleaned and signed") for line in progress.said)
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


def test_parts_without_signatures_are_not_used(
    settings: TextData, labelled: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(Interrupted):
        build(settings, labelled, out, StopsAfter(9))
    # As they were before there were any: of the same version, settings and files.
    files = [*sorted(Path(settings.paths[0]).iterdir()), *sorted(labelled.iterdir())]
    times = [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files]
    origin = hash_json([penjing.__version__, settings.model_dump(mode="json"), 0, times])
    for part, texts in enumerate(finished_texts(out)):
        write_finished(out, part, texts.select(ORIGIN_SCHEMA.names))
        record = out / ".parts" / f"{part:06}.json"
        write_json(record, {**read_json(record), "origin": origin})
    progress = StopsAfter(1000)
    build(settings, labelled, out, progress)
    assert not any("going on" in line for line in progress.said)
    assert files_of(out) == undisturbed


def _work(settings: TextData, labelled: Path, out: Path) -> None:
    intake.BATCH_ROWS, json_lines.BATCH_ROWS, corpus._PART_EVERY_S = 16, 16, 0
    build(settings, labelled, out, Silent())


def build_and_kill(settings: TextData, labelled: Path, out: Path, *, parts: int, then_s: float) -> bool:
    """Kills a process that builds when it has finished some parts more; returns whether it was still at it."""
    wanted = finished_parts(out) + parts
    process = multiprocessing.get_context("forkserver").Process(target=_work, args=(settings, labelled, out))
    process.start()
    while process.is_alive() and finished_parts(out) < wanted:
        time.sleep(0.001)
    time.sleep(then_s)
    process.kill()
    process.join()
    return process.exitcode == -9


def test_killed_at_random_moments_it_ends_with_the_same_files(
    settings: TextData, labelled: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    out, rng = tmp_path / "out", random.Random(0)
    kills = [build_and_kill(settings, labelled, out, parts=2, then_s=rng.uniform(0, 0.01)) for _ in range(6)]
    assert sum(kills) > 3
    build(settings, labelled, out, Silent())
    assert files_of(out) == undisturbed


@pytest.fixture
def whole(settings: TextData) -> TextData:
    """Settings that leave texts as they were signed."""
    return settings.model_copy(update={"paragraph_duplicates": False})


def test_killed_where_texts_stay_as_they_were_signed_it_ends_with_the_same_files(
    whole: TextData, labelled: Path, tmp_path: Path
) -> None:
    pytest.importorskip("daft")
    assert build(whole, labelled, tmp_path / "undisturbed", Silent())["near_duplicates"]
    assert build_and_kill(whole, labelled, tmp_path / "out", parts=5, then_s=0)
    build(whole, labelled, tmp_path / "out", Silent())
    assert files_of(tmp_path / "out") == files_of(tmp_path / "undisturbed")


def test_signatures_of_finished_parts_are_not_made_again(whole: TextData, labelled: Path, tmp_path: Path) -> None:
    pytest.importorskip("daft")
    out = tmp_path / "out"
    assert build_and_kill(whole, labelled, out, parts=5, then_s=0)
    texts = finished_texts(out)
    same = pa.array([[7] * SIGNATURES.type.list_size] * max(map(len, texts)), SIGNATURES.type)
    for part, batch in enumerate(texts):
        write_finished(out, part, batch.set_column(3, SIGNATURES, same[: len(batch)]))
    counts = build(whole, labelled, out, Silent())
    different = {text for batch in texts for text in batch.column("text").to_pylist()}
    assert len(different) > 40
    assert counts["near_duplicates"] >= len(different) - 1  # all like the first one, by what was on the disk


def test_time_is_counted_over_all_sittings(settings: TextData, labelled: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        build(settings, labelled, tmp_path / "out", StopsAfter(9))
    part = max((tmp_path / "out" / ".parts").glob("*.json"))
    before = read_json(part)["seconds"]
    assert 0 < before < build(settings, labelled, tmp_path / "out", Silent())["seconds"]
