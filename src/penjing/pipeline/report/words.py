"""The page about word vectors: a single HTML file, like the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from penjing.files import write_text
from penjing.pipeline.report.report import page_style, render_template
from penjing.pipeline.report.strings import Language
from penjing.pipeline.report.wording import Wording
from penjing.text.word_vectors import Neighbor

_WIDTH, _HEIGHT, _EDGE = 1000.0, 700.0, 40.0
_LETTER, _WIDE_LETTER, _LINE = 7.5, 14.0, 16.0  # pixels at 14 to a letter


@dataclass(frozen=True)
class WordMap:
    """Words in the plane.

    Attributes:
        words: the most frequent first, [words].
        places: [words, 2].
        marked: those that were asked about, and their neighbors.
    """

    words: Sequence[str]
    places: NDArray[np.float64]
    marked: frozenset[str]


@dataclass(frozen=True)
class WordPage:
    """All that the page says.

    Attributes:
        name: of the texts.
        words: how many have a vector.
        texts: how many were read.
        size: numbers of a vector.
        fewest: times that a word must occur.
        near: of each word asked about, how often it occurs, and its neighbors with how often those do.
        map: of the most frequent words; None where there are too few.
    """

    name: str
    words: int
    texts: int
    size: int
    fewest: int
    near: dict[str, tuple[int, list[tuple[Neighbor, int]]]]
    map: WordMap | None


def say_lede(page: WordPage, wording: Wording) -> str:
    """Returns what was learned from what."""
    return wording.say(
        "words_lede",
        words=wording.count(page.words),
        texts=wording.count(page.texts),
        size=page.size,
        fewest=page.fewest,
    )


def write_words(page: WordPage, path: Path, language: Language) -> None:
    """Writes the page atomically."""
    wording = Wording(language)
    values = {
        "w": wording,
        **page_style(),
        "title": wording.say("words_title", name=page.name),
        "lede": say_lede(page, wording),
        "near": page.near,
        "map": None if page.map is None else draw_map(page.map),
    }
    write_text(path, render_template("words.html.jinja", values))


def draw_map(found: WordMap) -> Markup:
    """Returns the words at their places as SVG; one that would cover another is a dot."""
    places = found.places - found.places.min(axis=0)
    places = places / np.maximum(places.max(axis=0), 1e-9) * [_WIDTH - 4 * _EDGE, _HEIGHT - 2 * _EDGE] + _EDGE
    taken: list[tuple[float, float, float, float]] = []
    parts = []
    order = sorted(range(len(found.words)), key=lambda index: (found.words[index] not in found.marked, index))
    for index in order:
        word, (x, y) = found.words[index], places[index]
        width = sum(_WIDE_LETTER if ord(letter) > 0x2E80 else _LETTER for letter in word)
        box = (x, y - _LINE, x + width, y)
        mark = " own" if word in found.marked else ""
        if any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
            dot = f'cx="{x:.1f}" cy="{y - _LINE / 3:.1f}" r="2"'
            parts.append(f'<circle class="dot{mark}" {dot}><title>{escape(word)}</title></circle>')
            continue
        taken.append(box)
        parts.append(f'<text class="word{mark}" x="{x:.1f}" y="{y:.1f}">{escape(word)}</text>')
    return Markup(
        f'<svg class="wordmap" viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" role="img" width="100%">{"".join(parts)}</svg>'
    )
