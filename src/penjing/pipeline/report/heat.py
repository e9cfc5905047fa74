"""Explained texts as heat maps: every word on a ground that says how much it speaks for or against the label."""

from __future__ import annotations

from typing import Any

from penjing.pipeline.report.facts import Explained

_SHADES = 5
_MOST_WORDS = 160


def heat_map(item: Explained) -> list[dict[str, Any]]:
    """Returns the text in pieces: ``gap`` before a word, ``word``, ``klass`` of its shade and its ``score``.

    The word with the highest score, whatever its sign, has the deepest shade; a long text ends in an ellipsis.
    """
    highest = max((abs(word.score) for word in item.words), default=0.0)
    pieces, position = [], 0
    for word in item.words[:_MOST_WORDS]:
        is_read = not any(start <= word.start < end for start, end in item.not_read)
        pieces.append(
            {
                "gap": " " if word.start > position else "",
                "word": word.word,
                "klass": _shade(word.score, highest) if is_read else "unread",
                "score": f"{word.score:+.2f}",
            }
        )
        position = word.end
    if len(item.words) > _MOST_WORDS:
        pieces.append({"gap": " ", "word": "…", "klass": "", "score": ""})
    return pieces


def _shade(score: float, highest: float) -> str:
    """Returns ``for-1`` to ``for-5``, ``against-1`` to ``against-5``, or nothing for a word that hardly counts."""
    depth = round(_SHADES * abs(score) / highest) if highest else 0
    return f"{'for' if score > 0 else 'against'}-{depth}" if depth else ""
