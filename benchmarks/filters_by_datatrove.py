"""What `filters_vs_datatrove.py` has datatrove do: judge every text by each of its rules alone.

python benchmarks/filters_by_datatrove.py TEXTS.jsonl VERDICTS.jsonl [--aligned]
python benchmarks/filters_by_datatrove.py TEXTS.jsonl - --speed

Runs in an environment of its own, with datatrove, spacy and nltk. TEXTS holds a JSON string a line; VERDICTS gets the
list of rules that refuse the text, by Penjing's names. With --aligned, words are what spaces set apart, and thresholds
those of the papers, not datatrove's. --speed judges by the four filters as they come, one after the other, and prints
the seconds of each.
"""

from __future__ import annotations

import json
import sys
import time
from math import inf
from typing import Any

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    fineweb_quality_filter,
    gopher_quality_filter,
    gopher_repetition_filter,
)

QUALITY = {
    "words": {"min_doc_words": 50, "max_doc_words": 100_000},
    "mean_word_length": {"min_avg_word_length": 3, "max_avg_word_length": 10},
    "symbols": {"max_symbol_word_ratio": 0.1},
    "bullet_lines": {"max_bullet_lines_ratio": 0.9},
    "ellipsis_lines": {"max_ellipsis_lines_ratio": 0.3},
    "alphabetic": {"max_non_alpha_words_ratio": 0.8},
    "stop_words": {"min_stop_words": 2},
}
REPETITION = {
    "lines": {"dup_line_frac": 0.3},
    "paragraphs": {"dup_para_frac": 0.3},
    "line_characters": {"dup_line_char_frac": 0.2},
    "paragraph_characters": {"dup_para_char_frac": 0.2},
    **{f"top_{n}": {"top_n_grams": ((n, share),)} for n, share in ((2, 0.2), (3, 0.18), (4, 0.16))},
    **{f"run_{n}": {"dup_n_grams": ((n, (20 - n) / 100),)} for n in range(5, 11)},
}
FINEWEB = {
    "punctuated_lines": {"line_punct_thr": 0.12},
    "line_characters": {},
    "short_lines": {"short_line_thr": 0.67},
    "new_lines": {"new_line_ratio": 0.3},
}
C4_OFF = {
    "remove_citations": False,
    "filter_no_terminal_punct": False,
    "min_num_sentences": -1,
    "min_words_per_line": 0,
    "max_word_length": -1,
    "filter_lorem_ipsum": False,
    "filter_javascript": False,
    "filter_curly_bracket": False,
    "filter_policy": False,
}


def list_rules(*, is_aligned: bool) -> dict[str, Any]:
    """Returns a filter of datatrove for each rule, with all its others switched off."""
    rules: dict[str, Any] = {}
    for name, chosen in QUALITY.items():
        off = {key: None for each in QUALITY.values() for key in each}
        rules[f"gopher_quality.{name}"] = GopherQualityFilter(**{**off, **chosen})
    for name, chosen in REPETITION.items():
        off = dict.fromkeys(("dup_line_frac", "dup_para_frac", "dup_line_char_frac", "dup_para_char_frac"))
        rules[f"gopher_repetition.{name}"] = GopherRepetitionFilter(
            **{**off, "top_n_grams": (), "dup_n_grams": (), **chosen}
        )
    off = {"line_punct_thr": -1, "short_line_thr": inf, "char_duplicates_ratio": inf, "new_line_ratio": inf}
    for name, chosen in FINEWEB.items():
        if name == "line_characters":
            chosen = {"char_duplicates_ratio": 0.1 if is_aligned else 0.01}
        rules[f"fineweb.{name}"] = FineWebQualityFilter(**{**off, **chosen})
    rules["c4.placeholder"] = C4QualityFilter(**{**C4_OFF, "filter_lorem_ipsum": True})
    rules["c4.braces"] = C4QualityFilter(**{**C4_OFF, "filter_curly_bracket": True})
    rules["c4.sentences"] = C4QualityFilter(**{**C4_OFF, "min_num_sentences": 3 if is_aligned else 5})
    rules["c4.whole"] = C4QualityFilter()
    return rules


def measure_speed(source: str) -> None:
    """Prints the seconds that each filter takes for all texts."""
    with open(source, encoding="utf-8") as lines:
        texts = [json.loads(line) for line in lines]
    filters = {
        "gopher_quality": GopherQualityFilter(),
        "gopher_repetition": GopherRepetitionFilter(),
        "fineweb": FineWebQualityFilter(),
        "c4": C4QualityFilter(),
    }
    seconds = {}
    for name, chosen in filters.items():
        chosen.filter(Document(text=texts[0], id=""))  # loads the tokenizer
        began = time.process_time()
        for text in texts:
            chosen.filter(Document(text=text, id=""))
        seconds[name] = time.process_time() - began
    print(json.dumps(seconds))


def main() -> None:
    """Judges all texts."""
    source, out = sys.argv[1:3]
    if "--speed" in sys.argv:
        measure_speed(source)
        return
    is_aligned = "--aligned" in sys.argv
    if is_aligned:
        for module in (gopher_quality_filter, gopher_repetition_filter, fineweb_quality_filter):
            module.split_into_words = lambda text, language: text.split()
    rules = list_rules(is_aligned=is_aligned)
    with open(source, encoding="utf-8") as lines, open(out, "w", encoding="utf-8") as verdicts:
        for line in lines:
            text = json.loads(line)
            # C4's filter changes the document, so each rule gets its own.
            refused = [name for name, rule in rules.items() if rule.filter(Document(text=text, id="")) is not True]
            verdicts.write(json.dumps(refused) + "\n")


if __name__ == "__main__":
    main()
