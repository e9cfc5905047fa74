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

_ENGLISH = """# The arithmetic, shown once

A network with 3 inputs, 5 hidden units and 2 outputs, by hand: forward, back, and one step of gradient descent. Pencil
and paper are enough. [中文](arithmetic.zh.md)

Every number on this page is computed by [write_arithmetic.py](write_arithmetic.py), in plain formulas. The tests
compare its gradients with automatic differentiation (PyTorch) and with finite differences. Computed numbers are
rounded to four decimals where they are printed and nowhere else; whoever goes on from a printed number may come out a
little off in the last digit.

## The network

```text
z = W1·x + b1     [5]   five weighted sums of the inputs
h = f(z)          [5]   f is ReLU, sigmoid or tanh, applied to each
o = W2·h + b2     [2]   two weighted sums of the hidden units
```

Vectors are columns. W1 has the shape [5,3], a row for each hidden unit; W2 has [2,5], a row for each output. Counting
starts at 1: `W1[i,j]` leads from input j to hidden unit i, `W2[k,i]` from hidden unit i to output k. These are given:

- the input x = {{ x }}
- the target t = {{ t }}

{{ table("hidden unit i | W1[i,1] | W1[i,2] | W1[i,3] | b1[i]", hidden) }}

{{ table("output k | W2[k,1] | W2[k,2] | W2[k,3] | W2[k,4] | W2[k,5] | b2[k]", output) }}

## Forward, with ReLU

The sums of the hidden layer:

```text
{{ forward_hidden }}
```

ReLU keeps what is positive and makes the rest 0. Unit 1 is off:

```text
h = {{ h }}
```

The outputs:

```text
{{ forward_output }}
```

## Sigmoid and tanh

The same sums, through each activation, and its derivative at that place:

```text
ReLU(z) = max(z, 0)            ReLU'(z) = 1 for z > 0, 0 for z < 0 (at z = 0 it has none; programs take 0)
σ(z)    = 1 / (1 + e^(-z))     σ'(z)    = σ(z)·(1 - σ(z))
tanh(z)                        tanh'(z) = 1 - tanh(z)²
```

{{ table("i | z | ReLU | ReLU' | σ | σ' | tanh | tanh'", activations) }}

The derivative of the sigmoid is never above 1/4. The outputs with each:

{{ table("activation | o[1] | o[2]", outputs) }}

## Two losses

**Mean squared error**: the mean over the two outputs, as PyTorch's `mse_loss` has it. Some books take half the sum of
the squares; for two outputs that is the same number. With ReLU:

```text
{{ squared }}
```

**Cross-entropy**: softmax makes probabilities of the outputs, and the loss is minus the natural logarithm of the
probability of the right answer, here the first. With ReLU:

```text
{{ softmax }}
{{ entropy }}
```

{{ table("activation | mean squared error | p[1] | p[2] | cross-entropy", losses) }}

## Back-propagation

The gradient says for each weight how fast the loss grows with it. The chain rule: along a path derivatives multiply;
where paths meet, they add. Call δ2 the derivative of the loss with respect to o, and δ1 that with respect
to z. From the loss back:

```text
δ2       = o - t               [2]                   mean squared error: 2·(o - t)/2
δ2       = p - t               [2]                   cross-entropy
∂L/∂W2   = δ2·hᵀ               [2,5] = [2,1]·[1,5]   ∂L/∂W2[k,i] = δ2[k]·h[i]
∂L/∂b2   = δ2                  [2]
∂L/∂h    = W2ᵀ·δ2              [5] = [5,2]·[2]       unit i acts through both outputs: two paths, one sum
δ1       = ∂L/∂h ⊙ f'(z)       [5]                   ⊙: number by number
∂L/∂W1   = δ1·xᵀ               [5,3] = [5,1]·[1,3]   ∂L/∂W1[i,j] = δ1[i]·x[j]
∂L/∂b1   = δ1                  [5]
```

Both layers follow one rule: **the gradient of a weight is the δ at the layer's sum, times the layer's input.** For
W1 the input is x, for W2 it is h.

In p - t no derivative is missing: softmax and logarithm have theirs in it. With the first answer right, L = -ln p[1],
and softmax gives ∂p[1]/∂o[1] = p[1]·(1 - p[1]) and ∂p[1]/∂o[2] = -p[1]·p[2], so

```text
∂L/∂o[1] = -1/p[1] · p[1]·(1 - p[1])  = p[1] - 1
∂L/∂o[2] = -1/p[1] · (-p[1]·p[2])     = p[2] - 0
```

### ReLU, mean squared error

```text
{{ squared_error }}

{{ back_through_output }}
```

Times the derivative of ReLU, which is 0 for unit 1, this is δ1; times the input, the gradient of W1, for example

```text
{{ one_weight }}
```

{{ gradient("ReLU", "mean squared error") }}

Unit 1 is off: a small change of a weight that leads to it or from it changes nothing, so their gradients are 0.

### ReLU, cross-entropy

```text
{{ entropy_error }}
```

The rest goes as before:

{{ gradient("ReLU", "cross-entropy") }}

### The other four

Sigmoid, mean squared error:

{{ gradient("sigmoid", "mean squared error") }}

Sigmoid, cross-entropy:

{{ gradient("sigmoid", "cross-entropy") }}

Tanh, mean squared error:

{{ gradient("tanh", "mean squared error") }}

Tanh, cross-entropy:

{{ gradient("tanh", "cross-entropy") }}

## One step of gradient descent

Every weight goes a little against its gradient: w becomes w - η·∂L/∂w, with the learning rate η = {{ rate }}. For ReLU
and mean squared error, for example

```text
{{ one_step }}
```

{{ table("i | W1[i,1] | W1[i,2] | W1[i,3] | b1[i]", moved_hidden) }}

{{ table("k | W2[k,1] | W2[k,2] | W2[k,3] | W2[k,4] | W2[k,5] | b2[k]", moved_output) }}

Forward again, with the new weights:

```text
{{ ahead }}
{{ ahead_loss }}
```

The loss is smaller. So it is in all six cases:

{{ table("activation | mean squared error before | after | cross-entropy before | after", steps) }}

## Finite differences

A gradient can be checked without knowing how it was found: make one weight larger by ε, then smaller by ε, run forward
both times, and divide.

```text
∂L/∂w ≈ (L(w + ε) - L(w - ε)) / (2·ε)
```

With ReLU and mean squared error the loss is a parabola in any one weight, as long as no unit goes on or off on the
way. For a parabola this is exact, however large ε is. With ε = {{ wide }} the divisor is 1:

{{ table("weight | L(w + ε) | L(w - ε) | finite difference | gradient from above", by_hand_right) }}

In the other cases ε must be small. With ε = {{ narrow }}, all 32 weights and biases, all three activations and both
losses, gradient and finite difference are less than {{ bound }} apart.

## Two common mistakes

Both are found in tutorials, and with either a program may run and its loss may fall. Where nothing else is said, the
loss below is the mean squared error.

### The activation's derivative left out

Wrong: δ1 = W2ᵀ·δ2, without f'(z). The shapes are right, so nothing complains. The gradient of W2 stays
right, that of W1 and b1 does not. (As x[1] = 1, the first column below is also the gradient of b1.)

With ReLU only unit 1 shows it: where ReLU' = 1, there is nothing to leave out.

{{ table("i | ReLU' | right: W1[i,1] | W1[i,2] | W1[i,3] | wrong: W1[i,1] | W1[i,2] | W1[i,3]", slope_left_out.ReLU) }}

With the sigmoid each row is too large by the factor 1/σ', which is at least 4 and differs from row to row:

{{ table("i | σ' | right: W1[i,1] | W1[i,2] | W1[i,3] | wrong: W1[i,1] | W1[i,2] | W1[i,3]", slope_left_out.sigmoid) }}

With tanh by 1/tanh':

{{ table("i | tanh' | right: W1[i,1] | W1[i,2] | W1[i,3] | wrong: W1[i,1] | W1[i,2] | W1[i,3]", slope_left_out.tanh) }}

### The layer's output where its input belongs

Wrong: ∂L/∂W1 = δ1·hᵀ and ∂L/∂W2 = δ2·oᵀ. Written so, the shape gives it away: [5,5] where W1 has [5,3], and [2,2]
where W2 has [2,5]. The shape gives nothing away in a layer with as many inputs as outputs, nor where the product is
taken weight by weight, or row by row with broadcasting: δ1[i]·h[i] for every j, δ2[k]·o[k] for every i. Then all
weights of a row get one and the same gradient. With ReLU:

{{ table("i | right: W1[i,1] | W1[i,2] | W1[i,3] | wrong, for all three", output_for_input[0]) }}

{{ table("k | right: W2[k,1] | W2[k,2] | W2[k,3] | W2[k,4] | W2[k,5] | wrong, for all five", output_for_input[1]) }}

The first row of W1 comes out right, by chance: 0 times anything is 0.

### What finite differences say

The same three weights, again with ReLU and ε = {{ wide }}:

{{ table("weight | finite difference | right | derivative left out | output for input", by_hand_wrong) }}

The largest distance from the finite difference over all 32 weights and biases, with ε = {{ narrow }}; for the right
gradient it is below {{ bound }}:

{% set mistakes = "derivative left out | output for input" %}
{{ table("activation | mean squared error: " ~ mistakes ~ " | cross-entropy: " ~ mistakes, disagreements) }}

Compare all weights: with ReLU, the first mistake cannot be seen on W1[5,2], the second not on W1[1,1].

### What a step does

The loss before, and after one step with η = {{ rate }}:

{{ table("activation | before | right | derivative left out | output for input", mistaken_steps) }}

**Output for input**: with ReLU and with the sigmoid the loss rises. A smaller step does not help: with ReLU and
η = {{ small_rate }} it still rises, from {{ small_step[0] }} to {{ small_step[1] }}. The direction is wrong.

**Derivative left out**: the loss falls. With ReLU it is the same as after the right step, for unit 1 only goes further
off, from {{ off[0] }} to {{ off[1] }}. With sigmoid and tanh it is even lower, for the step is longer. In this
network, with one input, each row of the gradient is only stretched, or no longer 0, and a small step still goes down;
so the mistake is easily overlooked. With several inputs each is stretched differently, and their sum may point uphill.
Add a second input, x = {{ second_x }} with the target t = {{ second_t }}. Its sums are all negative:

```text
z = {{ second_z }}
```

All five units are off, and the right gradient of W1 for this input is 0. Without the derivative it is not, and it
outweighs what the first input says. The mean loss over both inputs, with ReLU, after one step along the mean gradient:

{{ table("η | before | right | derivative left out", two_inputs) }}

The right step lowers the loss, the wrong one raises it, with the smaller learning rate too.
"""

_CHINESE = """# 算一遍给您看

一个 3 个输入、5 个隐藏单元、2 个输出的网络，全程手算：前向传播、反向传播、一步梯度下降。有纸和笔就能跟着算。
[English](arithmetic.md)

本页的每个数都由 [write_arithmetic.py](write_arithmetic.py) 按写明的公式算出；测试把其中的梯度与 PyTorch 的自动求导、
与有限差分逐一比较。算出的数只在印出时舍入到四位小数，中间不舍入；若拿印出的数接着算，末位可能有出入。

## 网络

```text
z = W1·x + b1     [5]   输入的五个加权和
h = f(z)          [5]   f 是 ReLU、sigmoid 或 tanh，逐个作用
o = W2·h + b2     [2]   隐藏单元的两个加权和
```

向量都是列向量。W1 的形状是 [5,3]，每个隐藏单元一行；W2 的形状是 [2,5]，每个输出一行。编号从 1 开始：
`W1[i,j]` 从输入 j 通到隐藏单元 i，`W2[k,i]` 从隐藏单元 i 通到输出 k。以下各数是给定的：

- 输入 x = {{ x }}
- 目标 t = {{ t }}

{{ table("隐藏单元 i | W1[i,1] | W1[i,2] | W1[i,3] | b1[i]", hidden) }}

{{ table("输出 k | W2[k,1] | W2[k,2] | W2[k,3] | W2[k,4] | W2[k,5] | b2[k]", output) }}

## 前向传播，用 ReLU

隐藏层的加权和：

```text
{{ forward_hidden }}
```

ReLU 留下正数，其余变为 0。单元 1 关闭：

```text
h = {{ h }}
```

输出：

```text
{{ forward_output }}
```

## sigmoid 与 tanh

同样的加权和，分别经过三种激活函数，以及各自在该处的导数：

```text
ReLU(z) = max(z, 0)            ReLU'(z)：z > 0 时为 1，z < 0 时为 0（z = 0 处不存在，程序取 0）
σ(z)    = 1 / (1 + e^(-z))     σ'(z)    = σ(z)·(1 - σ(z))
tanh(z)                        tanh'(z) = 1 - tanh(z)²
```

{{ table("i | z | ReLU | ReLU' | σ | σ' | tanh | tanh'", activations) }}

sigmoid 的导数从不超过 1/4。三种激活函数下的输出：

{{ table("激活函数 | o[1] | o[2]", outputs) }}

## 两种损失

**均方误差**：对两个输出取平均，与 PyTorch 的 `mse_loss` 相同。有的书取平方和的一半；输出是两个时，结果一样。
用 ReLU 时：

```text
{{ squared }}
```

**交叉熵**：softmax 把输出变成概率，损失是正确答案（这里是第一个）的概率取自然对数，再取负号。用 ReLU 时：

```text
{{ softmax }}
{{ entropy }}
```

{{ table("激活函数 | 均方误差 | p[1] | p[2] | 交叉熵", losses) }}

## 反向传播

梯度说的是：每个权重增大时，损失增大得多快。链式法则：沿一条路，导数相乘；几条路汇合，结果相加。
记 δ2 为损失对 o 的导数，δ1 为损失对 z 的导数。从损失往回算：

```text
δ2       = o - t               [2]                   均方误差：2·(o - t)/2
δ2       = p - t               [2]                   交叉熵
∂L/∂W2   = δ2·hᵀ               [2,5] = [2,1]·[1,5]   ∂L/∂W2[k,i] = δ2[k]·h[i]
∂L/∂b2   = δ2                  [2]
∂L/∂h    = W2ᵀ·δ2              [5] = [5,2]·[2]       单元 i 经两个输出起作用：两条路，一个和
δ1       = ∂L/∂h ⊙ f'(z)       [5]                   ⊙：逐个相乘
∂L/∂W1   = δ1·xᵀ               [5,3] = [5,1]·[1,3]   ∂L/∂W1[i,j] = δ1[i]·x[j]
∂L/∂b1   = δ1                  [5]
```

两层遵循同一条规则：**权重的梯度，等于本层加权和处的 δ，乘以本层的输入。** 对 W1，输入是 x；对 W2，输入是 h。

p - t 里没有漏掉导数：softmax 和对数的导数都已在其中。正确答案是第一个，所以 L = -ln p[1]；
softmax 的导数是 ∂p[1]/∂o[1] = p[1]·(1 - p[1])，∂p[1]/∂o[2] = -p[1]·p[2]，于是

```text
∂L/∂o[1] = -1/p[1] · p[1]·(1 - p[1])  = p[1] - 1
∂L/∂o[2] = -1/p[1] · (-p[1]·p[2])     = p[2] - 0
```

### ReLU，均方误差

```text
{{ squared_error }}

{{ back_through_output }}
```

乘以 ReLU 的导数（单元 1 的是 0），得 δ1；再乘以输入，得 W1 的梯度，例如

```text
{{ one_weight }}
```

{{ gradient("ReLU", "mean squared error") }}

单元 1 关闭：通向它和从它出来的权重稍有变动，什么也不会变，所以梯度全是 0。

### ReLU，交叉熵

```text
{{ entropy_error }}
```

其余同上：

{{ gradient("ReLU", "cross-entropy") }}

### 其余四种

sigmoid，均方误差：

{{ gradient("sigmoid", "mean squared error") }}

sigmoid，交叉熵：

{{ gradient("sigmoid", "cross-entropy") }}

tanh，均方误差：

{{ gradient("tanh", "mean squared error") }}

tanh，交叉熵：

{{ gradient("tanh", "cross-entropy") }}

## 一步梯度下降

每个权重逆着自己的梯度走一小步：w 变为 w - η·∂L/∂w，学习率 η = {{ rate }}。用 ReLU 和均方误差时，例如

```text
{{ one_step }}
```

{{ table("i | W1[i,1] | W1[i,2] | W1[i,3] | b1[i]", moved_hidden) }}

{{ table("k | W2[k,1] | W2[k,2] | W2[k,3] | W2[k,4] | W2[k,5] | b2[k]", moved_output) }}

用新的权重再算一次前向传播：

```text
{{ ahead }}
{{ ahead_loss }}
```

损失变小了。六种情形都是如此：

{{ table("激活函数 | 均方误差：之前 | 之后 | 交叉熵：之前 | 之后", steps) }}

## 有限差分

不必知道梯度是怎样求出的，也能检验它：把一个权重加 ε、减 ε，各算一次前向传播，再相除。

```text
∂L/∂w ≈ (L(w + ε) - L(w - ε)) / (2·ε)
```

用 ReLU 和均方误差时，只动一个权重、途中又没有单元开关，损失就是一条抛物线。对抛物线，上式不论 ε 多大都是准确的。
取 ε = {{ wide }}，除数正好是 1：

{{ table("权重 | L(w + ε) | L(w - ε) | 有限差分 | 前面的梯度", by_hand_right) }}

其余情形 ε 要小。取 ε = {{ narrow }}，三种激活函数、两种损失、全部 32 个权重和偏置，
梯度与有限差分相差都不到 {{ bound }}。

## 两个常见错误

两个错误都见于教程；写错了，程序照样可能跑通，损失照样可能下降。下面的损失，除非另说，都是均方误差。

### 漏掉激活函数的导数

错误的写法：δ1 = W2ᵀ·δ2，没有乘 f'(z)。形状是对的，所以什么也不会报错。W2 的梯度不受影响，
W1 和 b1 的就错了。（x[1] = 1，所以下面的第一列也是 b1 的梯度。）

用 ReLU 时，只有单元 1 露出错误：ReLU' = 1 的地方，漏了也不差什么。

{{ table("i | ReLU' | 正确：W1[i,1] | W1[i,2] | W1[i,3] | 错误：W1[i,1] | W1[i,2] | W1[i,3]", slope_left_out.ReLU) }}

用 sigmoid 时，每一行都是正确值的 1/σ' 倍，至少 4 倍，而且各行倍数不同：

{{ table("i | σ' | 正确：W1[i,1] | W1[i,2] | W1[i,3] | 错误：W1[i,1] | W1[i,2] | W1[i,3]", slope_left_out.sigmoid) }}

用 tanh 时，是 1/tanh' 倍：

{{ table("i | tanh' | 正确：W1[i,1] | W1[i,2] | W1[i,3] | 错误：W1[i,1] | W1[i,2] | W1[i,3]", slope_left_out.tanh) }}

### 该乘本层输入，却乘了本层输出

错误的写法：∂L/∂W1 = δ1·hᵀ，∂L/∂W2 = δ2·oᵀ。这样写，形状会露馅：W1 是 [5,3]，得到的是 [5,5]；W2 是 [2,5]，
得到的是 [2,2]。但若一层的输入和输出一样多，或者逐个权重相乘，或者借广播逐行相乘，形状就看不出问题：
对每个 j 都是 δ1[i]·h[i]，对每个 i 都是 δ2[k]·o[k]，同一行的权重得到同一个梯度。用 ReLU 时：

{{ table("i | 正确：W1[i,1] | W1[i,2] | W1[i,3] | 错误：三个都是", output_for_input[0]) }}

{{ table("k | 正确：W2[k,1] | W2[k,2] | W2[k,3] | W2[k,4] | W2[k,5] | 错误：五个都是", output_for_input[1]) }}

W1 的第 1 行碰巧是对的：0 乘什么都是 0。

### 有限差分怎么说

还是那三个权重，仍用 ReLU，ε = {{ wide }}：

{{ table("权重 | 有限差分 | 正确 | 漏掉导数 | 以输出代输入", by_hand_wrong) }}

全部 32 个权重和偏置中，与有限差分（ε = {{ narrow }}）相差最大的是多少；正确的梯度相差都在 {{ bound }} 以下：

{% set mistakes = "漏掉导数 | 以输出代输入" %}
{{ table("激活函数 | 均方误差：" ~ mistakes ~ " | 交叉熵：" ~ mistakes, disagreements) }}

要比较所有权重：用 ReLU 时，只看 W1[5,2] 看不见第一个错误，只看 W1[1,1] 看不见第二个。

### 走一步会怎样

走一步之前与之后的损失，η = {{ rate }}：

{{ table("激活函数 | 之前 | 正确 | 漏掉导数 | 以输出代输入", mistaken_steps) }}

**以输出代输入**：用 ReLU 和 sigmoid 时，损失上升。步子小也没有用：用 ReLU、η = {{ small_rate }}，
仍从 {{ small_step[0] }} 升到 {{ small_step[1] }}。错的是方向。

**漏掉导数**：损失下降。用 ReLU 时与正确的一步结果相同，因为单元 1 只是关得更深，从 {{ off[0] }} 到 {{ off[1] }}。
用 sigmoid 和 tanh 时甚至更低，因为步子更长。在这个网络里，只有一个输入时，梯度的每一行只是被拉长，或者不再是 0，
小步仍是下坡，所以这个错误容易漏过。有几个输入时，各自被拉长的倍数不同，加起来就可能指向上坡。
再加一个输入 x = {{ second_x }}，目标 t = {{ second_t }}。它的加权和都是负数：

```text
z = {{ second_z }}
```

五个单元全部关闭，这个输入对 W1 的正确梯度是 0。漏掉导数就不是 0 了，而且压过第一个输入的梯度。
用 ReLU，沿平均梯度走一步，两个输入的平均损失：

{{ table("η | 之前 | 正确 | 漏掉导数", two_inputs) }}

正确的一步使损失下降，错误的一步使它上升，学习率小也一样。
"""

_PAGES = {"en": _ENGLISH, "zh": _CHINESE}


def write_page(language: str) -> str:
    """Returns the page in the language, "en" or "zh"."""
    facts = collect_facts()

    def gradient(activation: str, loss: str) -> str:
        hidden, output = facts["gradients"][activation, loss]
        return f"{show_table(_HIDDEN, hidden)}\n\n{show_table(_OUTPUT, output)}"

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, autoescape=False
    )
    return environment.from_string(_PAGES[language]).render(facts, table=show_table, gradient=gradient)


if __name__ == "__main__":
    for language, name in NAMES.items():
        (Path(__file__).parent / name).write_text(write_page(language), encoding="utf-8")
