"""With data, an export is scored on the task; the score is the one that the model itself has on these rows."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import penjing
from penjing.errors import DataError, UsageError
from penjing.inference.answer_likelihood import AnswerScorer
from penjing.inference.likelihood import CausalScorer
from penjing.pipeline.exporting.exporting import Exported
from penjing.pipeline.exporting.parity import Bounds, compare_scores
from penjing.pipeline.exporting.proving import Own
from penjing.pipeline.exporting.sample import SampleData, read_sample
from penjing.pipeline.exporting.source import Source, open_source

Export = Callable[..., Exported]


def score(source: Source, data: SampleData) -> dict[str, Any]:
    return read_sample(source, data).score(source, Own(source.network, source))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("family", ["t5", "llama"])
def test_what_writes_is_scored_on_what_it_should_write(family: str, pair_run_of: Callable[[str], Any]) -> None:
    run = pair_run_of(family)
    data = Path(run.model).parent.parent / "pairs.csv"
    model: Any = penjing.load(run.model, "cpu")
    rows = rows_of(data)
    pairs = model.renderer.render(rows)
    if family == "t5":
        found = AnswerScorer(model.network, 0).measure([(pair.read.ids, pair.written.ids) for pair in pairs])
    else:
        firsts = [len(pair.read.ids) for pair in pairs]
        found = CausalScorer(model.network, 0).measure([pair.joined.ids for pair in pairs], first=firsts)
    size = sum(len(row["target"].encode()) for row in rows)
    measured = score(open_source(run.model), SampleData(str(data)))
    assert measured["rows"] == len(rows)
    assert measured["bits_per_byte"] == pytest.approx(
        -found.log_probabilities.sum() / math.log(2) / size, rel=1e-4, abs=1e-6
    )


def test_export_of_a_translator_says_its_score_before_and_after(
    pair_run_of: Callable[[str], Any], export: Export
) -> None:
    run = pair_run_of("t5")
    task = export(run.model, "int8", data=Path(run.model).parent.parent / "pairs.csv").parity["task"]
    assert 0 < task["before"]["bits_per_byte"] == pytest.approx(task["after"]["bits_per_byte"], rel=0.05)


def test_labels_in_order_are_scored_as_the_model_gives_them(label_kind_run: Callable[[str], Any]) -> None:
    run = label_kind_run("stars")
    data = Path(run.model).parent.parent / "rows.csv"
    rows = rows_of(data)
    model: Any = penjing.load(run.model, "cpu")
    answers = model.predict([row["text"] for row in rows])
    right = sum(answer.label == row["label"][0] for answer, row in zip(answers, rows, strict=True))
    assert score(open_source(run.model), SampleData(str(data))) == {
        "accuracy": pytest.approx(right / len(rows), abs=1e-6),
        "rows": len(rows),
    }


def test_several_labels_are_scored_at_the_threshold(label_kind_run: Callable[[str], Any]) -> None:
    run = label_kind_run("multilabel")
    data = Path(run.model).parent.parent / "rows.csv"
    rows, source = rows_of(data), open_source(run.model)
    model: Any = penjing.load(run.model, "cpu")
    given = [set(answer.labels) for answer in model.predict([row["text"] for row in rows])]
    true = [set(row["labels"].split("|")) - {""} for row in rows]
    hits = sum(len(one & other) for one, other in zip(given, true, strict=True))
    f1 = 2 * hits / (sum(map(len, given)) + sum(map(len, true)))
    measured = score(source, SampleData(str(data), label="labels", separator="|"))
    assert measured == {"micro_f1": pytest.approx(f1, abs=1e-6), "rows": len(rows)}
    with pytest.raises(DataError, match="label"):
        score(source, SampleData(str(data), label="labels"))


def test_several_labels_are_scored_as_the_raw_file_writes_them(
    label_kind_run: Callable[[str], Any], tmp_path: Path
) -> None:
    run, raw = label_kind_run("multilabel"), tmp_path / "raw.csv"
    data = Path(run.model).parent.parent / "rows.csv"
    source = open_source(run.model)
    numbers = {name: str(number) for number, name in enumerate(source.labels)}
    with raw.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "labels"])
        for row in rows_of(data):
            written = "|".join(numbers[name] for name in row["labels"].split("|") if name)
            writer.writerow([row["text"], written])
    named = {number: name for name, number in numbers.items()}
    knows = replace(source, card={**source.card, "raw_labels": named})
    asked = SampleData(str(raw), label="labels", separator="|")
    assert score(knows, asked) == score(source, SampleData(str(data), label="labels", separator="|"))
    with pytest.raises(DataError, match="label"):
        score(source, asked)


def test_a_label_that_is_never_given_is_not_hidden_by_many_others() -> None:
    ours = np.zeros((1, 20, 2), dtype=np.float32)
    ours[0, :, 0], ours[0, 0, 0] = -8.0, 3.0  # of twenty labels one applies
    theirs = ours.copy()
    theirs[0, 0, 0] = -3.0
    one, each = (
        compare_scores([ours[0]], [theirs[0]], is_distribution=True, is_one=is_one) for is_one in (True, False)
    )
    assert each.mean_divergence is not None
    assert each.mean_divergence < 0.5
    assert one.mean_divergence == pytest.approx(20 * each.mean_divergence)
    assert one.faults(Bounds(divergence=0.5), "here")


def test_data_is_refused_where_a_model_is_not_scored_on_it(question_run: Any, export: Export, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--data scores models that .* this is a model that finds answers"):
        export(question_run.model, "int8", data=tmp_path / "questions.json")
    assert not list(tmp_path.iterdir())
