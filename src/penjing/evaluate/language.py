"""Bits per byte and perplexities of a language model on texts, beside baselines fitted on its training texts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from penjing.errors import DataError
from penjing.inference.language_model import MeasurableModel
from penjing.metrics.interval import Score
from penjing.metrics.language import (
    DocumentSurprisals,
    bits_per_byte_difference,
    count_bytes,
    count_words,
    language_scores,
    score_values,
)
from penjing.progress import Progress, stop_if_asked
from penjing.tasks.baselines.compression import compress_texts
from penjing.tasks.baselines.ngram import fit_ngram, join_documents

NGRAM, XZ = "trigram-kneser-ney", "xz"
_NGRAM_TOKENS = 5_000_000
_PRIMING_CHARACTERS = 8 << 20


@dataclass(frozen=True)
class LanguageEvaluation:
    """What a language model makes of texts.

    Attributes:
        surprisals: of each document, end token included, with what it is counted in.
        scores: ``bits_per_byte``, ``token_perplexity`` and ``word_perplexity``, as `language_scores` defines them.
        is_pseudo: whether tokens were guessed from both sides (Salazar et al. 2020, arXiv 1910.14659). Nothing that
            reads from left to right compares with that, and the end token is not scored.
        skipped_documents: texts that were empty.
        windowed_documents: texts longer than the model reads at once.
        unknown_tokens: tokens that stand for words which the vocabulary lacks.
        exact_documents: texts that the tokenizer gives back as they were. For the others, what it threw away (case,
            spaces, unknown words) was not guessed, and bits per byte are too good by as much.
    """

    surprisals: DocumentSurprisals
    scores: dict[str, Score]
    is_pseudo: bool
    skipped_documents: int
    windowed_documents: int
    unknown_tokens: int
    exact_documents: int

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON values; the scores of a model that reads both sides are called ``pseudo_…``."""
        counted = self.surprisals
        return {
            "documents": len(counted.nats),
            "tokens": int(counted.tokens.sum()),
            "words": int(counted.words.sum()),
            "bytes": int(counted.bytes.sum()),
            "skipped_documents": self.skipped_documents,
            "windowed_documents": self.windowed_documents,
            "unknown_tokens": self.unknown_tokens,
            "exact_documents": self.exact_documents,
            "scores": {
                f"pseudo_{name}" if self.is_pseudo else name: score_values(score) for name, score in self.scores.items()
            },
        }


def evaluate_language_model(
    model: MeasurableModel, texts: Sequence[str], *, resamples: int, seed: int, progress: Progress
) -> LanguageEvaluation:
    """Measures a language model on texts, each a document of its own.

    Args:
        model: what is measured.
        texts: documents; empty ones are skipped, and counted.
        resamples: bootstrap resamples behind each interval.
        seed: of the resamples.
        progress: told how many tokens were scored.

    Raises:
        DataError: there is no text, or the model gives no finite probability.
    """
    kept = _filled(texts)
    documents = model.render(kept)
    measured = model.scorer.measure(documents, progress)
    surprisals = DocumentSurprisals(
        nats=-measured.log_probabilities,
        tokens=measured.tokens,
        words=np.array([count_words(text) for text in kept], dtype=np.int64),
        bytes=np.array([count_bytes(text) for text in kept], dtype=np.int64),
    )
    tokenizer, longest = model.tokenizer, model.scorer.longest
    unknown = tokenizer.unknown_id if tokenizer.has_unknown else -1
    return LanguageEvaluation(
        surprisals=surprisals,
        scores=language_scores(surprisals, resamples, seed),
        is_pseudo=model.scorer.reads_both_sides,
        skipped_documents=len(texts) - len(kept),
        windowed_documents=sum(longest is not None and len(ids) > longest for ids in documents),
        unknown_tokens=sum(ids.count(unknown) for ids in documents),
        exact_documents=sum(text == tokenizer.decode(ids[1:-1]) for text, ids in zip(kept, documents, strict=True)),
    )


def evaluate_language_baselines(
    model: MeasurableModel,
    evaluation: LanguageEvaluation,
    training_texts: Iterable[list[str]],
    texts: Sequence[str],
    *,
    resamples: int,
    seed: int,
    progress: Progress,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measures on the same texts what a trigram model of the model's tokens and a compressor learn from its texts.

    The first counts 5 million tokens, the other reads the last 8 MB; both pay for the end of a text, as the model does.

    Args:
        model: its tokenizer counts.
        evaluation: what `evaluate_language_model` found on these texts.
        training_texts: what the model was trained on, in batches; read once.
        texts: what was measured.
        resamples: bootstrap resamples behind each interval.
        seed: of the resamples.
        progress: told of each step.

    Returns:
        JSON values: name → ``scores`` and what they were fitted on (that of the compressor is one number for all texts
        and has no interval); name → the bits per byte of the model less those of the baseline, paired by document. For
        a model that reads both sides there is no difference, for it answers an easier question.

    Raises:
        DataError: there is no training text.
    """
    kept = _filled(texts)
    tail: deque[str] = deque()
    with progress.bar("baselines", 4, "steps") as bar:
        tokens, offsets = join_documents(list(_read_training(model, training_texts, tail, progress)))
        bar.advance()
        ngram = fit_ngram(tokens, offsets, model.tokenizer.vocab_size, most_tokens=_NGRAM_TOKENS)
        bar.advance()
        documents = model.render(kept)
        nats = ngram.surprisals(documents)
        bar.advance()
        compression = compress_texts(tail, kept)
        bar.advance()
    guessed = np.array([len(ids) - 1 for ids in documents], dtype=np.int64)
    counted = replace(evaluation.surprisals, nats=nats, tokens=guessed)
    scores = {name: score_values(score) for name, score in language_scores(counted, resamples, seed).items()}
    packed = {"value": compression.bits_per_byte, "low": None, "high": None}
    baselines = {
        NGRAM: {"scores": scores, "training_tokens": ngram.tokens},
        XZ: {
            "scores": {"bits_per_byte": packed},
            "training_bytes": compression.priming_bytes,
            "bytes": compression.bytes,
        },
    }
    if evaluation.is_pseudo:
        return baselines, {}
    difference = bits_per_byte_difference(evaluation.surprisals.nats, nats, counted.bytes, resamples, seed)
    return baselines, {NGRAM: score_values(difference)}


def _read_training(
    model: MeasurableModel, batches: Iterable[list[str]], tail: deque[str], progress: Progress
) -> Iterator[list[int]]:
    """Yields the tokens of the first training texts, and leaves the last texts in ``tail``."""
    tokens = characters = 0
    for batch in batches:
        stop_if_asked(progress)
        if tokens < _NGRAM_TOKENS:
            documents = model.render(batch)
            tokens += sum(len(ids) for ids in documents)
            yield from documents
        tail.extend(batch)
        characters += sum(len(text) for text in batch)
        while tail and characters - len(tail[0]) > _PRIMING_CHARACTERS:
            characters -= len(tail.popleft())


def _filled(texts: Sequence[str]) -> list[str]:
    kept = [text for text in texts if text]
    if not kept:
        raise DataError("there is no text to measure", do="Give at least one text that is not empty.")
    return kept
