"""The words of the report about labels that are answered by their names, in English."""

from __future__ import annotations

NAMES_ENGLISH: dict[str, str] = {
    "names": "Answered by",
    "names_of": "the label’s name, which goes on with the text: {names}",
    "name_of": "“{word}” for {label}",
    "names_learned": "Names",
    "names_learned.yes": "learned, as the next words of each text",
    "names_learned.no": "not learned; the model stays as it is",
    "name_examples": "Examples in a prompt",
    "name_examples.similarity": "{count}, the most similar training rows, as many of each label as of any other",
    "name_examples.random": "{count}, drawn training rows, as many of each label as of any other",
    "name_dropped": "Examples without room",
    "name_dropped_of": "{dropped} of {wanted}, left out whole",
    "name_prior": "Taken off",
    "name_prior.none": "nothing",
    "name_prior.empty": "how likely each name is without a text",
    "name_prior.content_free": "how likely each name is after texts that say nothing",
    "name_length": "Compared",
    "name_length.yes": "the mean log-probability of a token of each name",
    "name_length.no": "the log-probability of each name",
}
