"""Questions made of texts, to practise on before real ones: a part of a sentence is asked for.

A sentence is taken, a number, a name in brackets, a foreign word or a short run of characters in it becomes the answer,
and what stands around it, with some of its characters left out, becomes the question, "什么" in the place of the answer
(cloze questions, as Lewis et al. 2019, arXiv 1906.04980, begin with). Nobody has to write anything; what is practised
is to find the place that a question is about, and to stop where the answer ends.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from typing import Any

from penjing.text.sentences import split_sentences

_ENTITIES = re.compile(
    r"\d[\d.,]*(?:年|月|日|个|人|米|公里|万|亿|%)*|《[^》]{1,20}》|「[^」]{1,20}」|“[^”]{1,20}”|[A-Za-z][\w -]+"
)
_RUN = re.compile(r"[一-鿿]{2,}")
_AROUND = 24  # characters of the sentence that a question keeps on each side
_DROPPED = 0.15  # of those


def make_questions(texts: Iterable[str], per_text: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yields documents in the layout of SQuAD, one for each text that has a sentence to ask about.

    Args:
        texts: what is asked about.
        per_text: most questions of a text.
        seed: of what is drawn.
    """
    rng = random.Random(seed)
    for number, text in enumerate(texts):
        sentences = [sentence for sentence in split_sentences(text) if 12 <= len(sentence) <= 120]
        if len(text) < 40 or len(sentences) < 2:
            continue
        asked = []
        for sentence in rng.sample(sentences, min(per_text, len(sentences))):
            question = _ask(text, sentence, rng)
            if question is not None:
                asked.append({"id": f"cloze-{number}-{len(asked)}", **question})
        if asked:
            yield {"title": f"cloze {number}", "paragraphs": [{"context": text, "qas": asked}]}


def _ask(text: str, sentence: str, rng: random.Random) -> dict[str, Any] | None:
    spans = [match.span() for match in _ENTITIES.finditer(sentence) if len(match.group()) < len(sentence) - 8]
    if not spans or rng.random() < 0.4:
        runs = [match.span() for match in _RUN.finditer(sentence)]
        if not runs:
            return None
        start, end = rng.choice(runs)
        length = min(end - start, rng.randint(2, 10))
        first = rng.choice((start, end - length))  # where a clause begins or ends, answers do too
        spans = [(first, first + length)]
    start, end = rng.choice(spans)
    answer = sentence[start:end].strip()
    if not answer:
        return None
    before, after = sentence[max(0, start - _AROUND) : start], sentence[end : end + _AROUND]
    word = "哪年" if answer.endswith("年") else "多少" if answer[0].isdigit() else "什么"
    kept = ["".join(character for character in side if rng.random() >= _DROPPED) for side in (before, after)]
    question = f"{kept[0]}{word}{kept[1]}".strip("。！？；，")
    place = text.index(sentence) + sentence.index(answer, start)
    return {"question": f"{question}？", "answers": [{"text": answer, "answer_start": place}]}
