from __future__ import annotations

import torch
from torch.nn import functional as F

from penjing.registry import load_registered
from penjing.train.batches import Batch
from penjing.train.objectives.causal import CausalObjective

START, END = 2, 3


def test_the_start_of_a_document_need_not_be_guessed() -> None:
    architecture = load_registered("models", "llama")
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = architecture.config_from_dict({**shape, "vocab_size": 20})
    network = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    ids = torch.tensor([[START, 7, 8, END, START, 9, END, START]])
    prepared = CausalObjective(start_id=START).prepare(Batch(ids, None, None), torch.Generator(), 0.0)
    loss, _ = CausalObjective(start_id=START).loss(network, *prepared.tensors)
    scored = torch.tensor([True, True, True, False, True, True, False])
    logits = network(ids)[0, :-1]
    assert prepared.targets == int(scored.sum())
    torch.testing.assert_close(loss, F.cross_entropy(logits[scored], ids[0, 1:][scored], reduction="sum"))


def test_both_directions_of_an_lstm_are_counted() -> None:
    batch = Batch(torch.tensor([[START, 7, 8, END]]), torch.tensor([[True, True, True, False]]), None)
    assert CausalObjective(start_id=START).prepare(batch, torch.Generator(), 0.0).targets == 2
    assert (
        CausalObjective(2, START).prepare(batch, torch.Generator(), 0.0).targets == 3
    )  # not the start, not the padding
