"""The words of the report about adapters, in English."""

from __future__ import annotations

ADAPTERS_ENGLISH: dict[str, str] = {
    "adapters": "Adapters (LoRA)",
    "adapters_of": "rank {rank}, for {matrices} matrices",
    "trained_weights": "Weights trained",
    "trained_of": "{trained}, {share} of all",
    "merging": "Largest difference of a logit, adapters merged",
    "quantized_base": "Base",
    "quantized_base_of": "its matrices held in {base}, published as they were computed with",
    "quantizing": "Adapters on the base as it was",
    "quantizing_of": "a logit differs by {difference} at most",
    "quantizing_validation": "a logit differs by {difference} at most; validation loss {original:.4f}, quantized "
    "{quantized:.4f}",
}
