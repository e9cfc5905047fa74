"""The words of the report of a model of several tasks, in English."""

from __future__ import annotations

MULTI_ENGLISH: dict[str, str] = {
    "task.multi": "several tasks",
    "multi_lede": "One model of {parameters} parameters ({family}) for several tasks: {count}. It tells them apart by "
    "their templates, and writes the answers of all.",
    "multi_loss_chart": "Loss in fine-tuning, of validation the mean of the parts",
    "mix": "How the tasks were mixed",
    "mix_caption": "Share of each task in what was learned from, its rows, and its loss on the validation rows with "
    "the weights that were kept (nats a token). The weights with the lowest mean of these losses were kept.",
    "part": "Task",
    "mix_share": "Share",
    "mix_rows_an_epoch": "Rows an epoch",
    "mix_loss": "Validation loss",
    "mix_between": "Training rows left out because another task is measured on their text, or on one that it "
    "contains: {count}.",
    "part_sentence": "Task: {task}. What is read: {template}",
}
