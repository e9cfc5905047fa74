"""A Llama-like decoder whose steps are computed by the compiled library."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from penjing.errors import UsageError
from penjing.inference.decoding.rows import BLOCK, Rows
from penjing.inference.native.memory import make_zeros, move
from penjing.inference.native.packing import KINDS, TILE, Kind, Packed, Weights, pack, pack_codes
from penjing.models.llama import LlamaDecoderLayer, LlamaForCausalLM
from penjing.models.native.compiling import open_library
from penjing.models.quantized import QuantizedLinear

_SOURCE = Path(__file__).parent / "decoder.cpp"
_ACTIVATIONS = {"silu": 0, "gelu": 1, "gelu_pytorch_tanh": 2}
_QKV, _OUTPUT, _GATE_UP, _DOWN, _HEAD = range(5)
_INPUT_NORM, _AFTER_NORM, _QUERY_NORM, _KEY_NORM, _LAST_NORM = range(5)


_COUNTS = "layers dim heads groups width inner vocab window activation threads cache_kind blocks"


class _Shape(ctypes.Structure):
    _fields_ = (*((name, ctypes.c_int32) for name in _COUNTS.split()), ("epsilon", ctypes.c_float))


class _Call(ctypes.Structure):
    _fields_ = (
        ("rows", ctypes.c_int),
        ("texts", ctypes.c_int),
        ("scored", ctypes.c_int),
        ("ids", ctypes.c_void_p),
        ("positions", ctypes.c_void_p),
        ("begins", ctypes.c_void_p),
        ("tables", ctypes.c_void_p),
        ("table", ctypes.c_int),
        ("wanted", ctypes.c_void_p),
        ("logits", ctypes.c_void_p),
    )


def can_compute(network: nn.Module) -> bool:
    """Returns whether the library knows how to compute a network."""
    return isinstance(network, LlamaForCausalLM) and network.config.width % TILE == 0


class NativeDecoder:
    """Computes steps of a decoder on the CPU.

    A row's result is the same to the bit whatever is computed beside it and by however many threads.

    Args:
        network: is read, and not kept.
        weights: how matrices are held; a `QuantizedLinear` of the network is taken as it is.
        blocks: of keys and values that there is room for, `BLOCK` tokens each.
        threads: that compute.
        folder: where the compiled library is kept; None: where it is kept for this user.

    Raises:
        CannotCompileError: there is no compiler, or it failed.
        UsageError: the library does not know how to compute this network.
    """

    def __init__(
        self, network: LlamaForCausalLM, weights: Weights, blocks: int, threads: int, folder: Path | None = None
    ) -> None:
        if not can_compute(network):
            raise UsageError("the fast engine computes heads of 16 numbers, or of a multiple", do="Use PyTorch's.")
        self._library = open_library(_SOURCE, folder)
        self._library.penjing_create.restype = ctypes.c_void_p
        self._kept: list[Any] = []  # what the library reads
        self._views: dict[int, Tensor] = {}  # of the logits, by rows
        self._lock = threading.Lock()
        config = network.config
        cache = Kind.FP32 if weights == "fp32" else Kind.BF16
        shape = _Shape(
            config.num_hidden_layers,
            config.hidden_size,
            config.num_attention_heads,
            config.groups,
            config.width,
            config.intermediate_size,
            config.vocab_size,
            config.sliding_window or 0,
            _ACTIVATIONS[config.hidden_act],
            threads,
            int(cache),
            blocks,
            config.rms_norm_eps,
        )
        self._decoder: int | None = self._library.penjing_create(ctypes.byref(shape))
        self.vocab, self.dim, self.blocks, self.weights = config.vocab_size, config.hidden_size, blocks, weights
        self.threads = threads
        self.longest_row = config.max_position_embeddings
        self._set_layers(network, KINDS[weights])
        self._set_tables(network, cache)

    def close(self) -> None:
        """Lets go of the threads and the memory; nothing is computed after."""
        with self._lock:
            if self._decoder is not None:
                self._library.penjing_free(ctypes.c_void_p(self._decoder))
            self._decoder = None
            self._kept.clear()
            self._keys = self._values = self._logits = torch.empty(0)
            self._views.clear()

    def step(self, rows: Rows) -> Tensor:
        """Reads tokens and returns the logits that are wanted; see `penjing.inference.decoding.rows.Stepper`."""
        count = len(rows.wanted)
        if len(self._logits) < count:  # kept, for fresh memory would cost more than to write it
            self._logits = torch.empty(count, self._outputs, dtype=torch.float32, device="cpu")
            self._views.clear()
        if count not in self._views:
            self._views[count] = self._logits[:count, : self.vocab]
        call = _Call(
            len(rows.ids),
            len(rows.tables),
            count,
            _address(rows.ids),
            _address(rows.positions),
            _address(rows.begins),
            _address(rows.tables),
            rows.tables.shape[1],
            _address(rows.wanted),
            self._logits.data_ptr(),
        )
        with self._lock:
            self._check_open()
            self._library.penjing_step(ctypes.c_void_p(self._decoder), ctypes.byref(call))
        return self._views[count]

    def copy(self, sources: Sequence[int], targets: Sequence[int]) -> None:
        """Copies blocks of keys and values; see `penjing.inference.decoding.rows.Stepper`."""
        with self._lock:
            self._check_open()
            for kept in (self._keys, self._values):
                kept[:, list(targets)] = kept[:, list(sources)]

    def _check_open(self) -> None:
        if self._decoder is None:
            raise UsageError("this engine is closed", do="Load the model again.")

    @property
    def weight_bytes(self) -> int:
        """Bytes of the matrices that are read for every token."""
        return sum(part.nbytes for part in self._packed)

    def _set_layers(self, network: LlamaForCausalLM, kind: Kind) -> None:
        self._packed: list[Tensor] = []
        for number, layer in enumerate(network.model.layers):
            assert isinstance(layer, LlamaDecoderLayer)
            attention, mlp = layer.self_attn, layer.mlp
            self._set_matrix(number, _QKV, _joined([attention.q_proj, attention.k_proj, attention.v_proj], kind))
            self._set_matrix(number, _OUTPUT, _joined([attention.o_proj], kind))
            self._set_matrix(number, _GATE_UP, _interleaved(mlp.gate_proj, mlp.up_proj, kind))
            self._set_matrix(number, _DOWN, _joined([mlp.down_proj], kind))
            self._set_norm(number, _INPUT_NORM, layer.input_layernorm)
            self._set_norm(number, _AFTER_NORM, layer.post_attention_layernorm)
            if attention.has_query_norm:
                self._set_norm(number, _QUERY_NORM, attention.q_norm)
                self._set_norm(number, _KEY_NORM, attention.k_norm)
        head = _joined([network.lm_head], kind)
        self._outputs = head[0].outputs
        self._logits = torch.empty(0, self._outputs, dtype=torch.float32, device="cpu")
        self._set_matrix(0, _HEAD, head)
        self._set_norm(0, _LAST_NORM, network.model.norm)

    def _set_matrix(self, layer: int, which: int, made: tuple[Packed, Tensor | None]) -> None:
        packed, bias = made
        weights, scales = move(packed.weights), None if packed.scales is None else move(packed.scales)
        parts = [weights] + ([] if scales is None else [scales])
        self._packed += parts
        self._kept += [*parts, bias]
        self._library.penjing_set_matrix(
            ctypes.c_void_p(self._decoder),
            layer,
            which,
            int(packed.kind),
            packed.outputs,
            packed.inputs,
            _pointer(weights),
            _pointer(scales),
            _pointer(bias),
        )

    def _set_norm(self, layer: int, which: int, norm: nn.Module) -> None:
        assert isinstance(norm.weight, Tensor)
        weight = norm.weight.detach().float().contiguous()
        self._kept.append(weight)
        self._library.penjing_set_norm(ctypes.c_void_p(self._decoder), layer, which, _pointer(weight))

    def _set_tables(self, network: LlamaForCausalLM, cache: Kind) -> None:
        config = network.config
        is_fp32 = self.weights == "fp32"
        embeddings = network.input_embeddings.weight.detach()
        embeddings = embeddings.to(torch.float32 if is_fp32 else torch.bfloat16).contiguous()
        frequencies = network.model.frequencies.contiguous()
        shape = (config.num_hidden_layers, self.blocks, config.groups * config.width * BLOCK)
        # Zeros, for what lies behind the last token of a block is multiplied by zero, and must be a number.
        self._keys, self._values = (make_zeros(shape, torch.float32 if is_fp32 else torch.bfloat16) for _ in range(2))
        self._kept += [embeddings, frequencies]
        self._library.penjing_set_tables(
            ctypes.c_void_p(self._decoder),
            _pointer(embeddings),
            int(Kind.FP32 if is_fp32 else Kind.BF16),
            _pointer(frequencies),
            _pointer(self._keys),
            _pointer(self._values),
        )


def _address(array: NDArray[np.int32]) -> int:
    place: int = array.__array_interface__["data"][0]  # quicker than by ctypes
    return place


def _pointer(tensor: Tensor | None) -> ctypes.c_void_p | None:
    return None if tensor is None else ctypes.c_void_p(tensor.data_ptr())


def _pack(linear: nn.Module, kind: Kind) -> Packed:
    if isinstance(linear, QuantizedLinear):
        return pack_codes(linear.codes.detach(), linear.scales.detach(), linear.shape[1])
    return pack(_matrix(linear), kind)


def _matrix(linear: nn.Module) -> Tensor:
    assert isinstance(linear.weight, Tensor)
    return linear.weight.detach()


def _pack_alike(linears: Sequence[nn.Module], kind: Kind) -> list[Packed]:
    parts = [_pack(linear, kind) for linear in linears]
    if len({part.kind for part in parts}) > 1:  # one was quantized by itself: all are made of what they stand for
        return [pack(_matrix(linear), kind) for linear in linears]
    return parts


def _joined(linears: Sequence[nn.Module], kind: Kind) -> tuple[Packed, Tensor | None]:
    """Returns layers that read the same as one, and its bias."""
    parts = _pack_alike(linears, kind)
    outputs = sum(part.outputs for part in parts)
    scales = None if parts[0].scales is None else torch.cat([part.scales for part in parts if part.scales is not None])
    joined = Packed(parts[0].kind, outputs, parts[0].inputs, torch.cat([part.weights for part in parts]), scales)
    return joined, _bias(linears, [part.outputs for part in parts])


def _interleaved(gate: nn.Module, up: nn.Module, kind: Kind) -> tuple[Packed, Tensor | None]:
    """Returns two layers as one whose tiles are by turns of the one and the other."""
    parts = _pack_alike([gate, up], kind)
    weights = torch.stack([part.weights for part in parts], dim=1).flatten(0, 1)
    scales = None
    if parts[0].scales is not None:
        tiled = [part.scales.view(part.outputs // TILE, -1) for part in parts if part.scales is not None]
        scales = torch.stack(tiled, dim=1).flatten()
    outputs = parts[0].outputs
    bias = _bias([gate, up], [outputs, outputs])
    bias = bias if bias is None else bias.view(2, -1, TILE).transpose(0, 1).flatten().contiguous()
    return Packed(parts[0].kind, 2 * outputs, parts[0].inputs, weights, scales), bias


def _bias(linears: Sequence[nn.Module], outputs: Sequence[int]) -> Tensor | None:
    """Returns the biases of layers next to each other, zeros where a layer has none; None where none has."""
    if all(linear.bias is None for linear in linears):
        return None
    whole = torch.zeros(sum(outputs), dtype=torch.float32, device="cpu")
    begin = 0
    for linear, count in zip(linears, outputs, strict=True):
        if isinstance(linear.bias, Tensor):
            whole[begin : begin + len(linear.bias)] = linear.bias.detach().float()
        begin += count
    return whole
