"""Recommendation: which item comes next after those that a user had."""

from __future__ import annotations

from penjing.metrics.ranking import ranking_difference, ranking_scores
from penjing.tasks.baselines import RECOMMENDATION_BASELINES
from penjing.tasks.baselines.recommendation import LastText
from penjing.tasks.task import ItemTask

RECOMMEND = ItemTask(
    name="recommend",
    score=ranking_scores,
    compare=ranking_difference,
    best_by="ndcg_10",
    baselines=RECOMMENDATION_BASELINES,
    by_text=LastText,
)
