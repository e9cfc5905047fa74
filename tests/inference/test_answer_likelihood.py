from __future__ import annotations

from pathlib import Path

import pytest
import torch
import transformers

from penjing.inference.answer_likelihood import AnswerScorer
from penjing.models.t5 import T5
from penjing.models.weights import save_network


def test_log_probabilities_are_those_of_the_loss_of_transformers(tmp_path: Path) -> None:
    shape = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4, "initializer_factor": 3.0}
    config = T5.config_from_dict({**shape, "vocab_size": 40, "pad_token_id": 0, "eos_token_id": 1})
    network = T5.language_model(config)
    T5.initialize(network, config, 0)
    save_network(tmp_path, network, T5.config_to_dict(config, head="language"))
    peer = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path).eval()
    pairs = [([5, 6, 7, 1], [8, 9, 1]), ([3, 1], [4, 4, 4, 4, 4, 1]), ([2] * 9 + [1], [1])]
    found = AnswerScorer(network, 0).measure(pairs)  # type: ignore[arg-type]
    assert found.tokens.tolist() == [3, 6, 1]
    for (read, written), ours in zip(pairs, found.log_probabilities, strict=True):
        with torch.inference_mode():
            loss = peer(input_ids=torch.tensor([read]), labels=torch.tensor([written])).loss
        assert ours == pytest.approx(-float(loss) * len(written), abs=1e-4)
