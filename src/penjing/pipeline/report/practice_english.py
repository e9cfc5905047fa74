"""The words of the report about practice, in English."""

from __future__ import annotations

PRACTICE_ENGLISH: dict[str, str] = {
    "stage.exercises": "Exercises",
    "stage.practice": "Practice",
    "course.write_off": "Practised: sentences written off",
    "course.find": "Practised: telling sentences found",
    "course.cloze": "Practised: questions made of texts",
    "practised": "{exercises} exercises made of texts, {tokens} tokens in {steps} steps, {time}",
    "practised_right": "{right} of tokens right on those kept back",
    "practised_places": "{right} of answers exactly right on those kept back",
}
