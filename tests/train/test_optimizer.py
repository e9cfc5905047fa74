from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest

from penjing.models.interface import Architecture
from penjing.registry import load_registered
from penjing.train.adamw import adamw_library
from penjing.train.optimizer import build_optimizer
from penjing.train.settings import FinetuneSettings

SHAPES: dict[str, dict[str, Any]] = {
    "bert": {"hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 8},
    "llama": {"hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 8},
    "lstm": {"embedding_size": 8, "hidden_size": 8, "num_hidden_layers": 3, "bidirectional": False},
    "t5": {"d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 3, "num_heads": 2},
}


def scales(family: str, **settings: Any) -> dict[str, float]:
    """Returns the factor on the learning rate of every parameter that is trained."""
    architecture: Architecture = load_registered("models", family)
    config = architecture.config_from_dict({**SHAPES[family], "vocab_size": 20})
    network = architecture.classifier(config, 2)
    optimizer = build_optimizer(network, FinetuneSettings(**settings))
    names = {parameter: name for name, parameter in network.named_parameters()}
    return {names[p]: group["scale"] for group in optimizer.param_groups for p in group["params"]}


@pytest.mark.parametrize("family", list(SHAPES))
def test_layer_decay_slows_each_layer_by_how_far_it_is_below_the_head(family: str) -> None:
    for name, scale in scales(family, layer_decay=0.5).items():
        is_words = "embed" in name or "shared" in name
        layer = re.search(r"\.(\d)\.", name)  # the first number: a T5 numbers the parts of a layer too
        depth = 4 if is_words else 3 - int(layer[1]) if layer else 0
        assert scale == 0.5**depth, name
    assert set(scales(family, layer_decay=0.5).values()) == {1.0, 0.5, 0.25, 0.125, 0.0625}


@pytest.mark.parametrize("family", list(SHAPES))
def test_embedding_rate_is_for_the_words_alone_and_zero_leaves_them(family: str) -> None:
    slowed = scales(family, embedding_rate=0.1)
    (words,) = (name for name, scale in slowed.items() if scale != 1.0)
    assert slowed[words] == 0.1
    assert set(slowed) - set(scales(family, embedding_rate=0)) == {words}


@pytest.mark.parametrize("family", list(SHAPES))
def test_only_matrices_are_decayed(family: str) -> None:
    architecture: Architecture = load_registered("models", family)
    network = architecture.classifier(architecture.config_from_dict({**SHAPES[family], "vocab_size": 20}), 2)
    for group in build_optimizer(network, FinetuneSettings(weight_decay=0.3)).param_groups:
        assert all((p.ndim >= 2) == (group["weight_decay"] == 0.3) for p in group["params"])


def test_words_that_learn_faster_decay_as_they_would_without() -> None:
    architecture: Architecture = load_registered("models", "t5")
    network = architecture.classifier(architecture.config_from_dict({**SHAPES["t5"], "vocab_size": 20}), 2)
    for rate in (0.1, 1.0, 50.0):
        settings = FinetuneSettings(weight_decay=0.3, embedding_rate=rate)
        (group,) = (
            group
            for group in build_optimizer(network, settings).param_groups
            if any(p is network.input_embeddings.weight for p in group["params"])
        )
        assert group["scale"] * group["weight_decay"] == pytest.approx(0.3 * min(1.0, rate))


STEP = """
import sys, torch
from penjing.registry import load_registered
from penjing.train.optimizer import build_optimizer
from penjing.train.settings import FinetuneSettings
made = load_registered("models", "FAMILY")
network = made.classifier(made.config_from_dict({**SHAPE, "vocab_size": 20}), 2).train()
optimizer = build_optimizer(network, FinetuneSettings())
network(torch.tensor([[3, 4, 5]]), torch.ones(1, 3, dtype=torch.bool)).sum().backward()
optimizer.step(1.0)
optimizer.zero_grad()
print(optimizer.stepping, "torch._dynamo" in sys.modules)
"""


@pytest.mark.skipif(adamw_library() is None, reason="PyTorch's own optimizers load the compiler when they are made")
@pytest.mark.parametrize("family", ["bert", "lstm"])
def test_a_step_that_is_not_compiled_loads_no_compiler(family: str) -> None:
    """It takes over two seconds, of which every short training would have its share."""
    code = STEP.replace("FAMILY", family).replace("SHAPE", repr(SHAPES[family]))
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120).stdout
    assert said.split() == ["compiled", "False"]
