"""Linear layers whose frozen matrix is held in few bits: nothing of it is learned, and what goes through it is.

``int8`` holds a whole number from -127 to 127 for each weight, and one scale a row of the matrix: the largest absolute
value of the row over 127 (LLM.int8, Dettmers et al. 2022, arXiv 2208.07339, section 2.1, without its outliers).

``int4`` holds for each weight which of 16 levels it is nearest to, after division by the largest absolute value of its
group: 32 weights that follow each other in a row, with a scale in bf16, 4.5 bits a weight in all. The levels are those
of NF4 (Dettmers et al. 2023, arXiv 2305.14314, section 3, and appendix E for the numbers). On the matrices of MiniLM
they leave a smaller error than evenly spaced levels in as many bits do (``benchmarks/lora.py --errors``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Bits = Literal["int8", "int4"]
GROUP = 32  # weights that share a scale in int4
_LARGEST = 127.0
NF4 = torch.tensor(
    [
        *(-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453),
        *(-0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0),
        *(0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224),
        *(0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0),
    ]
)
_BORDERS = (NF4[1:] + NF4[:-1]) / 2  # between a level and the next
_PAIRS = torch.stack([NF4.repeat_interleave(16), NF4.repeat(16)], dim=1)  # [256, 2]: a byte is two levels


def quantize_matrix(matrix: Tensor, bits: Bits) -> tuple[Tensor, Tensor]:
    """Returns the codes and the scales of a matrix.

    Args:
        matrix: [out, in].
        bits: how it is held.

    Returns:
        For int8 codes [out, in], int8, and scales [out, 1], fp32. For int4, with the rows filled up with zeros to whole
        groups, codes [out, groups * 16], uint8, two weights in each, and scales [out, groups, 1], bf16.
    """
    values = matrix.detach().float()
    if bits == "int8":
        scales = values.abs().amax(dim=1, keepdim=True) / _LARGEST
        return (values / _nonzero(scales)).round().to(torch.int8), scales
    rows, columns = values.shape
    groups = F.pad(values, (0, -columns % GROUP)).view(rows, -1, GROUP)  # [out, groups, 32]
    scales = groups.abs().amax(dim=2, keepdim=True).to(torch.bfloat16)
    levels = torch.bucketize(groups / _nonzero(scales.float()), _BORDERS.to(values.device), out_int32=True)
    high, low = levels.to(torch.uint8).view(rows, -1, 2).unbind(2)
    return high * 16 + low, scales


def _nonzero(scales: Tensor) -> Tensor:
    """Returns the scales with ones in the place of zeros, whose weights are all zero."""
    return torch.where(scales == 0, 1.0, scales)


def dequantize_matrix(codes: Tensor, scales: Tensor, columns: int) -> Tensor:
    """Returns the matrix, [out, in], fp32, that codes and scales of `quantize_matrix` stand for.

    Args:
        codes: int8, or uint8 for int4.
        scales: as they were made.
        columns: of the matrix.
    """
    if codes.dtype == torch.int8:
        return codes.float() * scales
    levels = F.embedding(codes.int(), _PAIRS.to(codes.device))  # [out, groups * 16, 2]
    matrix = (levels.view(len(codes), -1, GROUP) * scales.float()).view(len(codes), -1)
    return matrix[:, :columns]


class _FrozenProduct(torch.autograd.Function):
    """``hidden`` times a matrix that is made of its codes, and made again on the way back.

    PyTorch's own product would keep the matrix for the way back, and so those of all layers at once. Its kernels for
    packed int8 and int4 are for the few rows of decoding, and have no way back.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, codes: Tensor, scales: Tensor, bias: Tensor | None, columns: int) -> Tensor:
        ctx.save_for_backward(codes, scales)
        ctx.columns = columns
        return F.linear(hidden, dequantize_matrix(codes, scales, columns).to(hidden.dtype), bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        codes, scales = ctx.saved_tensors
        (gradient,) = gradients
        return gradient @ dequantize_matrix(codes, scales, ctx.columns).to(gradient.dtype), None, None, None, None


class QuantizedLinear(nn.Module):
    """A frozen linear layer that holds its matrix in few bits.

    Its parameters are the codes, the scales and the bias; they are never trained. A network that is cast to another
    precision computes in that, with the same codes and scales.

    Args:
        linear: the layer; its matrix is not kept.
        bits: how the matrix is held.
    """

    def __init__(self, linear: nn.Linear, bits: Bits) -> None:
        super().__init__()
        codes, scales = quantize_matrix(linear.weight, bits)
        self.codes, self.scales = (nn.Parameter(part, requires_grad=False) for part in (codes, scales))
        self.bias, self.shape, self.dtype = linear.bias, tuple(linear.weight.shape), linear.weight.dtype

    @classmethod
    def empty(cls, linear: nn.Linear, bits: Bits) -> QuantizedLinear:
        """Returns a layer in the place of a linear one, whose codes and scales are zeros, to be loaded."""
        layer = cls.__new__(cls)
        nn.Module.__init__(layer)
        (rows, columns), device = linear.weight.shape, linear.weight.device
        groups = -(-columns // GROUP)
        if bits == "int8":
            codes = torch.zeros(rows, columns, dtype=torch.int8, device=device)
            scales = torch.zeros(rows, 1, device=device)
        else:
            codes = torch.zeros(rows, groups * GROUP // 2, dtype=torch.uint8, device=device)
            scales = torch.zeros(rows, groups, 1, dtype=torch.bfloat16, device=device)
        layer.codes, layer.scales = (nn.Parameter(part, requires_grad=False) for part in (codes, scales))
        layer.bias, layer.shape, layer.dtype = linear.bias, (rows, columns), linear.weight.dtype
        return layer

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        kind = self.scales.dtype
        # Whole numbers are moved with a network, and not cast.
        bits = self.scales.data.view(torch.int32 if kind == torch.float32 else torch.int16)
        self.dtype = fn(torch.empty(0, dtype=self.dtype, device=self.codes.device)).dtype
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.scales.data = fn(bits).view(kind)
        return self

    @property
    def weight(self) -> Tensor:
        """The matrix that it computes with, [out, in], made anew."""
        return dequantize_matrix(self.codes, self.scales, self.shape[1]).to(self.dtype)

    def forward(self, hidden: Tensor) -> Tensor:
        device = hidden.device.type
        if torch.is_autocast_enabled(device):
            hidden = hidden.to(torch.get_autocast_dtype(device))
        bias = None if self.bias is None else self.bias.to(hidden.dtype)
        product: Tensor = _FrozenProduct.apply(hidden, self.codes, self.scales, bias, self.shape[1])  # type: ignore[no-untyped-call]
        return product

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """Returns a linear layer that computes the same, and holds its matrix whole."""
        return as_linear(self.weight, self.bias)


def as_linear(weight: Tensor, bias: nn.Parameter | None) -> nn.Linear:
    """Returns a linear layer with this matrix, [out, in], and this bias."""
    rows, columns = weight.shape
    linear = nn.Linear(columns, rows, bias=bias is not None, device="meta", dtype=weight.dtype)
    linear.weight = nn.Parameter(weight)
    if bias is not None:
        linear.bias = bias
    return linear


def quantize(network: nn.Module, names: Iterable[str], bits: Bits) -> None:
    """Lets linear layers of a network hold their matrices in few bits, one after another.

    Args:
        network: is changed in place.
        names: of linear layers, whose parameters are frozen.
        bits: how the matrices are held.
    """
    for name in names:
        linear = network.get_submodule(name)
        assert isinstance(linear, nn.Linear)
        assert not linear.weight.requires_grad
        network.set_submodule(name, QuantizedLinear(linear, bits))


def count_whole(network: nn.Module) -> int:
    """Returns how many numbers the parameters of a network are, those of quantized matrices as if they were whole."""
    quantized = [module for module in network.modules() if isinstance(module, QuantizedLinear)]
    saved = sum(m.shape[0] * m.shape[1] - m.codes.numel() - m.scales.numel() for m in quantized)
    return saved + sum(parameter.numel() for parameter in network.parameters())
