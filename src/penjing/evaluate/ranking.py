"""Scores of a model that ranks items, with 95% intervals over users, beside baselines on the same questions.

Every item is ranked that the user has not had, not a sample of them, which would change the order of methods
(Krichene & Rendle 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penjing.data.histories import Catalog, Numbers, Questions
from penjing.errors import DataError
from penjing.metrics.ranking import Places, best_first, find_places, join_places, popularity_bands
from penjing.progress import Progress, stop_if_asked
from penjing.tasks.baselines.recommendation import Popular
from penjing.tasks.item_model import ItemModel
from penjing.tasks.task import ItemTask

_AT_ONCE = 512
_SHOWN_HISTORY, _SHOWN_ITEMS = 3, 3
Rank = Callable[[Sequence[Numbers]], NDArray[np.floating]]


def evaluate_ranking(
    model: ItemModel, questions: Questions, *, resamples: int, examples: int, seed: int, progress: Progress
) -> tuple[dict[str, Any], Places]:
    """Measures a model.

    Args:
        model: what is measured.
        questions: histories and what came next.
        resamples: bootstrap resamples behind each interval.
        examples: how many questions are listed, drawn.
        seed: of the resamples and the draw.
        progress: told how many questions are answered.

    Returns:
        JSON values: ``rows``, ``scores``, ``bands``, ``best_by``, ``items`` (how many are ranked), ``examples``,
        ``cut_rows`` and ``cut_items``; and where the wanted items stand.

    Raises:
        DataError: there are no questions.
        Interrupted: the user asked to stop.
    """
    if not len(questions.targets):
        raise DataError("there are no rows to measure", do="Give events of at least one user with two items.")
    items = len(model.catalog.ids)
    places, shown = rank_all(model.rank, questions, progress, "evaluate")
    bands = popularity_bands(model.catalog.counts)[questions.targets - 1]
    cut = [max(0, len(history) - model.renderer.settings.max_items) for history in questions.histories]
    measured = {
        **model.task.score(places, shown, items, bands, resamples, seed),
        "best_by": model.task.best_by,
        "items": items,
        "examples": _list_examples(model.catalog, questions, places, shown, examples, seed),
        "cut_rows": sum(count > 0 for count in cut),
        "cut_items": sum(cut),
    }
    return measured, places


def evaluate_ranking_baselines(
    task: ItemTask,
    training: Sequence[Numbers],
    catalog: Catalog,
    questions: Questions,
    places: Places,
    *,
    resamples: int,
    seed: int,
    progress: Progress,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fits the task's baselines on the training histories and measures them on the same questions as the model.

    Args:
        task: what is asked.
        training: what the baselines learn from.
        catalog: the items.
        questions: what they are measured on.
        places: where the model puts the wanted items.
        resamples: bootstrap resamples behind each interval.
        seed: of the resamples.
        progress: told how many questions are answered.

    Returns:
        name → scores, and name → score → the difference between model and baseline, on the same resamples.

    Raises:
        Interrupted: the user asked to stop.
    """
    scores, differences = {}, {}
    bands = popularity_bands(catalog.counts)[questions.targets - 1]
    for name, fit in task.baselines.items():
        stop_if_asked(progress)
        theirs, shown = rank_all(fit(training, catalog).rank, questions, progress, name)
        scores[name] = task.score(theirs, shown, len(catalog.ids), bands, resamples, seed)
        differences[name] = task.compare(places, theirs, resamples, seed)
    return scores, differences


def evaluate_cold(
    model: ItemModel, cold: Catalog, questions: Questions, *, resamples: int, seed: int, progress: Progress
) -> dict[str, Any]:
    """Measures how well items are ranked among each other of which nothing was learned, by their texts.

    Popularity knows nothing of them: all are equally popular, and it gives what chance does. In hindsight it does: the
    baseline ``popular-hindsight`` counts who came to have each item, the one who is asked left out.

    Returns:
        JSON values: ``rows``, ``scores``, ``items``, ``baselines`` and ``difference``.
    """
    task = model.task

    def rank(histories: Sequence[Numbers]) -> NDArray[np.float32]:
        return model.rank_new(histories, cold.texts)

    ours, shown = rank_all(rank, questions, progress, "cold")
    popular = Popular(cold.counts)
    rankings = {
        "popular": rank_all(popular.rank, questions, progress, "cold"),
        "last-text": rank_all(task.by_text(model.catalog.texts, cold.texts).rank, questions, progress, "cold"),
        "popular-hindsight": _rank_in_hindsight(questions, len(cold.ids)),
    }
    return {
        **task.score(ours, shown, len(cold.ids), None, resamples, seed),
        "items": len(cold.ids),
        "baselines": {
            name: task.score(places, first, len(cold.ids), None, resamples, seed)
            for name, (places, first) in rankings.items()
        },
        "difference": {name: task.compare(ours, places, resamples, seed) for name, (places, _) in rankings.items()},
    }


def rank_all(rank: Rank, questions: Questions, progress: Progress, name: str) -> tuple[Places, Numbers]:
    """Returns where the wanted items stand among those that the users have not had, and the first ten of each ranking.

    Raises:
        Interrupted: the user asked to stop.
    """
    parts, shown = [], []
    with progress.bar(name, len(questions.targets), "users") as bar:
        for start in range(0, len(questions.targets), _AT_ONCE):
            stop_if_asked(progress)
            part = slice(start, start + _AT_ONCE)
            scores = np.array(rank(questions.histories[part]), dtype=np.float64)
            places, first = _place(scores, questions.targets[part], questions.seen[part])
            parts.append(places)
            shown.append(first)
            bar.advance(len(scores))
    return join_places(parts), np.concatenate(shown)


def _place(scores: NDArray[np.float64], targets: Numbers, seen: Sequence[Numbers]) -> tuple[Places, Numbers]:
    for row, numbers in enumerate(seen):
        scores[row, numbers - 1] = -np.inf
    return find_places(scores, targets - 1), best_first(scores)


def _rank_in_hindsight(questions: Questions, items: int) -> tuple[Places, Numbers]:
    """Ranks new items by how many users came to have them, without the one who is asked."""
    had = np.concatenate([*questions.seen, questions.targets]) - 1
    counts = np.bincount(had, minlength=items).astype(np.float64)
    scores = np.repeat(counts[None], len(questions.targets), axis=0)
    scores[np.arange(len(scores)), questions.targets - 1] -= 1
    return _place(scores, questions.targets, questions.seen)


def _list_examples(
    catalog: Catalog, questions: Questions, places: Places, shown: Numbers, most: int, seed: int
) -> list[dict[str, Any]]:
    """Returns drawn questions: the last items of the history, what came next and where it stands, what is first."""
    rows = np.random.default_rng(seed).permutation(len(questions.targets))[:most]
    return [
        {
            "history": [catalog.texts[number - 1] for number in questions.histories[row][-_SHOWN_HISTORY:]],
            "truth": catalog.texts[questions.targets[row] - 1],
            "place": int(places.above[row]) + 1,
            "first": [catalog.texts[at] for at in shown[row][:_SHOWN_ITEMS] if at >= 0],
        }
        for row in rows.tolist()
    ]
