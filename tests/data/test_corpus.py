"""The corpus: without duplicates, without what evaluation uses, with some texts held out."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from penjing.data.cleaning import make_protector
from penjing.data.corpus import build_corpus
from penjing.data.label_settings import LabelledData
from penjing.data.labelled import build_labelled
from penjing.data.reading import iter_texts, read_rows, read_split
from penjing.data.settings import PersonalData, TextData
from penjing.errors import DataError, DiskFullError, RecipeError
from penjing.progress import Silent


def build(out: Path, labelled: Path | None = None, seed: int = 0, **values: Any) -> dict[str, Any]:
    out.mkdir(parents=True, exist_ok=True)
    return build_corpus(TextData.model_validate(values), labelled, seed, out, Silent())


def texts_of(out: Path, name: str = "texts") -> list[str]:
    return [text for batch in iter_texts(out / f"{name}.parquet") for text in batch]


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"line {n % 900}\n\n" for n in range(1000)), encoding="utf-8")
    return path


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.csv"
    path.write_text("text,label\n" + "".join(f"Review {n}!,{n % 2}\n" for n in range(100)), encoding="utf-8")
    out = tmp_path / "labelled"
    out.mkdir()
    build_labelled(LabelledData(path=str(path)), 0, out, Silent())
    return out


def test_texts_are_distinct_in_order_and_some_are_held_out(lines: Path, tmp_path: Path) -> None:
    counts = build(tmp_path / "out", path=str(lines))
    texts, held_out, test = (texts_of(tmp_path / "out", part) for part in ("texts", "held_out", "test"))
    assert len(held_out) == len(test) == 9
    assert sorted(texts + held_out + test) == sorted(f"line {n}" for n in range(900))
    assert texts == sorted(texts, key=lambda text: int(text.split()[1]))
    assert (counts["read"], counts["duplicates"], counts["documents"], counts["held_out"]) == (1000, 100, 882, 9)
    assert counts["characters"] == sum(map(len, texts))
    assert counts["test_characters"] == sum(map(len, test))
    assert sorted(file.name for file in (tmp_path / "out").iterdir() if file.is_file()) == [
        "counts.json",
        "held_out.parquet",
        "test.parquet",
        "texts.parquet",
    ]


def test_near_duplicates_are_kept_beside_with_what_they_are_like(tmp_path: Path) -> None:
    pytest.importorskip("daft")
    rng = random.Random(0)
    texts = [" ".join(rng.choices([f"word{n}" for n in range(500)], k=80)) for _ in range(300)]
    near = [f"{text} and more" for text in texts[::10]]
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"{text}\n" for text in [*texts, *near, *texts[:5]]), encoding="utf-8")
    counts = build(tmp_path / "out", path=str(path), near_duplicates=0.75)
    kept = [text for name in ("texts", "held_out", "test") for text in texts_of(tmp_path / "out", name)]
    assert sorted(kept) == sorted(texts)
    assert (counts["duplicates"], counts["near_duplicates"], counts["documents"]) == (5, 30, 294)
    dropped = pq.read_table(tmp_path / "out" / "dropped.parquet").to_pylist()
    assert [row["text"] for row in dropped] == near
    assert [row["row"] for row in dropped] == list(range(301, 331))
    assert {row["reason"] for row in dropped} == {"near duplicate"}
    tables = [pq.read_table(tmp_path / "out" / f"{name}.parquet") for name in ("texts", "held_out", "test")]
    text_of = {row["id"]: row["text"] for table in tables for row in table.to_pylist()}
    assert len(text_of) == 300
    assert [text_of[row["like"]] for row in dropped] == texts[::10]


def test_texts_are_compared_as_they_are_without_repeated_paragraphs(tmp_path: Path) -> None:
    pytest.importorskip("daft")
    rng = random.Random(0)
    notice, one, other = (" ".join(f"word{rng.randrange(1000)}" for _ in range(60)) for _ in range(3))
    for number, text in enumerate((f"{notice}\n{one}", f"{notice}\n{other}", f"{other} once more", "a", "b", "c")):
        (tmp_path / f"{number}.txt").write_text(text, encoding="utf-8")
    wanted = {"path": str(tmp_path / "*.txt"), "unit": "file", "near_duplicates": 0.75}
    assert build(tmp_path / "with", **wanted)["near_duplicates"] == 0
    assert build(tmp_path / "without", **wanted, paragraph_duplicates=True)["near_duplicates"] == 1


def test_what_filters_refuse_is_kept_beside_with_the_rule(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    good = [f"The number of that is {n}. It is so. And so. To be sure. With care." for n in range(40)]
    path.write_text("".join(f"{text}\n" for text in [*good, "Home", "a {brace}. " * 5]), encoding="utf-8")
    counts = build(tmp_path / "out", path=str(path), filters=["c4"])
    assert (counts["refused"], counts["documents"]) == (2, 38)
    assert counts["reasons"] == {"c4.sentences": 1, "c4.braces": 1}
    dropped = pq.read_table(tmp_path / "out" / "dropped.parquet").to_pylist()
    assert [(row["row"], row["reason"], row["value"], row["low"], row["high"]) for row in dropped] == [
        (41, "c4.sentences", 0, 3, None),
        (42, "c4.braces", 10, None, 0),
    ]


def test_what_overlaps_with_evaluation_texts_is_kept_beside_with_their_file(tmp_path: Path) -> None:
    path, test = tmp_path / "lines.txt", tmp_path / "test.tsv"
    shared = "this sentence of eight words stands in both"
    path.write_text("".join(f"text number {n}\n" for n in range(20)) + f"Well, {shared}!\n", encoding="utf-8")
    test.write_text(f"1\t{shared}\n", encoding="utf-8")
    without = {"path": str(test), "text": "sentence", "columns": ["label", "sentence"], "run_words": 8}
    counts = build(tmp_path / "out", path=str(path), without=without)
    assert (counts["overlapping"], counts["documents"]) == (1, 18)
    assert counts["reasons"] == {"overlap.test.tsv": 1}
    [row] = pq.read_table(tmp_path / "out" / "dropped.parquet").to_pylist()
    assert (row["text"], row["row"], row["reason"]) == (f"Well, {shared}!", 21, "overlap.test.tsv")


@pytest.mark.parametrize("action", ["report", "mask", "surrogate", "drop"])
def test_personal_data_is_nowhere_in_the_folder_unless_it_is_only_reported(action: str, tmp_path: Path) -> None:
    pytest.importorskip("phonenumbers")
    path, key = tmp_path / "lines.txt", tmp_path / "key"
    key.write_bytes(b"0123456789abcdef")
    personal = [
        "write to anna@example.org",
        "身份证号11010519491231002X。",
        "anna@example.org again, and 4111 1111 1111 1111",
    ]
    path.write_text("".join(f"{text}\n" for text in [*(f"text {n}" for n in range(20)), *personal]), encoding="utf-8")
    settings = {"action": action, **({"key_file": str(key)} if action == "surrogate" else {})}
    counts = build(tmp_path / "out", path=str(path), personal=settings)
    assert counts["personal"] == 3
    assert counts["personal_data"] == {"email": 2, "cn_resident": 1, "card": 1}
    tables = [pq.read_table(file).to_pylist() for file in sorted((tmp_path / "out").glob("*.parquet"))]
    every = "\n".join(row["text"] for table in tables for row in table)
    assert ("anna" in every, "1949" in every, "4111" in every) == ((True,) * 3 if action == "report" else (False,) * 3)
    assert every.count("<EMAIL") == (0 if action == "report" else 2)
    dropped = pq.read_table(tmp_path / "out" / "dropped.parquet").to_pylist()
    reasons = ["personal.email", "personal.cn_resident", "personal.email"]
    assert [row["reason"] for row in dropped] == (reasons if action == "drop" else [])


def test_a_key_that_is_missing_or_short_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("phonenumbers")
    key = tmp_path / "key"
    settings = PersonalData(action="surrogate", key_file=str(key))
    with pytest.raises(RecipeError, match=r"no such file with a key.*head -c 32 /dev/urandom"):
        make_protector(settings)
    key.write_bytes(b"short")
    with pytest.raises(RecipeError, match="the key has 5 bytes; 16 are needed"):
        make_protector(settings)
    with pytest.raises(ValueError, match="needs a key_file"):
        TextData.model_validate({"path": "x.txt", "personal": {"action": "surrogate"}})
    with pytest.raises(ValueError, match=r'no kind of personal data "emails".*Did you mean "email"'):
        TextData.model_validate({"path": "x.txt", "personal": {"action": "mask", "kinds": ["emails"]}})


def test_every_text_has_its_origin(lines: Path, labelled: Path, tmp_path: Path) -> None:
    build(tmp_path / "out", labelled, path=str(lines))
    table = pq.read_table(tmp_path / "out" / "texts.parquet").to_pylist()
    for row in table:
        kind, number = row["text"].split()[:2]
        assert row["source"] == ("lines.txt" if kind == "line" else "reviews.csv")
        # Every line stands above an empty one; a table's first row is below its header.
        assert row["row"] == (2 * int(number) + 1 if kind == "line" else int(number.rstrip("!")) + 2)


def test_the_draw_follows_the_seed_and_hardly_changes_with_more_texts(lines: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        build(tmp_path / name, seed=seed, path=str(lines), held_out=0.1)
    more = tmp_path / "more.txt"
    more.write_text("one more\n", encoding="utf-8")
    build(tmp_path / "d", path=(str(lines), str(more)), held_out=0.1)
    a, b, c, d = (set(texts_of(tmp_path / name, "held_out")) for name in "abcd")
    assert a == b != c
    assert len(a & d) >= 89


def test_at_most_a_thousand_documents_are_held_out(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"line {n}\n" for n in range(3000)), encoding="utf-8")
    assert build(tmp_path / "out", path=str(path), held_out=0.5)["held_out"] == 1000


def test_max_documents_draws_evenly(lines: Path, tmp_path: Path) -> None:
    counts = build(tmp_path / "out", path=str(lines), max_documents=300)
    numbers = [int(text.split()[1]) for text in texts_of(tmp_path / "out")]
    assert (counts["documents"], counts["held_out"], counts["left_out"]) == (294, 3, 600)
    assert 350 < sum(numbers) / len(numbers) < 550


def test_texts_of_evaluation_are_removed_and_training_texts_added(labelled: Path, tmp_path: Path) -> None:
    path = tmp_path / "more.txt"
    path.write_text("".join(f"REVIEW {n}\n" for n in range(100)) + "something else\n", encoding="utf-8")
    counts = build(tmp_path / "out", labelled, path=str(path))
    assert (counts["in_evaluation"], counts["from_training"]) == (20, 80)
    assert not (tmp_path / "out" / "test.parquet").exists()  # the labelled rows are the test
    texts = {*texts_of(tmp_path / "out"), *texts_of(tmp_path / "out", "held_out")}
    assert set(read_split(labelled, "train").texts) <= texts
    assert len(texts) == 80 + 80 + 1
    used = {text.lower().rstrip("!") for split in ("validation", "test") for text in read_split(labelled, split).texts}
    assert not used & {text.lower().rstrip("!") for text in texts}
    without = build(tmp_path / "without", labelled, path=str(path), include_training_texts=False)
    assert (without["from_training"], without["in_evaluation"]) == (0, 20)


def test_too_few_texts_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("one\none\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"lines\.txt: 1 different texts"):
        build(tmp_path / "out", path=str(path))
    path.write_text("\n\n", encoding="utf-8")
    with pytest.raises(DataError, match="there is no row"):
        build(tmp_path / "out", path=str(path))


def test_rows_of_any_file_are_read_in_batches(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("review,label\n" + "".join(f"text {n},{n % 2}\n" for n in range(2500)), encoding="utf-8")
    batches = list(read_rows(str(path), "review", "label"))
    assert [len(batch.texts) for batch in batches] == [1024, 1024, 452]
    assert (batches[1].texts[0], batches[1].labels[0], batches[1].rows[0]) == ("text 1024", "0", 1026)
    assert next(read_rows(str(path), "review")).labels == []
    with pytest.raises(RecipeError, match='no column "text"'):
        next(read_rows(str(path)))


def test_rows_of_training_and_test_side_by_side_are_refused(tmp_path: Path) -> None:
    for name in ("train.txt", "test.txt"):
        (tmp_path / name).write_text("a\n", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"test\.txt"):
        next(read_rows(str(tmp_path)))


def test_empty_file_has_no_rows_to_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text\n", encoding="utf-8")
    with pytest.raises(DataError, match="there is no row"):
        list(read_rows(str(path)))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("what", ["labelled", "corpus"])
def test_full_disk_is_one_paragraph_and_leaves_no_work_behind(small_disk: Path, tmp_path: Path, what: str) -> None:
    path = tmp_path / "a.csv"
    rows = (f"{os.urandom(200).hex()},{n % 2}\n" for n in range(15_000))
    path.write_text("text,label\n" + "".join(rows), encoding="utf-8")
    out = small_disk / "out"
    out.mkdir()
    build_either = {
        "labelled": lambda: build_labelled(LabelledData(path=str(path)), 0, out, Silent()),
        "corpus": lambda: build(out, path=str(path)),
    }
    with pytest.raises(DiskFullError, match="the disk is full") as caught:
        build_either[what]()
    assert caught.value.exit_code == 1
    assert not (out / ".work").exists()


def test_texts_that_contain_an_evaluation_text_are_removed_and_counted_apart(tmp_path: Path) -> None:
    seen = "a quiet film that nobody forgets and one of few that sing"
    rows = [f"{seen} {number}" for number in range(20)]
    path = tmp_path / "reviews.csv"
    path.write_text("text,label\n" + "".join(f"{text},{n % 2}\n" for n, text in enumerate(rows)), encoding="utf-8")
    labelled = tmp_path / "labelled"
    labelled.mkdir()
    build_labelled(LabelledData(path=str(path)), 0, labelled, Silent())
    texts = tmp_path / "texts.txt"
    texts.write_text("".join(f"So I said: {text.upper()}! He laughed.\n" for text in rows), encoding="utf-8")
    counts = build(tmp_path / "out", labelled, path=str(texts), include_training_texts=False)
    assert (counts["in_evaluation"], counts["containing_evaluation"]) == (0, 4)
    left = " ".join([*texts_of(tmp_path / "out"), *texts_of(tmp_path / "out", "held_out")]).lower()
    measured = [text for split in ("validation", "test") for text in read_split(labelled, split).texts]
    assert not any(f"{text}!" in left for text in measured)
    assert all(f"{text}!" in left for text in read_split(labelled, "train").texts)
