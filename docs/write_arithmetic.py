"""Writes docs/arithmetic.md and docs/arithmetic.zh.md: one small network by hand, every number computed here.

python docs/write_arithmetic.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Parameters(NamedTuple):
    """The weights of the network, or the loss's gradient for each of them."""

    w1: Array  # [5, 3]
    b1: Array  # [5]
    w2: Array  # [2, 5]
    b2: Array  # [2]


class Example(NamedTuple):
    """An input and what the network should answer."""

    x: Array  # [3]
    t: Array  # [2]


class Forward(NamedTuple):
    """What the forward pass computes on its way."""

    z: Array  # [5]
    h: Array  # [5]
    o: Array  # [2]


class Backward(NamedTuple):
    """What back-propagation computes on its way."""

    d2: Array  # [2], the loss's gradient at o
    dh: Array  # [5], at h
    slope: Array  # [5], f'(z)
    d1: Array  # [5], at z


# Chosen so that the ReLU pass is exact in four decimals, one unit is off, and each mistake shows its harm in one step.
NETWORK = Parameters(
    w1=np.array([[-0.3, 0.3, -0.5], [0.3, -0.8, 0.7], [-0.1, -0.4, -0.3], [0.7, 0.1, -0.3], [0.9, -0.7, 0.9]]),
    b1=np.array([-0.2, -0.1, -0.2, 0.2, -0.1]),
    w2=np.array([[0.3, 0.1, -0.1, 0.9, 0.1], [-0.5, -0.5, 0.6, 0.7, -0.9]]),
    b2=np.array([-0.2, -0.5]),
)
EXAMPLE = Example(x=np.array([1.0, -2.0, -1.0]), t=np.array([1.0, 0.0]))
SECOND = Example(x=np.array([-2.0, 3.0, 3.0]), t=np.array([0.0, 1.0]))
RATE, SMALL_RATE = 0.05, 0.01
WIDE = 0.5  # the finite difference that is done by hand
NARROW = 1e-5  # the one that is compared with every gradient
AGREEMENT = 1e-7  # what a right gradient and the narrow difference may be apart
NAMES = {"en": "arithmetic.md", "zh": "arithmetic.zh.md"}
SQUARED, ENTROPY = "mean squared error", "cross-entropy"
BY_HAND = (("w1", (0, 0)), ("w1", (4, 1)), ("w2", (1, 2)))  # the weights whose finite difference is done by hand


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def softmax(o: Array) -> Array:
    return np.exp(o) / np.exp(o).sum()


def mean_squared_error(o: Array, t: Array) -> float:
    return float(((o - t) ** 2).mean())


def cross_entropy(o: Array, t: Array) -> float:
    return float(-(t * np.log(softmax(o))).sum())


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "ReLU": lambda z: np.maximum(z, 0.0),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
}
SLOPES: dict[str, Callable[[Array], Array]] = {
    "ReLU": lambda z: np.where(z > 0, 1.0, 0.0),
    "sigmoid": lambda z: sigmoid(z) * (1 - sigmoid(z)),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
}
LOSSES: dict[str, Callable[[Array, Array], float]] = {
    SQUARED: mean_squared_error,
    ENTROPY: cross_entropy,
}
LOSS_GRADIENTS: dict[str, Callable[[Array, Array], Array]] = {
    SQUARED: lambda o, t: 2 * (o - t) / len(o),
    ENTROPY: lambda o, t: softmax(o) - t,
}
Gradient = Callable[[Parameters, Example, str, str], Parameters]


def run_forward(network: Parameters, x: Array, activation: str) -> Forward:
    z = network.w1 @ x + network.b1
    h = ACTIVATIONS[activation](z)
    return Forward(z, h, network.w2 @ h + network.b2)


def run_backward(network: Parameters, example: Example, activation: str, loss: str) -> Backward:
    z, _, o = run_forward(network, example.x, activation)
    d2 = LOSS_GRADIENTS[loss](o, example.t)
    dh = network.w2.T @ d2
    slope = SLOPES[activation](z)
    return Backward(d2, dh, slope, dh * slope)


def compute_loss(network: Parameters, example: Example, activation: str, loss: str) -> float:
    return LOSSES[loss](run_forward(network, example.x, activation).o, example.t)


def compute_gradient(network: Parameters, example: Example, activation: str, loss: str) -> Parameters:
    h = run_forward(network, example.x, activation).h
    back = run_backward(network, example, activation, loss)
    return Parameters(np.outer(back.d1, example.x), back.d1, np.outer(back.d2, h), back.d2)


def leave_out_slope(network: Parameters, example: Example, activation: str, loss: str) -> Parameters:
    """Wrong: the error comes back through W2 but not through the activation."""
    right = compute_gradient(network, example, activation, loss)
    dh = run_backward(network, example, activation, loss).dh
    return right._replace(w1=np.outer(dh, example.x), b1=dh)


def take_output_for_input(network: Parameters, example: Example, activation: str, loss: str) -> Parameters:
    """Wrong: a weight's gradient is its row's error times its row's output, the same along the row."""
    _, h, o = run_forward(network, example.x, activation)
    right = compute_gradient(network, example, activation, loss)
    w1 = np.broadcast_to((right.b1 * h)[:, None], network.w1.shape)
    w2 = np.broadcast_to((right.b2 * o)[:, None], network.w2.shape)
    return right._replace(w1=w1, w2=w2)


def take_step(network: Parameters, gradient: Parameters, rate: float) -> Parameters:
    return Parameters(*(weights - rate * slopes for weights, slopes in zip(network, gradient, strict=True)))


def nudge(network: Parameters, name: str, place: tuple[int, ...], by: float) -> Parameters:
    weights = getattr(network, name).copy()
    weights[place] += by
    return network._replace(**{name: weights})


def difference(
    network: Parameters, example: Example, activation: str, loss: str, name: str, place: tuple[int, ...], width: float
) -> float:
    """The central finite difference of the loss for one weight."""
    above = compute_loss(nudge(network, name, place, width), example, activation, loss)
    below = compute_loss(nudge(network, name, place, -width), example, activation, loss)
    return (above - below) / (2 * width)


def largest_disagreement(gradient: Gradient, activation: str, loss: str) -> float:
    """The largest distance, over all 32 weights, between a gradient and finite differences."""
    found = gradient(NETWORK, EXAMPLE, activation, loss)
    return max(
        abs(slopes[place] - difference(NETWORK, EXAMPLE, activation, loss, name, place, NARROW))
        for name, slopes in found._asdict().items()
        for place in np.ndindex(slopes.shape)
    )


def loss_after(gradient: Gradient, examples: list[Example], activation: str, loss: str, rate: float) -> float:
    """The mean loss over the examples after one step along their mean gradient; before it, if the rate is 0."""
    found = [gradient(NETWORK, example, activation, loss) for example in examples]
    mean = Parameters(*(np.mean(slopes, axis=0) for slopes in zip(*found, strict=True)))
    moved = take_step(NETWORK, mean, rate)
    return float(np.mean([compute_loss(moved, example, activation, loss) for example in examples]))


FORMULAS: tuple[Gradient, ...] = (compute_gradient, leave_out_slope, take_output_for_input)


def show(value: float) -> str:
    """A computed number, in four decimals."""
    if abs(abs(value) * 1e4 % 1 - 0.5) < 1e-6:
        raise ValueError(f"{value!r} lies on the edge of rounding, where machines differ; choose other weights.")
    shown = f"{value:.4f}"
    return "0.0000" if shown == "-0.0000" else shown


def show_given(value: float) -> str:
    return f"{value:g}"


def show_vector(values: Iterable[float], one: Callable[[float], str] = show) -> str:
    return f"({', '.join(map(one, values))})"


def in_brackets(shown: str) -> str:
    return f"({shown})" if shown.startswith("-") else shown


def show_sum(weights: Array, factors: list[str], bias: float | None = None) -> str:
    terms = [f"{show_given(weight)}·{in_brackets(factor)}" for weight, factor in zip(weights, factors, strict=True)]
    return " + ".join(terms if bias is None else [*terms, show_given(bias)]).replace("+ -", "- ")


def show_error(o: Array, t: Array) -> str:
    squares = [f"({show(answer)} - {show_given(target)})²" for answer, target in zip(o, t, strict=True)]
    return f"L = ({' + '.join(squares)}) / {len(o)} = {show(mean_squared_error(o, t))}"


def show_table(header: str, rows: Iterable[Iterable[str]]) -> str:
    names = header.split(" | ")
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (names, ["---"] * len(names), *rows))


def number_rows(*columns: Array, one: Callable[[float], str] = show) -> list[list[str]]:
    """The columns beside one another, a number before each row."""
    cells = np.column_stack(columns)
    return [[str(number), *map(one, row)] for number, row in enumerate(cells, start=1)]


def collect_facts() -> dict[str, Any]:
    """Everything with a number in it that the pages show."""
    return _forward_facts() | _loss_facts() | _gradient_facts() | _step_facts() | _check_facts() | _mistake_facts()


def _forward_facts() -> dict[str, Any]:
    z, h, o = run_forward(NETWORK, EXAMPLE.x, "ReLU")
    inputs, hidden = list(map(show_given, EXAMPLE.x)), list(map(show, h))
    return {
        "x": show_vector(EXAMPLE.x, show_given),
        "t": show_vector(EXAMPLE.t, show_given),
        "hidden": number_rows(NETWORK.w1, NETWORK.b1, one=show_given),
        "output": number_rows(NETWORK.w2, NETWORK.b2, one=show_given),
        "forward_hidden": "\n".join(
            f"z[{i + 1}] = {show_sum(NETWORK.w1[i], inputs, NETWORK.b1[i])} = {show(z[i])}" for i in range(len(z))
        ),
        "h": show_vector(h),
        "forward_output": "\n".join(
            f"o[{k + 1}] = {show_sum(NETWORK.w2[k], hidden, NETWORK.b2[k])} = {show(o[k])}" for k in range(len(o))
        ),
        "activations": number_rows(z, *(f(z) for name in ACTIVATIONS for f in (ACTIVATIONS[name], SLOPES[name]))),
        "outputs": [[name, *map(show, run_forward(NETWORK, EXAMPLE.x, name).o)] for name in ACTIVATIONS],
    }


def _loss_facts() -> dict[str, Any]:
    o = run_forward(NETWORK, EXAMPLE.x, "ReLU").o
    p = softmax(o)
    powers = [f"e^{in_brackets(show(value))}" for value in o]
    outputs = {name: run_forward(NETWORK, EXAMPLE.x, name).o for name in ACTIVATIONS}
    return {
        "squared": show_error(o, EXAMPLE.t),
        "softmax": "\n".join(
            f"p[{k + 1}] = {powers[k]} / ({' + '.join(powers)}) = {show(p[k])}" for k in range(len(o))
        ),
        "entropy": f"L = -ln {show(p[0])} = {show(cross_entropy(o, EXAMPLE.t))}",
        "losses": [
            [name, *map(show, (mean_squared_error(o, EXAMPLE.t), *softmax(o), cross_entropy(o, EXAMPLE.t)))]
            for name, o in outputs.items()
        ],
    }


def _gradient_facts() -> dict[str, Any]:
    o = run_forward(NETWORK, EXAMPLE.x, "ReLU").o
    back = run_backward(NETWORK, EXAMPLE, "ReLU", SQUARED)
    errors, x, slope = list(map(show, back.d2)), show_given(EXAMPLE.x[1]), back.d1[4] * EXAMPLE.x[1]

    def show_differences(answers: Array) -> str:
        return "\n".join(
            f"δ2[{k + 1}] = {show(answers[k])} - {show_given(target)} = {show(answers[k] - target)}"
            for k, target in enumerate(EXAMPLE.t)
        )

    return {
        "squared_error": show_differences(o),
        "entropy_error": show_differences(softmax(o)),
        "back_through_output": "\n".join(
            f"∂L/∂h[{i + 1}] = {show_sum(NETWORK.w2[:, i], errors)} = {show(value)}" for i, value in enumerate(back.dh)
        ),
        "one_weight": f"∂L/∂W1[5,2] = δ1[5]·x[2] = {show(back.d1[4])}·{in_brackets(x)} = {show(slope)}",
        "gradients": {
            (activation, loss): (
                number_rows(*run_backward(NETWORK, EXAMPLE, activation, loss)[1:], found.w1),
                number_rows(found.b2, found.w2),
            )
            for activation in ACTIVATIONS
            for loss in LOSSES
            for found in [compute_gradient(NETWORK, EXAMPLE, activation, loss)]
        },
    }


def _step_facts() -> dict[str, Any]:
    slopes = compute_gradient(NETWORK, EXAMPLE, "ReLU", SQUARED)
    moved = take_step(NETWORK, slopes, RATE)
    ahead = run_forward(moved, EXAMPLE.x, "ReLU")
    old, slope, new = show_given(NETWORK.w1[4, 1]), in_brackets(show(slopes.w1[4, 1])), show(moved.w1[4, 1])
    return {
        "rate": show_given(RATE),
        "one_step": f"W1[5,2] = {old} - {show_given(RATE)}·{slope} = {new}",
        "moved_hidden": number_rows(moved.w1, moved.b1),
        "moved_output": number_rows(moved.w2, moved.b2),
        "ahead": "\n".join(f"{name} = {show_vector(values)}" for name, values in ahead._asdict().items()),
        "ahead_loss": show_error(ahead.o, EXAMPLE.t),
        "steps": [
            [name]
            + [
                show(loss_after(compute_gradient, [EXAMPLE], name, loss, rate))
                for loss in LOSSES
                for rate in (0.0, RATE)
            ]
            for name in ACTIVATIONS
        ],
    }


def _check_facts() -> dict[str, Any]:
    rows = []
    for name, place in BY_HAND:
        losses = [compute_loss(nudge(NETWORK, name, place, by), EXAMPLE, "ReLU", SQUARED) for by in (WIDE, -WIDE)]
        found = difference(NETWORK, EXAMPLE, "ReLU", SQUARED, name, place, WIDE)
        slopes = [getattr(formula(NETWORK, EXAMPLE, "ReLU", SQUARED), name)[place] for formula in FORMULAS]
        rows.append([f"{name.upper()}[{place[0] + 1},{place[1] + 1}]", *map(show, (*losses, found, *slopes))])
    return {
        "wide": show_given(WIDE),
        "narrow": f"{NARROW:.5f}",
        "bound": f"{AGREEMENT:.7f}",
        "by_hand_right": [row[:5] for row in rows],
        "by_hand_wrong": [[row[0], *row[3:]] for row in rows],
        "disagreements": [
            [name, *(show(largest_disagreement(formula, name, loss)) for loss in LOSSES for formula in FORMULAS[1:])]
            for name in ACTIVATIONS
        ],
    }


def _mistake_facts() -> dict[str, Any]:
    right = compute_gradient(NETWORK, EXAMPLE, "ReLU", SQUARED)
    output_taken = take_output_for_input(NETWORK, EXAMPLE, "ReLU", SQUARED)
    slope_left_out = take_step(NETWORK, leave_out_slope(NETWORK, EXAMPLE, "ReLU", SQUARED), RATE)
    networks = (NETWORK, slope_left_out)
    return {
        "slope_left_out": {
            name: number_rows(
                run_backward(NETWORK, EXAMPLE, name, SQUARED).slope,
                compute_gradient(NETWORK, EXAMPLE, name, SQUARED).w1,
                leave_out_slope(NETWORK, EXAMPLE, name, SQUARED).w1,
            )
            for name in ACTIVATIONS
        },
        "output_for_input": [
            number_rows(right.w1, output_taken.w1[:, 0]),
            number_rows(right.w2, output_taken.w2[:, 0]),
        ],
        "mistaken_steps": [
            [name, show(compute_loss(NETWORK, EXAMPLE, name, SQUARED))]
            + [show(loss_after(formula, [EXAMPLE], name, SQUARED, RATE)) for formula in FORMULAS]
            for name in ACTIVATIONS
        ],
        "small_rate": show_given(SMALL_RATE),
        "small_step": [
            show(loss_after(take_output_for_input, [EXAMPLE], "ReLU", SQUARED, rate)) for rate in (0.0, SMALL_RATE)
        ],
        "off": [show(run_forward(network, EXAMPLE.x, "ReLU").z[0]) for network in networks],
        "second_x": show_vector(SECOND.x, show_given),
        "second_t": show_vector(SECOND.t, show_given),
        "second_z": show_vector(run_forward(NETWORK, SECOND.x, "ReLU").z),
        "two_inputs": [
            [show_given(rate)]
            + [
                show(loss_after(formula, [EXAMPLE, SECOND], "ReLU", SQUARED, by))
                for formula, by in ((compute_gradient, 0.0), (compute_gradient, rate), (leave_out_slope, rate))
            ]
            for rate in (RATE, SMALL_RATE)
        ],
    }


_HIDDEN = "i | ∂L/∂h[i] | f'(z[i]) | δ1[i] = ∂L/∂b1[i] | ∂L/∂W1[i,1] | ∂L/∂W1[i,2] | ∂L/∂W1[i,3]"
_OUTPUT = "k | δ2[k] = ∂L/∂b2[k] | " + " | ".join(f"∂L/∂W2[k,{i}]" for i in range(1, 6))


def read_template(language: str) -> str:
    """Returns the page with gaps in the place of its numbers."""
    return (Path(__file__).parent / f"{NAMES[language]}.jinja").read_text(encoding="utf-8")


def write_page(language: str) -> str:
    """Returns the page in the language, "en" or "zh"."""
    facts = collect_facts()

    def gradient(activation: str, loss: str) -> str:
        hidden, output = facts["gradients"][activation, loss]
        return f"{show_table(_HIDDEN, hidden)}\n\n{show_table(_OUTPUT, output)}"

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, autoescape=False
    )
    return environment.from_string(read_template(language)).render(facts, table=show_table, gradient=gradient)


if __name__ == "__main__":
    for language, name in NAMES.items():
        (Path(__file__).parent / name).write_text(write_page(language), encoding="utf-8")
