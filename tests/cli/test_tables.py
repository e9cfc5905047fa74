from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.console import Console

from penjing.cli.tables import confusion_table, label_table, score_table


def test_a_score_without_a_value_or_an_interval_is_shown_as_far_as_it_is_known() -> None:
    scores = {
        "distinct_2": {"value": 0.5, "low": 0.25, "high": 0.75},
        "repetition": {"value": 0.5, "low": None, "high": None},
        "length": {"value": None, "low": None, "high": None},
    }
    console = Console(width=80)
    with console.capture() as printed:
        console.print(score_table({"rows": 3, "scores": scores}))
    assert [" ".join(line.split()) for line in printed.get().splitlines()[2:]] == [
        "Distinct runs of two 50.0% (25.0%–75.0%)",
        "Repetition 50.0%",
        "Length –",
    ]


def test_no_figure_is_cut_beside_four_baselines_on_a_screen_of_80() -> None:
    scores = {name: {"value": 0.5, "low": 0.25, "high": 0.75} for name in ("within_one", "mae")}
    names = ("majority", "tfidf-logistic", "tfidf-ridge", "lexicon-zh")
    evaluation = {"rows": 3, "scores": scores, "baselines": {name: {"scores": scores} for name in names}}
    console = Console(width=80)
    with console.capture() as printed:
        console.print(score_table(evaluation))
    shown = printed.get()
    assert shown.count("(25.0%–75.0%)") == 5
    assert shown.count("(0.250–0.750)") == 5
    assert "…" not in shown


def test_no_figure_of_a_label_is_cut_on_a_screen_of_80() -> None:
    figures = {
        name: {"value": 0.571, "low": 0.123, "high": 1.0} for name in ("precision", "recall", "f1", "auroc", "ece")
    }
    console = Console(width=80)
    with console.capture() as printed:
        console.print(label_table({"per_label": {"positive": {**figures, "support": 171}}}))
    shown = printed.get()
    assert "…" not in shown
    assert "".join(shown.split()).count("57.1%") == 5
    assert "171" in shown


def test_the_score_without_the_cache_is_named_so_that_a_narrow_screen_shows_it() -> None:
    scores = {
        name: {"value": 0.5, "low": 0.25, "high": 0.75} for name in ("retrieval_accuracy", "retrieval_accuracy_alone")
    }
    console = Console(width=80)
    with console.capture() as printed:
        console.print(
            score_table({"rows": 3, "scores": scores, "baselines": {"a": {"scores": {}}, "b": {"scores": {}}}})
        )
    shown = printed.get()
    assert "Right reply found, without the cache 50.0% (25.0%–75.0%)" in " ".join(shown.split())
    assert "…" not in shown


@pytest.mark.parametrize("width", [24, 40, 60, 100, 200])
def test_no_figure_is_broken_on_a_screen_of_any_width(width: int) -> None:
    scores = {name: {"value": 0.5, "low": 0.25, "high": 0.75} for name in ("macro_f1", "retrieval_accuracy_alone")}
    measured = {"rows": 3, "scores": scores, "baselines": {"tfidf-logistic": {"scores": scores}}}
    figures = {
        name: {"value": 0.571, "low": 0.123, "high": 1.0} for name in ("precision", "recall", "f1", "auroc", "ece")
    }
    counted = {f"{truth}_{kind}": 1234 for truth in ("true", "false") for kind in ("positives", "negatives")}
    labels = {"per_label": {"[好评]": {**figures, **counted, "support": 171}}}
    console = Console(width=width)
    with console.capture() as printed:
        for table in (score_table(measured), label_table(labels), confusion_table(labels)):
            console.print(table)
    shown = printed.get()
    assert "…" not in shown
    assert all(cell_len(line) <= width for line in shown.splitlines())
    counts = {"50.0%": 4, "(25.0%–75.0%)": 4, "57.1%": 5, "(12.3%–100.0%)": 5, "1,234": 4, "171": 1, "[好评]": 2}
    assert {figure: shown.count(figure) for figure in counts} == counts
    assert "Macro-F1" in shown
    assert "without the cache" in " ".join(shown.split())
