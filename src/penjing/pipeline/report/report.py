"""Writes the report: a single HTML file that loads nothing, runs no script, and reads on a phone, a desk and paper."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from penjing.files import write_text
from penjing.pipeline.report.answer_facts import AnswerReportFacts
from penjing.pipeline.report.answers import answer_values
from penjing.pipeline.report.charts import draw_bar
from penjing.pipeline.report.classifier import classifier_values
from penjing.pipeline.report.dialogue import dialogue_values
from penjing.pipeline.report.dialogue_facts import DialogueReportFacts
from penjing.pipeline.report.facts import PathStage, ReportFacts, RunFacts
from penjing.pipeline.report.generation import generation_values
from penjing.pipeline.report.generation_facts import GenerationReportFacts
from penjing.pipeline.report.language_facts import LanguageReportFacts
from penjing.pipeline.report.language_model import language_model_values
from penjing.pipeline.report.multi import multi_values
from penjing.pipeline.report.multi_facts import MultiReportFacts
from penjing.pipeline.report.multilabel import multilabel_values
from penjing.pipeline.report.multilabel_facts import MultilabelReportFacts
from penjing.pipeline.report.name_rows import name_rows
from penjing.pipeline.report.practice import practice_rows
from penjing.pipeline.report.preference import preference_values
from penjing.pipeline.report.preference_facts import PreferenceReportFacts
from penjing.pipeline.report.ranking import ranking_values
from penjing.pipeline.report.ranking_facts import RankingReportFacts
from penjing.pipeline.report.rows import adapter_rows, head_rows, ngram_rows
from penjing.pipeline.report.strings import Language
from penjing.pipeline.report.teachers import taught_rows
from penjing.pipeline.report.wording import Wording, shorten_text
from penjing.pipeline.report.writing import writing_values
from penjing.pipeline.report.writing_facts import WritingReportFacts

AnyFacts: TypeAlias = (
    ReportFacts
    | LanguageReportFacts
    | MultilabelReportFacts
    | WritingReportFacts
    | AnswerReportFacts
    | DialogueReportFacts
    | RankingReportFacts
    | PreferenceReportFacts
    | GenerationReportFacts
    | MultiReportFacts
)
_FOLDER = Path(__file__).parent
_LONGEST_RECIPE = 100_000  # characters


def write_report(facts: AnyFacts, path: Path, language: Language = "en") -> None:
    """Writes the report atomically.

    Args:
        facts: all it says.
        path: of the HTML file.
        language: ``en`` or ``zh``.
    """
    write_text(path, render_report(facts, language))


def render_report(facts: AnyFacts, language: Language = "en") -> str:
    """Returns the report as HTML.

    Args:
        facts: all it says.
        language: ``en`` or ``zh``.
    """
    wording = Wording(language)
    shared = _shared_values(facts, wording)
    if isinstance(facts, MultiReportFacts):
        template, values = "multi.html.jinja", multi_values(facts, wording, shared, render_template)
    elif isinstance(facts, LanguageReportFacts):
        template, values = "language_model.html.jinja", language_model_values(facts, wording)
    elif isinstance(facts, WritingReportFacts):
        template, values = "writing.html.jinja", writing_values(facts, wording)
    elif isinstance(facts, MultilabelReportFacts):
        template, values = "multilabel.html.jinja", multilabel_values(facts, wording)
    elif isinstance(facts, AnswerReportFacts):
        template, values = "answers.html.jinja", answer_values(facts, wording)
    elif isinstance(facts, DialogueReportFacts):
        template, values = "dialogue.html.jinja", dialogue_values(facts, wording)
    elif isinstance(facts, GenerationReportFacts):
        template, values = "generation.html.jinja", generation_values(facts, wording)
    elif isinstance(facts, RankingReportFacts):
        template, values = "ranking.html.jinja", ranking_values(facts, wording)
    elif isinstance(facts, PreferenceReportFacts):
        template, values = "preference.html.jinja", preference_values(facts, wording)
    else:
        template, values = "classifier.html.jinja", classifier_values(facts, wording)
    return render_template(template, {**shared, **values})


def render_template(template: str, values: dict[str, Any]) -> str:
    """Returns a template filled with values."""
    return _environment().get_template(template).render(**values)


def page_style() -> dict[str, Any]:
    """Returns the style sheet of every page, and its hash, by which alone the page lets it in."""
    style = (_FOLDER / "report.css").read_text(encoding="utf-8")
    return {
        "style": Markup(style),
        "style_hash": base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    }


def _shared_values(facts: RunFacts, wording: Wording) -> dict[str, Any]:
    """Returns what every report shows."""
    energies = [stage.energy_j for stage in facts.path if stage.energy_j is not None]
    return {
        "facts": facts,
        "w": wording,
        "layout": "page.html.jinja",
        "at": "",  # before the names of places in the page
        **page_style(),
        "path": _describe_path(facts.path, wording),
        "path_sentence": _path_sentence(facts.path, wording),
        "energy": wording.energy(sum(energies)) if energies else "",
        "corpus_rows": [(wording.name("corpus", name), wording.count(count)) for name, count in facts.corpus.items()],
        "adapter_rows": [
            *name_rows(facts.model.names, wording),
            *adapter_rows(facts.model.lora, wording),
            *head_rows(facts.model.head, wording),
            *ngram_rows(facts.model.ngrams, wording),
            *taught_rows(facts.model, wording),
            *practice_rows(facts.model.practice, wording),
        ],
        "recipe": facts.recipe[:_LONGEST_RECIPE],
        "draw_bar": draw_bar,
        "shorten": shorten_text,
    }


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _describe_path(path: list[PathStage], wording: Wording) -> list[dict[str, Any]]:
    total = sum(stage.seconds for stage in path) or 1.0
    return [
        {
            "name": wording.name("stage", stage.name),
            "time": wording.duration(stage.seconds),
            "memory": wording.memory(stage.peak_memory_mb),
            "energy": wording.energy(stage.energy_j),
            "note": stage.note,
            "skipped": stage.skipped,
            "share": stage.seconds / total,
        }
        for stage in path
    ]


def _path_sentence(path: list[PathStage], wording: Wording) -> str:
    """Returns how many stages there are, how long they took, and how many were there already."""
    sentence = wording.say("path_note", count=len(path), time=wording.duration(sum(stage.seconds for stage in path)))
    reused = sum(stage.skipped for stage in path)
    if not reused:
        return sentence
    key = "path_reused_one" if reused == 1 else "path_reused"
    return sentence + wording.say("gap") + wording.say(key, count=reused)
