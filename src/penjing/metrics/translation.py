"""Scores of translations: BLEU (Papineni et al. 2002) and chrF (Popović 2015), as sacrebleu computes them (Post 2018).

Both are functions of sums over sentences: n-grams written, n-grams in the reference, n-grams in both, and lengths.
sacrebleu cuts and counts; a resample adds up the counts of the sentences drawn, and all resamples at once become
scores here, by the formulas of sacrebleu.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from penjing.errors import MissingExtraError
from penjing.metrics.interval import Floats, bootstrap_many, include_zero
from penjing.metrics.texts import UNSPACED, check_references, count_references, is_unspaced

SCORES = ("bleu", "chrf")
_WORD_ORDER = 4
_CHARACTER_ORDER = 6
_BETA = 2.0  # recall counts twice as much as precision
_BLEU_COUNTS = 2 + 2 * _WORD_ORDER
_CHINESE = frozenset({"zh", "yue", "wuu", "lzh"})
_WITHOUT_SPACES = frozenset({"ja", "th", "lo", "km", "my"})
_NREFS = re.compile("nrefs:[a-z0-9]+")
_UNSPACED_CHARACTER = re.compile(f"[{UNSPACED}]")
_NOT_CHINESE = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff]")
_MOST_NOT_CHINESE = 0.1  # of the characters; of Japanese, a third and more are kana


def translation_scores(
    written: Sequence[str],
    references: Sequence[str | Sequence[str]],
    *,
    language: str | None = None,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """Measures translations against their references, with percentile bootstrap intervals over sentences at 95%.

    Args:
        written: the translations, [rows]; an empty one counts.
        references: what they should say, one each or several, [rows].
        language: code of the language written into, such as ``de`` or ``zh``; without it the script of the references
            decides. BLEU cuts Chinese with sacrebleu's tokenizer ``zh``, other languages without spaces into
            characters (``char``), and every other one with ``13a``.
        resamples: bootstrap resamples.
        seed: of the resamples.

    Returns:
        JSON values: ``rows``; ``scores`` with ``bleu`` and ``chrf``, from 0 to 100, each ``{"value", "low", "high"}``;
        ``signature``, sacrebleu's for each of them, which a published score must share to be compared.

    Raises:
        DataError: there are no rows, or not a reference for each text.
        MissingExtraError: sacrebleu is not installed.
        UsageError: ``resamples`` is below 1.
    """
    wanted = check_references(written, references)
    counts, signature = _count(written, wanted, language)
    scores = bootstrap_many(_all_scores, [counts], resamples, seed)
    named = {name: score.to_dict() for name, score in zip(SCORES, scores, strict=True)}
    return {"rows": len(written), "scores": named, "signature": signature}


def translation_difference(
    written: Sequence[str],
    other: Sequence[str],
    references: Sequence[str | Sequence[str]],
    *,
    language: str | None = None,
    resamples: int,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Compares two translations of the same sentences: the scores of the first less those of the second.

    Both are scored on the same resamples (Koehn 2004, Statistical significance tests for machine translation
    evaluation). Where fewer than six sentences are counted differently, zero is always in the interval, as in
    `penjing.metrics.interval.paired_difference`.

    Args:
        written: the one's translations, [rows].
        other: the other's, [rows].
        references: what they should say, [rows].
        language: as `translation_scores` takes it.
        resamples: bootstrap resamples.
        seed: of the resamples.

    Returns:
        JSON values: ``bleu`` and ``chrf``, each ``{"value", "low", "high"}``.

    Raises:
        DataError: there are no rows, or not a reference for each text.
        MissingExtraError: sacrebleu is not installed.
        UsageError: ``resamples`` is below 1.
    """
    wanted = check_references(written, references, other=other)
    (own, _), (others, _) = _count(written, wanted, language), _count(other, wanted, language)
    scores = bootstrap_many(_all_differences, [own, others], resamples, seed)
    of_score = (slice(None, _BLEU_COUNTS), slice(_BLEU_COUNTS, None))
    return {
        name: include_zero(score, int((own[:, part] != others[:, part]).any(axis=1).sum())).to_dict()
        for name, score, part in zip(SCORES, scores, of_score, strict=True)
    }


def sentence_chrf(written: str, references: Sequence[str]) -> float:
    """Returns the chrF2 of one text, from 0 to 100, by the reference that fits best: to order texts, not to publish.

    Raises:
        MissingExtraError: sacrebleu is not installed.
    """
    try:
        from sacrebleu import CHRF
    except ImportError as error:
        raise MissingExtraError("sacrebleu", "writing", "Scoring translations") from error
    return float(CHRF().sentence_score(written, list(references)).score)


def _count(
    written: Sequence[str], references: Sequence[Sequence[str]], language: str | None
) -> tuple[Floats, dict[str, str]]:
    """Returns the counts of each sentence and the signatures.

    The counts are [rows, 10 + 18]: for BLEU the lengths of text and reference, the words in a row (1 to 4) that are in
    both, and those of the text; for chrF, for 1 to 6 characters in a row, those of the text, of the reference, of both.
    Of several references BLEU takes for each run of words the one that has it most often, and for the length the
    closest; chrF takes the one by which the sentence is best, the first of equals, as sacrebleu does.
    """
    try:
        from sacrebleu import BLEU, CHRF, extract_char_ngrams
    except ImportError as error:
        raise MissingExtraError("sacrebleu", "writing", "Scoring translations") from error
    flat = [reference for row in references for reference in row]
    bleu, chrf = BLEU(tokenize=_choose_tokenizer(flat, language)), CHRF()
    counts = np.zeros((len(written), _BLEU_COUNTS + 3 * _CHARACTER_ORDER))
    for row, (text, several) in enumerate(zip(written, references, strict=True)):
        # A sentence as a corpus of its own: its counts are public there, and no warning tells that it is short.
        found = bleu.corpus_score([text], [[reference] for reference in several])
        cells: list[int] = [found.sys_len, found.ref_len, *found.counts, *found.totals]
        reference = several[0]
        if len(several) > 1:
            reference = max(several, key=lambda one: chrf.sentence_score(text, [one]).score)
        for size in range(1, _CHARACTER_ORDER + 1):
            own, wanted = extract_char_ngrams(text, size), extract_char_ngrams(reference, size)
            # As sacrebleu has it: what could not match in a reference so short is not held against the text.
            cells += [own.total() if wanted else 0, wanted.total(), (own & wanted).total()]
        counts[row] = cells
    chrf.corpus_score([written[0]], [[references[0][0]]])  # a signature is made once something was scored
    return counts, {
        name: _NREFS.sub(f"nrefs:{count_references(references)}", str(metric.get_signature()))
        for name, metric in (("bleu", bleu), ("chrf", chrf))
    }


def _choose_tokenizer(references: Sequence[str], language: str | None) -> str:
    if language is not None:
        code = language.lower().replace("_", "-").split("-")[0]
        return "zh" if code in _CHINESE else "char" if code in _WITHOUT_SPACES else "13a"
    if not is_unspaced(references):
        return "13a"
    characters = sum(len(_UNSPACED_CHARACTER.findall(text)) for text in references)
    others = sum(len(_NOT_CHINESE.findall(text)) for text in references)
    return "zh" if others <= _MOST_NOT_CHINESE * characters else "char"


def _all_differences(weights: Floats, own: Floats, other: Floats) -> Floats:
    return _all_scores(weights, own) - _all_scores(weights, other)


def _all_scores(weights: Floats, counts: Floats) -> Floats:
    """Returns BLEU and chrF, [resamples, 2]."""
    totals = weights @ counts
    return np.stack([_bleu(totals[:, :_BLEU_COUNTS]), _chrf(totals[:, _BLEU_COUNTS:])], axis=1)


def _bleu(totals: Floats) -> Floats:
    """Returns BLEU, [resamples]; an order without a match counts 1/2, 1/4, … of one (NIST's, ``smooth:exp``)."""
    length, wanted = totals[:, 0], totals[:, 1]
    both, own = totals[:, 2 : 2 + _WORD_ORDER], totals[:, 2 + _WORD_ORDER :]
    missed = both == 0.0
    matches = np.where(missed, 0.5 ** np.cumsum(missed, axis=1), both)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.exp(np.log(matches / own).mean(axis=1))
        penalty = np.where(length < wanted, np.exp(1.0 - wanted / length), 1.0)
        score = 100.0 * penalty * precision
    defined = (own > 0.0).all(axis=1) & ~missed.all(axis=1)
    return np.where(defined, score, 0.0)


def _chrf(totals: Floats) -> Floats:
    """Returns chrF2, [resamples]: F of the mean precision and recall of the orders that both sides have."""
    own, wanted, both = totals[:, 0::3], totals[:, 1::3], totals[:, 2::3]  # each [resamples, order]
    defined = (own > 0.0) & (wanted > 0.0)
    orders = np.maximum(1, defined.sum(axis=1))
    precision = np.divide(both, own, out=np.zeros_like(own), where=defined).sum(axis=1) / orders
    recall = np.divide(both, wanted, out=np.zeros_like(own), where=defined).sum(axis=1) / orders
    below = _BETA**2 * precision + recall
    above = (1.0 + _BETA**2) * precision * recall
    return np.asarray(100.0 * np.divide(above, below, out=np.zeros_like(below), where=below > 0.0), dtype=np.float64)
