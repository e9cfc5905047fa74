"""Windows in configs of the Qwen kinds: what changes nothing is taken as on the hub, and what counts is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tests.models.llama_shape import SHAPE

from penjing.errors import UsageError
from penjing.files import write_json
from penjing.models.interface import Architecture
from penjing.models.llama import QWEN2, QWEN3
from penjing.models.weights import load_weights, read_config

KINDS: dict[str, tuple[Architecture, transformers.PreTrainedConfig]] = {
    "qwen2": (QWEN2, transformers.Qwen2Config(**SHAPE)),
    "qwen3": (QWEN3, transformers.Qwen3Config(**SHAPE, head_dim=16)),
}


@torch.no_grad()
def check_alike(name: str, folder: Path, dropped: tuple[str, ...], added: dict[str, Any]) -> Any:
    """Writes a model of the hub, changes its config, and checks that both give the same logits; returns theirs."""
    architecture, config = KINDS[name]
    torch.manual_seed(0)
    theirs = transformers.AutoModelForCausalLM.from_config(config)
    for parameter in theirs.parameters():
        parameter.add_(0.2 * torch.randn(parameter.shape))
    theirs.save_pretrained(folder)
    values = {key: value for key, value in read_config(folder).items() if key not in dropped}
    write_json(folder / "config.json", {**values, **added})
    again = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    network: Any = architecture.language_model(architecture.config_from_dict(read_config(folder)))
    load_weights(network, folder)
    ids = torch.randint(1, 101, (2, 24), generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(network.eval()(ids), again(ids).logits, atol=1e-5, rtol=0)
    return again.config


def test_window_is_never_ignored_silently() -> None:
    assert QWEN2.config_from_dict({**SHAPE, "sliding_window": 8, "use_sliding_window": False}).sliding_window is None
    with pytest.raises(UsageError, match="sliding_window"):
        QWEN2.config_from_dict({**SHAPE, "sliding_window": 8})


@pytest.mark.parametrize("name", ["qwen2", "qwen3"])
@pytest.mark.parametrize(
    "switched",
    [
        {"sliding_window": 24},  # as many as there are positions
        {"sliding_window": 5, "max_window_layers": 3},  # as many as there are layers
        {"sliding_window": 5},  # 28 layers without, where nothing is said
        {"sliding_window": 5, "max_window_layers": 0, "layer_types": ["full_attention"] * 3},
        {"sliding_window": None, "max_window_layers": 0},
    ],
)
def test_window_of_qwen_that_keeps_no_token_from_another_is_taken(
    name: str, switched: dict[str, Any], tmp_path: Path
) -> None:
    dropped = ("use_sliding_window", "sliding_window", "max_window_layers", "layer_types")
    config = check_alike(name, tmp_path, dropped, {**switched, "use_sliding_window": True})
    assert config.use_sliding_window


@pytest.mark.parametrize(
    "switched",
    [
        {"sliding_window": 23, "max_window_layers": 2},
        {"sliding_window": 5, "layer_types": ["full_attention", "sliding_attention", "full_attention"]},
        {"max_position_embeddings": 32_768, "max_window_layers": 0},
    ],
)
def test_window_of_qwen_that_counts_is_refused(switched: dict[str, Any]) -> None:
    for architecture in (QWEN2, QWEN3):
        with pytest.raises(UsageError, match="use_sliding_window is True, which is not computed here"):
            architecture.config_from_dict({**SHAPE, **switched, "use_sliding_window": True})


@pytest.mark.parametrize("name", ["qwen2", "qwen3"])
def test_window_in_a_config_of_qwen_that_does_not_say_it_is_used_is_none(name: str, tmp_path: Path) -> None:
    config = check_alike(name, tmp_path, ("use_sliding_window",), {"sliding_window": 4})
    assert config.sliding_window is None
