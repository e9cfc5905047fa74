from __future__ import annotations

import pytest
import torch
from transformers.models.t5.modeling_t5 import T5Attention as HubAttention

from penjing.models.relative import relative_bias, relative_buckets


@pytest.mark.parametrize("looks_ahead", [True, False])
@pytest.mark.parametrize(("buckets", "longest"), [(32, 128), (8, 20), (7, 4), (4, 3)])
def test_buckets_are_those_of_the_hub(buckets: int, longest: int, looks_ahead: bool) -> None:
    distances = torch.arange(-400, 400)
    expected = HubAttention._relative_position_bucket(distances, looks_ahead, buckets, longest)
    found = relative_buckets(distances, buckets=buckets, longest=longest, looks_ahead=looks_ahead)
    assert torch.equal(found, expected)


def test_bias_of_a_pair_is_the_number_of_its_distance() -> None:
    weight = torch.randn(8, 2, generator=torch.Generator().manual_seed(0))
    bias = relative_bias(weight, time=3, keys=9, before=6, longest=20, looks_ahead=True)
    assert bias.shape == (1, 2, 3, 9)
    for query in range(3):
        for key in range(9):
            distance = torch.tensor(key - (6 + query))
            bucket = relative_buckets(distance, buckets=8, longest=20, looks_ahead=True)
            assert torch.equal(bias[0, :, query, key], weight[bucket])
