"""Sentiment: classification into negative and positive, whatever a file calls the two."""

from __future__ import annotations

from dataclasses import replace

from penjing.data.scale_names import ScaleNames
from penjing.tasks.baselines import SENTIMENT_BASELINES
from penjing.tasks.classify import CLASSIFY

_NEGATIVE = ("0", "-1", "neg", "negative", "Negative", "NEGATIVE", "False", "false", "负", "负面", "差评", "消极")
_POSITIVE = ("1", "pos", "positive", "Positive", "POSITIVE", "True", "true", "正", "正面", "好评", "积极")

SENTIMENT = replace(
    CLASSIFY,
    name="sentiment",
    label_names=ScaleNames(
        {**dict.fromkeys(_NEGATIVE, "negative"), **dict.fromkeys(_POSITIVE, "positive")},
        apart=("-1", "0"),  # of -1, 0 and 1, 0 is neutral
    ),
    baselines=SENTIMENT_BASELINES,
)
