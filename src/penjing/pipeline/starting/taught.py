"""Recipes whose model learns from a larger one that is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penjing.errors import UsageError
from penjing.pipeline.plan import Plan
from penjing.pipeline.start import locate_folder
from penjing.pipeline.starting.wanted import Document, Wanted
from penjing.tasks.card import read_card, writes_answers
from penjing.tasks.task import load_task
from penjing.text.pair_renderer import PairRendererSettings

_OPTION = "--teacher"
_BY_TOKENS = frozenset({"continuation", "reply", "span"})  # answers for which the teacher reads the same tokens
_WINDOWS = frozenset({"max_tokens", "max_question_tokens", "overlap_tokens", "mark_matches"})
_PROMPT = frozenset(PairRendererSettings.model_fields)  # of answers that are written
_TEACHABLE = _BY_TOKENS | {"label", "rank", "set", "text", "items"}


def teach(wanted: Wanted, candidates: list[tuple[str, Document]]) -> list[tuple[str, Document]]:
    """Returns recipes in which the model of ``--teacher`` teaches; without it as they were.

    Where a teacher reads each batch, its tokenizer is taken, rows are no longer than its own were, and questions have
    its windows. No model that is there is a start, unless ``--start`` names it: it would often be as large as the
    teacher.

    Raises:
        UsageError: nothing can be learned from a teacher for this task.
        RecipeError: there is no such folder.
        ModelFolderError: it is no finished model.
    """
    if wanted.teacher is None:
        return candidates
    if wanted.task == "language-model" or load_task(wanted.task).answers not in _TEACHABLE:
        raise UsageError(
            f"{_OPTION} is for models that label, find answers, write or rank; this is {wanted.task}",
            where="penjing new",
            do="Leave it out.",
        )
    fresh = [(kind, document) for kind, document in candidates if kind != "transfer"]
    chosen = candidates if wanted.start is not None else fresh or candidates
    return [(kind, _beside(wanted, wanted.teacher, document)) for kind, document in chosen]


def is_smaller(plan: Plan) -> bool:
    """Whether the model of a plan has fewer parameters than each of its teachers, as far as that is known."""
    own = plan.facts("finetune").get("parameters")
    told = plan.facts("teach") or plan.facts("finetune").get("distill") or {}
    sizes = [teacher["parameters"] for teacher in told.get("teachers", ())]
    return own is None or not sizes or own < min(sizes)


def _beside(wanted: Wanted, teacher: str, document: Document) -> Document:
    taught = {**document, "finetune": {**document["finetune"], "distill": {"teacher": teacher}}}
    answers = load_task(wanted.task).answers
    if answers not in _BY_TOKENS:
        return taught
    if wanted.start is None:
        taught["tokenizer"] = {"start": teacher}
    card = read_card(locate_folder(teacher, _OPTION))
    if answers == "span":
        shared = _PROMPT if writes_answers(card) else _WINDOWS
        windows = {key: value for key, value in card.get("render", {}).items() if key in shared}
        own = {key: value for key, value in taught.get("render", {}).items() if key != "mark_matches"}
        return {**taught, "render": {**own, **windows}}
    read, written = (_most_tokens(card, taught, section) for section in ("render", "write"))
    if read is not None:
        taught["render"] = {**taught.get("render", {}), "max_tokens": read}
    if read is not None and written is not None:
        taught["write"] = {**taught.get("write", {}), "max_tokens": min(written, read // 2)}
    return taught


def _most_tokens(card: Mapping[str, Any], document: Document, section: str) -> int | None:
    """Returns the lower of what the teacher's card and the recipe have as ``max_tokens``; None where neither has."""
    given = [values.get(section, {}).get("max_tokens") for values in (card, document)]
    return min((tokens for tokens in given if tokens is not None), default=None)
