"""What was found about labels, as it is read, and the page about it: a single HTML file, like the report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penjing.data.labels.balance import Balance, LabelCount
from penjing.data.labels.checking import CheckedLabels
from penjing.data.labels.finding import Case, Finding
from penjing.data.labels.table import WHOLE, RowView
from penjing.files import write_text
from penjing.pipeline.report.charts import draw_bar
from penjing.pipeline.report.report import page_style, render_template
from penjing.pipeline.report.strings import Language
from penjing.pipeline.report.wording import Wording, shorten_text

_SHARES = ("similarity", "chance", "given")
_ROWS_A_CASE = 8
_MOST_LABELS = 40


@dataclass(frozen=True)
class FindingRow:
    """A line about a check.

    Attributes:
        name: what was looked for.
        found: how many there are; empty where it was not done.
        remark: what they are made of, or why it was not done.
        is_clean: whether it was done and nothing was found.
    """

    name: str
    found: str
    remark: str
    is_clean: bool


def finding_row(finding: Finding, wording: Wording) -> FindingRow:
    """Returns a check in one line."""
    name = wording.name("check", finding.check)
    if finding.skipped:
        why = wording.name("check_skipped", finding.skipped, **finding.details)
        return FindingRow(name, "", f"{wording.say('checked_not_done')}: {why}", False)
    _, *details = finding.counts.items()
    shown = [
        wording.name("check_count", key, count=wording.count(count))
        for key, count in details
        if count and (finding.found or key.endswith("judged"))
    ]
    return FindingRow(name, wording.count(finding.found), " · ".join(shown), not finding.found)


def say_case(finding: Finding, case: Case, wording: Wording) -> str:
    """Returns what is said of the rows of a case; empty where the rows say it all."""
    if not case.values:
        return ""
    values = {key: wording.percent(float(value)) if key in _SHARES else value for key, value in case.values.items()}
    return wording.say(f"case.{finding.check}", **{"label": case.rows[0].label, **values})


def group_by_text(case: Case) -> list[tuple[str, list[RowView]]]:
    """Returns the texts of a case, each with its rows, so that none is shown twice."""
    groups: dict[str, list[RowView]] = {}
    for row in case.rows[:_ROWS_A_CASE]:
        groups.setdefault(row.text, []).append(row)
    return list(groups.items())


def say_rows(found: CheckedLabels, wording: Wording) -> str:
    """Returns how many rows there are, and in which splits."""
    files = wording.say("comma").join(found.files)
    whole = wording.say("checked_rows", rows=wording.count(found.rows), files=files)
    if list(found.splits) == [WHOLE]:
        return whole
    parts = [
        wording.say("checked_split", name=wording.name("label_split", name), count=wording.count(count))
        for name, count in found.splits.items()
    ]
    return wording.say("checked_rows_split", whole=whole, parts=" · ".join(parts))


def shown_labels(balance: Balance, wording: Wording) -> tuple[list[LabelCount], str]:
    """Returns the most frequent labels, and how many more there are as it is read; empty where all are shown."""
    left = len(balance.labels) - _MOST_LABELS
    more = wording.say("checked_more_labels", count=wording.count(left)) if left > 0 else ""
    return balance.labels[:_MOST_LABELS], more


def say_balance(balance: Balance, wording: Wording) -> str:
    """Returns a sentence on how unequal labels are."""
    if not balance.labels:
        return wording.say("checked_no_label")
    if len(balance.labels) == 1 or balance.ratio is None:
        return wording.say("checked_one_label")
    first, last = balance.labels[0], balance.labels[-1]
    ratio = f"{balance.ratio:.1f}" if balance.ratio < 100 else wording.count(round(balance.ratio))
    return wording.say("checked_ratio", rarest=last.label, ratio=ratio, commonest=first.label)


def write_checked_labels(found: CheckedLabels, name: str, path: Path, rows: int, language: Language) -> None:
    """Writes the page atomically.

    Args:
        found: what it shows.
        name: of the data.
        path: of the HTML file.
        rows: how many cases of each check are shown.
        language: ``en`` or ``zh``.
    """
    wording = Wording(language)
    labels, more_labels = shown_labels(found.balance, wording)
    most = max((count.rows for count in labels), default=1)
    values: dict[str, Any] = {
        "w": wording,
        "name": name,
        **page_style(),
        "found": found,
        "rows_sentence": say_rows(found, wording),
        "balance_sentence": say_balance(found.balance, wording),
        "splits": [] if list(found.splits) == [WHOLE] else list(found.splits),
        "labels": [(count, draw_bar(count.rows / most)) for count in labels],
        "more_labels": more_labels,
        "findings": [finding_row(finding, wording) for finding in found.findings],
        "cases": [_describe(finding, rows, wording) for finding in found.findings if finding.cases and rows],
        "shorten": shorten_text,
    }
    write_text(path, render_template("label_checks.html.jinja", values))


def _describe(finding: Finding, rows: int, wording: Wording) -> dict[str, Any]:
    left = len(finding.cases) - rows
    return {
        "id": finding.check,
        "title": wording.name("check", finding.check),
        "note": wording.name("check_note", finding.check),
        "cases": [(group_by_text(case), say_case(finding, case, wording)) for case in finding.cases[:rows]],
        "more": wording.say("checked_more", count=wording.count(left)) if left > 0 else "",
    }
