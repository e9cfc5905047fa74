"""What is done with each text before it enters a corpus: evaluation texts, personal data, filters of quality."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from penjing.data.filters import Verdict, judge_texts, load_filter
from penjing.data.keys import text_ids
from penjing.data.languages import SURE, LanguageFinder
from penjing.data.minhash import unsign_batch
from penjing.data.overlap import OverlapFinder
from penjing.data.paragraphs import ParagraphFinder
from penjing.data.personal import Protector
from penjing.data.reading import read_rows
from penjing.data.settings import EvaluationTexts, PersonalData, TextData
from penjing.data.sources import source_files
from penjing.errors import RecipeError

#: A text with what it is.
TEXT_SCHEMA = pa.schema([("text", pa.string()), ("id", pa.string()), ("source", pa.string()), ("row", pa.int64())])
_WHY = (("reason", pa.string()), ("like", pa.string()), *((name, pa.float64()) for name in ("value", "low", "high")))
#: A text that was dropped, and why.
DROPPED_SCHEMA = pa.schema([*TEXT_SCHEMA, *_WHY])
_SHORTEST_KEY = 16  # bytes


@dataclass
class Tally:
    """What was counted over some texts.

    Attributes:
        counts: texts by what became of them.
        reasons: texts that were dropped, by reason.
        personal: pieces of personal data, by kind.
    """

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    personal: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Adds what was counted over the next texts."""
        self.counts.update(other.counts)
        self.reasons.update(other.reasons)
        self.personal.update(other.personal)


def cleaning_counts(settings: TextData) -> tuple[str, ...]:
    """Returns the names of what a `Cleaner` counts; none if it would have nothing to do."""
    wanted = {
        "foreign": settings.languages,
        "overlapping": settings.without,
        "personal": settings.personal,
        "refused": settings.filters,
    }
    return tuple(name for name, value in wanted.items() if value)


@dataclass(frozen=True)
class Evidence:
    """What the cleaning knows from files: workers on other machines have none of them.

    Attributes:
        overlap: knows evaluation texts.
        key: of the surrogates of personal data.
    """

    overlap: OverlapFinder | None = None
    key: bytes | None = field(default=None, repr=False)


def read_evidence(settings: TextData) -> Evidence:
    """Reads the files that the cleaning needs.

    Raises:
        RecipeError: a file is missing, or a key too short.
        DataError: a file cannot be used.
    """
    overlap = None if settings.without is None else _overlap_finder(settings.without)
    return Evidence(overlap, None if settings.personal is None else _key_of(settings.personal))


class Cleaner:
    """Drops texts, or changes them, and counts.

    Args:
        settings: what is asked for.
        evidence: what `read_evidence` read for them.

    Raises:
        UsageError: a filter or kind is not known, or a model is none.
        MissingExtraError: a package is not installed.
    """

    def __init__(self, settings: TextData, evidence: Evidence) -> None:
        self._filters = [load_filter(name) for name in settings.filters]
        self._overlap = evidence.overlap
        self._protector = None if settings.personal is None else _protector(settings.personal, evidence.key)
        self._languages = LanguageFinder(settings.languages) if settings.languages else None
        self._counted = cleaning_counts(settings)

    def clean(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch, Tally]:
        """Returns what is kept of a batch by `ORIGIN_SCHEMA`, what is dropped, by `DROPPED_SCHEMA`, and the counts.

        Personal data that is not to be kept is in neither: a text that is dropped for it is returned masked.
        """
        texts = batch.column("text").to_pylist()
        sets = [None] * len(texts) if self._overlap is None else self._overlap.find(texts)
        texts, kinds = self._protect(texts)
        drops = self._protector is not None and self._protector.action == "drop"
        reasons = [
            f"overlap.{name}" if name else f"personal.{kind}" if kind and drops else None
            for name, kind in zip(sets, kinds, strict=True)
        ]
        left = [place for place, reason in enumerate(reasons) if reason is None]
        broken: dict[int, Verdict | None] = {place: self._foreign(texts[place]) for place in left}
        left = [place for place in left if broken[place] is None]
        broken |= zip(left, judge_texts([texts[place] for place in left], self._filters), strict=True)
        protected = batch.set_column(0, "text", pa.array(texts, pa.string()))
        dropped = []
        for place, reason in enumerate(reasons):
            verdict = broken.get(place)
            if reason is not None or verdict is not None:
                dropped.append(_row(protected, place, reason, verdict))
        kept = [reason is None and broken[place] is None for place, reason in enumerate(reasons)]
        return (
            protected.filter(pa.array(kept, pa.bool_())),
            pa.RecordBatch.from_pylist(dropped, schema=DROPPED_SCHEMA),
            self._count(reasons, kinds, dropped),
        )

    def _foreign(self, text: str) -> Verdict | None:
        """Returns why a text is in none of the languages wanted, if it is."""
        guess = None if self._languages is None else self._languages.foreign(text)
        return None if guess is None else Verdict(f"language.{guess.language}", guess.probability, -math.inf, SURE)

    def _protect(self, texts: Sequence[str]) -> tuple[list[str], list[str | None]]:
        if self._protector is None:
            return list(texts), [None] * len(texts)
        protected = self._protector.protect(texts)
        return [text for text, _ in protected], [kind for _, kind in protected]

    def _count(
        self, reasons: Sequence[str | None], kinds: Sequence[str | None], dropped: Sequence[dict[str, object]]
    ) -> Tally:
        overlapping = sum(reason is not None and reason.startswith("overlap.") for reason in reasons)
        foreign = sum(str(row["reason"]).startswith("language.") for row in dropped)
        refused = len(dropped) - foreign - sum(reason is not None for reason in reasons)
        found = {
            "foreign": foreign,
            "overlapping": overlapping,
            "personal": sum(kind is not None for kind in kinds),
            "refused": refused,
        }
        return Tally(
            Counter({name: found[name] for name in self._counted}),
            Counter(str(row["reason"]) for row in dropped),
            Counter() if self._protector is None else self._protector.take_found(),
        )


def _overlap_finder(without: EvaluationTexts) -> OverlapFinder:
    """Returns what knows the runs of evaluation texts, by their files."""
    files = [file for path in without.paths for file in source_files(path)]

    def texts_of(file: Path) -> Iterator[list[str]]:
        return (rows.texts for rows in read_rows(str(file), without.text, columns=without.columns))

    return OverlapFinder(((file.name, texts_of(file)) for file in files), without.run_words)


def make_protector(settings: PersonalData) -> Protector:
    """Returns what protects personal data as a recipe asks for.

    Raises:
        RecipeError: the key is missing, or too short, or a model is none.
        MissingExtraError: a package is not installed.
    """
    return _protector(settings, _key_of(settings))


def _protector(settings: PersonalData, key: bytes | None) -> Protector:
    return Protector(settings.action, settings.kinds, settings.regions, key, settings.models)


def _key_of(settings: PersonalData) -> bytes | None:
    return None if settings.key_file is None else read_key(settings.key_file)


def read_key(path: str) -> bytes:
    """Returns the key of surrogates.

    Raises:
        RecipeError: there is no such file, or the key is too short.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise RecipeError(
            "there is no such file with a key", where=path, do=f"Make one: head -c 32 /dev/urandom > {path}"
        )
    key = file.read_bytes()
    if len(key) < _SHORTEST_KEY:
        raise RecipeError(
            f"the key has {len(key)} bytes; {_SHORTEST_KEY} are needed at least",
            where=path,
            do=f"Make one: head -c 32 /dev/urandom > {path}",
        )
    return key


def _row(batch: pa.RecordBatch, place: int, reason: str | None, verdict: Verdict | None) -> dict[str, object]:
    """Returns a row by `DROPPED_SCHEMA`."""
    row = {name: batch.column(name)[place].as_py() for name in ("text", "source", "row")}
    row |= {"id": text_ids([row["text"]])[0], "reason": reason}
    if verdict is not None:
        row |= {"reason": verdict.reason, "value": verdict.value}
        row |= {"low": _finite(verdict.low), "high": _finite(verdict.high)}
    return row


def cut_paragraphs(
    finder: ParagraphFinder, batch: pa.RecordBatch, removed: frozenset[str]
) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Returns the next texts without the paragraphs that came before, and those, by `DROPPED_SCHEMA`.

    A text of which nothing is left is in neither, and nothing of a text whose id is among those removed is kept beside.
    What is left of a text is another one: its signature is null.
    """
    texts, is_cut, dropped = [], [], []
    sources, rows = batch.column("source"), batch.column("row")
    for place, text in enumerate(batch.column("text").to_pylist()):
        kept, again = finder.cut(text)
        texts.append(kept)
        is_cut.append(bool(again))
        if again and removed and removed.intersection(text_ids([kept, *again])):
            continue
        origin = {"source": sources[place].as_py(), "row": rows[place].as_py()} if again else {}
        dropped += [{"text": part, "id": text_ids([part])[0], "reason": "paragraph", **origin} for part in again]
    left = unsign_batch(batch.set_column(0, "text", pa.array(texts, pa.string())), is_cut)
    left = left.filter(pa.array([bool(text) for text in texts], pa.bool_()))
    return left, pa.RecordBatch.from_pylist(dropped, schema=DROPPED_SCHEMA)


def _finite(limit: float) -> float | None:
    return limit if math.isfinite(limit) else None
