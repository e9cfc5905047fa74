"""Numbers and sentences in the language of the report."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any

from penjing.data.scripts import SPACELESS
from penjing.metrics.interval import FEWEST_DIFFERING
from penjing.pipeline.report.facts import Evaluation, Figure
from penjing.pipeline.report.strings import STRINGS, Language

_MOST_LABELS_NAMED = 6
_CALIBRATED_WITHIN = 0.02
_LARGE = {"en": ((10**9, " billion"), (10**6, " million")), "zh": ((10**8, " 亿"), (10**4, " 万"))}
_COMPACT = {"en": ((10**9, " B"), (10**6, " M"), (10**3, " k")), "zh": ((10**8, " 亿"), (10**4, " 万"))}
_RATES = ((10**12, "\u00a0TFLOP/s"), (10**9, "\u00a0GFLOP/s"))
#: Scores that are no shares, and are read as numbers with three decimals.
NUMBERS = frozenset(
    {"loss", "mae", "qwk", "faithfulness", "bits_per_byte", "pseudo_bits_per_byte", "ndcg_10", "mrr"}
) | {
    *("reward_margin", "chosen_change", "rejected_change"),
}
#: Scores that are read as numbers up to 100, or as lengths, with what they are multiplied by.
OF_HUNDRED = {
    **dict.fromkeys(("bleu", "chrf", "length", "reference_length"), 1),
    **dict.fromkeys(("rouge1", "rouge2", "rougeL"), 100),
}
_LONGEST_TEXT = 360  # characters
_LARGEST_PERPLEXITY = 10**7
_EDGE = "\x00"  # of a gap, while strings are filled; no text holds it
#: A space at an edge of a gap between two Chinese characters.
_NEEDLESS = re.compile(f"(?<=[{SPACELESS}]) (?={_EDGE}[{SPACELESS}])|(?<=[{SPACELESS}]{_EDGE}) (?=[{SPACELESS}])")
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


class Wording:
    """Says things in one language.

    Args:
        language: ``en`` or ``zh``.
    """

    def __init__(self, language: Language) -> None:
        self._language, self._strings = language, STRINGS[language]

    def say(self, key: str, **gaps: object) -> str:
        """Returns a string with its gaps filled."""
        return _fill(self._strings[key], gaps)

    def name(self, kind: str, name: str, **gaps: object) -> str:
        """Returns the word for a name of some kind (``stage``, ``baseline`` …), or the name itself if it has none."""
        string = self._strings.get(f"{kind}.{name}")
        if string is not None:
            return _fill(string, gaps)
        plain = name.replace("_", " ")
        return f"{plain}: {gaps['count']}" if "count" in gaps else plain

    def count(self, number: int) -> str:
        """Returns 12,345."""
        return f"{number:,}"

    def percent(self, share: float) -> str:
        """Returns 81.3%."""
        return f"{100 * share:.1f}%"

    def fine_percent(self, share: float) -> str:
        """Returns a small share with two decimals: 0.03%."""
        return f"{100 * share:.2f}%"

    def points(self, share: float, *, signed: bool = True) -> str:
        """Returns a difference of shares in points, with a real minus sign: 4.5, −0.3."""
        tenths = round(1000 * share) / 10
        return f"{'−' if signed and tenths < 0 else ''}{abs(tenths):.1f}"

    def moment(self, moment: str) -> str:
        """Returns an ISO 8601 date and time to the minute, as 2026-03-02 21:14 UTC."""
        zone = " UTC" if moment.endswith(("Z", "+00:00")) else ""
        return moment[:16].replace("T", " ") + zone

    def parameters(self, number: int) -> str:
        """Returns 6.8 million, 682 万."""
        return _scaled(number, _LARGE[self._language], self.count(number))

    def compact(self, number: float) -> str:
        """Returns a number for an axis: 250 k, 25 万."""
        return _scaled(number, _COMPACT[self._language], f"{number:,.0f}", is_short=True)

    def duration(self, seconds: float) -> str:
        """Returns 0.42 s, 8.1 s, 2 min 05 s, 3 h 10 min."""
        if seconds < 59.95:
            return self.say("second", value=f"{seconds:.1f}" if seconds >= 1 else f"{seconds:.2f}")
        whole = round(seconds)
        if whole < 3600:
            return self.say("minute", minutes=whole // 60, seconds=f"{whole % 60:02d}")
        minutes = round(seconds / 60)
        return self.say("hour", hours=minutes // 60, minutes=f"{minutes % 60:02d}")

    def milliseconds(self, seconds: float) -> str:
        """Returns 27 ms."""
        return self.say("milliseconds", value=f"{1000 * seconds:,.0f}")

    def memory(self, megabytes: float | None) -> str:
        """Returns 812 MB, 1.4 GB."""
        if megabytes is None:
            return "–"
        return f"{megabytes / 1000:,.1f} GB" if megabytes >= 1000 else f"{megabytes:,.0f} MB"

    def energy(self, joules: float | None) -> str:
        """Returns 812 J, 1.4 kJ, 2.3 MJ."""
        if joules is None:
            return "–"
        return _scaled(joules, ((10**6, " MJ"), (10**3, " kJ")), f"{joules:,.0f} J")

    def rate(self, operations: float) -> str:
        """Returns operations a second as 860 GFLOP/s, 1.2 TFLOP/s."""
        return _scaled(
            operations, ((10**12, "\u00a0TFLOP/s"), (10**9, "\u00a0GFLOP/s")), f"{operations / 1e6:,.0f}\u00a0MFLOP/s"
        )

    def power_of_ten(self, number: float) -> str:
        """Returns a very large or very small number as 6.7 × 10¹²."""
        digits, _, exponent = f"{number:.1e}".partition("e")
        return f"{digits} × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}"

    def small(self, number: float) -> str:
        """Returns a number near 0 as 3.4 × 10⁻⁷, and 0 as 0."""
        return self.power_of_ten(number) if number else "0"

    def score(self, name: str, value: float) -> str:
        """Returns a score as it is read: a loss or bits with three decimals, BLEU as 33.1, all else in percent."""
        if name.endswith("perplexity"):
            return self.perplexity(value)
        if name in OF_HUNDRED:
            return f"{OF_HUNDRED[name] * value:.1f}".replace("-", "−")
        return (f"{value:.3f}" if name in NUMBERS else self.percent(value)).replace("-", "−")

    def gap(self, name: str, value: float) -> str:
        """Returns how far two scores are apart: shares in points, all else as `score` does."""
        return self.say("points", value=self.points(abs(value))) if is_share(name) else self.score(name, abs(value))

    def gap_end(self, name: str, value: float) -> str:
        """Returns an end of the interval of that, signed and without a unit."""
        return self.points(value) if is_share(name) else self.score(name, value)

    def perplexity(self, value: float) -> str:
        """Returns 42.1, 4,835, 2.2 × 10⁷."""
        if value >= _LARGEST_PERPLEXITY:
            return self.power_of_ten(value)
        return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"

    def interval(self, name: str, figure: Figure) -> str:
        """Returns 79.5–83.0, in the units of `score`."""
        low, high = (self.score(name, end).removesuffix("%") for end in (figure.low, figure.high))
        return self.say("from_to", low=low, high=high) if figure.low < 0 else f"{low}–{high}"

    def few(self, units: str, count: int) -> list[str]:
        """Returns what must be known of intervals over so few documents, dialogues or texts; nothing where they do."""
        return [self.name("few", units, count=self.count(count))] if count < FEWEST_DIFFERING else []

    def labels(self, labels: Sequence[str]) -> str:
        """Returns the labels as a phrase, or how many they are."""
        if len(labels) > _MOST_LABELS_NAMED or len(labels) < 2:
            return self.say("many_labels", count=len(labels))
        *first, last = (self.say("quoted_label", label=label) for label in labels)
        return self.say("and", first=self.say("comma").join(first), last=last)

    def value(self, value: bool | int | float | str) -> str:
        """Returns any plain value."""
        if isinstance(value, bool):
            return self.say("yes" if value else "no")
        return self.count(value) if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else value

    def headline(self, evaluation: Evaluation) -> tuple[str, str, str]:
        """Returns the verdict's kind (above, below, chance, or empty), how good it is, and beside the best baseline."""
        accuracy = evaluation.scores["accuracy"]
        first = self.say(
            "accuracy_sentence",
            rows=self.count(evaluation.rows),
            value=self.percent(accuracy.value),
            low=self.percent(accuracy.low),
            high=self.percent(accuracy.high),
        )
        best = best_baseline(evaluation)
        if best is None or best not in evaluation.difference:
            return "", first, ""
        difference = evaluation.difference[best]
        verdict = judge(difference)
        return (
            verdict,
            first,
            self.say(
                f"difference_{verdict}",
                name=self.name("baseline", best),
                value=self.percent(evaluation.baselines[best].scores["accuracy"].value),
                points=self.points(difference.value, signed=False),
                low=self.points(difference.low),
                high=self.points(difference.high),
            ),
        )

    def calibration(self, evaluation: Evaluation) -> str:
        """Returns a sentence on whether the model's confidence fits."""
        rows = sum(part.count for part in evaluation.reliability)
        confidence = sum(part.confidence * part.count for part in evaluation.reliability) / rows
        accuracy = sum(part.accuracy * part.count for part in evaluation.reliability) / rows
        gap = confidence - accuracy
        verdict = "calibrated" if abs(gap) < _CALIBRATED_WITHIN else "overconfident" if gap > 0 else "underconfident"
        return self.say(
            "reliability_note",
            confidence=self.percent(confidence),
            accuracy=self.percent(accuracy),
            verdict=self.say(verdict),
        )


def is_share(score: str) -> bool:
    """Returns whether a score is read in percent."""
    return not (score.endswith("perplexity") or score in OF_HUNDRED or score in NUMBERS)


def shorten_text(text: str, longest: int = _LONGEST_TEXT) -> str:
    """Returns the beginning of a long text."""
    return text if len(text) <= longest else text[:longest].rstrip() + "…"


def best_baseline(evaluation: Evaluation) -> str | None:
    """Returns the name of the baseline with the highest accuracy."""
    scores = {name: baseline.scores["accuracy"].value for name, baseline in evaluation.baselines.items()}
    return max(scores, key=lambda name: scores[name]) if scores else None


def judge(difference: Figure) -> str:
    """Returns whether the model is ``above`` or ``below`` the other, or whether that may be ``chance``."""
    if difference.low > 0:
        return "above"
    return "below" if difference.high < 0 else "chance"


def _scaled(number: float, scales: Sequence[tuple[int, str]], otherwise: str, *, is_short: bool = False) -> str:
    for size, word in scales:
        if number >= size:
            scaled = number / size
            digits = f"{scaled:,.0f}" if scaled >= 100 else f"{scaled:.1f}"
            return (digits.removesuffix(".0") if is_short else digits) + word
    return otherwise


class _MarksGaps(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return f"{_EDGE}{super().format_field(value, format_spec)}{_EDGE}"


def _fill(string: str, gaps: Mapping[str, object]) -> str:
    """Returns a string with its gaps filled: a space sets a number or a Latin word apart, but no Chinese one."""
    return _NEEDLESS.sub("", _MarksGaps().vformat(string, (), gaps)).replace(_EDGE, "")
