"""``penjing words``: vectors of the words of texts, nearest neighbors, and a map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from penjing.cli.output import log_console, print_json, result_console
from penjing.cli.progress import TerminalProgress
from penjing.data.rows import RowReader, RowRules
from penjing.data.sources import Layout, corpus_files
from penjing.errors import UsageError, nearest
from penjing.pipeline.report.strings import Language
from penjing.pipeline.report.wording import Wording
from penjing.pipeline.report.words import WordMap, WordPage, say_lede, write_words
from penjing.text.vectors import VectorSettings
from penjing.text.word_vectors import Neighbor, WordVectors, train_word_vectors
from penjing.text.words import load_stop_words

_FEWEST_ON_MAP = 4


@dataclass(frozen=True)
class WordCall:
    """What is asked for.

    Attributes:
        texts: addresses of texts.
        column: of the texts, in tables.
        columns: names for a file without a header.
        near: words whose neighbors are shown.
        most: how many neighbors.
        size: numbers of a vector.
        epochs: passes over the words.
        fewest: times that a word must occur.
        shown: how many of the most frequent words are on the map.
        seed: of the vectors and of the map.
    """

    texts: Sequence[str]
    column: str
    columns: tuple[str, ...] | None
    near: Sequence[str]
    most: int
    size: int
    epochs: int
    fewest: int
    shown: int
    seed: int


def show_words(call: WordCall, page: Path | None, language: Language, *, as_json: bool) -> None:
    """Trains vectors of the words of some texts; shows neighbors, and writes a page with a map."""
    progress = TerminalProgress(log_console())
    reading = _Reading(call)
    with progress.stopping_on_signals():
        settings = VectorSettings(epochs=call.epochs)
        vectors = train_word_vectors(iter(reading), call.size, call.fewest, settings, call.seed, progress)
    missing = [word for word in call.near if not vectors.has(word)]
    if missing:
        raise UsageError(
            f'the word "{missing[0]}" does not occur {call.fewest} times',
            where="--near",
            do=nearest(missing[0], vectors.words[:20_000]) if len(vectors.words) > 50 else "Choose another.",
        )
    counts = dict(zip(vectors.words, vectors.counts, strict=True))
    near = {
        word: (counts[word.lower()], [(item, counts[item.word]) for item in vectors.nearest(word, call.most)])
        for word in call.near
    }
    found = WordPage(
        Path(call.texts[0]).name,
        len(vectors.words),
        reading.texts,
        call.size,
        call.fewest,
        near,
        _map(vectors, call, near) if page is not None else None,
    )
    if page is not None:
        write_words(found, page, language)
    if as_json:
        listed = {
            word: [
                {"word": item.word, "similarity": round(item.similarity, 4), "count": times} for item, times in items
            ]
            for word, (_, items) in near.items()
        }
        print_json({"words": found.words, "texts": found.texts, "near": listed, "page": str(page) if page else None})
        return
    _print(result_console(), found, Wording(language), page)


class _Reading:
    """The texts of files, in batches, counted."""

    def __init__(self, call: WordCall) -> None:
        found = corpus_files(call.texts)
        if found.unread:
            raise found.unread[0]
        self._files = found.files
        rules = RowRules(call.column, empty_text="drop", layout=Layout(call.columns, encoding="auto"))
        self._reader = RowReader(rules)
        self.texts = 0

    def __iter__(self) -> Iterator[list[str]]:
        for rows in self._reader.read(self._files):
            self.texts += len(rows.texts)
            yield rows.texts


def _map(
    vectors: WordVectors, call: WordCall, near: dict[str, tuple[int, list[tuple[Neighbor, int]]]]
) -> WordMap | None:
    marked = {word.lower() for word in near} | {item.word for _, items in near.values() for item, _ in items}
    stop_words = load_stop_words("en") | load_stop_words("zh")
    frequent = [word for word in vectors.words if word not in stop_words and any(map(str.isalpha, word))]
    words = list(dict.fromkeys([*(word for word in vectors.words if word in marked), *frequent[: call.shown]]))
    if len(words) < _FEWEST_ON_MAP:
        return None
    return WordMap(words, vectors.lay_out(words, call.seed), frozenset(marked))


def _print(console: Console, found: WordPage, wording: Wording, page: Path | None) -> None:
    console.print(say_lede(found, wording))
    for word, (count, items) in found.near.items():
        console.print(f"\n{wording.say('words_near', word=word, count=wording.count(count))}")
        for item, times in items:
            console.print(f"  {item.similarity:.2f}  {item.word}  ({wording.count(times)})")
    if page is not None:
        console.print(f"\n{wording.say('inspected_page')}  {page}")
