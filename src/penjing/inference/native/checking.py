"""Whether the compiled decoder computes what PyTorch does: seen once in a process, before a model is served by it."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from penjing.inference.decoding.rows import Rows
from penjing.inference.native.decoder import NativeDecoder
from penjing.inference.native.packing import Weights
from penjing.models.llama import LlamaForCausalLM, initialize
from penjing.models.llama_config import LlamaConfig
from penjing.models.meta import meta_device
from penjing.models.native.compiling import CannotCompileError
from penjing.models.quantized import QuantizedLinear, as_linear, quantize

_PARTS = (0, 10, 17, 19, 20, 21)  # where parts begin that are read at once: many, several, and one alone
_LOUDER = 6.0  # so far from zero that errors are seen
#: On the error beside the spread of the logits. Activations are rounded; weights are such as they can be held.
_BOUNDS: dict[Weights, float] = {"fp32": 1e-4, "bf16": 0.05, "int8": 0.06, "int4": 0.06}


def held_in(network: LlamaForCausalLM, weights: Weights) -> set[Weights]:
    """Returns in which kinds matrices are held where a model is served in one: codes of its own stay as they are."""
    codes = {module.codes.dtype for module in network.modules() if isinstance(module, QuantizedLinear)}
    own: dict[torch.dtype, Weights] = {torch.int8: "int8", torch.uint8: "int4"}
    return {weights, *(own[dtype] for dtype in codes)}


@cache
def check_decoder(weights: Weights) -> None:
    """Compares the logits of a small random decoder with those of PyTorch in fp32.

    No number of a global generator is drawn. What failed is tried again the next time.

    Args:
        weights: how matrices are held.

    Raises:
        CannotCompileError: there is no compiler, it failed, or what it made computes wrongly.
    """
    network = _make_network(weights)
    ids = torch.randint(0, network.config.vocab_size, (_PARTS[-1],), generator=torch.Generator().manual_seed(1))
    found = _read(network, ids, weights)
    _take_numbers_back(network)
    with torch.inference_mode(), torch.autocast("cpu", enabled=False):
        expected: Tensor = network(ids[None])[0]
    error = (found - expected).pow(2).mean().sqrt() / expected.std()
    if not error <= _BOUNDS[weights]:  # what is no number is not
        raise CannotCompileError(
            f"the compiled arithmetic computes wrongly on this processor: in {weights} it is off by {error:.1%}",
            do="Serve with kernels torch, which PyTorch computes, and tell us which processor and compiler these are.",
        )


def _make_network(weights: Weights) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=80,
        hidden_size=112,
        intermediate_size=800,  # more than is multiplied before the next rows come by
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=80,
        max_position_embeddings=64,
    )
    with meta_device():
        network = LlamaForCausalLM(config).eval()
    network = network.to_empty(device="cpu").float()
    initialize(network, config, 0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(_LOUDER if parameter.ndim > 1 else 1.0)
            parameter.copy_(parameter.bfloat16())
    network.requires_grad_(False)
    if weights in {"int8", "int4"}:
        names = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
        quantize(network, names, "int8" if weights == "int8" else "int4")
    return network


def _take_numbers_back(network: LlamaForCausalLM) -> None:
    """Holds the matrices that codes stand for in fp32."""
    for name, module in list(network.named_modules()):
        if isinstance(module, QuantizedLinear):
            network.set_submodule(name, as_linear(module.weight, module.bias))


def _read(network: LlamaForCausalLM, ids: Tensor, weights: Weights) -> Tensor:
    """Returns the logits after each token, read in parts, by two threads."""
    decoder = NativeDecoder(network, weights, 2, 2)
    parts = []
    try:
        for begin, end in pairwise(_PARTS):
            count = end - begin
            laid = (ids[begin:end].tolist(), range(begin, end), [0, count], [[1, 0]], range(count))
            parts.append(decoder.step(Rows(*(np.array(numbers, dtype=np.int32) for numbers in laid))).clone())
    finally:
        decoder.close()
    return torch.cat(parts)
