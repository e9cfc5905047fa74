"""The words of the report about learning from teachers, in English."""

from __future__ import annotations

TAUGHT_ENGLISH: dict[str, str] = {
    "stage.unlabelled": "Texts without labels",
    "stage.recombined": "Texts made of training texts",
    "stage.teacher": "Teachers, trained first",
    "stage.teach": "Answers of the teachers",
    "teacher": "Teacher {number}",
    "all_teachers": "All teachers together",
    "teacher_like": "{family}, {parameters} parameters, as many as this model",
    "teacher_of": "{family}, {parameters} parameters, {times} times as many as this model",
    "teacher_knew": "which learned from {count} of the test rows: its scores are too good, and perhaps this model's",
    "teachers": "Teachers {first} to {last}",
    "each_teacher": "Accuracy of each teacher alone: {figures}",
    "other_teachers": "Teachers of other kinds",
    "by_recipe": "{count} by {name}",
    "generations": "Teachers of its own kind",
    "first_generation": "{count} alone",
    "next_generation": "{count} taught by those",
    "taught": "Learned from teachers",
    "taught_by": "{weight} of the loss, at temperature {temperature}",
    "taught_by_steps": "nats a prediction, against steps; training: labels and teachers together, validation: labels "
    "alone",
    "words_taught_by_steps": "nats a prediction, against steps; training: tokens and teacher together, validation: "
    "tokens alone",
    "answers_taught_by_steps": "nats an end of an answer, against steps; training: answers and teacher together, "
    "validation: answers alone",
    "items_taught_by_steps": "nats an item that comes next, against steps; training: events and teacher together, "
    "validation: events alone",
    "written_by_steps": "nats a prediction of what the teacher wrote, against steps",
    "targets": "Targets that the teacher wrote",
    "targets.learned": "{count} learned",
    "targets.unfinished": "{count} left out that it did not end",
    "targets.empty": "{count} left out that are empty",
    "targets_beside": "beside the true ones",
    "targets_instead": "in place of the true ones",
    "unlabelled_texts": "Texts without labels",
    "recombined_texts": "Texts made of training texts",
    "unlabelled_of": "{texts} of {read}",
    "unlabelled.empty": "{count} empty",
    "unlabelled.in_evaluation": "{count} left out that are validation or test rows",
    "unlabelled.containing_evaluation": "{count} left out that contain a validation or test text",
    "unlabelled.in_training": "{count} left out that are training rows",
    "unlabelled.removed": "{count} removed by their ids",
    "unlabelled.duplicates": "{count} duplicates",
    "unlabelled.left_out": "{count} not drawn",
}
