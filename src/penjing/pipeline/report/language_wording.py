"""Sentences on how good a language model is: fewer bits per byte are better."""

from __future__ import annotations

import math

from penjing.metrics.interval import FEWEST_DIFFERING
from penjing.pipeline.report.facts import Figure
from penjing.pipeline.report.language_facts import LanguageBaseline, LanguageEvaluation, Measured
from penjing.pipeline.report.wording import Wording

_BITS, _PSEUDO = "bits_per_byte", "pseudo_bits_per_byte"
_SENTENCES = {_BITS: "sentence_bits", _PSEUDO: "sentence_pseudo_bits"}


def own_bits(evaluation: LanguageEvaluation) -> tuple[str, Measured] | None:
    """Returns the model's bits per byte, or pseudo-bits, with their name; None where they were not measured."""
    for name in (_BITS, _PSEUDO):
        figure = evaluation.scores.get(name)
        if figure is not None and figure.value is not None:
            return name, figure
    return None


def describe_quality(evaluation: LanguageEvaluation, wording: Wording) -> str:
    """Returns how good the model is; empty where that was not measured."""
    found = own_bits(evaluation)
    if found is None:
        return ""
    name, figure = found
    assert figure.value is not None
    gaps = {"documents": wording.count(evaluation.documents), "value": _bits(figure.value)}
    interval = _whole(figure)
    if interval is None:
        return wording.say(_SENTENCES[name], **gaps, interval="")
    ends = wording.say("interval_of_bits", low=_bits(interval.low), high=_bits(interval.high))
    return wording.say(_SENTENCES[name], **gaps, interval=ends)


def order_baselines(evaluation: LanguageEvaluation) -> list[tuple[str, LanguageBaseline]]:
    """Returns the baselines, that with the fewest bits per byte first."""
    return sorted(evaluation.baselines.items(), key=lambda item: _value(item[1]))


def compare_bits(evaluation: LanguageEvaluation, wording: Wording) -> tuple[str, str]:
    """Returns the verdict's kind (above: better, below, chance, or empty) and the model beside the best baseline.

    A baseline of one number for all texts has no interval, so the difference is held against the model's own.
    """
    own, ordered = evaluation.scores.get(_BITS), order_baselines(evaluation)
    if own is None or own.value is None or not ordered or not math.isfinite(_value(ordered[0][1])):
        return "", ""
    best, value = ordered[0][0], _value(ordered[0][1])
    gaps = {"name": wording.name("baseline", best), "value": _bits(value)}
    difference = _whole(evaluation.differences.get(best))
    if difference is not None:
        verdict = _judge(difference)
        low, high = _bits(difference.low), _bits(difference.high)
        gaps |= {"gap": _bits(abs(difference.value)), "low": low, "high": high}
        return verdict, wording.say(f"difference_bits_{verdict}", **gaps)
    interval = _whole(own)
    if interval is None:
        return "", ""
    if evaluation.documents < FEWEST_DIFFERING:
        return "chance", wording.say("difference_single_few", gap=_bits(abs(interval.value - value)), **gaps)
    verdict = _judge(Figure(value=interval.value - value, low=interval.low - value, high=interval.high - value))
    return verdict, wording.say(f"difference_single_{verdict}", gap=_bits(abs(interval.value - value)), **gaps)


def note_limits(evaluation: LanguageEvaluation, wording: Wording) -> list[str]:
    """Returns what must be known to read the scores."""
    documents, notes = wording.count(evaluation.documents), wording.few("texts", evaluation.documents)
    if any(name.startswith("pseudo_") for name in evaluation.scores):
        notes.append(wording.say("note_pseudo"))
    if evaluation.exact_documents < evaluation.documents:
        exact = wording.say("note_exact", exact=wording.count(evaluation.exact_documents), documents=documents)
        unknown = wording.say("note_unknown", unknown=wording.count(evaluation.unknown_tokens))
        notes.append(exact + wording.say("gap") + unknown if evaluation.unknown_tokens else exact)
    if evaluation.windowed_documents:
        windowed = wording.count(evaluation.windowed_documents)
        notes.append(wording.say("note_windowed", windowed=windowed, documents=documents))
    if evaluation.left_out_documents:
        notes.append(wording.say("note_left_out", left_out=wording.count(evaluation.left_out_documents)))
    return notes


def describe_baselines(evaluation: LanguageEvaluation, wording: Wording) -> list[str]:
    """Returns what each baseline learned from, where that is known."""
    notes = []
    for name, baseline in evaluation.baselines.items():
        learned = [("learned_tokens", baseline.training_tokens), ("learned_bytes", baseline.training_bytes)]
        notes += [
            wording.say(key, name=wording.name("baseline", name), count=wording.count(count))
            for key, count in learned
            if count is not None
        ]
    return notes


def _value(baseline: LanguageBaseline) -> float:
    figure = baseline.scores.get(_BITS)
    return math.inf if figure is None or figure.value is None else figure.value


def _whole(figure: Measured | None) -> Figure | None:
    """Returns a figure that has a value and both ends of its interval, or None."""
    if figure is None or figure.value is None or figure.low is None or figure.high is None:
        return None
    return Figure(value=figure.value, low=figure.low, high=figure.high)


def _judge(difference: Figure) -> str:
    """Returns what a difference of bits per byte says: fewer are better."""
    if difference.high < 0:
        return "above"
    return "below" if difference.low > 0 else "chance"


def _bits(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")
