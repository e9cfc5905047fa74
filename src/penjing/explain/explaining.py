"""Explains texts by a method, and measures methods against each other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from penjing.errors import DataError, UsageError, nearest
from penjing.explain.attribution import Attribution, Method, WordScore
from penjing.explain.faithfulness import deletion_scores
from penjing.explain.log_odds import chances
from penjing.explain.reading import parts_not_read, read_text
from penjing.metrics.interval import bootstrap
from penjing.registry import load_registered, registered_names
from penjing.tasks.scoring_model import ScoringModel
from penjing.tasks.task import LabelTask, Probabilities
from penjing.text.spans import find_words

_COMPLETE = 0.05


def explain_text(model: ScoringModel, text: str, method: str, label: str | None) -> Attribution:
    """Explains one answer.

    Args:
        model: it is its answer.
        text: what it read.
        method: a name registered under ``penjing.explainers``.
        label: the label to explain; None: the model's answer, or of several the likeliest label.

    Raises:
        DataError: there is no word in the text.
        MissingExtraError: the method or the text needs a package that is not installed.
        UsageError: the method or the label is not known, or the method does not fit the network.
    """
    how = _fitting_method(model, method)
    reading = read_text(model.renderer, text)
    engine, each = model.engine, model.asks_each
    probabilities = chances(engine.score([list(reading.ids)]), asks_each=each)[0]
    number = _chosen(model, probabilities) if label is None else _label_number(model, label)
    explanation = how.explain(model, reading, number)
    [lost] = deletion_scores(engine, reading, number, [explanation.scores], asks_each=each)
    return Attribution(
        text=text,
        label=model.labels[number],
        probability=float(probabilities[number]),
        method=method,
        words=tuple(
            WordScore(text[start:end], start, end, float(score))
            for (start, end), score in zip(reading.words, explanation.scores, strict=True)
        ),
        completeness_error=explanation.completeness_error,
        comprehensiveness=lost[0],
        sufficiency=lost[1],
        not_read=parts_not_read(reading),
    )


def find_method(name: str) -> Method:
    """Returns the method registered under a name.

    Raises:
        UsageError: there is none.
    """
    method: Method = load_registered("explainers", name)
    return method


def fitting_methods(network: nn.Module) -> list[str]:
    """Returns the names of the methods that can explain this network, sorted."""
    return [name for name in registered_names("explainers") if find_method(name).fits(network)]


def _fitting_method(model: ScoringModel, name: str) -> Method:
    method = find_method(name)
    if not method.fits(model.engine.network):
        raise UsageError(
            f"{name} does not fit this network, which has not the layers it reads",
            where=str(model.folder),
            do=f"Use one of {', '.join(fitting_methods(model.engine.network))}.",
        )
    return method


def _chosen(model: ScoringModel, probabilities: Probabilities) -> int:
    """Returns the number of the model's answer, or of the likeliest label of a model that gives several."""
    if isinstance(model.task, LabelTask):
        return int(model.task.choose(probabilities[None])[0])
    return int(probabilities.argmax())


def _label_number(model: ScoringModel, label: str) -> int:
    if label not in model.labels:
        raise UsageError(f'the model has no label "{label}"', do=nearest(label, list(model.labels)))
    return model.labels.index(label)


def compare_methods(model: ScoringModel, texts: Sequence[str], methods: Sequence[str], *, seed: int) -> dict[str, Any]:
    """Measures methods on the same texts, each explaining the model's own answers.

    Args:
        model: its answers are explained.
        texts: what it read; those without a word are passed over.
        methods: names registered under ``penjing.explainers``.
        seed: of the bootstrap.

    Returns:
        JSON values: ``texts``, how many, and ``methods``: for each name ``comprehensiveness`` and ``sufficiency`` with
        95% intervals, ``seconds`` a text, and ``complete``, the share of texts with a completeness error below 5%, None
        where the method has no such error.

    Raises:
        DataError: there is no word in any of the texts.
        UsageError: a method is not known, or does not fit the network.
    """
    kept = [text for text in texts if find_words(text)]
    if not kept:
        raise DataError("there is no word in these texts", do="Give texts with at least one word each.")
    return {"texts": len(kept), "methods": {name: _measure(model, kept, name, seed) for name in methods}}


def _measure(model: ScoringModel, texts: Sequence[str], method: str, seed: int) -> dict[str, Any]:
    start = time.perf_counter()
    found = [explain_text(model, text, method, None) for text in texts]
    seconds = time.perf_counter() - start
    errors = [item.completeness_error for item in found if item.completeness_error is not None]
    return {
        "comprehensiveness": _mean([item.comprehensiveness for item in found], seed),
        "sufficiency": _mean([item.sufficiency for item in found], seed),
        "complete": sum(error < _COMPLETE for error in errors) / len(errors) if errors else None,
        "seconds": seconds / len(texts),
    }


def _mean(values: Sequence[float], seed: int) -> dict[str, float]:
    interval = bootstrap(lambda weights, x: weights @ x / weights.sum(axis=1), [np.array(values)], seed=seed)
    return interval.to_dict()
