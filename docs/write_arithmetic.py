"""Writes docs/arithmetic.md and docs/arithmetic.zh.md: one small network by hand, every number computed here.

python docs/write_arithmetic.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from arithmetic_network import (
    ACTIVATIONS,
    AGREEMENT,
    EXAMPLE,
    FORMULAS,
    LOSSES,
    NARROW,
    NETWORK,
    RATE,
    SECOND,
    SLOPES,
    SMALL_RATE,
    SQUARED,
    WIDE,
    Array,
    compute_gradient,
    compute_loss,
    cross_entropy,
    difference,
    largest_disagreement,
    leave_out_slope,
    loss_after,
    mean_squared_error,
    nudge,
    run_backward,
    run_forward,
    softmax,
    take_output_for_input,
    take_step,
)

NAMES = {"en": "arithmetic.md", "zh": "arithmetic.zh.md"}
BY_HAND = (("w1", (0, 0)), ("w1", (4, 1)), ("w2", (1, 2)))  # the weights whose finite difference is done by hand


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
