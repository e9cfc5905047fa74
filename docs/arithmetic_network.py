"""The small network of docs/arithmetic.md: its weights, what it computes, its gradients, and two mistakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

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
SQUARED, ENTROPY = "mean squared error", "cross-entropy"


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
