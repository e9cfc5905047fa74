"""How well questions are answered over a folder of documents: recall of the search, and scores of the first answer."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from penjing.data.question_rows import Question
from penjing.errors import DataError
from penjing.metrics.interval import wilson_interval
from penjing.metrics.texts import list_words
from penjing.progress import Progress, stop_if_asked
from penjing.tasks.document_answers import DocumentReader
from penjing.tasks.passage_index import Passage, PassageIndex

DEPTHS = (1, 5, 10, 20)


def evaluate_documents(
    reader: DocumentReader, questions: Sequence[Question], *, resamples: int, seed: int, progress: Progress
) -> dict[str, Any]:
    """Asks questions of a folder, without the texts that they were put to.

    A passage counts as found if it holds the words of one of the references one after another, without case and signs
    (Karpukhin et al. 2020, arXiv 2004.04906, section 4.1, of their "answer recall"); each character is a word where a
    script has no spaces. Short references are in passages by chance too.

    Args:
        reader: is asked.
        questions: with references; those without an answer are left out.
        resamples: bootstrap resamples behind the intervals of the answers' scores.
        seed: of the resamples.
        progress: told how many questions are answered.

    Returns:
        JSON values: ``rows``; ``scores``: ``recall_at_1`` … ``recall_at_20`` with Wilson's 95% intervals, and the
        task's scores of the first answer, ``f1`` and ``exact_match``; ``signature``.

    Raises:
        DataError: no question has an answer.
        Interrupted: the user asked to stop.
    """
    asked = [question for question in questions if question.is_answerable]
    if not asked:
        raise DataError("no question has an answer", do="Give questions with references.")
    found, written = search_documents(reader.index, asked, progress), []
    with progress.bar("answers", len(asked), "questions") as bar:
        for question, passages in zip(asked, found, strict=True):
            stop_if_asked(progress)
            answers = reader.read(question.question, passages[: reader.passages])
            written.append(answers[0].answer if answers else "")
            bar.advance(1)
    references, documents = [item.answers for item in asked], [item.document for item in asked]
    measured = reader.model.task.score(written, references, documents, resamples, seed)
    scores = {**recall_scores(found, asked), **measured["scores"]}
    return {**measured, "scores": scores, "passages_read": reader.passages}


def search_documents(index: PassageIndex, questions: Sequence[Question], progress: Progress) -> list[list[Passage]]:
    """Returns the best passages for each question, the best first.

    Args:
        index: of a folder.
        questions: what is asked.
        progress: told how many were searched for.

    Raises:
        Interrupted: the user asked to stop.
    """
    found = []
    with progress.bar("search", len(questions), "questions") as bar:
        for question in questions:
            stop_if_asked(progress)
            found.append(index.search(question.question, max(DEPTHS)))
            bar.advance(1)
    return found


def recall_scores(found: Sequence[Sequence[Passage]], questions: Sequence[Question]) -> dict[str, dict[str, float]]:
    """Returns how often one of the first passages holds a reference, ``recall_at_1`` …, with Wilson's 95% intervals.

    Args:
        found: passages for each question, the best first.
        questions: with references.
    """
    texts: dict[str, str] = {}
    hits = dict.fromkeys(DEPTHS, 0)
    for passages, question in zip(found, questions, strict=True):
        wanted = [_as_words(answer) for answer in question.answers]
        for rank, passage in enumerate(passages, start=1):
            if passage.text not in texts:
                texts[passage.text] = _as_words(passage.text)
            if any(answer in texts[passage.text] for answer in wanted):
                for depth in DEPTHS:
                    hits[depth] += rank <= depth
                break
    return {f"recall_at_{depth}": _share(count, len(questions)) for depth, count in hits.items()}


def _as_words(text: str) -> str:
    """Returns the words of a text with a space around each, so that what holds them holds none of them in part."""
    words = list_words(unicodedata.normalize("NFKC", text))
    return f" {' '.join(words)} " if words else text.strip()


def _share(count: int, rows: int) -> dict[str, float]:
    low, high = wilson_interval(count, rows)
    return {"value": count / rows, "low": float(low), "high": float(high)}
