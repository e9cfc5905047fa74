"""Pairs of one prompt are drawn together behind an interval, in whatever form the prompt comes."""

from __future__ import annotations

import numpy as np

from penjing.data.preferences import PreferenceRows
from penjing.evaluate.preference import Likelihoods, MeasuredPairs, PreferenceMeasures, evaluate_preferences
from penjing.text.shards import TokenShard


def test_the_interval_is_over_prompts() -> None:
    prompts = [form.format(n) for n in range(4) for form in ("Prompt {}?", "prompt {}", "PROMPT {}!")]
    names = [str(n) for n in range(12)]
    shard = TokenShard(
        tokens=np.zeros(72, dtype=np.uint32),
        offsets=np.arange(0, 73, 3),
        labels=np.ones(24, dtype=np.int64),
        fingerprint="",
        cut_tokens=0,
        cut_rows=0,
        unknown_tokens=0,
    )
    pairs = MeasuredPairs(PreferenceRows(prompts, prompts, names, names), 0, shard)
    assert pairs.prompts.tolist() == [n // 3 for n in range(12)]
    own = np.tile([-1.0, -2.0], 12)
    found = evaluate_preferences(pairs, Likelihoods(own, None), PreferenceMeasures(), "preference_accuracy")
    score = found["scores"]["likelihood_accuracy"]
    assert score["value"] == 1.0
    assert score["low"] < 0.55  # of four prompts, as Wilson has it
