"""What the page says of a model: what it does, how good it is, and how it was made."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from penjing.errors import PenjingError
from penjing.models.quantized_folder import numbers_held
from penjing.pipeline.report.facts import Figure
from penjing.pipeline.report.strings import Language
from penjing.pipeline.report.wording import Wording
from penjing.serve.page.words import PAGE_WORDS
from penjing.serve.served import ModelFacts
from penjing.serve.tasks.kinds import path_for
from penjing.tasks.card import writes_answers
from penjing.tasks.task import Answers, Task, load_task

#: Scores by which a model is judged first, the first that it has.
_CHIEF = (
    *("accuracy", "micro_f1", "f1", "bleu", "rougeL", "retrieval_accuracy", "preference_accuracy", "hit_rate_10"),
    *("bits_per_byte", "pseudo_bits_per_byte"),
)
_LOWER = frozenset({"bits_per_byte", "pseudo_bits_per_byte"})  # is better
_SHARES = frozenset(_CHIEF) - _LOWER - {"bleu"}
_VIEWS: Mapping[Answers, str] = {
    "label": "labels",
    "rank": "labels",
    "set": "labels",
    "span": "answers",
    "text": "texts",
    "preferred text": "texts",
    "reply": "chat",
    "preferred reply": "chat",
    "continuation": "writing",
    "items": "items",
    "parts": "parts",
}
_BARE_PATHS = {"chat": "chat", "writing": "generate"}
_SENTIMENT = ("sentiment", "stars")
_MOST_LABELS, _MOST_NAMED = 200, 8


def describe_model(name: str, facts: ModelFacts, language: Language) -> dict[str, Any]:
    """Returns JSON values of what the page shows of a model.

    Args:
        name: what clients call it.
        facts: of its folder.
        language: of the words.
    """
    card, wording = facts.card, Wording(language)
    parts = card.get("parts")
    return {
        "name": name,
        "family": wording.name("family", facts.family),
        "size": _size(facts.folder, wording, language),
        **_describe_use(card, facts, wording, language),
        "parts": [
            {
                "name": part,
                **_describe_use({"write": card.get("write"), **entry}, facts, wording, language, part=part),
                **_describe_scores(entry, wording, language),
            }
            for part, entry in (parts.items() if isinstance(parts, dict) else ())
        ],
        **_describe_scores(card, wording, language),
        "facts": _plain_facts(card, facts, wording, language),
        "made": _history(card, wording),
    }


def _describe_scores(card: Mapping[str, Any], wording: Wording, language: Language) -> dict[str, Any]:
    """Returns how good a model, or a part of one, is, and at telling what from what."""
    return {
        "chief": _chief_score(card, wording, language),
        "scores": _score_table(card, wording),
        "labels": _labels_of(card)[:_MOST_LABELS],
    }


def _describe_use(
    card: Mapping[str, Any], facts: ModelFacts, wording: Wording, language: Language, *, part: str | None = None
) -> dict[str, Any]:
    """Returns the task, its view, and what it does in a sentence."""
    words = PAGE_WORDS[language]
    task = card.get("task")
    known = _task_of(task)
    answers = None if known is None else known.answers
    view = _VIEWS[answers] if answers else _bare_view(facts)
    path = _BARE_PATHS.get(view, "") if known is None else path_for(known)
    return {
        "task": task,
        "taskName": wording.name("task", task) if task else words["no_task"],
        "path": path,
        "view": view,
        "completes": _completes(view, facts, part),
        "beams": _beams(card),
        "explains": answers in ("label", "rank", "set") and "names" not in card and part is None,
        "does": _sentence(view, answers, path, card, words, wording),
        "hasExamples": task in _SENTIMENT,
    }


def _completes(view: str, facts: ModelFacts, part: str | None) -> bool:
    """Returns whether OpenAI's routes are asked, which tell tokens; of parts only /v1/tasks knows the prompts."""
    return part is None and (facts.chats if view == "chat" else facts.writes and view == "writing")


def _beams(card: Mapping[str, Any]) -> int:
    """Returns how many beginnings the model keeps where a call says nothing; more than one and nothing is streamed."""
    write = card.get("write")
    beams = write.get("beams") if isinstance(write, dict) else None
    return beams if isinstance(beams, int) else 1


def _bare_view(facts: ModelFacts) -> str:
    """Returns the view of a model that was not fine-tuned for a task."""
    return "chat" if facts.chats else "writing" if facts.writes else "vectors" if facts.embeds else "none"


def _task_of(name: Any) -> Task | None:
    try:
        return load_task(name) if isinstance(name, str) else None
    except PenjingError:
        return None


def _sentence(
    view: str,
    answers: Answers | None,
    path: str,
    card: Mapping[str, Any],
    words: Mapping[str, str],
    wording: Wording,
) -> str:
    if view == "labels":
        key = {"set": "does.sets", "rank": "does.ranks"}.get(answers or "", "does.labels")
        return words[key].format(labels=_named(_labels_of(card), words, wording))
    if view == "parts":
        return words["does.parts"].format(parts=_named(list(card.get("parts", ())), words, wording))
    if view == "texts":
        return words[f"does.{path}" if path in ("translate", "summarize") else "does.texts"]
    if view == "answers" and writes_answers(card):
        return words["does.written_answers"]
    return words[f"does.{view}"]


def _named(names: Sequence[str], words: Mapping[str, str], wording: Wording) -> str:
    shown = wording.say("comma").join(names[:_MOST_NAMED])
    rest = len(names) - _MOST_NAMED
    return f"{shown} {words['labels_more'].format(count=rest)}" if rest > 0 else shown


def _labels_of(card: Mapping[str, Any]) -> list[str]:
    labels = card.get("labels")
    return [str(label) for label in labels] if isinstance(labels, list) else []


def _chief_score(card: Mapping[str, Any], wording: Wording, language: Language) -> dict[str, Any] | None:
    """Returns the score that counts most, and that of the best baseline, as text and on a scale from 0 to 1."""
    scores = _figures(card.get("scores"))
    name = next((name for name in _CHIEF if name in scores), None)
    if name is None:
        return None
    words, figure = PAGE_WORDS[language], scores[name]
    best = _best_baseline(card, name)
    return {
        "title": words["score_lower" if name in _LOWER else "score_plain"].format(score=wording.name("score", name)),
        "value": wording.score(name, figure.value),
        "interval": words["interval"].format(range=wording.interval(name, figure)),
        "place": [figure.value, figure.low, figure.high] if name in _SHARES else None,
        "baseline": None
        if best is None
        else {
            "name": wording.name("baseline", best[0]),
            "value": wording.score(name, best[1].value),
            "place": [best[1].value, best[1].low, best[1].high] if name in _SHARES else None,
        },
    }


def _best_baseline(card: Mapping[str, Any], score: str) -> tuple[str, Figure] | None:
    baselines = card.get("baselines")
    found = [
        (name, figures[score])
        for name, values in (baselines.items() if isinstance(baselines, dict) else ())
        if score in (figures := _figures(values))
    ]
    return min(found, key=lambda pair: pair[1].value * (1 if score in _LOWER else -1), default=None)


def _score_table(card: Mapping[str, Any], wording: Wording) -> dict[str, Any]:
    """Returns the scores of the model and of its baselines: names of columns, and rows of text."""
    own = _figures(card.get("scores"))
    given = card.get("baselines")
    baselines = {name: _figures(values) for name, values in given.items()} if isinstance(given, dict) else {}
    return {
        "baselines": [wording.name("baseline", name) for name in baselines],
        "rows": [
            {
                "name": wording.name("score", name),
                "value": wording.score(name, figure.value),
                "interval": wording.interval(name, figure),
                "baselines": [
                    wording.score(name, values[name].value) if name in values else "–" for values in baselines.values()
                ],
            }
            for name, figure in own.items()
        ],
    }


def _figures(values: Any) -> dict[str, Figure]:
    """Returns the figures among the values of a card; what is none is passed over."""
    found = {}
    for name, value in values.items() if isinstance(values, dict) else ():
        if isinstance(value, dict) and all(_is_number(value.get(key)) for key in ("value", "low", "high")):
            found[name] = Figure(value=value["value"], low=value["low"], high=value["high"])
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _plain_facts(card: Mapping[str, Any], facts: ModelFacts, wording: Wording, language: Language) -> list[list[str]]:
    words = PAGE_WORDS[language]
    render = card.get("render")
    window = render.get("max_tokens") if isinstance(render, dict) else None
    stages = _stages(card)
    finished = stages[-1].get("finished") if stages else None
    task = card.get("task")
    found = {
        "card_task": wording.name("task", task) if isinstance(task, str) else None,
        "card_family": wording.name("family", facts.family),
        "card_parameters": wording.parameters(stored) if (stored := count_stored(facts.folder)) else None,
        "card_window": words["card_tokens"].format(count=wording.count(window)) if isinstance(window, int) else None,
        "card_finished": wording.moment(finished) if isinstance(finished, str) else None,
        "card_license": card.get("license"),
        "card_weights": card.get("weights"),
    }
    return [[words[key], value] for key, value in found.items() if isinstance(value, str) and value]


def _history(card: Mapping[str, Any], wording: Wording) -> list[dict[str, Any]]:
    """Returns the stages that made a model, each with its files, its time, and the hash of what it wrote."""
    return [
        {
            "stage": wording.name("stage", str(entry["stage"])),
            "files": [str(file[0]) for file in entry.get("files") or () if isinstance(file, list) and file][:6],
            "finished": wording.moment(str(entry.get("finished", ""))),
            "content": str(entry.get("content", ""))[:12],
        }
        for entry in _stages(card)
    ]


def _stages(card: Mapping[str, Any]) -> list[dict[str, Any]]:
    history = card.get("lineage")
    found = history if isinstance(history, list) else []
    return [entry for entry in found if isinstance(entry, dict) and "stage" in entry]


def _size(folder: Path, wording: Wording, language: Language) -> str | None:
    stored = count_stored(folder)
    return PAGE_WORDS[language]["size"].format(count=wording.parameters(stored)) if stored else None


def count_stored(folder: Path) -> int:
    """Returns how many numbers the weights of a folder are, by the headers of its files; 0 where they say nothing.

    Of quantized matrices those count that were quantized, and what fills up their rows to whole groups.
    """
    total = 0
    for path in sorted(folder.glob("model*.safetensors")):
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = file.read(min(size, 1 << 26))
        try:
            tensors = json.loads(header)
        except ValueError:
            return 0
        tensors.pop("__metadata__", None)
        total += sum(numbers_held(name, entry["shape"], entry["dtype"]) for name, entry in tensors.items())
    return total
