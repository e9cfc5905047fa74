"""Every number on the pages about the arithmetic is computed, and the computation agrees with autograd."""

from __future__ import annotations

import importlib
import math
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

DOCS = Path(__file__).resolve().parent.parent / "docs"
TORCH_ACTIVATIONS = {"ReLU": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh}
TORCH_LOSSES = {"mean squared error": F.mse_loss, "cross-entropy": F.cross_entropy}
CASES = [(activation, loss) for activation in TORCH_ACTIVATIONS for loss in TORCH_LOSSES]
EACH_CASE = pytest.mark.parametrize(("activation", "loss"), CASES)
EACH_EXAMPLE = pytest.mark.parametrize("example", ["EXAMPLE", "SECOND"])
EACH_MISTAKE = pytest.mark.parametrize("mistake", ["leave_out_slope", "take_output_for_input"])
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def load(name: str) -> ModuleType:
    """Returns a script of the docs as a module; what it imports from beside it is found."""
    sys.path.insert(0, str(DOCS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(DOCS))


network, writer = load("arithmetic_network"), load("write_arithmetic")


def read_page(language: str) -> str:
    return (DOCS / writer.NAMES[language]).read_text(encoding="utf-8")


def torch_loss(weights: list[torch.Tensor], example: Any, activation: str, loss: str) -> torch.Tensor:
    w1, b1, w2, b2 = weights
    x, t = torch.from_numpy(example.x), torch.from_numpy(example.t)
    return TORCH_LOSSES[loss](F.linear(TORCH_ACTIVATIONS[activation](F.linear(x, w1, b1)), w2, b2), t)


def finite_differences(example: Any, activation: str, loss: str, width: float = 1e-5) -> list[np.ndarray]:
    """Central differences of PyTorch's own loss, for every weight."""
    weights = [torch.tensor(values) for values in network.NETWORK]
    found = [np.empty_like(values) for values in network.NETWORK]
    for values, slopes in zip(weights, found, strict=True):
        for place in np.ndindex(slopes.shape):
            middle = values[place].item()
            sides = []
            for side in (middle + width, middle - width):
                values[place] = side
                sides.append(torch_loss(weights, example, activation, loss).item())
            values[place] = middle
            slopes[place] = (sides[0] - sides[1]) / (2 * width)
    return found


def furthest(first: Any, second: Any) -> float:
    return max(np.abs(one - other).max() for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_are_what_the_script_computes(language: str) -> None:
    assert writer.write_page(language) == read_page(language), "run python docs/write_arithmetic.py"


def test_both_pages_show_the_same_numbers_under_the_same_headings() -> None:
    english, chinese = (re.split(r"^(#+) .*\n", read_page(name), flags=re.MULTILINE) for name in ("en", "zh"))
    assert english[1::2] == chinese[1::2]

    def computed(section: str) -> list[str]:
        return sorted(number for number in NUMBER.findall(section) if "." in number)

    assert [computed(section) for section in english[2::2]] == [computed(section) for section in chinese[2::2]]
    assert sum(len(computed(section)) for section in english[2::2]) > 500


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_number_with_a_decimal_point_is_typed_into_the_text(language: str) -> None:
    assert re.findall(r"\d\.\d", writer.read_template(language)) == []


def evaluate(written: str) -> float:
    for sign, code in (("·", "*"), ("²", "**2"), ("e^", "e**")):
        written = written.replace(sign, code)
    return float(eval(re.sub(r"ln ([\d.]+)", r"log(\1)", written), {"e": math.e, "log": math.log}))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_sums_written_out_come_out(language: str) -> None:
    sums = re.findall(r"^.+ = (.+) = (-?\d+\.\d+)$", read_page(language), flags=re.MULTILINE)
    assert len(sums) == 23
    assert [written for written, result in sums if abs(evaluate(written) - float(result)) > 1.5e-4] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_columns_of_the_gradient_tables_are_what_their_heads_say(language: str) -> None:
    tables = re.findall(r"^\| i \| ∂L/∂h\[i\] \|.*\n.*\n((?:\|.*\n)+)", read_page(language), flags=re.MULTILINE)
    assert len(tables) == len(CASES)
    for table in tables:
        _, dh, slope, d1, *w1 = np.array(
            [[float(cell) for cell in row.split("|")[1:-1]] for row in table.splitlines()]
        ).T
        assert np.abs(dh * slope - d1).max() < 1.5e-4
        assert np.abs(np.outer(network.EXAMPLE.x, d1) - w1).max() < 1.6e-4


@EACH_EXAMPLE
@EACH_CASE
def test_gradients_by_hand_agree_with_autograd(example: str, activation: str, loss: str) -> None:
    given = getattr(network, example)
    weights = [torch.tensor(values, requires_grad=True) for values in network.NETWORK]
    value = torch_loss(weights, given, activation, loss)
    value.backward()
    assert abs(value.item() - network.compute_loss(network.NETWORK, given, activation, loss)) < 1e-12
    by_hand = network.compute_gradient(network.NETWORK, given, activation, loss)
    assert furthest(by_hand, [values.grad.numpy() for values in weights if values.grad is not None]) < 1e-12


@EACH_EXAMPLE
@EACH_CASE
def test_gradients_by_hand_agree_with_finite_differences(example: str, activation: str, loss: str) -> None:
    given = getattr(network, example)
    by_hand = network.compute_gradient(network.NETWORK, given, activation, loss)
    assert furthest(by_hand, finite_differences(given, activation, loss)) < 1e-7


@EACH_CASE
def test_finite_differences_of_the_page_find_no_fault_with_the_right_gradient(activation: str, loss: str) -> None:
    assert network.largest_disagreement(network.compute_gradient, activation, loss) < network.AGREEMENT == 1e-7


@EACH_MISTAKE
@EACH_CASE
def test_finite_differences_expose_each_mistake(mistake: str, activation: str, loss: str) -> None:
    formula = getattr(network, mistake)
    wrong = formula(network.NETWORK, network.EXAMPLE, activation, loss)
    distance = furthest(wrong, finite_differences(network.EXAMPLE, activation, loss))
    assert distance > 0.1
    assert abs(distance - network.largest_disagreement(formula, activation, loss)) < 1e-7


@EACH_CASE
def test_step_along_the_right_gradient_lowers_the_loss(activation: str, loss: str) -> None:
    before, after = (
        network.loss_after(network.compute_gradient, [network.EXAMPLE], activation, loss, rate)
        for rate in (0.0, network.RATE)
    )
    assert after < before


def test_derivative_left_out_harms_as_the_page_says() -> None:
    def after(mistaken: bool, examples: list[Any], activation: str, rate: float) -> float:
        formula = network.leave_out_slope if mistaken else network.compute_gradient
        return float(network.loss_after(formula, examples, activation, "mean squared error", rate))

    one, two = [network.EXAMPLE], [network.EXAMPLE, network.SECOND]
    assert after(True, one, "ReLU", network.RATE) == after(False, one, "ReLU", network.RATE)
    for activation in ("sigmoid", "tanh"):
        assert after(True, one, activation, network.RATE) < after(False, one, activation, network.RATE)
    assert (network.run_forward(network.NETWORK, network.SECOND.x, "ReLU").z < 0).all()
    for rate in (network.RATE, network.SMALL_RATE, 1e-6):
        assert after(False, two, "ReLU", rate) < after(False, two, "ReLU", 0.0) < after(True, two, "ReLU", rate)


def test_output_for_input_harms_as_the_page_says() -> None:
    def rises(activation: str, rate: float) -> bool:
        before, after = (
            network.loss_after(network.take_output_for_input, [network.EXAMPLE], activation, "mean squared error", by)
            for by in (0.0, rate)
        )
        return bool(after > before)

    assert [rises(activation, network.RATE) for activation in TORCH_ACTIVATIONS] == [True, True, False]
    assert rises("ReLU", network.SMALL_RATE)
    assert rises("ReLU", 1e-6)


def test_mistakes_change_only_the_gradients_that_the_page_names() -> None:
    right, left_out, output_taken = (
        formula(network.NETWORK, network.EXAMPLE, "ReLU", "mean squared error") for formula in network.FORMULAS
    )
    z, h, o = network.run_forward(network.NETWORK, network.EXAMPLE.x, "ReLU")
    assert [int(number) for number in np.flatnonzero(z < 0)] == [0]
    assert (left_out.w1[1:] == right.w1[1:]).all()
    assert (left_out.w1[0] != right.w1[0]).all()
    assert (left_out.w2 == right.w2).all()
    assert (output_taken.w1[:, 0] == np.diag(np.outer(right.b1, h))).all()
    assert (output_taken.w2[:, 0] == np.diag(np.outer(right.b2, o))).all()
    assert (output_taken.w1[0] == right.w1[0]).all()
    assert (right.b1 == output_taken.b1).all()


def test_counts_and_shapes_in_the_text_are_those_of_the_network() -> None:
    assert [weights.shape for weights in network.NETWORK] == [(5, 3), (5,), (2, 5), (2,)]
    assert sum(weights.size for weights in network.NETWORK) == 32
    assert network.SLOPES["sigmoid"](np.linspace(-9.0, 9.0, 181)).max() == 0.25


def test_wide_finite_differences_are_exact_and_each_misses_a_mistake_as_the_page_says() -> None:
    found = [
        [network.difference(network.NETWORK, network.EXAMPLE, "ReLU", "mean squared error", *weight, network.WIDE)]
        + [
            getattr(formula(network.NETWORK, network.EXAMPLE, "ReLU", "mean squared error"), weight[0])[weight[1]]
            for formula in network.FORMULAS
        ]
        for weight in writer.BY_HAND
    ]
    agrees = [[abs(slope - measured) < 1e-12 for slope in slopes] for measured, *slopes in found]
    assert agrees == [[True, False, True], [True, True, False], [True, True, False]]
    assert writer.BY_HAND[:2] == (("w1", (0, 0)), ("w1", (4, 1)))


def test_number_on_the_edge_of_rounding_is_refused() -> None:
    with pytest.raises(ValueError, match="edge of rounding"):
        writer.show(0.12345)
    assert writer.show(-0.00001) == "0.0000"
