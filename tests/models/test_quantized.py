from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from penjing.models.lora import LoraLinear, LoraQuantized, LoraShape, adapters, inject, merge
from penjing.models.quantized import (
    GROUP,
    NF4,
    Bits,
    QuantizedLinear,
    count_whole,
    dequantize_matrix,
    quantize,
    quantize_matrix,
)

BITS: tuple[Bits, ...] = ("int8", "int4")


def linear(columns: int = 80, rows: int = 24, *, bias: bool = True) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(columns, rows, bias=bias).requires_grad_(False)


def whole(layer: QuantizedLinear) -> nn.Linear:
    """Returns a layer of PyTorch with the matrix that another computes with."""
    rows, columns = layer.shape
    made = nn.Linear(columns, rows, bias=layer.bias is not None).requires_grad_(False)
    made.weight.copy_(layer.weight)
    if layer.bias is not None:
        made.bias.copy_(layer.bias)
    return made


def test_int8_holds_each_weight_within_half_a_step_of_its_row() -> None:
    matrix = linear().weight
    codes, scales = quantize_matrix(matrix, "int8")
    assert codes.dtype == torch.int8
    step = matrix.abs().amax(dim=1, keepdim=True) / 127
    torch.testing.assert_close(scales, step)
    assert ((dequantize_matrix(codes, scales, 80) - matrix).abs() <= step / 2 * (1 + 1e-5)).all()


def test_int4_holds_each_weight_as_the_nearest_level_of_its_group() -> None:
    matrix = linear(2 * GROUP).weight
    codes, scales = quantize_matrix(matrix, "int4")
    assert codes.dtype == torch.uint8
    assert codes.numel() + scales.numel() * 2 == matrix.numel() * 4.5 / 8
    groups = matrix.view(24, -1, GROUP)
    scale = groups.abs().amax(dim=2, keepdim=True).to(torch.bfloat16).float()
    nearest = (
        NF4[(groups / scale).unsqueeze(-1).sub(NF4).abs().argmin(dim=-1)] * scale
    )  # the definition, level by level
    torch.testing.assert_close(dequantize_matrix(codes, scales, 2 * GROUP), nearest.flatten(1), rtol=0, atol=0)


@pytest.mark.parametrize("bits", BITS)
def test_rows_of_zeros_and_widths_that_are_no_whole_groups_are_held(bits: Bits) -> None:
    matrix = linear(45).weight.clone()
    matrix[3] = 0
    again = dequantize_matrix(*quantize_matrix(matrix, bits), 45)
    assert again.shape == matrix.shape
    assert (again[3] == 0).all()
    assert (again - matrix).norm() / matrix.norm() < (0.01 if bits == "int8" else 0.12)


@pytest.mark.parametrize("bits", BITS)
def test_a_matrix_that_was_quantized_once_is_quantized_to_itself(bits: Bits) -> None:
    once = dequantize_matrix(*quantize_matrix(linear().weight, bits), 80)
    torch.testing.assert_close(dequantize_matrix(*quantize_matrix(once, bits), 80), once, rtol=1e-6, atol=0)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("bits", BITS)
def test_outputs_and_gradients_are_those_of_the_whole_matrix_to_the_bit(
    bits: Bits, bias: bool, precision: torch.dtype
) -> None:
    quantized = QuantizedLinear(linear(bias=bias), bits)
    shape = LoraShape(3, 6.0)
    layers: list[LoraQuantized | LoraLinear] = [
        LoraQuantized(quantized, shape, torch.Generator().manual_seed(0)),
        LoraLinear(whole(quantized), shape, torch.Generator().manual_seed(0)),
    ]
    found: list[list[Tensor]] = []
    for layer in layers:
        nn.init.normal_(layer.lora.B, generator=torch.Generator().manual_seed(1))
        hidden = torch.randn(5, 7, 80, generator=torch.Generator().manual_seed(2)).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
            output = layer(hidden * 1)  # autocast treats leaves in a way of its own
        output.float().square().sum().backward()
        assert output.dtype == precision
        gradients = [part.grad for part in (hidden, layer.lora.A, layer.lora.B)]
        found.append([output.detach(), *(part for part in gradients if part is not None)])
        assert all(part.grad is None for part in layer.parameters() if not part.requires_grad)
    assert len(found[0]) == 4
    assert all(torch.equal(own, other) for own, other in zip(*found, strict=True))


@pytest.mark.parametrize("bits", BITS)
def test_gradients_agree_with_finite_differences(bits: Bits) -> None:
    layer = QuantizedLinear(linear(6, 4).double(), bits)
    hidden = torch.randn(2, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (hidden,))


@pytest.mark.parametrize("bits", BITS)
def test_what_a_layer_keeps_for_the_way_back_is_far_smaller_than_its_matrix(bits: Bits) -> None:
    layer = QuantizedLinear(linear(256, 256), bits)
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        layer(torch.randn(1, 256, requires_grad=True))
    bytes_kept = sum(tensor.numel() * tensor.element_size() for tensor in kept)
    assert bytes_kept < 256 * 256 * (1.1 if bits == "int8" else 0.6)
    held = sum(part.numel() * part.element_size() for part in layer.parameters())
    assert bytes_kept <= held


@pytest.mark.parametrize("bits", BITS)
def test_merging_makes_every_quantized_layer_whole_and_taking_it_apart_restores_every_bit(bits: Bits) -> None:
    network = nn.Sequential(linear(), nn.GELU(), linear(24, 8)).requires_grad_(False)
    numbers = sum(parameter.numel() for parameter in network.parameters())
    quantize(network, ["0", "2"], bits)
    assert count_whole(network) == numbers
    inject(network, ["0"], LoraShape(2, 4.0), 0)
    nn.init.normal_(adapters(network)["0"].B)
    hidden = torch.randn(3, 80)
    before = network(hidden)
    unmerge = merge(network)
    assert [type(module) for module in network] == [nn.Linear, nn.GELU, nn.Linear]
    torch.testing.assert_close(network(hidden), before, rtol=1e-5, atol=1e-5)
    unmerge()
    assert torch.equal(network(hidden), before)


@pytest.mark.parametrize("bits", BITS)
def test_a_layer_that_is_cast_computes_in_that_precision_with_the_same_codes_and_scales(bits: Bits) -> None:
    layer = QuantizedLinear(linear(), bits)
    before, scales, codes = layer.weight, layer.scales.clone(), layer.codes.clone()
    layer.bfloat16()
    assert torch.equal(layer.weight, before.bfloat16())
    assert torch.equal(layer.scales, scales)
    assert layer.scales.dtype == scales.dtype
    assert torch.equal(layer.codes, codes)
    assert layer(torch.ones(2, 80, dtype=torch.bfloat16)).dtype == torch.bfloat16
    assert torch.equal(layer.float().weight, before)


def test_a_layer_that_is_trained_is_not_quantized() -> None:
    with pytest.raises(AssertionError):
        quantize(nn.Sequential(nn.Linear(4, 4)), ["0"], "int8")
