"""An LSTM classifier as an ONNX graph of its own: PyTorch's exporter would hold it for rows of one length only.

ONNX's operator LSTM reads rows of different lengths, in either direction (https://onnx.ai/onnx/operators/onnx__LSTM.html);
what lies around it is a few operators more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from penjing.models.lstm import LstmForSequenceClassification, LstmStack
from penjing.models.pooling import AttentionPooling

_INPUTS = ("input_ids", "attention_mask")
_OPSET, _IR = 17, 9  # of 2022, which every ONNX Runtime of these days reads
_FLOAT, _BOOL = 1, 9  # types, as ONNX numbers them
_LOWEST = float(np.finfo(np.float32).min)
_GATES = [0, 3, 1, 2]  # ONNX has input, output, forget, cell; PyTorch input, forget, cell, output


class _Graph:
    """A graph that grows operator by operator; names are given in order."""

    def __init__(self) -> None:
        from onnx import helper, numpy_helper

        self._helper, self._numpy_helper = helper, numpy_helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, values: Tensor | NDArray[Any]) -> str:
        """Returns the name of an array that the graph holds."""
        array = values.detach().float().numpy() if isinstance(values, Tensor) else values
        name = f"constant_{len(self.constants)}"
        self.constants.append(self._numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def numbers(self, *values: int) -> str:
        """Returns the name of some whole numbers."""
        return self.constant(np.array(values, dtype=np.int64))

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:
        """Adds an operator, and returns the names of what it gives."""
        names = [f"{operator.lower()}_{len(self.nodes)}_{place}" for place in range(outputs)]
        self.nodes.append(self._helper.make_node(operator, list(inputs), names, **attributes))
        return names

    def one(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Adds an operator that gives one thing, and returns its name."""
        return self.add(operator, *inputs, **attributes)[0]


def write_lstm(network: LstmForSequenceClassification, path: Path) -> None:
    """Writes a file that takes int64 ``input_ids`` and ``attention_mask``, [batch, time], and gives fp32 ``logits``.

    Args:
        network: in fp32.
        path: of the file.
    """
    import onnx
    from onnx import TensorProto, helper

    graph = _Graph()
    lengths = graph.one("ReduceSum", "attention_mask", graph.numbers(1), keepdims=0)
    lengths = graph.one("Max", lengths, graph.numbers(1))  # of a row without tokens padding is read, as Penjing does
    lengths = graph.one("Cast", lengths, to=TensorProto.INT32)
    words = graph.one("Gather", graph.constant(network.input_embeddings.weight), "input_ids", axis=0)
    words = graph.one("Transpose", words, perm=[1, 0, 2])  # [time, batch, embedding]
    stacks = [network.lstm.left_to_right, network.lstm.right_to_left]
    read = [_read(graph, stack, words, lengths, place) for place, stack in enumerate(stacks) if stack is not None]
    if network.pooling is None:
        pooled = _join(graph, [last for _, last in read], 1)
    else:
        hidden = graph.one("Transpose", _join(graph, [states for states, _ in read], 2), perm=[1, 0, 2])
        pooled = _pool(graph, network, hidden)
    head = network.classifier
    graph.nodes.append(
        helper.make_node("Gemm", [pooled, graph.constant(head.weight), graph.constant(head.bias)], ["logits"], transB=1)
    )
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "time"]) for name in _INPUTS]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", head.out_features])]
    whole = helper.make_graph(graph.nodes, "lstm", inputs, outputs, graph.constants)
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _join(graph: _Graph, parts: list[str], axis: int) -> str:
    return parts[0] if len(parts) == 1 else graph.one("Concat", *parts, axis=axis)


def _read(graph: _Graph, stack: LstmStack, words: str, lengths: str, place: int) -> tuple[str, str]:
    """Returns the states of a direction, [time, batch, hidden], and the one where it ended, [batch, hidden]."""
    states, last = words, ""
    for layer in stack.layers:
        assert isinstance(layer, nn.LSTM)
        held = dict(layer.named_parameters())
        weights = [_in_order(held[f"weight_{part}_l0"]) for part in ("ih", "hh")]
        bias = np.concatenate([_in_order(held[f"bias_{part}_l0"]) for part in ("ih", "hh")])
        given = [graph.constant(part[None]) for part in (*weights, bias)]
        states, last, _ = graph.add(
            "LSTM",
            states,
            *given,
            lengths,
            outputs=3,
            hidden_size=layer.hidden_size,
            direction="reverse" if place else "forward",
        )
        states = graph.one("Squeeze", states, graph.numbers(1))
    return states, graph.one("Squeeze", last, graph.numbers(0))


def _in_order(gates: Tensor) -> NDArray[np.float32]:
    """Returns matrices or biases of four gates in ONNX's order."""
    parts = gates.detach().float().chunk(4)
    return np.concatenate([parts[gate].numpy() for gate in _GATES])


def _pool(graph: _Graph, network: LstmForSequenceClassification, hidden: str) -> str:
    """Returns what `penjing.models.pooling.Pooling` makes of hidden states, [batch, time, dim]."""
    pooling = network.pooling
    assert pooling is not None
    mask = graph.one("Unsqueeze", "attention_mask", graph.numbers(2))
    weights, is_real = graph.one("Cast", mask, to=_FLOAT), graph.one("Cast", mask, to=_BOOL)
    if pooling.attention is not None:
        return _attend(graph, pooling.attention, hidden, weights, is_real)
    parts = []
    if pooling.kind != "max":
        total = graph.one("ReduceSum", graph.one("Mul", hidden, weights), graph.numbers(1), keepdims=0)
        count = graph.one("ReduceSum", weights, graph.numbers(1), keepdims=0)
        parts.append(graph.one("Div", total, graph.one("Max", count, graph.constant(np.ones(1, np.float32)))))
    if pooling.kind != "mean":
        lowest = graph.constant(np.array(_LOWEST, dtype=np.float32))
        highest = graph.one("ReduceMax", graph.one("Where", is_real, hidden, lowest), axes=[1], keepdims=0)
        some = graph.one("Cast", graph.one("ReduceMax", weights, axes=[1], keepdims=0), to=_BOOL)
        parts.append(graph.one("Where", some, highest, graph.constant(np.array(0, dtype=np.float32))))
    return _join(graph, parts, 1)


def _attend(graph: _Graph, pooling: AttentionPooling, hidden: str, weights: str, is_real: str) -> str:
    dense, query = pooling.dense, pooling.query
    inner = graph.one("MatMul", hidden, graph.constant(dense.weight.t()))
    inner = graph.one("Tanh", graph.one("Add", inner, graph.constant(dense.bias)))
    scores = graph.one("MatMul", inner, graph.constant(query.weight.t()))  # [batch, time, 1]
    lowest = graph.constant(np.array(_LOWEST, dtype=np.float32))
    shares = graph.one("Softmax", graph.one("Where", is_real, scores, lowest), axis=1)
    shares = graph.one("Mul", shares, weights)
    return graph.one("ReduceSum", graph.one("Mul", shares, hidden), graph.numbers(1), keepdims=0)
