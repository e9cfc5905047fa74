"""The page about a corpus: a single HTML file, like the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penjing.data.inspection import DroppedDocument, Inspection
from penjing.files import write_text
from penjing.pipeline.report.charts import draw_bar
from penjing.pipeline.report.difference import mark_differences
from penjing.pipeline.report.facts import OF_ROWS
from penjing.pipeline.report.report import page_style, render_template
from penjing.pipeline.report.strings import Language
from penjing.pipeline.report.wording import Wording, shorten_text

# The signals that are shares, which are read in percent; what a plug-in measures is not known.
_SHARES = frozenset(
    ("alphabetic", "bullet_lines", "ellipsis_lines", "punctuated_lines", "short_lines", "lines", "paragraphs")
)
_SHARES_OF = ("top_", "run_", "line_", "paragraph_")


@dataclass(frozen=True)
class LengthRow:
    """How many texts are of some length.

    Attributes:
        range: from how many to how many characters, as it is read.
        kept: of those that are kept.
        dropped: of those that are dropped and kept beside.
    """

    range: str
    kept: int
    dropped: int


def count_rows(found: Inspection, wording: Wording) -> list[tuple[str, str]]:
    """Returns what was counted, as it is read; without labelled rows, nothing of those."""
    counts = {name: count for name, count in found.counts.items() if isinstance(count, int)}
    shown = {name: count for name, count in counts.items() if count or name not in OF_ROWS}
    return [(wording.name("corpus", name), wording.count(count)) for name, count in shown.items()]


def detail_tables(found: Inspection, wording: Wording) -> list[tuple[str, list[tuple[str, str]]]]:
    """Returns what was counted one by one, as it is read: rules, personal data, encodings, files of other kinds."""
    of_each: list[tuple[str, str, Callable[[str], str]]] = [
        ("inspected_reasons", "reasons", lambda reason: _rule_of(reason, wording)),
        ("inspected_personal", "personal_data", lambda kind: wording.name("personal", kind)),
        ("inspected_encodings", "encodings", str),
        ("inspected_other_files", "other_files", lambda kind: kind or wording.say("no_extension")),
    ]
    tables = [
        (
            wording.say(heading),
            [(named(key), wording.count(count)) for key, count in found.counts.get(name, {}).items()],
        )
        for heading, name, named in of_each
    ]
    return [(heading, rows) for heading, rows in tables if rows]


def say_why(dropped: DroppedDocument, wording: Wording) -> str:
    """Returns why a text was dropped, what it is like apart."""
    if dropped.value is None:
        return _rule_of(dropped.reason, wording)
    name, _, rule = dropped.reason.partition(".")
    if name == "language":
        return f"{_rule_of(dropped.reason, wording)} ({wording.percent(dropped.value)})"
    is_low = dropped.low is not None and dropped.value < dropped.low
    limit = dropped.low if is_low else dropped.high
    assert limit is not None
    value, shown_limit = (_signal(rule, number, wording) for number in (dropped.value, limit))
    key = "broken_least" if is_low else "broken_most"
    return wording.say(key, filter=name, rule=wording.name("rule", rule), value=value, limit=shown_limit)


def _signal(rule: str, number: float, wording: Wording) -> str:
    """Returns a signal as it is read."""
    if rule in _SHARES or rule.startswith(_SHARES_OF):
        return wording.percent(number)
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def _rule_of(reason: str, wording: Wording) -> str:
    name, _, rule = reason.partition(".")
    if name == "overlap":
        return wording.say("reason.overlap", name=rule)
    if name == "language":
        return wording.say("reason.language", name=rule)
    if name == "personal":
        return wording.say("reason.personal", name=wording.name("personal", rule))
    return f"{name}: {wording.name('rule', rule)}" if rule else wording.name("reason", name)


def length_rows(found: Inspection, wording: Wording) -> list[LengthRow]:
    """Returns the lengths of the texts in doubling ranges, without the empty ones at both ends."""
    powers = max(len(found.lengths), len(found.dropped_lengths))
    kept = found.lengths + [0] * (powers - len(found.lengths))
    dropped = found.dropped_lengths + [0] * (powers - len(found.dropped_lengths))
    rows = [
        LengthRow(f"{wording.count(2**power)}–{wording.count(2 ** (power + 1) - 1)}", kept[power], dropped[power])
        for power in range(powers)
    ]
    filled = [place for place, row in enumerate(rows) if row.kept or row.dropped]
    return rows[filled[0] : filled[-1] + 1] if filled else []


def write_inspection(found: Inspection, name: str, path: Path, language: Language) -> None:
    """Writes the page atomically.

    Args:
        found: what it shows.
        name: of the run.
        path: of the HTML file.
        language: ``en`` or ``zh``.
    """
    wording = Wording(language)
    rows = length_rows(found, wording)
    values: dict[str, Any] = {
        "w": wording,
        "name": name,
        **page_style(),
        "counts": count_rows(found, wording),
        "tables": detail_tables(found, wording),
        "faults": found.faults,
        "more_faults": found.more_faults,
        "lengths": [(row, draw_bar(row.kept / max(1, *(other.kept for other in rows)))) for row in rows],
        "has_dropped": bool(found.dropped),
        "sources": [(source, wording.count(count)) for source, count in found.sources.items()],
        "kept": found.kept,
        "dropped": [_describe(dropped, wording) for dropped in found.dropped],
        "shorten": shorten_text,
    }
    write_text(path, render_template("inspection.html.jinja", values))


def _describe(dropped: DroppedDocument, wording: Wording) -> dict[str, Any]:
    sides = None if dropped.like is None else mark_differences(dropped.document.text, dropped.like.text)
    return {"document": dropped.document, "reason": say_why(dropped, wording), "like": dropped.like, "sides": sides}
