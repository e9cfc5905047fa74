"""Scores of answers against several references: exact match and F1, as SQuAD and CMRC 2018 define them.

Where most references are Chinese (or of another script without spaces) the rules of CMRC 2018 hold (Cui et al. 2019,
arXiv 1810.07366, section 4.1): a character is a unit, punctuation counts nowhere, and F1 is that of the longest run of
units that answer and reference have in common. Else those of SQuAD (Rajpurkar et al. 2016, arXiv 1606.05250, section
6.1; 2018, arXiv 1806.03822): lower case, without punctuation and articles, and F1 is that of the words in common,
whatever their order. A question counts with its best reference; one without references is answered rightly by nothing.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penjing.errors import DataError
from penjing.metrics.interval import Floats, Score, bootstrap_many, count_differing, include_zero, proportion
from penjing.metrics.texts import UNSPACED, is_unspaced

SCORES = ("f1", "exact_match")
_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_ASCII_SIGNS = str.maketrans("", "", string.punctuation)
#: The signs that CMRC 2018 leaves out before it compares.
_CMRC_SIGNS = frozenset("-:_*^/\\~`+=，。：？！“”；’《》……·、「」（）－～『』")
_CMRC_UNIT = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+|[^\s\w]")
Rule = Callable[[str, str], tuple[float, float]]


def answer_scores(
    written: Sequence[str],
    references: Sequence[Sequence[str]],
    documents: Sequence[str],
    *,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """Measures answers, with percentile bootstrap intervals at 95% over documents.

    Questions of one document are hard together, so documents are drawn, not questions.

    Args:
        written: the answers, [rows]; empty: "not in the text".
        references: what is right for each, [rows]; none: the question has no answer in its text.
        documents: what each question's text is a part of, [rows].
        resamples: bootstrap resamples.
        seed: of the resamples.

    Returns:
        JSON values: ``rows``; ``scores``: ``f1`` and ``exact_match`` from 0 to 1, where some questions have no answer
        also ``answerable_f1``, ``answerable_exact_match`` and ``unanswerable_exact_match``, the share of those that
        were left unanswered; each ``{"value", "low", "high"}``; ``signature``, whose rules were followed.

    Raises:
        DataError: there are no rows, or not as many references and documents as answers.
    """
    name, _ = choose_rule(references)
    rated = rate_answers(written, references)
    sums, names = _sum_up(rated, references, documents)
    found = dict(zip(names, bootstrap_many(_ratios, [sums], resamples, seed), strict=True))
    scores = {key: _bounded(score, sums[:, place]).to_dict() for place, (key, score) in enumerate(found.items())}
    return {"rows": len(written), "scores": scores, "signature": {"f1": name}}


def answer_difference(
    written: Sequence[str],
    other: Sequence[str],
    references: Sequence[Sequence[str]],
    documents: Sequence[str],
    *,
    resamples: int,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Compares two answers to the same questions: F1 and exact match of the first less those of the second.

    Both are scored on the same resamples of documents. Arguments, and what is raised, as for `answer_scores`; where
    the two differ in fewer than six documents, zero is always in the interval: of so few, however many questions they
    have, not even all on one side would be more than chance.
    """
    gaps = rate_answers(written, references) - rate_answers(other, references)
    sums, _ = _sum_up(gaps, [("",)] * len(gaps), documents)
    scores = bootstrap_many(_ratios, [sums], resamples, seed)
    return {
        name: include_zero(score, count_differing(sums[:, place, 0])).to_dict()
        for place, (name, score) in enumerate(zip(SCORES, scores, strict=True))
    }


def rate_answers(written: Sequence[str], references: Sequence[Sequence[str]]) -> Floats:
    """Returns the F1 and the exact match of each answer, [rows, 2], each from 0 to 1.

    Raises:
        DataError: there are no rows, or not references for each.
    """
    if not len(written) or len(written) != len(references):
        raise DataError(
            f"there are {len(written):,} answers and references for {len(references):,}",
            do="Give references for each answer; an empty list where the question has none.",
        )
    _, rule = choose_rule(references)
    return np.array([_best(answer, known, rule) for answer, known in zip(written, references, strict=True)])


def choose_rule(references: Sequence[Sequence[str]]) -> tuple[str, Rule]:
    """Returns ``cmrc2018`` or ``squad`` with its rule, by what most references are written in."""
    texts = [reference for known in references for reference in known]
    return ("cmrc2018", rate_cmrc) if texts and is_unspaced(texts) else ("squad", rate_squad)


def rate_squad(answer: str, reference: str) -> tuple[float, float]:
    """Returns F1 and exact match of an answer by the rules of SQuAD.

    >>> rate_squad("the Eiffel Tower", "Eiffel tower.")
    (1.0, 1.0)
    """
    own, wanted = (_squad_words(text) for text in (answer, reference))
    if not own or not wanted:
        return float(own == wanted), float(own == wanted)
    both = (Counter(own) & Counter(wanted)).total()
    return 2 * both / (len(own) + len(wanted)), float(own == wanted)


def rate_cmrc(answer: str, reference: str) -> tuple[float, float]:
    """Returns F1 and exact match of an answer by the rules of CMRC 2018.

    >>> rate_cmrc("《战国无双》", "战国无双3")
    (0.8888888888888888, 0.0)
    """
    is_same = float(_without_signs(answer) == _without_signs(reference))
    own, wanted = (_CMRC_UNIT.findall(_without_signs(text)) for text in (answer, reference))
    if not own or not wanted:
        return float(own == wanted), is_same
    return 2 * common_run(own, wanted) / (len(own) + len(wanted)), is_same


def common_run(first: Sequence[str], second: Sequence[str]) -> int:
    """Returns the length of the longest run of units that two lists have in common.

    >>> common_run("abcd", "xbcy")
    2
    """
    longest = 0
    before = [0] * (len(second) + 1)
    for unit in first:
        row = [0] * (len(second) + 1)
        for place, other in enumerate(second, start=1):
            if unit == other:
                row[place] = before[place - 1] + 1
                longest = max(longest, row[place])
        before = row
    return longest


def choose_threshold(margins: Floats, answered: Floats, refused: Floats) -> float:
    """Returns the margin above which a question should be answered, so that the mean score is highest.

    That is the search of SQuAD 2.0 (Rajpurkar et al. 2018, section 5). Of thresholds that are equally good the middle
    of the widest gap is taken.

    Args:
        margins: by how much each best answer outweighs "not in the text", [rows].
        answered: the score of each row if it is answered, [rows].
        refused: its score if it is not, [rows].
    """
    order = np.argsort(-margins, kind="stable")
    gains = np.concatenate([[0.0], np.cumsum((answered - refused)[order])])  # of answering the first 0, 1 … rows
    edges = np.concatenate([[margins.max() + 1.0], margins[order], [margins.min() - 1.0]])
    gaps = edges[:-1] - edges[1:]  # a threshold lies between two rows; equal margins leave no place
    best = np.where(gaps > 0, gains, -np.inf).max()
    place = int(np.argmax(np.where((gaps > 0) & (gains >= best - 1e-9), gaps, -np.inf)))
    return float((edges[place] + edges[place + 1]) / 2)


def _best(answer: str, references: Sequence[str], rule: Rule) -> tuple[float, float]:
    if not references:
        return float(not answer), float(not answer)
    rated = [rule(answer, reference) for reference in references]
    return max(f1 for f1, _ in rated), max(exact for _, exact in rated)


def _squad_words(text: str) -> list[str]:
    return _ARTICLE.sub(" ", text.lower().translate(_ASCII_SIGNS)).split()


def _without_signs(text: str) -> str:
    return "".join(character for character in text.lower().strip() if character not in _CMRC_SIGNS)


def _sum_up(
    rated: Floats, references: Sequence[Sequence[str]], documents: Sequence[str]
) -> tuple[NDArray[np.float64], list[str]]:
    """Returns for each document and score the sum over questions and their number, [documents, scores, 2]."""
    if len(documents) != len(rated):
        raise DataError(f"there are {len(documents):,} documents for {len(rated):,} answers", do="Name one for each.")
    is_answerable = np.array([bool(known) for known in references])
    columns = {name: (rated[:, place], np.ones(len(rated))) for place, name in enumerate(SCORES)}
    if not is_answerable.all():
        for place, name in enumerate(SCORES if is_answerable.any() else ()):
            columns[f"answerable_{name}"] = rated[:, place] * is_answerable, is_answerable.astype(np.float64)
        columns["unanswerable_exact_match"] = rated[:, 1] * ~is_answerable, (~is_answerable).astype(np.float64)
    numbers: dict[str, int] = {}
    places = [numbers.setdefault(name, len(numbers)) for name in documents]
    sums = np.zeros((len(numbers), len(columns), 2))
    for column, (values, counted) in enumerate(columns.values()):
        np.add.at(sums[:, column, 0], places, values)
        np.add.at(sums[:, column, 1], places, counted)
    return sums, list(columns)


def _ratios(weights: Floats, sums: NDArray[np.float64]) -> Floats:
    """Returns the mean of each score over questions, [resamples, scores]; NaN where none was drawn."""
    drawn = np.einsum("rd,dsk->rsk", weights, sums)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(drawn[:, :, 0] / drawn[:, :, 1], dtype=np.float64)


def _bounded(score: Score, sums: NDArray[np.float64]) -> Score:
    """Returns the score, with Wilson's interval where all or none are right; sums are of documents, [documents, 2]."""
    right, total = sums.sum(axis=0)
    if 0 < right < total:
        return score
    asked = int(np.count_nonzero(sums[:, 1]))
    return proportion(score, asked if right else 0, asked)
