"""A look into a corpus says what is there, and gives every text its origin."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penjing.data.corpus import build_corpus
from penjing.data.inspection import Document, DroppedDocument, find_documents, inspect_corpus
from penjing.data.keys import text_ids
from penjing.data.settings import TextData
from penjing.errors import UsageError
from penjing.progress import Silent

LONG = "the quick brown fox jumps over the lazy dog and then it runs away from all of the hounds"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("daft")
    folder = tmp_path_factory.mktemp("corpus")
    first, second = folder / "a.txt", folder / "b.txt"
    first.write_text("".join(f"text number {n}\n" for n in range(60)) + f"{LONG}\n", encoding="utf-8")
    second.write_text(f"{LONG} again\n这是一个句子\n", encoding="utf-8")
    out = folder / "out"
    out.mkdir()
    build_corpus(TextData(path=(str(first), str(second)), near_duplicates=0.75), None, 0, out, Silent())
    return out


def test_lengths_and_files_count_every_text_once(corpus: Path) -> None:
    found = inspect_corpus(corpus, 3)
    assert found.counts["near_duplicates"] == 1
    assert sum(found.lengths) == 62
    assert found.lengths == [0, 0, 1, 60, 0, 0, 1]  # 6 characters, 13 or 14, 87
    assert found.dropped_lengths == [0, 0, 0, 0, 0, 0, 1]
    assert found.sources == {"a.txt": 61, "b.txt": 1}


def test_examples_are_the_first_by_id_and_name_what_they_are_like(corpus: Path) -> None:
    found = inspect_corpus(corpus, 5)
    kept = [f"text number {n}" for n in range(60)] + [LONG, "这是一个句子"]
    assert [document.id for document in found.kept] == sorted(text_ids(kept))[:5]
    [dropped] = found.dropped
    assert (dropped.document.text, dropped.document.source, dropped.document.row) == (f"{LONG} again", "b.txt", 1)
    assert dropped.reason == "near duplicate"
    assert dropped.like is not None
    assert (dropped.like.text, dropped.like.source, dropped.like.row) == (LONG, "a.txt", 61)
    assert inspect_corpus(corpus, 0).kept == []


def test_dropped_examples_are_of_every_reason_however_rare(tmp_path: Path) -> None:
    pytest.importorskip("daft")
    same = "".join(f"{LONG} number {n}\n" for n in range(30))
    texts = f"{LONG}\n{same}{'again ' * 40}\nanother text of its own\nand yet another one\n"
    (tmp_path / "a.txt").write_text(texts, encoding="utf-8")
    (out := tmp_path / "out").mkdir()
    settings = TextData(path=str(tmp_path / "a.txt"), near_duplicates=0.75, filters=("gopher_repetition",))
    build_corpus(settings, None, 0, out, Silent())
    reasons = [dropped.reason for dropped in inspect_corpus(out, 3).dropped]
    assert [reason.split(".")[0] for reason in reasons] == ["near duplicate", "gopher_repetition", "near duplicate"]


def test_faults_beyond_those_that_are_shown_are_counted(tmp_path: Path) -> None:
    (folder := tmp_path / "texts").mkdir()
    (folder / "good.txt").write_text("a text that can be read\nanother\nand one more\n", encoding="utf-8")
    for n in range(4):
        (folder / f"{n}.txt").write_bytes(b"")
    (out := tmp_path / "out").mkdir()
    build_corpus(TextData(path=str(folder)), None, 0, out, Silent())
    assert [(len(found.faults), found.more_faults) for found in (inspect_corpus(out, n) for n in (3, 9))] == [
        (3, 1),
        (4, 0),
    ]


def test_a_text_is_found_by_its_id_wherever_it_went(corpus: Path) -> None:
    texts = [f"text number {n}" for n in range(60)]
    ids = text_ids([*texts, f"{LONG} again", "not there"])
    found = find_documents(corpus, set(ids))
    assert ids[-1] not in found
    parts = []
    for number, key in enumerate(ids[:60]):
        document = found[key]
        assert isinstance(document, Document)
        assert (document.text, document.source, document.row) == (texts[number], "a.txt", number + 1)
        parts.append(document.part)
    assert parts.count("texts") >= 58  # one text is held out, and one for the test
    assert set(parts) <= {"texts", "held_out", "test"}
    dropped = found[ids[60]]
    assert isinstance(dropped, DroppedDocument)
    assert dropped.document.part == "dropped"
    assert dropped.like is not None


def test_a_corpus_of_an_older_version_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "texts.parquet")
    with pytest.raises(UsageError, match="older version"):
        inspect_corpus(tmp_path, 1)
    with pytest.raises(UsageError, match="Run the recipe again"):
        find_documents(tmp_path, {"a"})
