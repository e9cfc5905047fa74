"""Occlusion (Zeiler & Fergus 2014, arXiv 1311.2901; Li et al. 2016, arXiv 1612.08220): delete a word and look."""

from __future__ import annotations

import numpy as np
import torch

from penjing.explain.attribution import Explanation, Method
from penjing.explain.log_odds import log_odds
from penjing.explain.reading import Reading
from penjing.tasks.scoring_model import ScoringModel


def explain_by_occlusion(model: ScoringModel, reading: Reading, label: int) -> Explanation:
    """Scores each word by the log-odds that are lost without it."""
    number = len(reading.words)
    rows = [reading.keep(np.ones(number, dtype=np.bool_))]
    read = np.flatnonzero(reading.is_read)
    rows += [reading.keep(np.arange(number) != word) for word in read]
    odds = log_odds(torch.from_numpy(model.engine.score(rows)), label, asks_each=model.asks_each).numpy()
    scores = np.zeros(number)
    scores[read] = odds[0] - odds[1:]
    return Explanation(scores)


OCCLUSION = Method(explain_by_occlusion)
