"""The report says what it is given, nothing else, and loads nothing."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from itertools import pairwise
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from tests.serve.browsing import open_browser

from penjing.metrics.classification import classification_scores
from penjing.metrics.interval import paired_difference
from penjing.pipeline import report
from penjing.pipeline.report.compared import say_difference
from penjing.pipeline.report.facts import Evaluation, Figure, ReportFacts
from penjing.pipeline.report.report import render_report, write_report
from penjing.pipeline.report.strings import STRINGS, Language
from penjing.pipeline.report.svg import fit_axis
from penjing.pipeline.report.wording import Wording

_OF_VERDICTS = tuple(f"{kind}_difference_" for kind in ("writing", "preference", "dialogue", "ranking", "cold"))
LANGUAGES: tuple[Language, ...] = ("en", "zh")


def evaluation(labels: list[str], rows: int = 400, seed: int = 0) -> dict[str, Any]:
    """Returns an evaluation with two baselines, the second close to the model."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, len(labels), rows)

    def answer(strength: float) -> np.ndarray:
        logits = generator.normal(size=(rows, len(labels)))
        logits[np.arange(rows), truth] += strength
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    answers = {"model": answer(2.5), "majority": answer(0.0), "tfidf-logistic": answer(1.0)}
    right = {name: given.argmax(axis=1) == truth for name, given in answers.items()}
    scores = {name: classification_scores(truth, given, labels, resamples=100) for name, given in answers.items()}
    return {
        **scores.pop("model"),
        "labels": labels,
        "cut_rows": 0,
        "baselines": scores,
        "difference": {name: paired_difference(right["model"], right[name]).to_dict() for name in scores},
        "mistakes": [
            {"text": "<script>alert(1)</script> 还不错 & so on", "truth": "好评", "label": "b", "probability": 0.99}
        ],
    }


def minimal(**more: Any) -> dict[str, Any]:
    return {
        "title": "Reviews",
        "task": "classify",
        "command": "penjing run reviews.toml",
        "created": "2026-01-02T03:04:05+00:00",
        "model": {"family": "lstm", "parameters": 812_345},
        "evaluation": evaluation(["好评", "b"]),
        **more,
    }


def full(**more: Any) -> dict[str, Any]:
    names = (
        "data",
        "corpus",
        "tokenizer",
        "vectors",
        "shards",
        "examples",
        "pretrain",
        "finetune",
        "evaluate",
        "extra",
    )
    pretrain: list[dict[str, Any]] = []
    for step in range(1, 1001):
        pretrain.append(
            {"step": step, "tokens": step * 2048, "seconds": step / 5, "loss": 3 + 6 * math.exp(-step / 90)}
        )
        if step % 100 == 0:
            pretrain.append({"step": step, "tokens": step * 2048, "validation_loss": 3.4, "validation_accuracy": 0.4})
    finetune = [
        {
            "step": step,
            "tokens": step,
            "loss": 1 / step,
            "validation_loss": 0.5,
            "validation_accuracy": 0.7 + step / 100,
        }
        for step in range(1, 11)
    ]
    return minimal(
        predictions=[{"text": 'It is <b>"terrible"</b> 太难看', "label": "b", "probability": 0.97}],
        path=[{"name": name, "seconds": 61.0, "peak_memory_mb": 1234, "note": "a < b"} for name in names],
        data={
            "read": {"rows": 500},
            "splits": {"train": {"b": 300, "好评": 290}, "test": {"b": 10}},
            "removed": {"duplicates": 3, "overlaps": 0, "odd_reason": 2},
        },
        corpus={"documents": 9000, "unheard_of": 1},
        tokens={"vocabulary": 8192, "kind": "wordpiece", "rows": 600, "max_tokens": 64, "cut_rows": 0, "cut_tokens": 0}
        | {"pretraining_tokens": 2_048_000, "unknown_share": 0.0003},
        curves={"pretrain": pretrain, "finetune": finetune},
        machine={"processor": "a <processor>", "cores": 2, "memory_mb": 8000, "bf16": True},
        versions={"torch": "2.13.0"},
        recipe='task = "classify" # <recipe>\nurl = "https://example.org/rows.csv"',
        lineage=[{"stage": "data", "key": "k" * 32, "content": "c" * 32, "finished": "2026-01-02T03:04:05+00:00"}],
        **more,
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("units", ["texts", "documents", "dialogues"])
def test_intervals_over_a_handful_are_said_to_be_too_narrow(units: str, language: Language) -> None:
    wording = Wording(language)
    (note,) = wording.few(units, 5)
    assert "5" in note
    assert wording.few(units, 6) == []


def render(values: dict[str, Any], language: Language = "en") -> str:
    return render_report(ReportFacts.model_validate(values), language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("values", [minimal(), full()], ids=["minimal", "full"])
def test_every_element_is_closed_and_the_headline_is_there(
    read_page: Any, values: dict[str, Any], language: Language
) -> None:
    page = read_page(render(values, language))
    accuracy = values["evaluation"]["scores"]["accuracy"]["value"]
    assert f"{100 * accuracy:.1f}%" in page.text
    assert STRINGS[language]["verdict_above"] in page.text
    assert "penjing run reviews.toml" in page.text
    assert page.attributes("html")[0]["lang"] == STRINGS[language]["html_language"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_did_not_happen_has_no_section(read_page: Any, language: Language) -> None:
    say, page, whole = STRINGS[language], read_page(render(minimal(), language)), read_page(render(full(), language))
    for key in ("path", "data", "training", "corpus_caption", "pretrain_chart", "cost", "recipe", "lineage", "asked"):
        assert say[key] not in page.text, key
        assert say[key] in whole.text, key


def test_special_characters_are_shown_as_they_are_and_never_become_markup(read_page: Any) -> None:
    page = read_page(render(full()))
    for text in (
        "<script>alert(1)</script> 还不错 & so on",
        'It is <b>"terrible"</b> 太难看',
        "a <processor>",
        "a < b",
    ):
        assert text in page.text
    assert not page.attributes("script")
    assert not page.attributes("b") or all("terrible" not in str(attributes) for attributes in page.attributes("b"))


def test_nothing_is_loaded_from_anywhere(read_page: Any) -> None:
    page = read_page(render(full()))
    for tag, attributes in page.tags:
        assert tag not in {"script", "link", "img", "iframe", "object", "embed", "base", "form", "a"}
        assert not {"src", "href", "srcset", "action", "style", "background"} & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in page.style
    assert "@import" not in page.style
    assert not re.search(r"https?://", page.style)


def test_content_security_policy_allows_the_one_style_sheet_and_nothing_else(read_page: Any) -> None:
    page = read_page(render(minimal()))
    policy = next(tag["content"] for tag in page.attributes("meta") if "http-equiv" in tag)
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none';")
    assert f"style-src 'sha256-{digest}';" in policy
    assert "unsafe" not in policy


def test_tables_have_captions_and_charts_have_words(read_page: Any) -> None:
    page = read_page(render(full()))
    assert len(page.attributes("caption")) == len(page.attributes("table"))
    for attributes in page.attributes("svg"):
        is_part_of_a_chart = "preserveaspectratio" in attributes
        assert is_part_of_a_chart or attributes.get("aria-hidden") == "true" or len(attributes["aria-label"]) > 20
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(next_ - level <= 1 for level, next_ in pairwise(levels))


def test_both_languages_have_the_same_keys_and_gaps() -> None:
    english, chinese = STRINGS["en"], STRINGS["zh"]
    assert english.keys() == chinese.keys()
    for key, string in english.items():
        gaps = {name for _, name, _, _ in Formatter().parse(string) if name}
        others = {name for _, name, _, _ in Formatter().parse(chinese[key]) if name}
        assert gaps == others, key


def test_every_string_is_used_and_every_used_string_exists() -> None:
    folder = Path(report.__path__[0])
    written = [file.read_text(encoding="utf-8") for file in folder.rglob("*.jinja")]
    code = [file for file in folder.glob("*.py") if not file.stem.endswith(("english", "chinese"))]
    code += (folder.parents[1] / "cli").glob("*.py")
    code += [file for file in (folder.parents[1] / "serve").iterdir() if file.suffix in {".py", ".js", ".jinja"}]
    written += [file.read_text(encoding="utf-8") for file in code]
    for key in STRINGS["en"]:
        if "." not in key and not key.startswith(("verdict_", "difference_", *_OF_VERDICTS)):
            assert re.search(rf"""["']{key}["']""", "".join(written)), key


def test_a_space_sets_numbers_and_latin_words_apart_and_no_chinese_ones() -> None:
    wording = Wording("zh")
    assert wording.say("writing_chart", score=wording.name("score", "micro_f1")) == "测试文本上的微平均 F1"
    assert wording.say("writing_chart", score=wording.name("score", "bleu")) == "测试文本上的 BLEU"
    assert wording.say("inspected_title", name="我的 书") == "我的 书的语料"
    assert wording.say("inspected_title", name="books") == "books 的语料"


def test_cut_tokens_are_said_plainly_and_so_is_that_none_was(read_page: Any) -> None:
    assert "No token was cut: each of the 600 texts fits into 64 tokens." in read_page(render(full())).text
    values = full()
    values["tokens"] |= {"cut_rows": 30, "cut_tokens": 1234}
    assert "1,234 tokens were cut: 30 of the 600 texts (5.0%)" in read_page(render(values)).text


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.01, 0.05, "above"), (-0.01, 0.05, "chance"), (-0.05, -0.01, "below")]
)
def test_verdict_follows_the_interval_of_the_difference(low: float, high: float, verdict: str) -> None:
    values = evaluation(["a", "b"])
    values["difference"]["tfidf-logistic"] = {"value": (low + high) / 2, "low": low, "high": high}
    kind, _, sentence = Wording("en").headline(Evaluation.model_validate(values))
    assert kind == verdict
    assert ("may be chance" in sentence) == (verdict == "chance")
    assert ("more than chance" in sentence) == (verdict != "chance")


@pytest.mark.parametrize(
    ("score", "english", "chinese"),
    [
        ("preference_accuracy", "which is 10.8 points better", "高出 10.8 个百分点，"),
        ("bleu", "which is 10.8 better", "高出 10.8，"),
    ],
)
def test_shares_are_points_apart_and_other_scores_just_so_much(score: str, english: str, chinese: str) -> None:
    scale = 1.0 if score == "bleu" else 0.01
    theirs = Figure(value=50 * scale, low=40 * scale, high=60 * scale)
    gap = Figure(value=-10.8 * scale, low=-16.2 * scale, high=-4.1 * scale)
    said = {
        language: say_difference("longer", score, (theirs, gap), "writing_difference", Wording(language))[1]
        for language in LANGUAGES
    }
    assert english in said["en"]
    assert "is −16.2 to −4.1." in said["en"]
    assert chinese in said["zh"]
    assert "为 −16.2 至 −4.1。" in said["zh"]


@pytest.mark.parametrize("key", [key for key in STRINGS["en"] if key.startswith("score.")])
def test_names_of_scores_begin_with_a_capital(key: str) -> None:
    assert key == "score.chrf" or STRINGS["en"][key][0].isupper()


def test_area_is_said_to_be_of_the_second_label_or_a_mean_without_labels_that_do_not_occur(read_page: Any) -> None:
    two = read_page(render(minimal()))
    assert "a row of the label b is given a higher probability" in two.text
    assert "AUROC leaves out" not in two.text
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), 90)
    scores = classification_scores([0, 1, 2] * 30, probabilities, ["x", "y", "z", "w"], resamples=50)
    many = read_page(render(minimal(evaluation=scores)))
    assert "the mean over the labels" in many.text
    assert "AUROC leaves out labels that no test row has: w." in many.text
    one = read_page(render(minimal(evaluation=classification_scores([0] * 90, probabilities, list("xyzw"), 50))))
    assert "AUROC" not in one.text


def test_without_baselines_no_comparison_is_claimed(read_page: Any) -> None:
    values = evaluation(["a", "b"])
    values |= {"baselines": {}, "difference": {}}
    page = read_page(render(minimal(evaluation=values)))
    assert "baseline" not in page.text


@pytest.mark.parametrize("count", [2, 10, 13, 150])
def test_any_number_of_labels_is_shown(read_page: Any, count: int) -> None:
    labels = [f"topic <{number}>" for number in range(count)]
    html = render(minimal(evaluation=evaluation(labels, rows=600)))
    assert labels[0] in read_page(html).text
    assert len(html) < 500_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_tables_of_long_labels_show_their_figures(tmp_path: Path, language: Language) -> None:
    labels = ["technical_support_request_for_a_mobile_application", "关于账单和付款的投诉，客户要求退款并赔偿损失"]
    counts = {split: dict.fromkeys(labels, 9) for split in ("train", "validation", "test")}
    values = minimal(evaluation=evaluation(labels), data={**full()["data"], "splits": counts})
    (tmp_path / "report.html").write_text(render(values, language), encoding="utf-8")
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 1000, "height": 900})
        page.goto((tmp_path / "report.html").as_uri())
        hidden = "all => all.map(one => one.scrollWidth - one.clientWidth)"
        widths = page.locator(".scroll:has(table)").evaluate_all(hidden)
        heads = page.locator(".labelled thead th").evaluate_all("all => all.map(one => one.clientHeight)")
    assert len(widths) >= 3
    assert max(widths) <= 0
    assert max(heads) < 40


def test_a_report_stays_small_whatever_it_is_given() -> None:
    values = full()
    point = values["curves"]["pretrain"][0]
    values["curves"]["pretrain"] = [{**point, "step": step, "tokens": step * 99} for step in range(1, 20_001)]
    values["evaluation"]["mistakes"] = [
        {"text": "很长" * 50_000, "truth": "a", "label": "b", "probability": 0.9} for _ in range(200)
    ]
    values["predictions"] = [{"text": "long " * 100_000, "label": "b", "probability": 0.5}]
    values["recipe"] = "x = 1\n" * 100_000
    assert len(render(values).encode()) < 2_000_000


def test_written_file_is_what_is_rendered(tmp_path: Path) -> None:
    facts = ReportFacts.model_validate(full())
    write_report(facts, tmp_path / "report.html", language="zh")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render_report(facts, "zh")
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_an_unknown_fact_is_refused() -> None:
    with pytest.raises(ValidationError):
        ReportFacts.model_validate(minimal(curve={}))


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [(0.416, "0.42 s", "0.42 秒"), (59.97, "1 min 00 s", "1 分 00 秒"), (11_430, "3 h 10 min", "3 小时 10 分")],
)
def test_durations_read_well(seconds: float, english: str, chinese: str) -> None:
    assert Wording("en").duration(seconds) == english
    assert Wording("zh").duration(seconds) == chinese


def test_numbers_read_well() -> None:
    english, chinese = Wording("en"), Wording("zh")
    assert (english.parameters(6_819_392), chinese.parameters(6_819_392)) == ("6.8 million", "682 万")
    assert (english.parameters(999_999), english.points(-0.0004)) == ("999,999", "0.0")
    assert english.points(-0.012) == "−1.2"
    assert english.interval("loss", Figure(value=0.4, low=0.3, high=0.5)) == "0.300–0.500"


@pytest.mark.parametrize("values", [[0.5], [0.0, 0.0], [0.81, 0.83], [1.0, 1.0], [3.0, 900.0], [-2.0, 7.0]])
def test_axis_holds_its_values_between_a_few_ticks(values: list[float]) -> None:
    axis = fit_axis(values)
    assert axis.low <= min(values) <= max(values) <= axis.high
    assert 2 <= len(axis.ticks) <= 8
