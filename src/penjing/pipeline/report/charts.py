"""The charts of the report."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from penjing.pipeline.report.facts import Bin, CurvePoint
from penjing.pipeline.report.svg import (
    Axis,
    draw_dot,
    draw_frame,
    draw_line,
    draw_text,
    fit_axis,
    share,
    span_axis,
    tag,
)
from penjing.pipeline.report.wording import Wording

_MOST_POINTS = 240
_PLOT_HEIGHT = 190.0  # pixels, as in report.css
_LEAST_GAP = 15.0  # pixels between the labels of two lines
Point = tuple[float, float]


@dataclass(frozen=True)
class Whisker:
    """A row of a whisker chart.

    Attributes:
        name: of what was measured.
        value: of it; where there is no interval, ``low`` and ``high`` are the same.
        low: lower end of the interval.
        high: its upper end.
        written: the value as it is read.
        interval: as it is read; empty where there is none.
        is_own: whether it is the model's.
    """

    name: str
    value: float
    low: float
    high: float
    written: str
    interval: str
    is_own: bool


def whisker_rows(
    whiskers: Sequence[Whisker], tick: Callable[[float], str], bounds: tuple[float, float] | None = None
) -> tuple[list[dict[str, str]], Markup]:
    """Returns what each row shows (name, value, interval, kind, drawing), and the axis.

    Args:
        whiskers: the rows from top to bottom.
        tick: writes a value on the axis.
        bounds: values beyond which the axis does not go.
    """
    axis = fit_axis([end for whisker in whiskers for end in (whisker.low, whisker.high)], bounds=bounds)
    rows = [
        {
            "name": whisker.name,
            "value": whisker.written,
            "interval": whisker.interval,
            "kind": "own" if whisker.is_own else "other",
            "drawing": _draw_whisker(whisker, axis),
        }
        for whisker in whiskers
    ]
    ticks = [
        draw_text(axis.place(value), 0.5, tick(value), f"tick {_anchor(axis.place(value))}", dy=4)
        for value in axis.ticks
    ]
    return rows, tag("svg", *ticks, klass="track", aria_hidden="true")


def _anchor(place: float) -> str:
    return "start" if place < 0.02 else "end" if place > 0.98 else "middle"


def _draw_whisker(whisker: Whisker, axis: Axis) -> Markup:
    kind = "own" if whisker.is_own else "other"
    rules = [
        tag("line", klass="rule", x1=share(axis.place(tick)), x2=share(axis.place(tick)), y1="0", y2="100%")
        for tick in axis.ticks
    ]
    low, high = share(axis.place(whisker.low)), share(axis.place(whisker.high))
    line = tag("line", klass=f"whisker {kind}", x1=low, x2=high, y1="50%", y2="50%")
    dot = draw_dot(axis.place(whisker.value), 0.5, f"dot {kind}", 6 if whisker.is_own else 5)
    return tag("svg", *rules, line, dot, klass="track", aria_hidden="true")


def draw_bar(part: float) -> Markup:
    """Draws a share as a bar."""
    return tag(
        "svg",
        tag("rect", klass="bar-all", x="0", y="0", width="100%", height="100%"),
        tag("rect", klass="bar-part", x="0", y="0", width=share(part), height="100%"),
        klass="bar",
        aria_hidden="true",
    )


def loss_chart(points: Sequence[CurvePoint], title: str, wording: Wording, *, by_tokens: bool) -> Markup:
    """Draws training and validation loss against tokens or steps; empty without at least two points of either."""
    return draw_losses(points, lambda point: _at(point, by_tokens), title, wording, wording.compact)


def draw_losses(
    points: Sequence[CurvePoint],
    place: Callable[[CurvePoint], float | None],
    title: str,
    wording: Wording,
    tick: Callable[[float], str],
) -> Markup:
    """Draws training and validation loss; empty without at least two points of either.

    Args:
        points: the records of training.
        place: where a record stands from left to right; None: nowhere.
        title: of the chart.
        wording: says it.
        tick: writes such a place on the axis.
    """
    placed = [(at, point) for point in points if (at := place(point)) is not None]
    training = [(at, point.loss) for at, point in placed if point.loss is not None]
    validation = [(at, point.validation_loss) for at, point in placed if point.validation_loss is not None]
    if max(len(training), len(validation)) < 2:
        return Markup("")
    training = thin_out(training)
    x = span_axis(max(place for place, _ in [*training, *validation]))
    y = fit_axis(_typical([loss for _, loss in training]) + [loss for _, loss in validation], ticks=3)
    lines = [
        ("training", "curve_training", training),
        ("validation", "curve_validation", validation),
    ]
    return _curves(
        [(kind, wording.say(name), values) for kind, name, values in lines if values],
        (x, y),
        title,
        wording,
        lambda value: f"{value:.2f}",
        lambda value: f"{value:g}",
        x_tick=tick,
    )


def accuracy_chart(points: Sequence[CurvePoint], title: str, wording: Wording) -> Markup:
    """Draws validation accuracy against steps, with the best marked; empty without at least two evaluations."""
    values = [(float(p.step), p.validation_accuracy) for p in points if p.validation_accuracy is not None]
    if len(values) < 2:
        return Markup("")
    x = span_axis(max(step for step, _ in values))
    y = fit_axis([accuracy for _, accuracy in values], ticks=3, bounds=(0.0, 1.0))
    place, best = max(values, key=lambda point: point[1])
    text = wording.say("curve_best", value=wording.percent(best))
    at = x.place(place)
    mark = draw_dot(at, y.place(best), "dot own", 5) + draw_text(
        at, y.place(best), text, f"direct validation {'start' if at < 0.2 else 'end' if at > 0.8 else 'middle'}", dy=-10
    )
    name = wording.say("curve_validation")
    return _curves(
        [("validation", name, values)], (x, y), title, wording, wording.percent, lambda v: f"{100 * v:g}%", mark
    )


def _curves(
    lines: Sequence[tuple[str, str, Sequence[Point]]],
    axes: tuple[Axis, Axis],
    title: str,
    wording: Wording,
    exact: Callable[[float], str],
    tick: Callable[[float], str],
    mark: Markup | None = None,
    x_tick: Callable[[float], str] | None = None,
) -> Markup:
    """Draws lines (kind, name, points) with their names and last values at their ends, or ``mark`` instead."""
    x, y = axes
    parts = [draw_frame(x, y, x_tick or wording.compact, tick)]
    alternatives, heights = [], _apart([y.place(points[-1][1]) for _, _, points in lines])
    for (kind, name, points), height in zip(lines, heights, strict=True):
        parts.append(draw_line([(x.place(at), y.place(value)) for at, value in points], f"line {kind}"))
        if kind == "validation":
            parts.extend(draw_dot(x.place(at), y.place(value), f"dot {kind}", 2.5) for at, value in points)
        first, last = exact(points[0][1]), exact(points[-1][1])
        if mark is None:
            end = x.place(points[-1][0])
            parts.append(draw_text(end, height, name, f"direct {kind}", dx=8, dy=-2))
            parts.append(draw_text(end, height, last, f"direct {kind}", dx=8, dy=11))
        alternatives.append(wording.say("curve_alternative", title=title, name=name, first=first, last=last))
    if mark is not None:
        parts.append(mark)
    return tag("svg", *parts, klass="plot", role="img", aria_label=" ".join(alternatives))


def _apart(heights: Sequence[float]) -> list[float]:
    """Returns heights moved apart so that labels of two lines of text do not overlap."""
    gap = 2 * _LEAST_GAP / _PLOT_HEIGHT
    if len(heights) < 2 or abs(heights[0] - heights[1]) >= gap:
        return list(heights)
    middle = min(1 - gap / 2, max(gap / 2, (heights[0] + heights[1]) / 2))
    upper = 0 if heights[0] >= heights[1] else 1
    return [middle + gap / 2 if number == upper else middle - gap / 2 for number in (0, 1)]


def reliability_chart(bins: Sequence[Bin], wording: Wording) -> Markup:
    """Draws how often the model is right against how sure it is."""
    sure = [part.confidence for part in bins]
    x = fit_axis([min(sure), 1.0], ticks=4, bounds=(0.0, 1.0))
    y = fit_axis([min(sure), 1.0, *(part.low for part in bins)], ticks=4, bounds=(0.0, 1.0))
    start = max(x.low, y.low)
    most = max(part.count for part in bins)
    parts = [
        draw_frame(x, y, lambda value: f"{100 * value:g}%", lambda value: f"{100 * value:g}%"),
        draw_line([(x.place(start), y.place(start)), (1, 1)], "line perfect"),
    ]
    for part in bins:
        at = share(x.place(part.confidence))
        low, high = share(1 - y.place(part.low)), share(1 - y.place(part.high))
        parts.append(tag("line", klass="whisker own", x1=at, x2=at, y1=low, y2=high))
    for part in bins:
        radius = 3 + 6 * math.sqrt(part.count / most)
        parts.append(draw_dot(x.place(part.confidence), y.place(part.accuracy), "dot own", radius))
    parts.append(draw_text(1, 0, wording.say("reliability_x"), "tick end", dy=38))
    parts.append(draw_text(0, 1, wording.say("reliability_y"), "tick start", dx=-36, dy=-14))
    points = wording.say("comma").join(
        wording.say(
            "reliability_point",
            confidence=wording.percent(part.confidence),
            accuracy=wording.percent(part.accuracy),
            count=wording.count(part.count),
        )
        for part in bins
    )
    label = wording.say("reliability_alternative", points=points)
    return tag("svg", *parts, klass="plot square", role="img", aria_label=label)


def thin_out(points: Sequence[Point], most: int = _MOST_POINTS) -> list[Point]:
    """Returns at most ``most`` points, each the mean of as many neighbors."""
    size = math.ceil(len(points) / most)
    groups = [points[start : start + size] for start in range(0, len(points), size)] if size > 1 else []
    if not groups:
        return list(points)
    return [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]


def _at(point: CurvePoint, by_tokens: bool) -> float:
    return float(point.tokens if by_tokens else point.step)


def _typical(values: Sequence[float]) -> list[float]:
    """Returns the ends of the values without the highest 3%, so that the first steps do not flatten the rest."""
    ordered = sorted(values)
    return [ordered[0], ordered[max(0, math.ceil(0.97 * len(ordered)) - 1)]] if ordered else []
