from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from penjing.registry import load_registered
from penjing.train.batches import Batch
from penjing.train.objective import Objective
from penjing.train.objectives.causal import CausalObjective
from penjing.train.objectives.masked import MaskedObjective
from penjing.train.objectives.span import SpanObjective
from penjing.train.recomputing import recompute_layers

SMALL = {"num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 64, "hidden_size": 32}
OBJECTIVES: dict[str, tuple[Objective, dict[str, Any]]] = {
    "llama": (CausalObjective(), {**SMALL, "attention_dropout": 0.1}),
    "bert": (MaskedObjective(0.3, 0.3, 4, 60, frozenset(range(5))), SMALL),
    "lstm": (CausalObjective(2), {"embedding_size": 16, "hidden_size": 16, "num_hidden_layers": 2}),
    "t5": (
        SpanObjective(0.3, 2.0, list(range(50, 60)), 3, 0),
        {"d_model": 32, "d_kv": 16, "d_ff": 32, "num_layers": 2, "num_heads": 2},
    ),
}


def gradients(network: nn.Module, objective: Objective, ids: Tensor) -> tuple[Tensor, list[Tensor]]:
    torch.manual_seed(3)  # of dropout
    network.zero_grad()
    prepared = objective.prepare(Batch(ids, None, None), torch.Generator().manual_seed(0), 0.0)
    loss, _ = objective.loss(network, *prepared.tensors)
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach(), [p.grad.clone() for p in network.parameters() if p.grad is not None]


@pytest.mark.parametrize("family", list(OBJECTIVES))
def test_loss_and_gradients_stay_the_same_to_the_bit(family: str) -> None:
    objective, shape = OBJECTIVES[family]
    architecture = load_registered("models", family)
    config = architecture.config_from_dict({**shape, "vocab_size": 60})
    network = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    network.train()
    ids = torch.randint(5, 50, (4, 16), generator=torch.Generator().manual_seed(0))
    before = gradients(network, objective, ids)
    keep = recompute_layers(network)
    during = gradients(network, objective, ids)
    keep()
    after = gradients(network, objective, ids)
    for other in (during, after):
        assert torch.equal(before[0], other[0])
        assert all(torch.equal(one, two) for one, two in zip(before[1], other[1], strict=True))


def test_less_is_kept_for_the_way_back(tmp_path: Path) -> None:
    objective, shape = OBJECTIVES["llama"]
    architecture = load_registered("models", "llama")
    config = architecture.config_from_dict({**shape, "num_hidden_layers": 8, "vocab_size": 60})
    network = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    ids = torch.randint(5, 50, (16, 64))
    kept: list[int] = []
    for prepare in (lambda network: None, recompute_layers):
        prepare(network)
        sizes = [0]

        def count(tensor: Tensor, sizes: list[int] = sizes) -> Tensor:
            sizes[0] += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            objective.loss(network, *objective.prepare(Batch(ids, None, None), torch.Generator(), 0.0).tensors)
        kept.append(sizes[0])
    assert kept[1] < 0.3 * kept[0]


def test_layers_that_are_computed_twice_are_compiled_all_the_same() -> None:
    objective, shape = OBJECTIVES["llama"]
    architecture = load_registered("models", "llama")
    config = architecture.config_from_dict({**shape, "attention_dropout": 0.0, "vocab_size": 60})
    network = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    ids = torch.randint(5, 50, (4, 16), generator=torch.Generator().manual_seed(0))
    plain = gradients(network, objective, ids)
    recompute_layers(network)
    seen: list[int] = []

    def count(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> Any:
        seen.append(
            sum(len(list(part.graph.nodes)) for part in graph.modules() if isinstance(part, torch.fx.GraphModule))
        )
        return graph.forward

    for layer in network.model.layers:
        layer.compile(backend=count, dynamic=False)
    compiled = gradients(network, objective, ids)
    assert seen
    assert max(seen) > 20  # the layer itself, not what is around it
    for own, other in zip(plain[1], compiled[1], strict=True):
        torch.testing.assert_close(own, other)
