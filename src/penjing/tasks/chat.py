"""Dialogue: a model replies to what a user says, over several turns."""

from __future__ import annotations

from penjing.tasks.baselines import REPLY_BASELINES
from penjing.tasks.task import DialogueTask

CHAT = DialogueTask(name="chat", best_by="retrieval_accuracy", baselines=REPLY_BASELINES)
