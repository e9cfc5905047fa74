"""Heat maps: the words and gaps of the text, the deepest shade for the highest score."""

from __future__ import annotations

from typing import Any

from penjing.pipeline.report.facts import Explained
from penjing.pipeline.report.heat import heat_map


def _explained(text: str, scores: list[tuple[str, float]], **more: Any) -> Explained:
    words, position = [], 0
    for word, score in scores:
        start = text.index(word, position)
        position = start + len(word)
        words.append({"word": word, "start": start, "end": position, "score": score})
    known = {
        "text": text,
        "label": "positive",
        "probability": 0.9,
        "truth": "positive",
        "method": "integrated_gradients",
        "words": words,
        "completeness_error": 0.01,
        "comprehensiveness": 0.3,
        "sufficiency": 0.0,
    }
    return Explained.model_validate(known | more)


def test_pieces_rejoin_to_the_words_with_gaps_only_where_the_text_has_them() -> None:
    pieces = heat_map(_explained("这部电影 很好", [("这", 0.0), ("部", 0.0), ("电影", 0.2), ("很好", 0.8)]))
    assert "".join(piece["gap"] + piece["word"] for piece in pieces) == "这部电影 很好"


def test_shade_follows_the_share_of_the_highest_score_and_its_sign() -> None:
    pieces = heat_map(_explained("a good but dull film", [("a", 0.01), ("good", 0.4), ("but", -0.16), ("dull", -0.8)]))
    assert [piece["klass"] for piece in pieces] == ["", "for-2", "against-1", "against-5"]
    assert [piece["score"] for piece in pieces] == ["+0.01", "+0.40", "-0.16", "-0.80"]


def test_text_without_any_score_has_no_shade() -> None:
    assert [piece["klass"] for piece in heat_map(_explained("so it is", [("so", 0.0), ("is", 0.0)]))] == ["", ""]


def test_words_the_model_did_not_read_are_marked_so_and_not_as_neutral() -> None:
    pieces = heat_map(_explained("good and dull", [("good", 1.0), ("dull", 0.0)], not_read=[(9, 13)]))
    assert [piece["klass"] for piece in pieces] == ["for-5", "unread"]


def test_long_text_ends_in_an_ellipsis() -> None:
    text = "word " * 400
    pieces = heat_map(_explained(text.strip(), [("word", 0.1)] * 400))
    assert len(pieces) < 200
    assert pieces[-1]["word"] == "…"
