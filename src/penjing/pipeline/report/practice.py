"""What reports say of practice on rows that are made of texts."""

from __future__ import annotations

from collections.abc import Sequence

from penjing.pipeline.report.practice_facts import CourseFacts
from penjing.pipeline.report.wording import Wording


def practice_rows(courses: Sequence[CourseFacts], wording: Wording) -> list[tuple[str, str]]:
    """Returns what each course was, how long, and how much of it was right in the end; nothing without practice."""
    return [(wording.name("course", course.name), _say(course, wording)) for course in courses]


def _say(course: CourseFacts, wording: Wording) -> str:
    said = wording.say(
        "practiced",
        exercises=wording.count(course.exercises),
        tokens=wording.count(course.tokens),
        steps=wording.count(course.steps),
        time=wording.duration(course.seconds),
    )
    if course.right is None:
        return said
    key = "practiced_places" if course.finds_places else "practiced_right"
    return wording.say("comma").join([said, wording.say(key, right=wording.percent(course.right))])
