"""The words of the report about learning from a few labels, in English."""

from __future__ import annotations

FEW_ENGLISH: dict[str, str] = {
    "drawn": "For training, {per_class} rows of each label were drawn by the seed {seed}, of {of}.",
    "described": "Beside them stand texts of the recipe that say what a label means: {of}.",
    "drawn_of": "{count} “{label}”",
    "removed.undrawn": "{count} that were not drawn",
    "adapted": "Adapted by",
    "adapted_by_head": "a linear head over the vectors of the model, which stays as it is",
    "adapted_by_contrast": "contrast in {steps} steps ({objective}), then a linear head over the vectors",
    "contrast.supervised": "rows of a label the likeliest neighbors",
    "contrast.cosine": "cosine of pairs",
    "head_fitted": "Weights of the head",
    "head_fitted_to": "{weights}, by logistic regression on {rows} rows",
    "head_fitted_each": "{weights}, by {count} logistic regressions, one a label, on {rows} rows",
    "head_strength": "Strength C of the regression",
    "chosen_by.settings": "{strength}, by the recipe’s rule",
    "chosen_by.validation": "{strength}, chosen on the validation rows",
    "chosen_by.cross-validation": "{strength}, chosen by cross-validation",
    "head_difference": "Largest difference of a probability, head put in",
    "network_alone": "The network alone",
    "ngrams": "Beside the network",
    "ngrams_beside": "{count} n-grams of at most {length} tokens, by logistic regression (C {strength}), with a share "
    "of {share} in each score, chosen on the validation rows",
    "ngrams_left_out": "nothing: on the validation rows the network is better without n-grams",
}
