from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from penjing.data.minimal_pairs import MinimalPair
from penjing.errors import DataError
from penjing.evaluate.minimal_pairs import evaluate_minimal_pairs, sample_pairs
from penjing.inference.language_model import MeasurableModel
from penjing.inference.likelihood import Likelihoods
from penjing.progress import Progress, Silent
from penjing.text.tokenizer import train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings


@dataclass
class ByLength:
    """A scorer that finds a sentence the less likely, the more tokens it has, and remembers what it read."""

    reads_both_sides: bool = False
    longest: int | None = None
    value: float = -1.0

    def __post_init__(self) -> None:
        self.read: list[list[int]] = []

    def measure(self, sequences: Sequence[Sequence[int]], progress: Progress) -> Likelihoods:
        self.read += [list(ids) for ids in sequences]
        sizes = np.array([len(ids) for ids in sequences])
        return Likelihoods(self.value * sizes, sizes)


def make_model(**settings: Any) -> tuple[MeasurableModel, ByLength]:
    tokenizer = train_tokenizer([["a b c d e f"] * 3], TokenizerSettings(kind="word", vocab_size=300))
    scorer = ByLength(**settings)
    return MeasurableModel("test", tokenizer, scorer), scorer


PAIRS = [
    MinimalPair("a", "a b", "short", "length", "syntax"),
    MinimalPair("a b", "a", "short", "length", "syntax"),
    MinimalPair("a b", "b a", "order", "order", "syntax"),
    MinimalPair("a", "a b c", "long", "length", "semantics"),
]


def measure(pairs: Sequence[MinimalPair], model: MeasurableModel, **settings: Any) -> dict[str, Any]:
    return evaluate_minimal_pairs(model, pairs, resamples=100, seed=0, progress=Silent(), **settings)


def test_accuracy_is_the_mean_over_sets_and_ties_count_one_half() -> None:
    found = measure(PAIRS, make_model()[0])
    assert {name: score["value"] for name, score in found["by_set"].items()} == {"long": 1, "order": 0.5, "short": 0.5}
    assert {name: score["pairs"] for name, score in found["by_set"].items()} == {"long": 1, "order": 1, "short": 2}
    assert found["accuracy"]["value"] == pytest.approx(2 / 3)
    assert {name: score["value"] for name, score in found["by_field"].items()} == {"semantics": 1, "syntax": 0.5}
    assert {name: (s["value"], s["sets"]) for name, s in found["by_term"].items()} == {
        "length": (0.75, 2),
        "order": (0.5, 1),
    }
    assert (found["pairs"], found["pairs_given"], found["sets"], found["ties"]) == (4, 4, 3, 1)
    assert found["baselines"]["random"]["value"] == 0.5


def test_a_sentence_is_read_once_after_the_start_token_and_without_an_end() -> None:
    model, scorer = make_model()
    measure(PAIRS, model)
    tokenizer = model.tokenizer
    expected = [[tokenizer.start_id, *ids] for ids in tokenizer.encode(["a", "a b", "b a", "a b c"])]
    assert sorted(scorer.read) == sorted(expected)


def test_a_model_that_reads_both_sides_sees_the_end() -> None:
    model, scorer = make_model(reads_both_sides=True)
    assert measure(PAIRS, model)["measure"] == "pseudo-log-likelihood"
    assert {ids[-1] for ids in scorer.read} == {model.tokenizer.end_id}


def test_sentences_of_unknown_words_alone_are_ties() -> None:
    found = measure([MinimalPair("🎬 很好看", "zzz qqq", "unknown")], make_model()[0])
    assert (found["accuracy"]["value"], found["ties"]) == (0.5, 1)


def test_a_sample_is_the_same_every_time_and_for_each_set_alone() -> None:
    pairs = [MinimalPair(str(number), "x", name) for name in ("one", "two") for number in range(50)]
    sample = sample_pairs(pairs, 5, seed=0)
    assert sample == sample_pairs(pairs, 5, seed=0) != sample_pairs(pairs, 5, seed=1)
    assert [pair for pair in sample if pair.set_name == "two"] == sample_pairs(pairs[50:], 5, seed=0)
    assert len(set(sample)) == 10
    assert sample_pairs(pairs, 80, seed=0) == sample_pairs(pairs, None, seed=0) == pairs
    found = measure(pairs, make_model()[0], pairs_per_set=5)
    assert (found["pairs"], found["pairs_given"], found["pairs_per_set"]) == (10, 100, 5)


def test_a_baseline_is_asked_the_same_tokens() -> None:
    def by_length(sentences: Sequence[Sequence[int]]) -> Any:
        return np.array([float(len(ids)) for ids in sentences])

    found = measure(PAIRS, make_model(reads_both_sides=True)[0], baselines={"longer": by_length})
    assert found["baselines"]["longer"]["value"] == pytest.approx(1 / 3)


def test_no_pairs_and_no_finite_probability_are_refused() -> None:
    with pytest.raises(DataError, match="no pairs to measure"):
        measure([], make_model()[0])
    with pytest.raises(DataError, match="no finite probability"):
        measure(PAIRS, make_model(value=np.nan)[0])
