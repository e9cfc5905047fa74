"""All checks of labelled rows."""

from __future__ import annotations

from dataclasses import dataclass

from penjing.data.labels.balance import Balance, weigh_labels
from penjing.data.labels.finding import Check, Finding
from penjing.data.labels.label_errors import find_label_errors
from penjing.data.labels.leakage import find_near_text, find_same_group, find_same_text, find_same_time
from penjing.data.labels.missing import find_missing
from penjing.data.labels.repeats import find_conflicts, find_repeats
from penjing.data.labels.schema import Column
from penjing.data.labels.several import likely_separator
from penjing.data.labels.spelling import find_spellings
from penjing.data.labels.table import LabelTable
from penjing.progress import Progress, stop_if_asked

#: What is looked for, in the order in which it is shown.
CHECKS: tuple[Check, ...] = (
    find_missing,
    find_spellings,
    find_conflicts,
    find_repeats,
    find_same_text,
    find_near_text,
    find_same_group,
    find_same_time,
    find_label_errors,
)


@dataclass(frozen=True)
class CheckedLabels:
    """What is known of labelled rows.

    Attributes:
        files: their names.
        rows: how many there are.
        splits: how many are in each.
        columns: what the files hold.
        balance: how many rows each label has.
        findings: of the checks that apply, in the order of `CHECKS`.
        separator: what seems to stand between several labels of a row, where each was taken for one; a guess.
    """

    files: list[str]
    rows: int
    splits: dict[str, int]
    columns: list[Column]
    balance: Balance
    findings: list[Finding]
    separator: str | None = None


def check_labels(table: LabelTable, progress: Progress) -> CheckedLabels:
    """Looks at labelled rows from all sides; the same rows give the same findings.

    Raises:
        DataError: the column of times holds something else.
        Interrupted: the user asked to stop.
    """
    findings = []
    for check in CHECKS:
        stop_if_asked(progress)
        finding = check(table, progress)
        if finding is not None:
            findings.append(finding)
    splits = {name: int((table.split == index).sum()) for index, name in enumerate(table.splits)}
    guess = likely_separator(table.labels) if table.separator is None else None
    return CheckedLabels(table.files, len(table), splits, table.columns, weigh_labels(table), findings, guess)
