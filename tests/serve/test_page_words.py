"""The page says the same in both languages, says nothing that is not used, and lets nothing foreign in."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")

from penjing.pipeline.exporting.quantized import INT4, INT8, QuantizedExporter
from penjing.pipeline.exporting.source import open_source
from penjing.pipeline.stages import STAGES
from penjing.progress import Silent
from penjing.serve.page import routes
from penjing.serve.page.facts import count_stored, describe_model
from penjing.serve.page.words import PAGE_WORDS, choose_language
from penjing.serve.served import read_facts

FOLDER = Path(routes.__file__).parent


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        (None, "", "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "en-US,en;q=0.9,zh;q=0.8", "en"),
        (None, "fr,zh;q=0.5,en;q=0.4", "zh"),
        (None, "en;q=0.1,zh-TW;q=0.2", "zh"),
        (None, "zh;q=much,en", "en"),
        (None, "," * 5000, "en"),
        ("zh", "en", "zh"),
        ("en", "zh", "en"),
        ("de", "zh", "zh"),
    ],
)
def test_the_language_is_what_the_address_or_else_the_browser_asks_for(
    asked: str | None, accepted: str, language: str
) -> None:
    assert choose_language(asked, accepted) == language


def test_both_languages_have_the_same_words_and_gaps() -> None:
    def gaps(text: str) -> set[str]:
        return set(re.findall(r"\{(\w+)\}", text))

    english, chinese = PAGE_WORDS["en"], PAGE_WORDS["zh"]
    assert english.keys() == chinese.keys()
    assert {key for key in english if gaps(english[key]) != gaps(chinese[key])} == set()


def test_every_word_is_used_and_every_word_used_is_there() -> None:
    files = [*FOLDER.glob("*.js"), FOLDER / "page.html.jinja", FOLDER / "facts.py"]
    source = "\n".join(path.read_text(encoding="utf-8") for path in files)
    # Names that are put together.
    made = re.compile(r"(does|example|refused)\.|theme_|(translate|summarize|texts)_(go|result)")
    unused = {key for key in PAGE_WORDS["en"] if not made.match(key) and not re.search(rf"[\"'.]{key}\b", source)}
    assert unused == set()
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.js"))
    assert set(re.findall(r'say\("([\w.]+)"', scripts)) <= PAGE_WORDS["en"].keys()


def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing_inline() -> None:
    html = routes.render_page("en")
    assert re.findall(r"(?:src|href)=\"(?!/|#|data:,)[^\"]*", html) == []
    assert re.findall(r"<script(?![^>]*(?:src=|application/json))", html) == []
    assert not re.search(r"\son\w+=|style=", html)
    for name, file in routes.page_files().items():
        assert not re.search(rb"https?://(?!www\.w3\.org/2000/svg)|@import|url\(|eval\(|innerHTML", file.content), name
    assert "unsafe" not in routes.POLICY


def test_the_colors_are_those_of_the_reports() -> None:
    colors = routes.page_colors()
    assert colors.count("--paper: #fbfaf6") == 2
    assert colors.count("--paper: #141816") == 2


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_card_is_told_in_words_and_scores_with_their_intervals(small_run: Any, language: Any) -> None:
    told = describe_model("reviews", read_facts(small_run.model), language)
    assert (told["view"], told["path"], told["explains"]) == ("labels", "sentiment", True)
    assert told["labels"] == ["negative", "positive"]
    assert told["chief"]["place"] == [
        small_run.evaluation["scores"]["accuracy"][key] for key in ("value", "low", "high")
    ]
    assert len(told["scores"]["rows"]) == len(small_run.evaluation["scores"])
    assert told["made"][0]["stage"] == {"en": "Data", "zh": "数据"}[language]


def test_each_part_of_a_model_of_several_tasks_has_its_own_scores_and_labels(small_run: Any) -> None:
    facts = read_facts(small_run.model)
    mood = {key: facts.card[key] for key in ("task", "labels", "scores", "baselines")}
    card = {"task": "multi", "scores": {}, "baselines": {}, "parts": {"mood": mood, "de": {"task": "translate"}}}
    told = describe_model("reviews", replace(facts, card=card), "en")
    alone = describe_model("reviews", facts, "en")
    assert told["chief"] is None
    assert [told["parts"][0][key] for key in ("chief", "scores", "labels")] == [
        alone[key] for key in ("chief", "scores", "labels")
    ]
    assert (told["parts"][1]["chief"], told["parts"][1]["labels"]) == (None, [])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_stage_has_a_word(small_run: Any, language: Any) -> None:
    facts = read_facts(small_run.model)
    lineage = [{"stage": stage.name} for stage in STAGES]
    told = describe_model("reviews", replace(facts, card={"lineage": lineage}), language)
    assert {entry["stage"] for entry in told["made"]} & {stage.name for stage in STAGES} == set()


def test_a_damaged_card_is_shown_as_far_as_it_can_be_read(small_run: Any) -> None:
    facts = read_facts(small_run.model)
    broken = {"task": "no such", "scores": {"accuracy": {"value": "much"}}, "lineage": [{"stage": 3}, 7], "labels": 5}
    told = describe_model("reviews", replace(facts, card=broken), "en")
    assert (told["view"], told["chief"], told["labels"]) == ("none", None, [])


@pytest.mark.parametrize("exporter", [INT8, INT4])
def test_a_quantized_model_has_as_many_parameters_as_it_had(
    exporter: QuantizedExporter, decoders: Path, tmp_path: Path
) -> None:
    exporter.write(open_source(decoders / "plain"), exporter.bits, tmp_path, Silent())
    assert count_stored(tmp_path) == count_stored(decoders / "plain") > 0
