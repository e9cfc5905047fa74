"""How well a model goes on with texts: bits per byte of real ones, and how varied what it writes is beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from penjing.data.continuations import BegunTexts
from penjing.errors import DataError
from penjing.metrics.language import (
    DocumentSurprisals,
    bits_per_byte_difference,
    count_bytes,
    count_words,
    language_scores,
    score_values,
)
from penjing.progress import Progress, stop_if_asked
from penjing.tasks.baselines.ngram import join_documents
from penjing.tasks.generation_model import GenerationModel
from penjing.tasks.task import GenerationTask
from penjing.text.continuation_renderer import ContinuationRenderer, Text, split_beginning

REAL = "real"
_BASELINE_TOKENS = 5_000_000


@dataclass(frozen=True)
class GenerationMeasures:
    """How a model that goes on with texts is measured.

    Attributes:
        samples: how many texts are begun, for the model to go on.
        shown: how many of those are listed.
        resamples: bootstrap resamples behind each interval.
        seed: of the resamples.
    """

    samples: int
    shown: int
    resamples: int
    seed: int = 0


def evaluate_generation(
    model: GenerationModel, rows: BegunTexts, measures: GenerationMeasures, progress: Progress
) -> tuple[dict[str, Any], DocumentSurprisals]:
    """Measures a model.

    Bits per byte and perplexities are those of what is learned of each text, its end included: all of it by a decoder,
    the rest by an encoder-decoder, the continuation where it is given. Then the model goes on with the beginnings of
    the first texts, and what it writes is measured beside what truly follows, cut to as many tokens as it may write.

    Args:
        model: what is measured.
        rows: texts; ``targets`` are what follows them, or empty.
        measures: how.
        progress: told how far it is.

    Returns:
        JSON values: ``rows``, ``scores``, ``baselines`` and ``difference`` (``real``: of what truly follows), counts,
        ``samples``; and the surprisals of the texts.

    Raises:
        DataError: there are no texts, or the model gives no finite probability.
        Interrupted: the user asked to stop.
    """
    if not rows.texts:
        raise DataError("there are no rows to measure", do="Give a file with at least one text.")
    texts = model.renderer.divide(rows.texts, rows.targets)
    likelihoods = model.measure(texts, progress)
    surprisals = DocumentSurprisals(
        nats=-likelihoods.log_probabilities,
        tokens=likelihoods.tokens,
        words=np.array([count_words(text.rest) for text in texts], dtype=np.int64),
        bytes=np.array([count_bytes(text.rest) for text in texts], dtype=np.int64),
    )
    language = language_scores(surprisals, measures.resamples, measures.seed)
    sampled = _sample(model, rows, measures, progress)
    scores = {name: score_values(score) for name, score in language.items()}
    document = {
        "rows": len(texts),
        "scores": {**scores, **sampled.pop("scores")},
        "best_by": model.task.best_by,
        "tokens": int(surprisals.tokens.sum()),
        "words": int(surprisals.words.sum()),
        "bytes": int(surprisals.bytes.sum()),
        "exact": _count_exact(model.renderer, texts),
        "given": any(text.given for text in texts),
        **sampled,
    }
    return document, surprisals


def _sample(
    model: GenerationModel, rows: BegunTexts, measures: GenerationMeasures, progress: Progress
) -> dict[str, Any]:
    """Returns what the model writes to beginnings, and its scores beside those of real texts."""
    words, tokenizer = model.renderer.settings.prompt_words, model.renderer.tokenizer
    begun = [
        Text(text, target) if target else split_beginning(text, words)
        for text, target in zip(rows.texts[: measures.samples], rows.targets, strict=False)
    ]
    written = model.write([text.given for text in begun], progress=progress)
    whole = tokenizer.encode([text.rest for text in begun])
    real = [tokenizer.decode(ids[: model.most_tokens]) for ids in whole]
    scores = model.task.score([item.written for item in written], real, measures.resamples, measures.seed)
    values = {
        name: {key: score_values(score) for key, score in found.items()}
        for name, found in (("scores", scores.written), (REAL, scores.real), ("gap", scores.difference))
    }
    shown = zip(written[: measures.shown], real, strict=False)
    return {
        "scores": values["scores"],
        "baselines": {REAL: {"rows": len(begun), "scores": values[REAL]}},
        "difference": {REAL: values["gap"]},
        "sampled": len(begun),
        "samples": [{"text": item.text, "written": item.written, "truth": truth} for item, truth in shown],
        "unfinished": sum(not item.is_complete for item in written),
        "cut_rows": sum(item.cut_tokens > 0 for item in written),
        "cut_tokens": sum(item.cut_tokens for item in written),
    }


def _count_exact(renderer: ContinuationRenderer, texts: Sequence[Text]) -> int:
    """Returns how many texts the tokenizer gives back as they were; of others it throws something away unmeasured."""
    tokenizer = renderer.tokenizer
    encoded = tokenizer.encode([text.rest for text in texts])
    return sum(text.rest == tokenizer.decode(ids) for text, ids in zip(texts, encoded, strict=True))


def evaluate_generation_beside(
    model: GenerationModel,
    rows: BegunTexts,
    training: Iterable[BegunTexts],
    measures: GenerationMeasures,
    progress: Progress,
) -> dict[str, Any]:
    """Measures a model as `evaluate_generation` does, and the task's baselines as `evaluate_generation_baselines` does.

    Returns:
        JSON values: those of the first, with the baselines among ``baselines`` and ``difference``.
    """
    measured, surprisals = evaluate_generation(model, rows, measures, progress)
    baselines, differences = evaluate_generation_baselines(
        model.task, model.renderer, training, rows, surprisals, measures, progress
    )
    return {
        **measured,
        "baselines": {**baselines, **measured["baselines"]},
        "difference": {**differences, **measured["difference"]},
    }


def evaluate_generation_baselines(
    task: GenerationTask,
    renderer: ContinuationRenderer,
    training: Iterable[BegunTexts],
    rows: BegunTexts,
    surprisals: DocumentSurprisals,
    measures: GenerationMeasures,
    progress: Progress,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fits the task's baselines on the first 5 million tokens of the training texts, and measures them as the model.

    Args:
        task: what is asked.
        renderer: of the model: both count the same tokens.
        training: what the baselines learn from, read once.
        rows: what is measured.
        surprisals: what the model makes of them.
        measures: how.
        progress: told of each step.

    Returns:
        name → scores; name → the bits per byte of the model less those of the baseline, paired by text.

    Raises:
        DataError: there is no training text.
        Interrupted: the user asked to stop.
    """
    texts = renderer.divide(rows.texts, rows.targets)
    documents = renderer.render_whole(texts)
    scores, differences = {}, {}
    with progress.bar("baselines", len(task.baselines), "baselines") as bar:
        tokens, offsets = join_documents(list(_documents(renderer, training, progress)))
        for name, fit in task.baselines.items():
            stop_if_asked(progress)
            fitted = fit(tokens, offsets, renderer.tokenizer.vocab_size)
            whole = fitted.surprisals([ids for ids, _ in documents])
            nats = whole - fitted.surprisals([ids[:given] for ids, given in documents])
            counted = replace(surprisals, nats=nats)
            found = language_scores(counted, measures.resamples, measures.seed)
            values = {key: score_values(score) for key, score in found.items()}
            scores[name] = {"rows": len(texts), "scores": values, "training_tokens": len(tokens)}
            gap = bits_per_byte_difference(surprisals.nats, nats, surprisals.bytes, measures.resamples, measures.seed)
            differences[name] = {"bits_per_byte": score_values(gap)}
            bar.advance()
    return scores, differences


def _documents(
    renderer: ContinuationRenderer, training: Iterable[BegunTexts], progress: Progress
) -> Iterator[list[int]]:
    """Yields the tokens of the first training texts, up to five million."""
    tokens = 0
    for rows in training:
        stop_if_asked(progress)
        for ids, _ in renderer.render_whole(renderer.divide(rows.texts, rows.targets)):
            yield ids
            tokens += len(ids)
        if tokens >= _BASELINE_TOKENS:
            return
