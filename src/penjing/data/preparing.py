"""What is done with each text by itself: its normal form, evaluation texts out, cleaning, its signature.

Any worker can do it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa

from penjing.data.cleaning import DROPPED_SCHEMA, Cleaner, Evidence, Tally, cleaning_counts, read_evidence
from penjing.data.intake import ORIGIN_SCHEMA
from penjing.data.measured import MeasuredTexts
from penjing.data.minhash import SIGNATURES, check_daft, sign_batch
from penjing.data.normalizing import make_normalizer
from penjing.data.settings import TextData


@dataclass(frozen=True)
class Incoming:
    """Texts as they were read.

    Attributes:
        batch: by `ORIGIN_SCHEMA`.
        is_raw: whether they are to be normalized, if the settings ask for it.
    """

    batch: pa.RecordBatch
    is_raw: bool


@dataclass(frozen=True)
class Prepared:
    """Texts that no rule of the recipe refuses.

    Attributes:
        kept: by `prepared_schema`.
        dropped: what a rule refused, by `DROPPED_SCHEMA`.
        tally: what was counted: beside what the cleaning counts, ``normalized``, ``emptied``, ``in_evaluation`` and
            ``containing_evaluation``.
    """

    kept: pa.RecordBatch
    dropped: pa.RecordBatch
    tally: Tally


@dataclass(frozen=True)
class Preparation:
    """Makes a `Preparer`; it holds what that needs, and no file is read any more.

    Attributes:
        settings: what is asked for.
        evaluation: the texts that are left out, with all that contain one.
        evidence: what the cleaning knows from files.
    """

    settings: TextData
    evaluation: MeasuredTexts
    evidence: Evidence

    def __call__(self) -> Preparer:
        return Preparer(self)


def prepared_schema(settings: TextData) -> pa.Schema:
    """Returns the columns of prepared texts: with signatures where near duplicates are looked for."""
    return ORIGIN_SCHEMA if settings.near_duplicates is None else ORIGIN_SCHEMA.append(SIGNATURES)


def make_preparation(settings: TextData, evaluation: MeasuredTexts) -> Preparation:
    """Returns what makes a `Preparer`; reads the files that it needs.

    Raises:
        RecipeError: a file is missing, or a key too short.
        DataError: a file cannot be used.
    """
    return Preparation(settings, evaluation, read_evidence(settings))


class Preparer:
    """Normalizes, cleans and signs texts.

    Args:
        preparation: what is asked for.

    Raises:
        UsageError: a filter or kind is not known.
        MissingExtraError: a package is not installed.
    """

    def __init__(self, preparation: Preparation) -> None:
        settings, self._evaluation = preparation.settings, preparation.evaluation
        self._normalize = None if settings.normalize is None else make_normalizer(settings.normalize)
        self._cleaner = Cleaner(settings, preparation.evidence) if cleaning_counts(settings) else None
        self._signs = settings.near_duplicates is not None
        if self._signs:
            check_daft()

    def __call__(self, incoming: Incoming) -> Prepared:
        """Returns what becomes of some texts."""
        tally, batch = Tally(), incoming.batch
        if incoming.is_raw:
            batch = self._normalized(batch, tally.counts)
        batch = self._without_evaluation(batch, tally.counts)
        dropped = pa.RecordBatch.from_pylist([], schema=DROPPED_SCHEMA)
        if self._cleaner is not None:
            batch, dropped, cleaned = self._cleaner.clean(batch)
            tally.add(cleaned)
        if self._signs:
            batch = sign_batch(batch)
        return Prepared(batch, dropped, tally)

    def _normalized(self, batch: pa.RecordBatch, counts: Counter[str]) -> pa.RecordBatch:
        if self._normalize is None:
            return batch
        texts = batch.column("text").to_pylist()
        normalized = [self._normalize(text) for text in texts]
        counts["normalized"] += sum(map(str.__ne__, texts, normalized))
        counts["emptied"] += normalized.count("")
        batch = batch.set_column(0, "text", pa.array(normalized, pa.string()))
        return batch.filter(pa.array([bool(text) for text in normalized], pa.bool_()))

    def _without_evaluation(self, batch: pa.RecordBatch, counts: Counter[str]) -> pa.RecordBatch:
        texts = batch.column("text").to_pylist()
        if not len(self._evaluation) or not texts:
            return batch
        found = self._evaluation.find(texts)
        counts["in_evaluation"] += int(found.is_equal.sum())
        counts["containing_evaluation"] += int(found.contains.sum())
        return batch.filter(pa.array(~found.is_measured))
