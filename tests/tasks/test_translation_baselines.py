"""The dictionary is that of IBM Model 1, and what it writes reads as a text."""

from __future__ import annotations

import gzip
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from penjing.errors import DataError, MissingExtraError
from penjing.metrics.translation import translation_scores
from penjing.tasks.baselines import TRANSLATION_BASELINES
from penjing.tasks.baselines.translation import _likeliest, _pair_words, fit_dictionary

ENGLISH = ["the house is small", "the house is red", "the book is small", "a red book", "a dog", "the dog sleeps"]
GERMAN = [
    "das Haus ist klein",
    "das Haus ist rot",
    "das Buch ist klein",
    "ein rotes Buch",
    "ein Hund",
    "der Hund schläft",
]
CHINESE = ["房子很小。", "房子很红。", "书很小。", "红书。", "一只狗。", "狗睡觉。"]


def by_counting(sources: list[str], targets: list[str], iterations: int) -> dict[tuple[str, str], float]:
    """The chances t(target | source) of Model 1, counted pair by pair."""
    pairs = [(["", *source.split()], target.split()) for source, target in zip(sources, targets, strict=True)]
    chances: dict[tuple[str, str], float] = defaultdict(lambda: 1.0)
    for _ in range(iterations):
        counts, totals = defaultdict(float), defaultdict(float)
        for source, target in pairs:
            for word in target:
                total = sum(chances[own, word] for own in source)
                for own in source:
                    counts[own, word] += chances[own, word] / total
                    totals[own] += chances[own, word] / total
        chances = {pair: count / totals[pair[0]] for pair, count in counts.items()}
    return chances


@pytest.mark.parametrize("name", sorted(TRANSLATION_BASELINES))
@pytest.mark.parametrize("targets", [GERMAN, CHINESE, [""] * 6])
def test_every_baseline_writes_a_text_for_each_source_and_the_same_on_every_run(name: str, targets: list[str]) -> None:
    texts = ["", "the small dog", "日本 ! \n", "\U0001f600"]
    first, second = (TRANSLATION_BASELINES[name](ENGLISH, targets).write(texts) for _ in range(2))
    assert first == second
    assert [type(text) for text in first] == [str] * 4


@pytest.mark.parametrize("iterations", [1, 3, 20])
def test_dictionary_is_that_of_model_1(iterations: int) -> None:
    chances = by_counting(ENGLISH, GERMAN, iterations)
    words = fit_dictionary(ENGLISH, GERMAN, iterations=iterations).words
    assert set(words) == {own for own, _ in chances if own}
    for own, word in words.items():
        best = max(chance for (source, _), chance in chances.items() if source == own)
        assert chances[own, word] == pytest.approx(best, rel=1e-9)


def test_words_learned_are_put_in_place_and_others_copied() -> None:
    model = fit_dictionary(ENGLISH, GERMAN)
    assert model.write(["the small book, the Dog (Rex)!"]) == ["das klein Buch, das Hund (Rex)!"]
    assert model.write(["THE don't"]) == ["das don't"]


def test_chinese_is_written_without_spaces_and_read_by_words() -> None:
    pytest.importorskip("rjieba")
    there = fit_dictionary(["the house .", "a dog .", "the dog ."], ["房子。", "一只狗。", "狗。"])
    assert there.write(["dog .", "iPhone 12 dog ."]) == ["狗。", "iPhone 12狗。"]
    back = fit_dictionary(
        ["房子。", "狗。", "房子很小。", "狗睡觉。"], ["house.", "dog.", "house small.", "dog sleeps."]
    )
    assert back.write(["狗房子。", "狗。房子"]) == ["dog house.", "dog. house"]


def test_letters_never_become_a_sign() -> None:
    words = fit_dictionary(["are red .", "are blue .", "is", "is ."], ["rot .", "blau .", ".", "."]).words
    assert words["."] == "."
    assert words["are"] in {"rot", "blau"}
    assert "is" not in words


def test_drawing_fewer_pairs_holds_the_bound_and_depends_on_the_seed() -> None:
    sources = [f"w{number} x y" for number in range(200)]
    targets = [f"v{number} a b" for number in range(200)]
    first, second, third = (fit_dictionary(sources, targets, most_cells=240, seed=seed) for seed in (0, 0, 1))
    assert first.pairs == 20  # each has 3 places, and 3 words and none at each
    assert first == second
    assert set(first.words) != set(third.words)
    assert len(_pair_words(["w " * 5000], ["v " * 5000], 10**9, 0).codes) == 100 * 101


def test_pairs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match="there are no texts"):
        fit_dictionary([], [])
    with pytest.raises(DataError, match="1 sources and 2 targets"):
        fit_dictionary(["a"], ["a", "b"])


def test_chinese_words_without_their_package_are_an_error_that_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rjieba", None)
    with pytest.raises(MissingExtraError, match=r"penjing\[zh\]"):
        fit_dictionary(ENGLISH, CHINESE)


def test_dictionary_of_multi30k_beats_the_copy_by_far(shared_data: Path) -> None:
    pytest.importorskip("sacrebleu")

    def read(name: str, rows: int) -> list[str]:
        with gzip.open(shared_data / "multi30k" / f"{name}.gz", "rt", encoding="utf-8") as file:
            return file.read().splitlines()[:rows]

    sources, references = read("test_2016_flickr.en", 200), read("test_2016_flickr.de", 200)
    training = read("train.en", 4000), read("train.de", 4000)
    start = time.process_time()
    bleu = {}
    for name, fit in TRANSLATION_BASELINES.items():
        written = fit(*training).write(sources)
        bleu[name] = translation_scores(written, references, language="de", resamples=50, seed=0)["scores"]["bleu"]
    assert time.process_time() - start < 20.0  # 2 seconds on an idle core
    assert bleu["copy"]["high"] < 5.0
    assert bleu["dictionary"]["low"] > 8.0


def test_no_word_in_common_is_an_empty_dictionary() -> None:
    cells = _pair_words(["a"], ["!"], 10, 0)
    assert _likeliest(cells, 2) == {}
    np.testing.assert_array_equal(cells.sizes, [2])
