"""Pairs made of texts, to practise on before real summaries.

`turned_pairs`: a few sentences, and the same beginning with another one of them. A small decoder learns to write off
from them, for half of all tokens are copies; from pairs whose texts are long and whose targets are short it does not.

`found_pairs`: a text, and its sentence most like the rest. Zhang et al. 2020 (PEGASUS, arXiv 1912.08777, section 3.1)
choose gap sentences so, each by itself by ROUGE-1 F1 with the rest of the text; there they are hidden, here they stay.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from penjing.text.sentences import split_sentences

_WORD = re.compile(r"\w+")
_SENTENCES, _WORDS = 4, 40  # a text has at least so many sentences; one that is chosen has at most so many words


def found_pairs(texts: Iterable[str], per_text: int, most_words: int, seed: int) -> Iterator[dict[str, str]]:
    """Yields ``source`` and ``target``; a text that is too short gives none.

    Args:
        texts: what is read.
        per_text: sentences that are chosen of a text, each a pair.
        most_words: of a source; of a longer text a run of sentences is taken, beginning anywhere.
        seed: of what is drawn.
    """
    rng = random.Random(seed)
    for text in texts:
        sentences = _take(split_sentences(text), most_words, rng)
        if len(sentences) >= _SENTENCES:
            source = " ".join(sentences)
            for sentence in _choose(sentences, per_text):
                yield {"source": source, "target": sentence}


def turned_pairs(texts: Iterable[str], most_words: int, seed: int) -> Iterator[dict[str, str]]:
    """Yields ``source``, a run of sentences, and ``target``, the same from a drawn one on, then those before it.

    Args:
        texts: what is read; one pair of each, none of a text without two sentences.
        most_words: of a source.
        seed: of what is drawn.
    """
    rng = random.Random(seed)
    for text in texts:
        sentences = _take(split_sentences(text), most_words, rng)
        if len(sentences) >= 2:
            start = rng.randrange(len(sentences))
            yield {"source": " ".join(sentences), "target": " ".join(sentences[start:] + sentences[:start])}


def _take(sentences: list[str], most_words: int, rng: random.Random) -> list[str]:
    lengths = [len(sentence.split()) for sentence in sentences]
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
        _f1(own, whole - own) if 5 <= own.total() <= _WORDS else 0.0
        for own in words  # the rest: all but this one
    ]
    best = sorted(range(len(sentences)), key=lambda place: -likeness[place])[:count]
    return [sentences[place] for place in best if likeness[place] > 0]


def _f1(one: Counter[str], other: Counter[str]) -> float:
    shared = (one & other).total()
    return 2 * shared / (one.total() + other.total()) if shared else 0.0
