"""The words of the report about practice, in English."""

from __future__ import annotations

PRACTICE_ENGLISH: dict[str, str] = {
    "stage.exercises": "Exercises",
    "stage.practice_rows": "Exercises, as rows",
    "stage.practice_examples": "Exercises, as tokens",
    "stage.practice": "Practice",
    "course.write_off": "Practiced: sentences written off",
    "course.find": "Practiced: telling sentences found",
    "course.cloze": "Practiced: questions made of texts",
    "practiced": "{exercises} exercises made of texts, {tokens} tokens in {steps} steps, {time}",
    "practiced_right": "{right} of tokens right on those kept back",
    "practiced_places": "{right} of answers exactly right on those kept back",
}
