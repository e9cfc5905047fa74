"""Drawing with SVG that fits any width: places are shares of the plot, sizes of marks and letters are pixels.

Colors come from the page's style sheet by class, so a chart follows light, dark and print.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape


@dataclass(frozen=True)
class Axis:
    """A linear scale from values to shares of the plot.

    Attributes:
        low: value at the start.
        high: value at the end.
        ticks: values that are marked.
    """

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Returns where a value stands, 0 to 1; outside values are put at the edge."""
        share = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, share))


def fit_axis(values: Sequence[float], *, ticks: int = 4, bounds: tuple[float, float] | None = None) -> Axis:
    """Returns an axis around values whose ends are ticks, at steps of 1, 2, 2.5 or 5 (after Heckbert 1990).

    Args:
        values: what has to fit; at least one.
        ticks: about how many steps.
        bounds: values beyond which the axis does not go, such as 0 and 1 for shares.
    """
    low, high = min(values), max(values)
    if high - low < 1e-9:
        spread = max(abs(high) * 0.1, 1e-3)
        low, high = low - spread, high + spread
    step = _nice_step((high - low) / ticks)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if bounds is not None:
        first, last = max(first, math.ceil(bounds[0] / step - 1e-9)), min(last, math.floor(bounds[1] / step + 1e-9))
    marks = tuple(round(number * step, 10) for number in range(first, last + 1))
    return Axis(marks[0], marks[-1], marks)


def span_axis(high: float, *, ticks: int = 4) -> Axis:
    """Returns an axis from 0 to exactly ``high``, for steps and tokens."""
    high = max(high, 1.0)
    step = max(1.0, _nice_step(high / ticks))
    count = math.floor(high / step + 1e-9)
    return Axis(0.0, high, tuple(number * step for number in range(count + 1)))


def _nice_step(rough: float) -> float:
    size = 10.0 ** math.floor(math.log10(rough))
    return next(nice * size for nice in (1.0, 2.0, 2.5, 5.0, 10.0) if nice * size >= rough * (1 - 1e-9))


def tag(name: str, *children: str, **attributes: str | float) -> Markup:
    """Returns an element; ``klass`` is ``class``, an underscore in a name is a hyphen, all text is escaped."""
    written = "".join(
        f' {escape("class" if key == "klass" else key.replace("_", "-"))}="{escape(str(value))}"'
        for key, value in attributes.items()
    )
    return Markup(f"<{name}{written}>{Markup('').join(escape(child) for child in children)}</{name}>")


def share(value: float) -> str:
    """Returns a share as a length: 0.25 as 25%."""
    return f"{100 * value:.2f}%"


def draw_line(points: Sequence[tuple[float, float]], klass: str) -> Markup:
    """Draws a line through points given as shares (right, up), as thin at every width."""
    written = " ".join(f"{1000 * x:.0f},{1000 * (1 - y):.0f}" for x, y in points)
    line = tag("polyline", klass=klass, points=written, vector_effect="non-scaling-stroke")
    return tag("svg", line, viewBox="0 0 1000 1000", preserveAspectRatio="none", width="100%", height="100%")


def draw_dot(x: float, y: float, klass: str, radius: float = 4.0) -> Markup:
    """Draws a dot at shares (right, up)."""
    return tag("circle", klass=klass, cx=share(x), cy=share(1 - y), r=f"{radius:.1f}")


def draw_text(x: float, y: float, text: str, klass: str, *, dx: float = 0, dy: float = 0) -> Markup:
    """Writes at shares (right, up), moved by pixels right and down."""
    return tag("text", text, klass=klass, x=share(x), y=share(1 - y), dx=f"{dx:g}", dy=f"{dy:g}")


def draw_frame(x: Axis, y: Axis, x_text: Callable[[float], str], y_text: Callable[[float], str]) -> Markup:
    """Draws the horizontal rules of a plot and the figures on both axes."""
    parts = []
    for value in y.ticks:
        height = share(1 - y.place(value))
        parts.append(tag("line", klass="rule", x1="0", x2="100%", y1=height, y2=height))
        parts.append(draw_text(0, y.place(value), y_text(value), "tick end", dx=-8, dy=4))
    for value in x.ticks:
        place = x.place(value)
        kind = "tick start" if place < 0.02 else "tick end" if place > 0.98 else "tick middle"
        parts.append(draw_text(place, 0, x_text(value), kind, dy=20))
    return Markup("").join(parts)
