"""What a plan says of teachers, and of the texts that they are asked about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penjing.pipeline.plan import Plan

_LEFT_OUT = {
    "empty": "without text",
    "removed": "by their ids",
    "in_evaluation": "that are validation or test rows",
    "containing_evaluation": "that contain a validation or test row",
    "in_training": "that are training rows",
    "duplicates": "that came before",
    "left_out": "not drawn",
}


def taught(plan: Plan) -> dict[str, Any]:
    """Returns who teaches, and what became of texts without labels, given and made; nothing where nobody does."""
    teach, texts = plan.facts("teach") or plan.facts("finetune").get("distill"), plan.facts("unlabelled")
    if not teach:
        return {}
    kept = ("read", *_LEFT_OUT, "texts")
    unlabelled = {"unlabelled": {name: texts[name] for name in kept if name in texts}} if texts else {}
    made = {"recombined": counts} if (counts := plan.facts("recombined")) else {}
    return {"teachers": teach["teachers"], **unlabelled, **made}


def say_taught(plan: Plan) -> list[str]:
    """Returns the same in lines."""
    found = taught(plan)
    lines = [f"Teacher {line}" for line in describe_alike(found.get("teachers", ()))]
    if texts := found.get("unlabelled"):
        lines.append(f"Texts without labels {_say_left_out(texts, texts['read'])}")
    if made := found.get("recombined"):
        lines.append(f"Texts made of training texts {_say_left_out(made, made['made'])}")
    return lines


def describe_alike(teachers: Iterable[Mapping[str, Any]]) -> list[str]:
    """Returns family and size of teachers; one line for those that follow each other and are alike."""
    sizes = groupby(f"{teacher['family']}, {teacher['parameters']:,} parameters" for teacher in teachers)
    counted = [(size, len(list(alike))) for size, alike in sizes]
    return [size if count == 1 else f"{count} × {size}" for size, count in counted]


def _say_left_out(texts: dict[str, int], read: int) -> str:
    """Returns how many of so many texts are learned from, and which are not."""
    found = [f"{count:,} {said}" for name, said in _LEFT_OUT.items() if (count := texts.get(name, 0))]
    kept = f"{texts['texts']:,} of {read:,}"
    return f"{kept}; left out {', '.join(found)}" if found else kept
