from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from penjing.errors import UsageError
from penjing.models.t5_config import T5Config

SHAPE: dict[str, Any] = {
    "vocab_size": 101,
    "d_model": 32,
    "num_heads": 4,
    "relative_attention_num_buckets": 8,
    "relative_attention_max_distance": 20,
    "decoder_start_token_id": 0,
}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"relative_attention_num_buckets": 3}, "too few to tell near from far.*Give at least 4"),
        ({"relative_attention_max_distance": 4}, "max_distance is 4, but half of the 8 buckets.*more than 4"),
        ({"num_heads": 0}, "num_heads is 0. Give a whole number"),
        ({"num_decoder_layers": 0}, "num_decoder_layers is 0"),
        ({"d_kv": 1.5}, "d_kv is 1.5"),
        ({"feed_forward_proj": "gated-relu"}, 'feed_forward_proj is "gated-relu"'),
        ({"dropout_rate": 1.0}, "dropout_rate is 1.0"),
        ({"tie_word_embeddings": "no"}, "tie_word_embeddings is 'no'. Write true or false"),
        ({"scale_decoder_outputs": 2}, "scale_decoder_outputs is 2. Write true or false"),
        ({"decoder_start_token_id": 101}, "decoder_start_token_id is 101, but the vocabulary has only 101"),
        ({"eos_token_id": -1}, "eos_token_id is -1"),
        ({"is_decoder": True}, "is_decoder is True, which is not computed here"),
        ({"is_encoder_decoder": False}, "is_encoder_decoder is False, which is not computed here"),
    ],
)
def test_impossible_config_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        T5Config.from_dict({**SHAPE, **values})


def test_shape_of_a_recipe_ties_what_the_start_does_not() -> None:
    start = asdict(T5Config.from_dict({**SHAPE, "tie_word_embeddings": False, "scale_decoder_outputs": False}))
    tied = T5Config.from_dict({**start, "tie_word_embeddings": True})
    assert (tied.has_own_head, tied.scales_output) == (False, True)


def test_config_with_several_end_tokens_or_none_is_read() -> None:
    assert T5Config.from_dict({**SHAPE, "eos_token_id": [3, 1]}).eos_token_id == 3
    assert T5Config.from_dict({**SHAPE, "eos_token_id": None}).eos_token_id is None
    assert T5Config.from_dict({**SHAPE, "pad_token_id": None}).pad_token_id == 0
