"""What a plan says of teachers, and of the texts that they are asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penjing.pipeline.plan import Plan


def taught(plan: Plan) -> dict[str, Any]:
    """Returns who teaches, and what became of texts without labels, given and made; nothing where nobody does."""
    teach, texts = plan.facts("teach") or plan.facts("finetune").get("distill"), plan.facts("unlabelled")
    if not teach:
        return {}
    kept = ("read", "in_evaluation", "containing_evaluation", "in_training", "duplicates", "left_out", "texts")
    unlabelled = {"unlabelled": {name: texts[name] for name in kept}} if texts else {}
    made = {"recombined": counts} if (counts := plan.facts("recombined")) else {}
    return {"teachers": teach["teachers"], **unlabelled, **made}


def say_taught(plan: Plan) -> list[str]:
    """Returns the same in lines."""
    found = taught(plan)
    lines = [f"Teacher {who['family']}, {who['parameters']:,} parameters" for who in found.get("teachers", ())]
    if texts := found.get("unlabelled"):
        said = _say_left_out(texts, texts["read"])
        lines.append(f"Texts without labels {said}, {texts['left_out']:,} not drawn")
    if made := found.get("recombined"):
        lines.append(f"Texts made of training texts {_say_left_out(made, made['made'])}")
    return lines


def _say_left_out(texts: dict[str, int], read: int) -> str:
    """Returns how many of so many texts are learned from, and which are not."""
    return (
        f"{texts['texts']:,} of {read:,}; left out {texts['in_evaluation']:,} that are validation or test rows, "
        f"{texts['containing_evaluation']:,} that contain one, {texts['in_training']:,} training rows, "
        f"{texts['duplicates']:,} duplicates"
    )
