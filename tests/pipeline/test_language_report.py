"""The report of a language model says what it is given, nothing else, and loads nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.report.language_facts import LanguageEvaluation, LanguageReportFacts
from penjing.pipeline.report.language_wording import compare_bits
from penjing.pipeline.report.report import render_report, write_report
from penjing.pipeline.report.strings import STRINGS, Language
from penjing.pipeline.report.wording import Wording
from penjing.pipeline.run import run_recipe
from penjing.progress import Silent

LANGUAGES: tuple[Language, ...] = ("en", "zh")
NGRAM, XZ = "trigram-kneser-ney", "xz"


def figure(value: float | None, spread: float | None = 0.1) -> dict[str, float | None]:
    if value is None or spread is None:
        return {"value": value, "low": None, "high": None}
    return {"value": value, "low": value - spread, "high": value + spread}


def measures(prefix: str = "", **more: Any) -> dict[str, Any]:
    """Returns what the evaluation of a model found that is better than both baselines."""
    return {
        "documents": 250,
        "tokens": 90_000,
        "words": 60_000,
        "bytes": 330_000,
        "skipped_documents": 0,
        "windowed_documents": 0,
        "unknown_tokens": 0,
        "exact_documents": 250,
        "scores": {
            f"{prefix}bits_per_byte": figure(1.5),
            f"{prefix}token_perplexity": figure(60.25, 2),
            f"{prefix}word_perplexity": figure(2.5e12, 1e11),
        },
        "baselines": {
            NGRAM: {
                "scores": {"bits_per_byte": figure(1.9), "token_perplexity": figure(120, 3)},
                "training_tokens": 5_000_001,
            },
            XZ: {"scores": {"bits_per_byte": figure(2.2, None)}, "training_bytes": 8_388_608, "bytes": 330_000},
        },
        "differences": {} if prefix else {NGRAM: {"value": -0.4, "low": -0.45, "high": -0.35}},
        **more,
    }


def minimal(**more: Any) -> dict[str, Any]:
    return {
        "title": "Own words",
        "command": "penjing run lm.toml",
        "created": "2026-01-02T03:04:05+00:00",
        "model": {"family": "llama", "parameters": 5_261_568},
        "objective": "causal",
        **more,
    }


def full(**more: Any) -> dict[str, Any]:
    curve: list[dict[str, Any]] = [{"step": n, "tokens": 99 * n, "loss": 9 / n + 3} for n in range(1, 40)]
    curve.append({"step": 40, "tokens": 3960, "validation_loss": 3.3, "samples": ["not looked at"]})
    values = {
        "evaluation": measures(),
        "continuations": [
            {"prompt": "Say <b>this</b>", "text": ' & <script>alert("x")</script>\n好', "is_cut": True},
            {"prompt": "Once", "text": " upon a time.", "is_cut": False},
        ],
        "growth": {
            "prompts": ["An <i>old</i> prompt"],
            "moments": [
                {"tokens": 1234, "texts": [" the the <script>the</script>"]},
                {"tokens": 56_789, "texts": [" the film & I"]},
            ],
        },
        "path": [
            {"name": name, "seconds": 61.0, "peak_memory_mb": 1234, "energy_j": 1500.0, "note": "a < b"}
            for name in ("corpus", "tokenizer", "shards", "pretrain", "measure")
        ],
        "corpus": {"documents": 9000, "held_out": 90, "test": 91, "characters": 12_345_678},
        "tokens": {
            "vocabulary": 8192,
            "kind": "bpe",
            "window_tokens": 256,
            "pretraining_tokens": 2_048_000,
            "left_out_tokens": 77,
            "unknown_share": 0.0,
        },
        "curves": {"pretrain": curve},
        "training": {
            "tokens": 4_096_000,
            "steps": 1000,
            "tokens_per_second": 5600.4,
            "flops": 6.68e15,
            "matrix_rate": 8.6e11,
            "utilization": 0.561,
            "precision": "bf16",
            "compiled": True,
            "validation_loss": 3.3,
        },
        "machine": {"processor": "a <processor>", "cores": 2},
        "versions": {"torch": "2.13.0"},
        "recipe": '{"name": "<lm>"}',
        "lineage": [{"stage": "corpus", "key": "k" * 32, "content": "c" * 32, "finished": "2026-01-02T03:04:05+00:00"}],
    }
    return minimal(**{**values, **more})


def render(values: dict[str, Any], language: Language = "en") -> str:
    return render_report(LanguageReportFacts.model_validate(values), language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_card_and_its_memory_are_named_where_one_was_used(read_page: Any, language: Language) -> None:
    values, say = full(), STRINGS[language]
    assert say["training.device_memory"] not in read_page(render(values, language)).text
    values["training"] = {**values["training"], "device": "NVIDIA H100", "device_memory_mb": 13_065}
    page = read_page(render(values, language)).text
    assert say["training.device"] in page
    assert "NVIDIA H100" in page
    assert "13.1 GB" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_headline_says_how_good_it_is_and_beside_what(read_page: Any, language: Language) -> None:
    page, say = read_page(render(full(), language)), STRINGS[language]
    head = page.text[: page.text.index(say["path"])]
    for text in ("1.500", "1.400", "1.600", "1.900", "2.200", "0.400", "−0.450", "−0.350", say["verdict_above"]):
        assert text in head, text
    assert say["baseline.trigram-kneser-ney"] in head
    assert page.attributes("html")[0]["lang"] == say["html_language"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_did_not_happen_has_no_section(read_page: Any, language: Language) -> None:
    say, page, whole = STRINGS[language], read_page(render(minimal(), language)), read_page(render(full(), language))
    for key in (
        *("path", "scores", "bits_chart", "data", "corpus_caption", "tokens_caption", "training", "pretrain_chart"),
        *("training_caption", "growth", "written", "cost", "energy", "energy_note", "recipe", "lineage"),
    ):
        assert say[key] not in page.text, key
        assert say[key] in whole.text, key


def test_prompts_and_samples_are_shown_as_they_are_and_never_become_markup(read_page: Any) -> None:
    page = read_page(render(full()))
    for text in (
        'Say <b>this</b> & <script>alert("x")</script>\n好…',
        "Once upon a time.",
        "An <i>old</i> prompt",
        "the the <script>the</script>",
        "the film & I",
        "a <processor>",
        "a < b",
    ):
        assert text in page.text
    assert not page.attributes("script")
    assert not page.attributes("i")


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_loaded_from_anywhere(read_page: Any, language: Language) -> None:
    page = read_page(render(full(), language))
    for tag, attributes in page.tags:
        assert tag not in {"script", "link", "img", "iframe", "object", "embed", "base", "form", "a"}
        assert not {"src", "href", "srcset", "action", "style", "background"} & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)
    assert next(tag["content"] for tag in page.attributes("meta") if "http-equiv" in tag).startswith(
        "default-src 'none';"
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("each", "unit", "last"), [(0.1, "axis_seconds", 3), (20.0, "axis_minutes", 10), (600.0, "axis_hours", 6)]
)
def test_losses_stand_against_tokens_operations_and_time(
    each: float, unit: str, last: int, language: Language, read_page: Any
) -> None:
    curve = [
        *({"step": n, "tokens": 99 * n, "loss": 9 / n + 3, "seconds": each * n} for n in range(1, 40)),
        *({"step": n, "tokens": 99 * n, "validation_loss": 9 / n + 3, "seconds": each * n} for n in (20, 39)),
    ]
    page, say = read_page(render(full(curves={"pretrain": curve}), language)).text, STRINGS[language]
    for key in ("by_tokens", "by_flops", "by_time"):
        assert say[key] in page, key
    assert say[unit].format(value=last) in page
    assert "10¹²" in page  # 3,861 of 4,096,000 tokens took so many of all operations


def test_losses_without_times_stand_against_tokens_and_operations_alone(read_page: Any) -> None:
    page, say = read_page(render(full())).text, STRINGS["en"]
    assert say["by_flops"] in page
    assert say["by_time"] not in page


def test_tables_have_captions_and_charts_have_words(read_page: Any) -> None:
    page = read_page(render(full()))
    assert len(page.attributes("caption")) == len(page.attributes("table")) > 5
    for attributes in page.attributes("svg"):
        is_part_of_a_chart = "preserveaspectratio" in attributes
        assert is_part_of_a_chart or attributes.get("aria-hidden") == "true" or len(attributes["aria-label"]) > 20
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))


def test_figures_of_tokens_training_and_energy_are_there(read_page: Any) -> None:
    text = read_page(render(full())).text
    for figure_ in (
        *("8,192", "2,048,000", "the last 77 tokens fill none", "4,096,000", "5,600", "6.7 × 10¹⁵", "860\u00a0GFLOP/s"),
        *(
            "56.1%",
            "bf16",
            "1.5 kJ",
            "7.5 kJ",
            "after 1,234 tokens",
            "2.5 × 10¹²",
            "5,000,001 tokens",
            "8,388,608 bytes",
        ),
    ):
        assert figure_ in text, figure_


@pytest.mark.parametrize(
    ("low", "high", "verdict", "phrase"),
    [
        (-0.05, -0.01, "above", "0.030 bits fewer than"),
        (-0.05, 0.01, "chance", "may be chance"),
        (0.01, 0.05, "below", "0.030 bits more than"),
    ],
)
def test_fewer_bits_are_better_and_the_paired_interval_decides(
    low: float, high: float, verdict: str, phrase: str
) -> None:
    value = (low + high) / 2
    values = measures(differences={NGRAM: {"value": value, "low": low, "high": high}})
    kind, sentence = compare_bits(LanguageEvaluation.model_validate(values), Wording("en"))
    assert kind == verdict
    assert phrase.replace("0.030", f"{abs(value):.3f}") in sentence


@pytest.mark.parametrize(("bits", "verdict"), [(1.7, "above"), (1.55, "chance"), (1.3, "below")])
def test_best_baseline_without_an_interval_is_held_against_that_of_the_model(bits: float, verdict: str) -> None:
    values = measures()
    values["baselines"][XZ]["scores"]["bits_per_byte"]["value"] = bits
    kind, sentence = compare_bits(LanguageEvaluation.model_validate(values), Wording("en"))
    assert kind == verdict
    assert f"{bits:.3f}" in sentence
    assert "one number for all texts" in sentence


def test_a_single_text_proves_nothing_against_a_baseline_of_one_number(read_page: Any) -> None:
    values = measures(documents=1, exact_documents=1, scores={"bits_per_byte": figure(1.5, 0.0)}, differences={})
    del values["baselines"][NGRAM]
    kind, sentence = compare_bits(LanguageEvaluation.model_validate(values), Wording("en"))
    assert kind == "chance"
    assert "may be chance" in sentence
    assert "Test texts: 1. With fewer than six" in read_page(render(full(evaluation=values))).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_pseudo_scores_are_named_so_and_not_compared_with_baselines(read_page: Any, language: Language) -> None:
    say = STRINGS[language]
    page = read_page(render(full(objective="masked", evaluation=measures("pseudo_")), language))
    for key in ("note_pseudo", "score.pseudo_bits_per_byte", "score.pseudo_word_perplexity", "objective.masked"):
        assert say[key] in page.text, key
    for key in ("verdict_above", "verdict_below", "verdict_chance", "bits_chart"):
        assert say[key] not in page.text, key


@pytest.mark.parametrize("objective", ["masked", "span", "denoise"])
def test_model_that_writes_nothing_and_is_not_scored_still_has_a_report(read_page: Any, objective: str) -> None:
    values = full(objective=objective, evaluation=None, continuations=[], growth={})
    page = read_page(render(values))
    assert f"that learned {STRINGS['en'][f'objective.{objective}']}." in page.text
    for key in ("scores", "written", "growth", "bits_chart"):
        assert STRINGS["en"][key] not in page.text, key
    assert STRINGS["en"]["training_caption"] in page.text


def test_what_the_tokenizer_threw_away_is_said_and_only_then(read_page: Any) -> None:
    assert "gives back" not in read_page(render(full())).text
    text = read_page(render(full(evaluation=measures(exact_documents=3, unknown_tokens=1234)))).text
    assert "The tokenizer gives back 3 of the 250 texts as they were." in text
    assert "1,234 tokens stand for words" in text


def test_control_characters_that_a_model_of_bytes_writes_are_replaced() -> None:
    html = render(full(continuations=[{"prompt": "a", "text": "b\x00c\x1b[31m\r\td\ne"}]))
    assert "b\ufffdc\ufffd[31m\ufffd\td\ne" in html
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", html)


def test_texts_read_in_windows_or_not_measured_are_said(read_page: Any) -> None:
    text = read_page(render(full(evaluation=measures(windowed_documents=17, left_out_documents=88)))).text
    assert "17 of the 250 texts are longer" in text
    assert "88 more test texts were not measured" in text


def test_score_that_is_no_finite_number_is_a_dash(read_page: Any) -> None:
    values = measures()
    values["scores"] = {"bits_per_byte": figure(None), "word_perplexity": figure(None)}
    page = read_page(render(full(evaluation=values)))
    assert STRINGS["en"]["bits_chart"] not in page.text
    assert re.search(r"Perplexity per word\s+–", page.text)


def test_samples_without_their_prompts_are_not_shown(read_page: Any) -> None:
    growth = {"prompts": ["one"], "moments": [{"tokens": 9, "texts": ["of two", "of two"]}]}
    page = read_page(render(full(growth=growth)))
    assert "of two" not in page.text
    assert STRINGS["en"]["growth"] not in page.text


def test_a_report_stays_small_whatever_it_is_given() -> None:
    values = full()
    values["curves"]["pretrain"] = [{"step": step, "tokens": step * 99, "loss": 3.0} for step in range(1, 20_001)]
    values["continuations"] = [{"prompt": "long " * 9999, "text": "很长" * 50_000} for _ in range(200)]
    texts = ["长 & " * 50_000] * 100
    values["growth"] = {
        "prompts": texts,
        "moments": [{"tokens": number, "texts": texts} for number in range(60)],
    }
    values["recipe"] = "x = 1\n" * 100_000
    html = render(values)
    assert len(html.encode()) < 2_000_000
    assert "after 0 tokens" in html
    assert "after 59 tokens" in html
    assert html.count('class="at"') == 20 * 12  # prompts and moments at most


def test_written_file_is_what_is_rendered(tmp_path: Path) -> None:
    facts = LanguageReportFacts.model_validate(full())
    write_report(facts, tmp_path / "report.html", language="zh")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render_report(facts, "zh")


def test_an_unknown_fact_is_refused() -> None:
    with pytest.raises(ValidationError):
        LanguageReportFacts.model_validate(minimal(sample=[]))


def test_run_writes_the_report_with_the_prompts_scores_and_samples(read_page: Any, small_language_run: Any) -> None:
    page = read_page(small_language_run.report.read_text(encoding="utf-8"))
    bits = small_language_run.evaluation["scores"]["bits_per_byte"]["value"]
    assert f"{bits:.3f}" in page.text
    for generation in small_language_run.generations:
        written = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "\ufffd", generation.text)
        assert generation.prompt + written in page.text
    for key in ("growth", "training_caption", "bits_chart", "cost"):
        assert STRINGS["en"][key] in page.text, key
    assert "penjing run small-lm.toml" in page.text


def test_run_of_a_masked_model_writes_its_report_in_chinese(
    read_page: Any, language_recipe: Any, tmp_path: Path
) -> None:
    recipe = language_recipe(tmp_path, "bert", "masked") | {"report": {"language": "zh", "examples": ["a film"]}}
    result = run_recipe(check_recipe(recipe, "masked"), tmp_path / "out", Silent(), ["test"])
    page = read_page(result.report.read_text(encoding="utf-8"))
    assert STRINGS["zh"]["note_pseudo"] in page.text
    assert STRINGS["zh"]["written"] not in page.text
