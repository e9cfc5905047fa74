"""Preferences: a model that writes already learns which of two answers somebody prefers."""

from __future__ import annotations

from penjing.tasks.baselines import PREFERENCE_BASELINES
from penjing.tasks.task import PreferenceTask, ReplyPreferenceTask

PREFER = PreferenceTask(name="prefer", best_by="preference_accuracy", baselines=PREFERENCE_BASELINES)
PREFER_REPLY = ReplyPreferenceTask(name="prefer_reply", best_by="preference_accuracy", baselines=PREFERENCE_BASELINES)
