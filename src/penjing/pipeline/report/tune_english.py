"""The words of the page about a search for settings, in English."""

from __future__ import annotations

TUNE_ENGLISH: dict[str, str] = {
    "tune_title": "Settings for {name}",
    "tune_kicker": "Penjing, search",
    "tune_best": "Trial {number} is the best: {measure} {score}.",
    "tune_counts": "Trials: {count}, of which {parts}.",
    "tune_state.complete": "{count} complete",
    "tune_state.pruned": "{count} ended early",
    "tune_state.failed": "{count} failed",
    "tune_state.waiting": "{count} not at its end",
    "tune_once": "Trials were compared by the validation rows alone, and the best was chosen by its score there, which "
    "flatters it. The test rows were measured once, after the search, for the best trial only; for the test score to "
    "keep its meaning, do not choose by it.",
    "tune_measure.validation_accuracy": "validation accuracy",
    "tune_measure.validation_loss": "validation loss",
    "tune_test": "The test, once",
    "tune_course": "Course of the search",
    "tune_course_note": "Each dot is a trial that came to its end; the large one is the best. Small dots at the bottom "
    "are trials that were ended early or failed.",
    "tune_by_trial": "by trial, with the best so far",
    "tune_importance": "What mattered",
    "tune_importance_note": "share of the scores’ variance that a setting explains, over complete trials (fANOVA); "
    "with few trials a hint, no more",
    "tune_history_alternative": "{count} complete trials; the best is trial {number} with {best}.",
    "tune_slice_alternative": "Score against {setting}; the best trial has {value}.",
    "tune_trials": "Every trial",
    "tune_trial": "Trial",
    "tune_time": "Time",
    "tune_ended": "ended early, at evaluation {evaluation}",
    "tune_waits": "goes on when the same command is given more time",
}
