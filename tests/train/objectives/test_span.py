from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from penjing.errors import UsageError
from penjing.registry import load_registered
from penjing.train.batches import Batch
from penjing.train.objective import Prepared
from penjing.train.objectives.denoising import DenoisingObjective
from penjing.train.objectives.span import SpanObjective

SENTINELS, END, PAD = list(range(100, 140)), 3, 0


def prepare(ids: Tensor, rate: float, span: float, seed: int = 0) -> Prepared:
    objective = SpanObjective(rate, span, SENTINELS, END, PAD)
    return objective.prepare(Batch(ids, None, None), torch.Generator().manual_seed(seed), 0.0)


def tensors_of(prepared: Prepared) -> tuple[Tensor, Tensor, Tensor]:
    read, shifted, written = prepared.tensors
    assert read is not None
    assert shifted is not None
    assert written is not None
    return read, shifted, written


@pytest.mark.parametrize("objective", ["span", "denoise"])
def test_what_is_written_of_a_document_does_not_depend_on_another(objective: str) -> None:
    t5 = load_registered("models", "t5")
    shape = {"d_model": 32, "d_kv": 16, "d_ff": 48, "num_layers": 2, "num_heads": 2}
    config = t5.config_from_dict({**shape, "vocab_size": 150})
    network = t5.language_model(config).eval()
    t5.initialize(network, config, 0)
    ids = torch.randint(5, 90, (4, 48), generator=torch.Generator().manual_seed(1))
    other = torch.cat([torch.randint(5, 90, (4, 20)), ids[:, 20:]], dim=1)
    documents = torch.tensor([[1] * 20 + [2] * 28] * 4)
    learned = SpanObjective(0.3, 3.0, SENTINELS, END, PAD) if objective == "span" else DenoisingObjective(0.3, 1, PAD)

    def states(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        prepared = learned.prepare(Batch(rows, None, None, documents), torch.Generator().manual_seed(0), 0.0)
        read, shifted, written, of_read, of_shifted = prepared.tensors
        hidden = network.decode(shifted, network.encode(read, documents=of_read), documents=(of_shifted, of_read))
        assert of_read.shape == read.shape
        assert of_shifted.shape == shifted.shape
        loss = learned.loss(network, *prepared.tensors)[0]
        assert loss.isfinite()
        return hidden, of_shifted, written

    with torch.no_grad():
        (first, owned, _), (second, _, _) = states(ids), states(other)
    torch.testing.assert_close(first[owned == 2], second[owned == 2])
    assert not torch.allclose(first[owned == 1], second[owned == 1], atol=1e-2)
    of_second = {int(token) for token in ids[:, 20:].flatten()} | set(SENTINELS) | {END}
    shown = learned.prepare(Batch(ids, None, None, documents), torch.Generator().manual_seed(0), 0.0).tensors
    assert {int(token) for token in shown[1][:, 1:][owned[:, 1:] == 2]} <= of_second
    assert {int(token) for token in shown[0][shown[3] == 2]} <= of_second | {1}


@given(st.integers(8, 64), st.floats(0.05, 0.5), st.floats(1, 5), st.integers(0, 1000))
def test_what_is_read_and_what_is_written_are_the_text(time: int, rate: float, span: float, seed: int) -> None:
    ids = torch.randint(5, 90, (3, time), generator=torch.Generator().manual_seed(seed))
    read, shifted, written = tensors_of(prepare(ids, rate, span, seed))
    for row in range(3):
        spans: dict[int, list[int]] = {}
        assert written[row, -1] == read[row, -1] == END
        for token in written[row, :-1].tolist():
            if token in SENTINELS:
                last = spans.setdefault(token, [])
            else:
                last.append(token)
        assert all(spans.values())
        assert list(spans) == SENTINELS[: len(spans)]
        text = [part for token in read[row, :-1].tolist() for part in spans.get(token, [token])]
        assert text == ids[row].tolist()
    assert torch.equal(shifted[:, 1:], written[:, :-1])
    assert (shifted[:, 0] == PAD).all()


def test_as_many_tokens_are_hidden_as_asked_for_in_spans_of_the_mean_length() -> None:
    ids = torch.randint(5, 90, (50, 200), generator=torch.Generator().manual_seed(0))
    read, _, written = tensors_of(prepare(ids, 0.15, 3.0))
    assert read.shape == (50, 170 + 10 + 1)
    assert written.shape == (50, 30 + 10 + 1)
    lengths = [len(part) for row in written.tolist() for part in _split(row)]
    assert 1 <= min(lengths) < 3 < max(lengths)  # not all the same


def _split(row: list[int]) -> list[list[int]]:
    places = [place for place, token in enumerate(row) if token in SENTINELS] + [len(row) - 1]
    return [row[first + 1 : last] for first, last in itertools.pairwise(places)]


def test_too_few_sentinels_are_refused() -> None:
    with pytest.raises(UsageError, match="has 60 hidden spans, the tokenizer 40 sentinels"):
        prepare(torch.full((1, 120), 7), 0.5, 1.0)


def test_loss_is_that_of_the_logits() -> None:
    architecture = load_registered("models", "t5")
    shape = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    config = architecture.config_from_dict({**shape, "vocab_size": 140})
    network = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    network.eval()
    prepared = prepare(torch.randint(5, 90, (2, 20)), 0.3, 2.0)
    read, shifted, written = tensors_of(prepared)
    loss, _ = SpanObjective(0.3, 2.0, SENTINELS, END, PAD).loss(network, *prepared.tensors)
    logits = network(read, None, shifted)
    expected = F.cross_entropy(logits.flatten(0, 1), written.flatten(), reduction="sum")
    torch.testing.assert_close(loss, expected)
    assert prepared.targets == written.numel()
