"""What a plan says of the recipe itself: what is drawn, what stands beside rows, and what counts for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penjing.pipeline.plan import Plan


def say_drawn(plan: Plan) -> list[str]:
    """Returns which training rows are drawn, and what of the recipe stands beside; nothing without both."""
    counts, lines = plan.facts("data"), []
    if drawn := counts.get("drawn"):
        of = _count_labels(drawn["of"])
        lines.append(f"Drawn   {drawn['per_class']:,} of each label for training, by the seed {drawn['seed']}, of {of}")
    if described := counts.get("described"):
        lines.append(f"Beside  texts of the recipe that say what a label means: {_count_labels(described)}")
    return lines


def _count_labels(counts: dict[str, int]) -> str:
    return ", ".join(f'{count:,} "{label}"' for label, count in counts.items())


def unused(plan: Plan) -> dict[str, Any]:
    """Returns the settings that change nothing; nothing where all count."""
    listed = [{"section": each.section, "keys": list(each.keys), "why": each.why} for each in plan.unused]
    return {"unused": listed} if listed else {}


def say_unused(plan: Plan) -> list[str]:
    """Returns a line for each section with settings that change nothing."""
    return [f"Unused  [{each.section}] {', '.join(each.keys)}: {each.why}" for each in plan.unused]
