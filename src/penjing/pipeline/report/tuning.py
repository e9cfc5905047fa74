"""The page about a search for settings: a single HTML file, like the report."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from penjing.files import write_text
from penjing.pipeline.report.charts import draw_bar
from penjing.pipeline.report.facts import Figure
from penjing.pipeline.report.report import page_style, render_template
from penjing.pipeline.report.strings import Language
from penjing.pipeline.report.svg import Axis, draw_dot, draw_frame, draw_line, draw_text, fit_axis, tag
from penjing.pipeline.report.wording import Wording
from penjing.pipeline.space import Range
from penjing.pipeline.tuning.search import Found
from penjing.pipeline.tuning.study import Trial


def ranked(found: Found) -> list[Trial]:
    """Returns the trials, the best first; those without a score come last, in the order in which they were made."""
    sign = 1 if _is_share(found) else -1
    return sorted(
        found.trials,
        key=lambda trial: (trial.score is None, -sign * (trial.score or 0), trial.best_loss if trial.score else 0),
    )


def setting_cell(trial: Trial, key: str) -> str:
    """Returns the value of a setting in a trial as it is read."""
    value = trial.settings.get(key)
    return "–" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)


def say_counts(found: Found, wording: Wording) -> str:
    """Returns how many trials ended how."""
    states = [trial.state for trial in found.trials]
    counted = {state: states.count(state) for state in ("complete", "pruned", "failed", "waiting")}
    parts = [wording.name("tune_state", state, count=count) for state, count in counted.items() if count]
    return wording.say("tune_counts", count=len(states), parts=wording.say("comma").join(parts))


def write_tuning(found: Found, evaluation: Mapping[str, Any], name: str, path: Path, language: Language) -> None:
    """Writes the page atomically.

    Args:
        found: the trials.
        evaluation: of the best on the test rows: ``rows`` and ``scores``.
        name: of the recipe.
        path: of the HTML file.
        language: ``en`` or ``zh``.
    """
    wording = Wording(language)
    values = {
        "w": wording,
        **page_style(),
        "title": wording.say("tune_title", name=name),
        "counts": say_counts(found, wording),
        "best": wording.say(
            "tune_best",
            number=found.best.number,
            measure=wording.name("tune_measure", found.measure),
            score=_score(found, wording)(found.best.score or 0),
        ),
        "once": wording.say("tune_once"),
        "scores": _test_scores(evaluation, wording),
        "history": draw_history(found, wording),
        "slices": [(key, draw_slice(found, key, wording)) for key in found.space],
        "importances": [(key, wording.percent(part), draw_bar(part)) for key, part in found.importances.items()],
        "keys": list(found.space),
        "measure": wording.name("tune_measure", found.measure),
        "trials": [_row(trial, found, wording) for trial in ranked(found)],
    }
    write_text(path, render_template("tuning.html.jinja", values))


def draw_history(found: Found, wording: Wording) -> Markup:
    """Draws the score of each trial in order, and the best so far; empty without a complete trial."""
    scored = [(float(trial.number), trial.score) for trial in found.trials if trial.score is not None]
    if not scored:
        return Markup("")
    show = _score(found, wording)
    last = float(max(2, len(found.trials)))
    x = Axis(1.0, last, tuple(float(tick) for tick in _whole_ticks(int(last))))
    y = _score_axis(found)
    parts = [draw_frame(x, y, lambda value: f"{value:g}", show)]
    better: Callable[..., float] = max if _is_share(found) else min
    best_so_far: list[tuple[float, float]] = []
    for number, score in scored:
        best = better(score, best_so_far[-1][1]) if best_so_far else score
        best_so_far += [(number, best_so_far[-1][1])] if best_so_far else []
        best_so_far.append((number, best))
    best_so_far.append((last, best_so_far[-1][1]))
    parts.append(draw_line([(x.place(at), y.place(value)) for at, value in best_so_far], "line validation"))
    parts += [draw_dot(x.place(at), y.place(value), "dot other", 4) for at, value in scored]
    best_at, best_score = float(found.best.number), found.best.score or 0
    parts.append(draw_dot(x.place(best_at), y.place(best_score), "dot own", 6))
    parts += [draw_dot(x.place(float(trial.number)), 0, "dot lost", 3) for trial in found.trials if trial.score is None]
    parts.append(draw_text(1, y.place(best_score), show(best_score), "direct validation", dx=8, dy=4))
    label = wording.say("tune_history_alternative", count=len(scored), best=show(best_score), number=found.best.number)
    return tag("svg", *parts, klass="plot", role="img", aria_label=label)


def draw_slice(found: Found, key: str, wording: Wording) -> Markup:
    """Draws the score of each complete trial against one setting."""
    values, show = found.space[key], _score(found, wording)
    y = _score_axis(found)
    place, x, tick = _setting_axis(values)
    parts = [draw_frame(x, y, tick, show)]
    for trial in found.trials:
        if trial.score is not None and key in trial.settings:
            kind, radius = ("own", 6.0) if trial.number == found.best.number else ("other", 4.0)
            parts.append(draw_dot(x.place(place(trial.settings[key])), y.place(trial.score), f"dot {kind}", radius))
    label = wording.say("tune_slice_alternative", setting=key, value=setting_cell(found.best, key))
    return tag("svg", *parts, klass="plot", role="img", aria_label=label)


def _setting_axis(values: Any) -> tuple[Callable[[Any], float], Axis, Callable[[float], str]]:
    """Returns where a value stands, the axis, and how its ticks are written: evenly spread choices, or a range."""
    if not isinstance(values, Range):
        names = list(values)
        axis = Axis(-0.5, len(names) - 0.5, tuple(float(number) for number in range(len(names))))
        return lambda value: float(names.index(value)), axis, lambda at: str(names[round(at)])
    if not values.log:
        axis = fit_axis([values.low, values.high])
        return float, axis, lambda at: f"{at:g}"
    low, high = math.log10(values.low), math.log10(values.high)
    powers = [float(power) for power in range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)]
    ticks = tuple(powers) if len(powers) > 1 else (low, high)
    return lambda value: math.log10(value), Axis(low, high, ticks), lambda at: f"{10**at:.2g}"


def _whole_ticks(last: int) -> list[int]:
    step = max(1, math.ceil(last / 8))
    return sorted({1, *range(step, last + 1, step)})


def _score_axis(found: Found) -> Axis:
    scores = [trial.score for trial in found.trials if trial.score is not None]
    return fit_axis(scores, ticks=3, bounds=(0.0, 1.0) if _is_share(found) else None)


def _is_share(found: Found) -> bool:
    return found.measure == "validation_accuracy"


def _score(found: Found, wording: Wording) -> Callable[[float], str]:
    return wording.percent if _is_share(found) else lambda value: f"{value:.3f}"


def _row(trial: Trial, found: Found, wording: Wording) -> dict[str, Any]:
    score = _score(found, wording)(trial.score) if trial.score is not None else "–"
    ended = wording.say("tune_ended", evaluation=max(trial.losses)) if trial.state == "pruned" else ""
    return {
        "number": trial.number,
        "score": score,
        "said": {"pruned": ended, "failed": trial.error, "waiting": wording.say("tune_waits")}.get(trial.state, ""),
        "cells": [setting_cell(trial, key) for key in found.space],
        "seconds": wording.duration(trial.seconds),
        "is_best": trial.number == found.best.number,
    }


def _test_scores(evaluation: Mapping[str, Any], wording: Wording) -> list[tuple[str, str, str]]:
    """Returns each score of the test: its name, value and interval."""
    rows = []
    for name, score in evaluation["scores"].items():
        figure = Figure.model_validate(score)
        rows.append((wording.name("score", name), wording.score(name, figure.value), wording.interval(name, figure)))
    return rows
