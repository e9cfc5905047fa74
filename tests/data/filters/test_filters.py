"""Filters: what prose is, in both scripts, and what is not."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.data.filters import Filter, Rule, judge_texts, load_filter
from penjing.data.filters.signals import Signals
from penjing.errors import UsageError
from penjing.registry import registered_names

NAMES = ("gopher_quality", "gopher_repetition", "fineweb", "c4")
PROSE = (
    "The old house stood at the end of the lane, and nobody had lived in it for years. Every evening the wind came up "
    "from the river to rattle its shutters. Children said that there was a light in the attic. I never saw one myself. "
    "Still, when I walked by with my dog, we would both hurry until we were past the gate."
)
CHINESE = (
    "那座老房子在巷子的尽头，已经很多年没有人住了。每天傍晚，风从河边吹过来，把窗子吹得响个不停。孩子们都说阁楼里有灯光。"
    "我自己倒是从来没有见过。不过，每次我和我的狗从那里走过的时候，我们都会加快脚步，一直走到大门后面才敢慢下来。"
)


def broken(text: str, name: str) -> str | None:
    [verdict] = judge_texts([text], [load_filter(name)])
    return None if verdict is None else verdict.reason


@pytest.mark.parametrize("text", [PROSE, CHINESE], ids=["English", "Chinese"])
def test_prose_passes_every_filter(text: str) -> None:
    assert judge_texts([text], [load_filter(name) for name in NAMES]) == [None]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Too short.", "gopher_quality.words"),
        ("太短了。", "gopher_quality.words"),
        ("a " * 60, "gopher_quality.mean_word_length"),
        (PROSE + " #" * 8, "gopher_quality.symbols"),
        (
            "\n".join(f"- the item to have number {n} of that list and more" for n in range(12)),
            "gopher_quality.bullet_lines",
        ),
        (
            "\n".join(f"the line to have number {n} of that list and more..." for n in range(12)),
            "gopher_quality.ellipsis_lines",
        ),
        ("the " * 3 + "1234 " * 80, "gopher_quality.alphabetic"),
        ("的是，1。" * 40, "gopher_quality.alphabetic"),
        (f"{CHINESE}{'#' * 7}", "gopher_quality.symbols"),
        ("lorem ipsum dolor sit amet consectetur " * 12, "gopher_quality.stop_words"),
        ("價格便宜品質優良歡迎選購" * 12, "gopher_quality.stop_words"),
        ("\n".join(["the same line"] * 9 + ["another one"]), "gopher_repetition.lines"),
        ("go on and on and on and on and on and on " * 4, "gopher_repetition.top_2"),
        ("哈哈" * 60, "gopher_repetition.top_2"),
        (f"{PROSE} {PROSE}", "gopher_repetition.run_5"),
        (CHINESE + CHINESE, "gopher_repetition.run_5"),
        ("Home\nAbout\nContact\nLogin", "fineweb.punctuated_lines"),
        ("首页\n关于我们\n联系方式\n登录", "fineweb.punctuated_lines"),
        ("Yes.\nNo.\nMaybe.\nPerhaps not.", "fineweb.short_lines"),
        (f"{PROSE} Lorem ipsum.", "c4.placeholder"),
        (f"{PROSE} {{x}}", "c4.braces"),
        ("One. Two. Three", "c4.sentences"),
        ("一。二。三", "c4.sentences"),
    ],
)
def test_each_rule_refuses_what_it_is_for(text: str, reason: str) -> None:
    assert broken(text, reason.split(".")[0]) == reason


def test_number_signs_and_ellipses_are_not_added_up() -> None:
    words = PROSE.split()
    few, many = len(words) // 12, len(words) // 8
    assert broken(f"{'#' * few} {'... ' * few}{PROSE}", "gopher_quality") is None
    for sign in ("#", "... "):
        assert broken(f"{sign * many}{PROSE}", "gopher_quality") == "gopher_quality.symbols"


def test_gopher_allows_three_lines_of_ten_to_come_again() -> None:
    rules = tuple(rule for rule in load_filter("gopher_repetition").rules if rule.name in ("lines", "paragraphs"))
    lines = [f"Line {number}" for number in range(7)]
    for gap in ("\n", "\n\n"):
        for new, is_kept in ((7, True), (6, False)):
            text = gap.join([*lines[:new], *lines[:3]])
            assert (judge_texts([text], [Filter("own", "", rules)]) == [None]) == is_kept


def test_fineweb_refuses_at_its_limits_too() -> None:
    line = "A line that is long enough to be no short one"
    lines = [f"{line}, number {number:02}" for number in range(100)]
    for ended, is_kept in ((12, False), (13, True)):
        text = "\n".join(f"{each}." if at < ended else each for at, each in enumerate(lines))
        assert (broken(text, "fineweb") is None) == is_kept
    for short, is_kept in ((67, False), (66, True)):
        text = "\n".join(f"Short line {at}." if at < short else f"{each}." for at, each in enumerate(lines))
        assert (broken(text, "fineweb") is None) == is_kept
    for others, is_kept in ((8, False), (9, True)):
        # One of ten lines of equal length comes again: a tenth of the characters.
        text = "\n".join(f"{each}." for each in (*lines[: others + 1], lines[0]))
        assert (broken(text, "fineweb") is None) == is_kept


def test_c4_asks_for_three_sentences() -> None:
    assert broken("One. Two! Three?", "c4") is None
    assert broken("One. Two!", "c4") == "c4.sentences"


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("1.很好,位置不错. 2.服务也好.下次还来.", 3),
        ("价格4.5元．味道不错｡", 2),
        ("用了www.example.com的服务，v2.0版", 0),
        ("真的吗……不会吧！！", 2),
    ],
)
def test_chinese_sentences_may_end_in_a_period(text: str, sentences: int) -> None:
    assert Signals([text]).sentences[0] == sentences


@given(st.text(alphabet=st.sampled_from("ab-*•. …\n\r\t好。#"), max_size=60))
def test_shares_are_shares(text: str) -> None:
    found = Signals([text])
    for shares in (
        found.bullet_lines,
        found.ellipsis_lines,
        found.punctuated_lines,
        found.short_lines,
        found.alphabetic,
    ):
        assert 0 <= shares[0] <= 1


@given(st.lists(st.text(alphabet=st.sampled_from("ab好\u3000\x0b\xa0 \t\r\n\f"), max_size=12), max_size=5))
def test_words_are_what_spaces_set_apart(texts: list[str]) -> None:
    found = Signals([*texts, "", PROSE])
    for text, words, unspaced in zip(texts, found.words, found.is_unspaced, strict=False):
        by_hand = re.findall(r"[^ \t\r\n\f]+", text)
        assert words == (len("".join(by_hand)) if unspaced else len(by_hand))


@given(st.lists(st.sampled_from([PROSE, CHINESE, "Too short.", f"{PROSE}\n{PROSE}", "One {x}.", "", CHINESE[:90]])))
def test_a_text_is_judged_alike_beside_any_others_and_by_one_filter_after_another(texts: list[str]) -> None:
    filters = [load_filter(name) for name in NAMES]
    alone = [next(filter(None, (judge_texts([text], [each])[0] for each in filters)), None) for text in texts]
    assert judge_texts(texts, filters) == alone


def test_blank_lines_and_rules_between_lines_count_for_nothing() -> None:
    paragraphs = [f"{PROSE} And so it went on, {n} times." for n in range(6)]
    for gap in ("\n\n", "\r\n\r\n", "\r\n \r\n \r\n"):
        assert Signals([gap.join(paragraphs)]).short_lines[0] == 0
    assert Signals([f"{PROSE}\n{'-' * 80}\n{PROSE}"]).bullet_lines[0] == 0
    assert Signals(["- - - - a\n* b\nc"]).bullet_lines[0] == pytest.approx(1 / 3)


def test_a_text_counts_as_unspaced_by_most_of_what_is_in_it() -> None:
    texts = [
        PROSE,
        CHINESE,
        f"{CHINESE} iPhone 15 Pro",
        "The word 好 means good.",
        "これは日本語の文です",
        "สวัสดีครับ",
        "한국어 문장입니다",
    ]
    assert Signals(texts).is_unspaced.tolist() == [False, True, True, False, True, True, False]


def test_the_first_broken_rule_is_named_with_what_it_allows() -> None:
    [verdict] = judge_texts(["Too {short}"], [load_filter(name) for name in NAMES])
    assert verdict is not None
    assert (verdict.reason, verdict.value, verdict.low, verdict.high) == ("gopher_quality.words", 2, 50, 100_000)
    [verdict] = judge_texts(["太短"], [load_filter("gopher_quality")])
    assert verdict is not None
    assert (verdict.value, verdict.low) == (2, 80)


def test_a_rule_without_a_threshold_of_its_own_for_a_script_uses_the_other() -> None:
    rule = Rule("words", lambda found: found.words, 2, unspaced_high=5)
    assert rule.limits(is_unspaced=True) == (2, 5)
    assert rule.limits(is_unspaced=False) == (2, math.inf)
    own = Filter("own", "", (rule,))
    assert [verdict is None for verdict in judge_texts(["one two three four five six", "一二三四五六"], [own])] == [
        True,
        False,
    ]


def test_no_text_and_no_filter_is_no_fault() -> None:
    assert judge_texts([], [load_filter(name) for name in NAMES]) == []
    assert judge_texts(["a", ""], []) == [None, None]
    assert all(judge_texts([""], [load_filter(name)]) is not None for name in NAMES)


def test_known_filters_are_those_registered_and_the_nearest_is_named() -> None:
    assert set(NAMES) <= set(registered_names("filters"))
    with pytest.raises(UsageError, match=r'Did you mean "fineweb"'):
        load_filter("finweb")
