"""What a file holds is seen as its owner would say it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from penjing.errors import DataError, UsageError
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.starting.continuation import propose_continuations
from penjing.pipeline.starting.language_model import propose_language_models
from penjing.pipeline.starting.looking import Found, look_at_pairs, look_at_rows, look_at_texts
from penjing.pipeline.starting.wanted import Document, Wanted

ENGLISH = ("a lovely film that moves everybody who sees it", "a dull plot and an empty story that nobody needs")
CHINESE = ("房间很干净，早餐也不错，下次还会来住", "前台的态度很差，隔音也不好，不会再来了")


def write_lines(path: Path, lines: list[str]) -> str:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def test_columns_and_labels_of_a_table_are_found(tmp_path: Path) -> None:
    rows = ["id,stars,review", *(f"{n},{('good', 'bad')[n % 2]},{ENGLISH[n % 2]} {n}" for n in range(40))]
    found = look_at_rows(write_lines(tmp_path / "rows.csv", rows), None, None)
    assert (found.text, found.label, found.columns) == ("review", "stars", None)
    assert found.labels == {"good": 20, "bad": 20}
    assert (found.rows, found.files, found.language) == (40, 1, "en")
    assert found.long_words == 11


def test_table_without_a_header_gets_names(tmp_path: Path) -> None:
    rows = [f"{CHINESE[n % 2]}{n}\t{n % 2}" for n in range(40)]
    found = look_at_rows(write_lines(tmp_path / "rows.tsv", rows), None, None)
    assert found.columns == ("text", "label")
    assert (found.rows, found.language, found.labels) == (40, "zh", {"0": 20, "1": 20})


QUESTION = "What did you think about the film that you have seen?"


@pytest.mark.parametrize(
    ("head", "labels", "is_unclear"),
    [
        (f"{QUESTION},verdict", "ab", True),
        ("您对本次购物体验的整体评价以及对商品质量物流速度客服态度等各方面的详细意见和建议请填写,满意度", "ab", False),
        ("message,spam", ("spam", "ham"), False),
        ("sms text,spam", ("spam", "ham"), True),
        (f"{QUESTION},label", ("label", "a"), False),
        (f"{QUESTION},rating,id", "ab", False),
        ("review,verdict", "ab", False),
    ],
)
def test_headings_of_surveys_and_names_that_are_labels_too_are_no_rows(
    tmp_path: Path, head: str, labels: Sequence[str], is_unclear: bool
) -> None:
    more = ",7" * (head.count(",") - 1)
    rows = [head, *(f"{ENGLISH[n % 2]} {n},{labels[n % 2]}{more}" for n in range(40))]
    found = look_at_rows(write_lines(tmp_path / "rows.csv", rows), None, None)
    assert (found.text, found.label, found.columns) == (*head.split(",")[:2], None)
    assert (found.rows, sum(found.labels.values()), found.is_header_unclear) == (40, 40, is_unclear)


def test_numbers_and_times_among_such_tell_a_row(tmp_path: Path) -> None:
    rows = [f"{n},2024-01-{n % 28 + 1:02},{ENGLISH[n % 2]},{CHINESE[n % 2]}{n}" for n in range(40)]
    found = look_at_pairs([write_lines(tmp_path / "pairs.csv", rows)], None, None, longer_first=False)
    assert (found.rows, found.columns) == (40, ("column1", "column2", "text", "column4"))


def test_first_line_that_is_shorter_than_the_texts_is_taken_for_names_and_said_to_be(tmp_path: Path) -> None:
    rows = ["so dull,bad", *(f"{ENGLISH[n % 2]} {n},{('good', 'bad')[n % 2]}" for n in range(40))]
    found = look_at_rows(write_lines(tmp_path / "rows.csv", rows), None, None)
    assert (found.columns, found.rows, found.is_header_unclear) == (None, 40, True)


def test_folder_is_looked_at_by_its_training_files(tmp_path: Path) -> None:
    for split, rows in (("train", 40), ("test", 10)):
        write_lines(tmp_path / f"{split}.csv", ["text,label", *(f"{ENGLISH[n % 2]} {n},{n % 2}" for n in range(rows))])
    found = look_at_rows(str(tmp_path), None, None)
    assert found.splits == ("test", "train")
    assert sum(found.labels.values()) == 40


def test_rows_of_a_long_file_are_reckoned_from_its_beginning(tmp_path: Path) -> None:
    words = "a word and another one " * 40
    rows = ["text,label", *(f"{words},{n % 2}" for n in range(40_000))]
    found = look_at_rows(write_lines(tmp_path / "long.csv", rows), None, None)
    assert abs(found.rows - 40_000) < 4000


def test_longer_column_is_what_a_summary_is_of_and_the_first_what_is_translated(tmp_path: Path) -> None:
    rows = [{"short": CHINESE[n % 2], "long": f"{ENGLISH[n % 2]} {n}", "n": n} for n in range(40)]
    file = write_lines(tmp_path / "pairs.jsonl", [json.dumps(row, ensure_ascii=False) for row in rows])
    summary = look_at_pairs([file], None, None, longer_first=True)
    assert (summary.text, summary.target) == ("long", "short")
    translation = look_at_pairs([file], None, None, longer_first=False)
    assert (translation.text, translation.target) == ("short", "long")
    assert (translation.language, translation.target_language) == ("zh", "en")
    named = look_at_pairs([file], "long", None, longer_first=False)
    assert (named.text, named.target) == ("long", "short")


def test_two_packed_files_of_lines_are_pairs(tmp_path: Path) -> None:
    for name, lines in (("a.en", ENGLISH), ("a.zh", CHINESE)):
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress("".join(f"{line}\n" for line in lines * 50).encode()))
    found = look_at_pairs([str(tmp_path / "a.en.gz"), str(tmp_path / "a.zh.gz")], None, None, longer_first=False)
    assert (found.rows, found.text, found.target, found.target_language) == (100, "text", "target", "zh")
    assert (found.long_words, found.long_target_words) == (10, 13)


def test_texts_without_labels(tmp_path: Path) -> None:
    found = look_at_texts(write_lines(tmp_path / "texts.txt", [*CHINESE] * 20), None)
    assert (found.rows, found.label, found.language) == (40, None, "zh")


@pytest.mark.parametrize(
    "propose", [propose_continuations, lambda wanted, found: propose_language_models(wanted, found, 1e12)]
)
def test_texts_of_a_table_without_a_header_are_all_read(
    tmp_path: Path, propose: Callable[[Wanted, Found], list[tuple[str, Document]]]
) -> None:
    rows = [f"{ENGLISH[n % 2]} {n},{('good', 'bad')[n % 2]}" for n in range(40)]
    file = write_lines(tmp_path / "rows.csv", rows)
    found = look_at_texts(file, None)
    assert (found.rows, found.text, found.columns) == (40, "text", ("text", "label"))
    wanted = Wanted("mine", "generate", (file,), None, None, 5, "en")
    document = propose(wanted, found)[0][1]
    section = document["data" if "data" in document else "corpus"]
    assert section["columns"] == ["text", "label"]
    check_recipe(document, "mine")


def test_header_without_rows_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"rows.csv: there is no row. Put rows into it"):
        look_at_rows(write_lines(tmp_path / "rows.csv", ["text,label"]), "text", "label")


@pytest.mark.parametrize(
    ("lines", "options", "what"),
    [
        (
            ["n,m", *(f"{n},{n}" for n in range(20))],
            (None, None),
            "no column looks like the text; its columns are n, m",
        ),
        (["text,label", *(f"{ENGLISH[n % 2]} {n},{n % 2}" for n in range(20))], ("words", None), 'no column "words"'),
        (
            ["text,id", *(f"{ENGLISH[n % 2]} {n},{n}" for n in range(20))],
            (None, None),
            "no column looks like the label",
        ),
    ],
)
def test_what_is_not_there_is_named(
    tmp_path: Path, lines: list[str], options: tuple[str | None, str | None], what: str
) -> None:
    with pytest.raises(UsageError, match=what):
        look_at_rows(write_lines(tmp_path / "rows.csv", lines), *options)


def test_one_column_of_texts_is_no_pair(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there are no two columns of texts"):
        look_at_pairs([write_lines(tmp_path / "one.csv", ["text", *ENGLISH])], None, None, longer_first=False)


_LINK = "https://example.org/shop/products/{n:08}/reviews/index.html"


def cells(n: int) -> dict[str, object]:
    """Cells of many kinds, by what they are."""
    return {
        "english": f"{ENGLISH[n % 2]} {n}",
        "chinese": f"{CHINESE[n % 2]}{n}",
        "short": f"{('很快', '太差', '还可以')[n % 3]}{n}",
        "five": n % 5 + 1,
        "three": ("good", "fair", "bad")[n % 3],
        "split": ("train", "test")[n % 2],
        "yes": "YN"[n % 2],
        "link": _LINK.format(n=n),
        "path": f"pictures/of/reviews/{n % 2}.jpg",
        "day": f"March {n % 2 + 1}, 2024",
    }


@pytest.mark.parametrize(
    ("head", "text", "label"),
    [
        ({"text": "english", "label": "three", "split": "split"}, "text", "label"),
        ({"text": "english", "label(1-5)": "five", "verified(Y/N)": "yes"}, "text", "label(1-5)"),
        ({"评论": "chinese", "情感": "three", "性别": "yes"}, "评论", "情感"),
        ({"text": "english", "label": "three", "url": "link"}, "text", "label"),
        ({"words": "english", "kind": "three", "split": "split"}, "words", "kind"),
        ({"words": "english", "kind": "three", "seen at": "link", "shot": "path", "when": "day"}, "words", "kind"),
        ({"text": "short", "label": "three"}, "text", "label"),
        ({"words": "short", "kind": "three"}, "words", "kind"),
    ],
)
def test_columns_are_known_by_their_names_and_what_is_beside_texts_is_never_guessed(
    tmp_path: Path, head: dict[str, str], text: str, label: str
) -> None:
    rows = [",".join(f'"{cells(n)[kind]}"' for kind in head.values()) for n in range(40)]
    found = look_at_rows(write_lines(tmp_path / "rows.csv", [",".join(head), *rows]), None, None)
    assert (found.text, found.label, found.columns) == (text, label, None)


def test_labels_that_come_once_are_known_by_the_name_of_their_column(tmp_path: Path) -> None:
    rows = ["text,label", "A lovely film,positive", "Dull and far too long,negative"]
    found = look_at_rows(write_lines(tmp_path / "rows.csv", rows), None, None)
    assert (found.text, found.label) == ("text", "label")


@pytest.mark.parametrize(
    ("head", "longer_first", "pair"),
    [
        (("text", "target", "source_url"), False, ("text", "target")),
        (("article", "summary", "url"), True, ("article", "summary")),
        (("译文", "原文", "链接"), False, ("原文", "译文")),
        (("title", "abstract", "url"), True, ("abstract", "title")),
        (("en", "zh", "seen at"), False, ("en", "zh")),
    ],
)
def test_pairs_are_known_by_their_names_and_addresses_are_none(
    tmp_path: Path, head: tuple[str, ...], longer_first: bool, pair: tuple[str, str]
) -> None:
    lines = [",".join(head), *(f"{ENGLISH[n % 2]} {n},{CHINESE[n % 2]}{n},{_LINK.format(n=n)}" for n in range(40))]
    found = look_at_pairs([write_lines(tmp_path / "pairs.csv", lines)], None, None, longer_first=longer_first)
    assert (found.text, found.target) == pair


def test_a_column_called_source_that_says_where_rows_are_from_is_no_text_of_a_pair(tmp_path: Path) -> None:
    rows = [f"{('news', 'books')[n % 2]},{ENGLISH[n % 2]} {n},{CHINESE[n % 2]}{n}" for n in range(40)]
    file = write_lines(tmp_path / "pairs.csv", ["source,en,zh", *rows])
    found = look_at_pairs([file], None, None, longer_first=False)
    assert (found.text, found.target) == ("en", "zh")
