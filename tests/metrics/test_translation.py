"""BLEU and chrF are sacrebleu's, on the rows and on every resample."""

from __future__ import annotations

import gzip
import random
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from penjing.errors import DataError, MissingExtraError, UsageError
from penjing.metrics.interval import draw_weights
from penjing.metrics.translation import _all_scores, _count, translation_difference, translation_scores

sacrebleu = pytest.importorskip("sacrebleu")

REFERENCES = [
    "Zwei junge weiße Männer sind im Freien in der Nähe vieler Büsche.",
    "Mehrere Männer mit Schutzhelmen bedienen ein Antriebsradsystem.",
    "Ein kleines Mädchen klettert in ein Spielhaus aus Holz.",
    "Ein Mann in einem blauen Hemd steht auf einer Leiter und putzt ein Fenster.",
    "Ja.",
    "",
]
WRITTEN = [
    "Zwei junge Männer sind draußen in der Nähe vieler Büsche.",
    "Männer mit Helmen bedienen ein System",
    "",
    "Ein Mann in einem blauen Hemd putzt ein Fenster, er steht auf einer Leiter.",
    "Ja.",
    "Ja, ja.",
]
GERMAN = ["der", "die", "das", "ein", "Mann", "Frau", "Hund", "rot", "blau", "geht"]
CHINESE = ["两个年轻的男人在外面,靠近灌木丛。", "一个小女孩爬进木制的游戏屋。"]


def by_sacrebleu(written: list[str], references: list[str], tokenize: str = "13a") -> list[float]:
    return [
        metric.corpus_score(written, [references]).score
        for metric in (sacrebleu.BLEU(tokenize=tokenize), sacrebleu.CHRF())
    ]


def values(scores: dict[str, dict[str, float]]) -> list[float]:
    return [scores[name]["value"] for name in ("bleu", "chrf")]


@pytest.mark.parametrize("rows", [[0], [0, 1], [2], [4], [5], [2, 4], [1, 3, 5], [0, 1, 2, 3, 4, 5]])
def test_scores_are_those_of_sacrebleu(rows: list[int]) -> None:
    written, references = [WRITTEN[row] for row in rows], [REFERENCES[row] for row in rows]
    scores = translation_scores(written, references, language="de", resamples=5, seed=0)
    assert values(scores["scores"]) == pytest.approx(by_sacrebleu(written, references), abs=1e-9)
    assert scores["rows"] == len(rows)


def test_scores_by_any_number_of_references_are_those_of_sacrebleu() -> None:
    several = [[reference, WRITTEN[row], *REFERENCES[:row]][: 1 + row % 3] for row, reference in enumerate(REFERENCES)]
    columns = [[row[place] if place < len(row) else None for row in several] for place in range(3)]
    written = WRITTEN[1:] + WRITTEN[:1]
    metrics = [sacrebleu.BLEU(), sacrebleu.CHRF()]
    expected = [metric.corpus_score(written, columns).score for metric in metrics]
    scores = translation_scores(written, several, language="de", resamples=5, seed=0)
    assert values(scores["scores"]) == pytest.approx(expected, abs=1e-9)
    assert scores["signature"]["bleu"] == str(metrics[0].get_signature())
    assert "nrefs:var" in scores["signature"]["chrf"]


def test_every_resample_scores_as_sacrebleu_does_on_the_rows_drawn() -> None:
    counts, _ = _count(WRITTEN, [[text] for text in REFERENCES], "de")
    weights = next(draw_weights(len(WRITTEN), 40, seed=1))
    for drawn, scores in zip(weights, _all_scores(weights, counts), strict=True):
        rows = np.repeat(np.arange(len(WRITTEN)), drawn.astype(int))
        np.random.default_rng(2).shuffle(rows)
        expected = by_sacrebleu([WRITTEN[row] for row in rows], [REFERENCES[row] for row in rows])
        assert scores == pytest.approx(expected, abs=1e-9)


def test_rows_in_any_order_score_the_same() -> None:
    order = [3, 0, 5, 1, 4, 2]
    moved = translation_scores([WRITTEN[row] for row in order], [REFERENCES[row] for row in order], resamples=5, seed=0)
    assert values(moved["scores"]) == pytest.approx(by_sacrebleu(WRITTEN, REFERENCES), abs=1e-9)


@pytest.mark.parametrize(
    ("language", "references", "tokenizer"),
    [
        ("de", REFERENCES, "13a"),
        (None, REFERENCES, "13a"),
        ("zh", CHINESE, "zh"),
        ("zh-CN", CHINESE, "zh"),
        (None, CHINESE, "zh"),
        ("ja", ["男の人が外に立っている。"], "char"),
        (None, ["男の人が外に立っている。"], "char"),
        (None, ["ผู้ชายสองคนยืนอยู่"], "char"),
        ("ko", ["두 남자가 밖에 서 있다."], "13a"),
    ],
)
def test_signature_names_the_tokenizer_of_the_language(
    language: str | None, references: list[str], tokenizer: str
) -> None:
    written = [text[1:] for text in references]
    scores = translation_scores(written, references, language=language, resamples=5, seed=0)
    assert f"nrefs:1|case:mixed|eff:no|tok:{tokenizer}" in scores["signature"]["bleu"]
    assert f"version:{sacrebleu.__version__}" in scores["signature"]["chrf"]
    assert values(scores["scores"]) == pytest.approx(by_sacrebleu(written, references, tokenizer), abs=1e-9)


def test_same_seed_gives_the_same_interval_and_it_holds_the_value() -> None:
    first, second, third = (translation_scores(WRITTEN, REFERENCES, resamples=200, seed=seed) for seed in (7, 7, 8))
    assert first == second
    assert first != third
    for score in first["scores"].values():
        assert score["low"] < score["value"] < score["high"]


def test_difference_is_that_of_the_scores_and_is_paired() -> None:
    rng = random.Random(0)
    references = [" ".join(rng.choices(GERMAN, k=12)) for _ in range(80)]
    noisy = [" ".join(word for word in text.split() if rng.random() < 0.5 + 0.5 * rng.random()) for text in references]
    worse = [text.rsplit(" ", 1)[0] for text in noisy]
    ends = [
        translation_scores(written, references, language="de", resamples=300, seed=0)["scores"]
        for written in (noisy, worse)
    ]
    gap = translation_difference(noisy, worse, references, language="de", resamples=300, seed=0)
    for name in ("bleu", "chrf"):
        assert gap[name]["value"] == pytest.approx(ends[0][name]["value"] - ends[1][name]["value"], abs=1e-9)
        assert gap[name]["low"] > 0.0
        assert gap[name]["high"] - gap[name]["low"] < 0.7 * (ends[0][name]["high"] - ends[0][name]["low"])


def test_difference_on_fewer_than_six_rows_is_never_beyond_chance() -> None:
    references = REFERENCES[:4] * 10
    other = ["Nein." if row < 5 else text for row, text in enumerate(references)]
    gap = translation_difference(references, other, references, language="de", resamples=200, seed=0)
    assert gap["bleu"]["value"] > 0.0
    assert gap["bleu"]["low"] == 0.0 == gap["chrf"]["low"]
    same = translation_difference(other, other, references, language="de", resamples=200, seed=0)
    assert same["bleu"] == same["chrf"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_empty_lists_and_lists_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match="no texts"):
        translation_scores([], [], resamples=10, seed=0)
    with pytest.raises(DataError, match="1 texts and 6 references"):
        translation_scores(["a"], REFERENCES, resamples=10, seed=0)
    with pytest.raises(DataError, match="1 other"):
        translation_difference(WRITTEN, ["a"], REFERENCES, resamples=10, seed=0)
    with pytest.raises(UsageError, match="resamples"):
        translation_scores(WRITTEN, REFERENCES, resamples=0, seed=0)


def test_missing_package_is_an_error_that_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    with pytest.raises(MissingExtraError, match=r"penjing\[writing\]"):
        translation_scores(WRITTEN, REFERENCES, resamples=5, seed=0)


def test_nothing_is_said_of_texts_that_look_tokenized(caplog: pytest.LogCaptureFixture) -> None:
    texts = ["ein ganz kurzer Satz ."] * 150
    assert values(translation_scores(texts, texts, resamples=5, seed=0)["scores"]) == pytest.approx([100.0, 100.0])
    assert not caplog.records


def test_thousand_resamples_of_thousand_sentences_take_well_under_a_second(shared_data: Path) -> None:
    with gzip.open(shared_data / "multi30k" / "test_2016_flickr.de.gz", "rt", encoding="utf-8") as file:
        references = file.read().splitlines()
    written = [" ".join(text.split()[:-2]) for text in references]
    counts, _ = _count(written, [[text] for text in references], "de")
    assert _all_scores(np.ones((1, 1000)), counts)[0] == pytest.approx(by_sacrebleu(written, references), abs=1e-9)
    start = time.process_time()
    for weights in draw_weights(len(counts), 1000, seed=0):
        _all_scores(weights, counts)
    assert time.process_time() - start < 1.0
