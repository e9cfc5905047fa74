"""The words of the report about adapters, in English."""

from __future__ import annotations

ADAPTERS_ENGLISH: dict[str, str] = {
    "adapters": "Adapters (LoRA)",
    "adapters_of": "rank {rank}, for {matrices} matrices",
    "trained_weights": "Weights trained",
    "trained_of": "{trained}, {share} of all",
    "merging": "Largest difference of a logit, adapters merged",
}
