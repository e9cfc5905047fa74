"""Pairs made of texts, to practice on before real summaries.

`turned_pairs`: a few sentences, and the same beginning with another one of them. A small decoder learns to write off
from them, for half of all tokens are copies; from pairs whose texts are long and whose targets are short it does not.

`found_pairs`: a text, and its sentence most like the rest. Zhang et al. 2020 (PEGASUS, arXiv 1912.08777, section 3.1)
choose gap sentences so, each by itself by ROUGE-1 F1 with the rest of the text; there they are hidden, here they stay.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from penjing.data.pieces import word_spans
from penjing.data.scripts import UNSPACED_CHARACTER
from penjing.text.sentences import split_sentences

_UNSPACED = UNSPACED_CHARACTER.pattern
_WORD = re.compile(rf"{_UNSPACED}|[^\W{_UNSPACED[1:-1]}]+")
_UNSPACED_END = re.compile(rf"(?:{_UNSPACED}|[。！？；…”’」』）】》])\Z")
_FEWEST_SENTENCES = 4  # of a text in which one is found
_FEWEST_WORDS, _MOST_WORDS = 5, 40  # of such a sentence


def turned_pairs(texts: Iterable[str], most_words: int, rng: random.Random) -> Iterator[dict[str, str]]:
    """Yields ``source``, a run of sentences, and ``target``, the same from a drawn one on, then those before it.

    Args:
        texts: what is read; one pair of each, none of a text without two sentences.
        most_words: of a source; of scripts without spaces each character is a word.
        rng: draws where a run begins, and where it is turned.
    """
    for text in texts:
        sentences = _take(split_sentences(text), most_words, rng)
        if len(sentences) >= 2:
            start = rng.randrange(len(sentences))
            yield {"source": _join(sentences), "target": _join([*sentences[start:], *sentences[:start]])}


def found_pairs(texts: Iterable[str], per_text: int, most_words: int, rng: random.Random) -> Iterator[dict[str, str]]:
    """Yields ``source`` and ``target``; a text that is too short gives none.

    Args:
        texts: what is read.
        per_text: sentences that are chosen of a text, each a pair.
        most_words: of a source, as in `turned_pairs`; of a longer text a run of sentences is taken, beginning anywhere.
        rng: draws where.
    """
    for text in texts:
        sentences = _take(split_sentences(text), most_words, rng)
        if len(sentences) >= _FEWEST_SENTENCES:
            source = _join(sentences)
            for sentence in _choose(sentences, per_text):
                yield {"source": source, "target": sentence}


def _join(sentences: Sequence[str]) -> str:
    """Puts sentences together, with a space where their script has spaces."""
    joined = sentences[0]
    for sentence in sentences[1:]:
        joined += sentence if _UNSPACED_END.search(joined) else f" {sentence}"
    return joined


def _take(sentences: list[str], most_words: int, rng: random.Random) -> list[str]:
    lengths = [len(word_spans(sentence)) for sentence in sentences]
    if sum(lengths) <= most_words:
        return sentences
    start = rng.randrange(len(sentences))
    end, words = start, 0
    while end < len(sentences) and words + lengths[end] <= most_words:
        words += lengths[end]
        end += 1
    return sentences[start:end]


def _choose(sentences: list[str], count: int) -> list[str]:
    words = [Counter(_WORD.findall(sentence.lower())) for sentence in sentences]
    whole: Counter[str] = sum(words, Counter())
    likeness = [
        _f1(own, whole - own) if _FEWEST_WORDS <= own.total() <= _MOST_WORDS else 0.0
        for own in words  # the rest: all but this one
    ]
    best = sorted(range(len(sentences)), key=lambda place: -likeness[place])[:count]
    return [sentences[place] for place in best if likeness[place] > 0]


def _f1(one: Counter[str], other: Counter[str]) -> float:
    shared = (one & other).total()
    return 2 * shared / (one.total() + other.total()) if shared else 0.0
