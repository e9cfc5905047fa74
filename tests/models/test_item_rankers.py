"""Networks that rank items: nothing later is seen, padding changes nothing, texts alone will do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from penjing.errors import RecipeError, UsageError
from penjing.models.interface import Architecture, ItemRanker, count_parameters
from penjing.models.weights import load_weights, save_network
from penjing.registry import load_registered

ITEMS, WIDTH = 20, 8
Make = Callable[..., tuple[Architecture, Any, Any]]


@pytest.fixture(params=["sasrec", "two_tower"])
def make(request: pytest.FixtureRequest) -> Make:
    """A function that makes the family's network, over words or over vectors of an encoder."""

    def make(width: int | None = None, seed: int = 0) -> tuple[Architecture, Any, Any]:
        architecture: Architecture = load_registered("models", request.param)
        values = {**architecture.fresh_shape, "hidden_size": 16, "vocab_size": 40, "num_items": ITEMS}
        config = architecture.config_from_dict({**values, "text_width": width, "max_position_embeddings": 9})
        network: Any = architecture.language_model(config)
        architecture.initialize(network, config, seed)
        generator = torch.Generator().manual_seed(1)
        texts = (
            torch.randint(0, 40, (ITEMS + 1, 3), generator=generator)
            if width is None
            else torch.randn(ITEMS + 1, width, generator=generator)
        )
        texts[0] = 0
        network.put_texts(texts)
        return architecture, config, network.eval()

    return make


@pytest.mark.parametrize("width", [None, WIDTH])
def test_a_state_depends_on_what_came_up_to_there_alone(make: Make, width: int | None) -> None:
    *_, network = make(width)
    assert isinstance(network, ItemRanker)
    ids = torch.tensor([[3, 7, 1, 9, 4]])
    changed = torch.tensor([[3, 7, 1, 2, 2]])
    first, second = network.encode(ids), network.encode(changed)
    torch.testing.assert_close(first[:, :3], second[:, :3])
    assert not torch.allclose(first[:, 3:], second[:, 3:])


def test_padding_changes_no_score(make: Make) -> None:
    *_, network = make()
    alone = network.score(network.encode(torch.tensor([[3, 7]])))
    ids = torch.tensor([[3, 7, 0, 0], [5, 6, 7, 8]])
    beside = network.score(network.encode(ids, ids != 0))[:1, :2]
    torch.testing.assert_close(alone, beside)


def test_order_counts(make: Make) -> None:
    *_, network = make()
    one, other = (network.encode(torch.tensor([ids]))[:, -1] for ids in ([1, 2, 3], [2, 1, 3]))
    assert not torch.allclose(one, other)


def test_weights_come_back_from_a_folder(make: Make, tmp_path: Path) -> None:
    architecture, config, network = make()
    save_network(tmp_path, network, architecture.config_to_dict(config, head="language"))
    _, _, other = make(seed=1)
    load_weights(other, tmp_path)
    ids = torch.tensor([[3, 7, 1]])
    assert torch.equal(network.score(network.encode(ids)), other.score(other.encode(ids)))
    assert architecture.config_to_dict(config, head="language")["model_type"] == f"penjing_{architecture.name}"


def test_a_history_longer_than_the_positions_is_refused(make: Make) -> None:
    *_, network = make()
    with pytest.raises(UsageError, match="10 items does not fit into the 9 positions"):
        network.encode(torch.ones(1, 10, dtype=torch.int64))


def test_a_new_item_has_the_vector_of_its_text() -> None:
    architecture: Architecture = load_registered("models", "sasrec")
    config = architecture.config_from_dict({**architecture.fresh_shape, "vocab_size": 40, "num_items": 3})
    network: Any = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    network.put_texts(torch.tensor([[0, 0], [5, 0], [5, 6], [0, 0]]))
    words = network.text_tower.words.weight
    found = network.text_vectors(torch.tensor([[5, 6], [7, 0], [0, 0]]))
    torch.testing.assert_close(found, torch.stack([(words[5] + words[6]) / 2, words[7], torch.zeros(64)]))
    torch.testing.assert_close(network.eval().item_vectors()[2], network.items.weight[2] + found[0])
    assert torch.equal(network.item_vectors()[0], torch.zeros(64))


def test_in_training_some_items_are_known_by_their_texts_alone() -> None:
    architecture: Architecture = load_registered("models", "sasrec")
    values = {**architecture.fresh_shape, "vocab_size": 40, "num_items": 500, "id_dropout": 0.3}
    config = architecture.config_from_dict(values)
    network: Any = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    torch.manual_seed(0)
    dropped = (network.train().item_vectors()[1:] == 0).all(dim=1).float().mean()  # no item has a text here
    assert 0.2 < float(dropped) < 0.4
    assert not (network.eval().item_vectors()[1:] == 0).all(dim=1).any()


def test_what_the_items_decide_cannot_be_set(make: Make) -> None:
    architecture, _, network = make()
    assert count_parameters(network) > 0
    with pytest.raises(RecipeError, match="the items decide"):
        architecture.check_shape({"num_items": 3}, where="a.toml")
