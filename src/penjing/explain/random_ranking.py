"""A random ranking: what every method has to beat."""

from __future__ import annotations

import numpy as np

from penjing.explain.attribution import Explanation, Method
from penjing.explain.reading import Reading
from penjing.hashing import hash_json
from penjing.tasks.scoring_model import ScoringModel


def explain_at_random(model: ScoringModel, reading: Reading, label: int) -> Explanation:
    """Scores words with numbers from 0 to 1 that only the text decides."""
    del model, label
    seed = int(hash_json(reading.text)[:15], 16)
    return Explanation(np.random.default_rng(seed).random(len(reading.words)))


RANDOM = Method(explain_at_random, passes=lambda tokens: 0)
