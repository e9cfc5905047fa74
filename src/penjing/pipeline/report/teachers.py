"""What reports say of the models that another learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

from penjing.pipeline.report.facts import ModelFacts, Teacher
from penjing.pipeline.report.wording import Wording

_LEFT_OUT = (
    "empty",
    "in_evaluation",
    "containing_evaluation",
    "in_training",
    "removed",
    "duplicates",
    "left_out",
)
ALL = "all"  # what several teachers say together
_MOST_SHOWN = 4  # all together counted
T = TypeVar("T")
_TAUGHT_NOTES = {
    "labels": "taught_by_steps",
    "words": "words_taught_by_steps",
    "answers": "answers_taught_by_steps",
    "items": "items_taught_by_steps",
}


def name_teacher(name: str, wording: Wording) -> str:
    """Returns what a teacher is called: by its number from 1, or all together."""
    return wording.say("all_teachers") if name == ALL else wording.say("teacher", number=name)


def shown_teachers(teachers: Mapping[str, T]) -> dict[str, T]:
    """Returns those that have columns of their own: each of a few, or all together where they are many."""
    return dict(teachers) if len(teachers) <= _MOST_SHOWN else {ALL: teachers[ALL]}


def loss_note(model: ModelFacts, learned: Literal["labels", "words", "answers", "items"] = "labels") -> str:
    """Returns the key of what the axes of the chart of losses are: with teachers it is not that of the true answers."""
    if model.distill is None:
        return "by_steps"
    if model.distill.targets is None:
        return _TAUGHT_NOTES[learned]
    return "by_steps" if model.distill.truth else "written_by_steps"


def taught_rows(model: ModelFacts, wording: Wording) -> list[tuple[str, str]]:
    """Returns who the teachers were, how much larger than their student, and on what; nothing where there were none."""
    taught = model.distill
    if taught is None:
        return []
    rows = [
        (_name_teachers(numbers, wording), _say_teacher(teacher, model, wording))
        for teacher, numbers in _alike(taught.teachers)
    ]
    if taught.recipes:
        trained = [wording.say("by_recipe", count=taught.generations[0], name=name) for name in taught.recipes]
        rows.append((wording.say("other_teachers"), wording.say("comma").join(trained)))
    if taught.generations:
        keys = ["first_generation", *["next_generation"] * (len(taught.generations) - 1)]
        trained = [wording.say(key, count=count) for key, count in zip(keys, taught.generations, strict=True)]
        rows.append((wording.say("generations"), wording.say("comma").join(trained)))
    if taught.temperature is not None and taught.weight is not None:
        how = wording.say("taught_by", weight=wording.percent(taught.weight), temperature=f"{taught.temperature:g}")
        rows.append((wording.say("taught"), how))
    if taught.targets is not None:
        rows += _target_rows(taught.targets, wording, with_truth=taught.truth)
    if taught.unlabelled is not None:
        said = _say_counts(taught.unlabelled, taught.unlabelled["read"], wording)
        rows.append((wording.say("unlabelled_texts"), said))
    if taught.recombined is not None:
        said = _say_counts(taught.recombined, taught.recombined["made"], wording)
        rows.append((wording.say("recombined_texts"), said))
    return rows


def _alike(teachers: Sequence[Teacher]) -> list[tuple[Teacher, list[int]]]:
    """Returns teachers of which the same is said, one after another, with their numbers from 1."""
    found: list[tuple[Teacher, list[int]]] = []
    for number, teacher in enumerate(teachers, start=1):
        if found and found[-1][0] == teacher:
            found[-1][1].append(number)
        else:
            found.append((teacher, [number]))
    return found


def _name_teachers(numbers: Sequence[int], wording: Wording) -> str:
    if len(numbers) == 1:
        return name_teacher(str(numbers[0]), wording)
    return wording.say("teachers", first=numbers[0], last=numbers[-1])


def _say_counts(counts: Mapping[str, int], all_texts: int, wording: Wording) -> str:
    """Returns how many of all texts were learned from, and why others were not."""
    kept = wording.say("unlabelled_of", texts=wording.count(counts["texts"]), read=wording.count(all_texts))
    reasons = [
        wording.name("unlabelled", reason, count=wording.count(counts[reason]))
        for reason in _LEFT_OUT
        if counts.get(reason)
    ]
    return wording.say("comma").join([kept, *reasons])


def _say_teacher(teacher: Teacher, model: ModelFacts, wording: Wording) -> str:
    """Returns family and size of a teacher, and how many test rows it has learned from, if any."""
    said = wording.say(
        "teacher_of" if teacher.parameters != model.parameters else "teacher_like",
        family=wording.name("family", teacher.family),
        parameters=wording.parameters(teacher.parameters),
        times=f"{teacher.parameters / model.parameters:.1f}",
    )
    if not teacher.learned_rows:
        return said
    return wording.say("comma").join([said, wording.say("teacher_knew", count=wording.count(teacher.learned_rows))])


def _target_rows(targets: Mapping[str, int], wording: Wording, *, with_truth: bool) -> list[tuple[str, str]]:
    """Returns how many targets the teacher wrote, and which of them are not learned."""
    shown = {key: wording.count(count) for key, count in targets.items() if count or key == "learned"}
    said = [wording.name("targets", key, count=count) for key, count in shown.items()]
    beside = wording.say("targets_beside" if with_truth else "targets_instead")
    return [(wording.say("targets"), wording.say("comma").join([*said, beside]))]
