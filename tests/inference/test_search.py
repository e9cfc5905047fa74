from __future__ import annotations

import torch

from penjing.inference.search import BeamSearch, begin_texts


def test_beams_go_on_though_every_likely_token_ends_a_text() -> None:
    texts = begin_texts([0], [5], [[]], frozenset({1, 2, 3}), torch.device("cpu"))
    search = BeamSearch(texts, beams=2, length_penalty=1.0)
    step = search.step(torch.tensor([[0.0, 9.0, 8.0, 7.0, 2.0, 1.0]] * 2))
    assert step.ids.tolist() == [4, 5]
    assert step.sources is not None
    assert step.sources.tolist() == [0, 0]  # at first the beams are one


def test_text_whose_prompt_is_still_read_takes_its_tokens_and_does_not_end() -> None:
    texts = begin_texts([7, 8], [2, 2], [[], [5, 1]], frozenset({1}), torch.device("cpu"))
    search = BeamSearch(texts, beams=2, length_penalty=1.0)
    logits = torch.tensor([[0.0, 9.0, 0.0, 1.0, 2.0, 0.0]] * 4)
    given = [search.step(logits).ids[2:].tolist() for _ in range(2)]
    assert given == [[5, 5], [1, 1]]
    ended = [text for _ in range(2) for text in search.step(logits).ended]
    assert [text.text for text in ended] == [8]
    assert ended[0].ids == []
