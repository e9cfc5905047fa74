from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from penjing.models.llama import LLAMA
from penjing.models.meta import meta_device

_PROGRAM = """
import sys
from penjing.models.meta import meta_device
from penjing.registry import load_registered
for name in ("bert", "llama", "lstm", "t5"):
    made = load_registered("models", name)
    config = made.config_from_dict({**made.fresh_shape, "vocab_size": 90})
    with meta_device():
        made.language_model(config)
        made.classifier(config, 2)
        made.span_scorer and made.span_scorer(config)
print("torch._dynamo" in sys.modules)
"""


def test_shapes_are_those_of_the_network_and_nothing_is_held() -> None:
    config = LLAMA.config_from_dict(
        {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 90}
    )
    real = LLAMA.language_model(config)
    with meta_device():
        shapes = LLAMA.language_model(config)
    found = {name: (parameter.shape, parameter.dtype) for name, parameter in shapes.named_parameters()}
    assert found == {name: (parameter.shape, parameter.dtype) for name, parameter in real.named_parameters()}
    assert {held.device.type for held in (*shapes.parameters(), *shapes.buffers())} == {"meta"}


@pytest.mark.parametrize("fill", [nn.init.normal_, nn.init.zeros_])
def test_numbers_are_drawn_again_afterwards(fill: object) -> None:
    with meta_device():
        nn.Linear(2, 2)
    weight = torch.full((3, 3), 5.0)
    fill(weight)  # type: ignore[operator]
    assert not (weight == 5).any()


def test_compiler_is_not_imported_for_it() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False)
    assert done.stdout == "False\n", done.stderr
