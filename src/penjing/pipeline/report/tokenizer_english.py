"""The words of the page about a tokenizer in English."""

from __future__ import annotations

TOKENIZER_ENGLISH = {
    "card_title": "The tokenizer {name}",
    "card_kicker": "Penjing, a tokenizer's report card",
    "card_lede": "Measured on {texts} texts, {megabytes} MB.",
    "card_sampled": "Measured on {texts} texts, {megabytes} MB, an even draw from {all}.",
    "card_figures": "Figures",
    "card_figures_note": "Languages are told by script: Chinese, where there are more Chinese words (1.5 characters "
    "each) than runs of other letters; English stands for all Latin letters. Words stand between spaces, without signs "
    "at the ends; {chinese}.",
    "card_dictionary": "Chinese ones are cut by a dictionary",
    "card_characters": "in Chinese every character is one, for rjieba is not installed",
    "card_vocabulary": "Entries",
    "card_bytes_per_token": "Bytes a token, {language}",
    "card_fertility": "Tokens a word, {language}",
    "card_whole_share": "Words that are one token, {language}",
    "card_unknown": "Unknown tokens",
    "card_uncovered": "Characters not covered",
    "card_altered": "Texts not given back as they were",
    "card_unused": "Entries no text here needed",
    "card_unreachable": "Entries nothing can lead to",
    "card_hardly": "Entries hardly learned",
    "card_parts": "Entries that are parts of characters",
    "card_speed": "MB a second, {threads} threads",
    "card_entries": "Entries to look at",
    "card_entries_note": "Nothing can lead to: the entry's own text becomes other tokens. Hardly learned: at most "
    "{most} times in what the run learned from. Both kinds are candidates for glitch tokens (Land & Bartolo 2024): a "
    "model that is given one has learned nothing of it.",
    "card_longest": "Longest",
    "card_samples": "Samples, token by token",
    "card_samples_note": "Colors take turns from token to token; a small number says that a character takes so many, "
    "an underline that it is unknown.",
    "card_tokens": "{count} tokens",
    "card_none": "none",
    "text_language.en": "English",
    "text_language.zh": "Chinese",
    "text_language.other": "other scripts",
    "kind.unigram": "byte-level unigram",
}
