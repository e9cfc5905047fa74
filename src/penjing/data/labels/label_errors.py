"""Labels that are likely wrong, by confident learning (Northcutt, Jiang & Chuang 2021, arXiv 1911.00068).

A model is asked about every row that it has not learned from; where it is surer of another label than it usually is,
the row's own label is suspected. Whoever suspects is a cheap model: it finds what contradicts the other rows, and
takes what is only hard for wrong as well.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from penjing.data.keys import normalize_text
from penjing.data.labels.finding import Case, Finding
from penjing.data.labels.model import FOLDS, draw_folds, out_of_fold_probabilities, weigh_terms
from penjing.data.labels.table import LabelTable
from penjing.errors import MissingExtraError
from penjing.progress import Progress, stop_if_asked


@dataclass(frozen=True)
class Doubts:
    """How far labels are to be believed.

    Attributes:
        probabilities: of each label for each text, by a model that has not learned from it, [texts, labels].
        suspects: the texts whose label is likely wrong, the likeliest first, [suspects].
    """

    probabilities: NDArray[np.float64]
    suspects: NDArray[np.int64]


def doubt_labels(texts: list[str], classes: NDArray[np.int64], labels: int) -> Doubts | None:
    """Returns which labels are likely wrong; the same for the same texts, whatever their order.

    Those off the diagonal of the confident joint, ranked by self-confidence, the probability of the label given.

    Args:
        texts: [texts].
        classes: the label of each, each with five different texts at least, [texts].
        labels: how many there are, two at least.

    Raises:
        MissingExtraError: cleanlab is not installed.
    """
    if find_spec("cleanlab") is None:
        raise MissingExtraError("cleanlab", "labels", "Finding label errors")
    weights = weigh_terms(texts)
    if weights is None:
        return None
    from cleanlab.filter import find_label_issues

    probabilities = out_of_fold_probabilities(weights, classes, draw_folds(texts, classes), labels)
    suspects = find_label_issues(
        classes, probabilities, return_indices_ranked_by="self_confidence", filter_by="confident_learning", n_jobs=1
    )
    return Doubts(probabilities, np.asarray(suspects, dtype=np.int64))


def judged_labels(texts: list[str], labels: list[str]) -> tuple[list[str], list[str]]:
    """Returns the labels with texts enough to be judged, sorted, and those with fewer than five different ones."""
    pairs = {(label, normalize_text(text)) for label, text in zip(labels, texts, strict=True)}
    different = Counter(label for label, _ in pairs)
    return sorted(n for n, c in different.items() if c >= FOLDS), sorted(n for n, c in different.items() if c < FOLDS)


def find_label_errors(table: LabelTable, progress: Progress) -> Finding:
    """Finds labels that are likely wrong, over all splits together."""
    if table.separator is not None:
        return Finding("label_errors", skipped="several_labels")
    if find_spec("cleanlab") is None:
        return Finding("label_errors", skipped="no_cleanlab")
    usable = table.usable().tolist()
    names, rare = judged_labels([table.texts[row] for row in usable], [table.labels[row] for row in usable])
    if len(names) < 2:
        return Finding("label_errors", skipped="few_rows", details={"fewest": FOLDS})
    place = {name: index for index, name in enumerate(names)}
    rows = [row for row in usable if table.labels[row] in place]
    stop_if_asked(progress)
    with progress.bar("doubting", None, "labels"):
        classes = np.array([place[table.labels[row]] for row in rows], dtype=np.int64)
        doubts = doubt_labels([table.texts[row] for row in rows], classes, len(names))
    if doubts is None:
        return Finding("label_errors", skipped="no_terms")
    cases = []
    for suspect in doubts.suspects.tolist():
        chances = doubts.probabilities[suspect]
        likely = int(chances.argmax())
        values: dict[str, str | int | float] = {
            "likely": names[likely],
            "chance": float(chances[likely]),
            "given": float(chances[classes[suspect]]),
        }
        cases.append(Case((table.view(rows[suspect]),), values))
    counts = {"rows": len(cases), "judged": len(rows)}
    if rare:
        counts["not_judged"] = len(usable) - len(rows)
    return Finding("label_errors", counts, tuple(cases))
