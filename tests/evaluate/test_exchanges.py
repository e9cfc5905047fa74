"""Questions about replies: candidates of other dialogues, all different, always the same draw."""

from __future__ import annotations

import pytest

from penjing.data.keys import normalize_text
from penjing.data.messages import Message
from penjing.errors import DataError
from penjing.evaluate.exchanges import draw_questions, list_exchanges


def dialogue(number: int, replies: list[str]) -> list[Message]:
    turns = [(Message("user", f"ask {number} {i}"), Message("assistant", reply)) for i, reply in enumerate(replies)]
    return [message for turn in turns for message in turn]


DIALOGUES = [dialogue(n, [f"reply {n}", "Yes.", "yes", f"other {n}"]) for n in range(8)]


def test_exchanges_know_what_was_said_before() -> None:
    system = Message("system", "Be brief.")
    found = list_exchanges([[system, *dialogue(0, ["a", "b"])]])
    assert [exchange.reply for exchange in found] == ["a", "b"]
    assert found[1].said == ["ask 0 0", "a", "ask 0 1"]
    assert found[1].before[0] == system


def test_candidates_are_of_other_dialogues_and_differ() -> None:
    exchanges = list_exchanges(DIALOGUES)
    asked = draw_questions(exchanges, candidates=6, most=100, seed=0)
    assert len(asked.questions) == len(asked.exchanges) == 32
    for exchange, question in zip(asked.exchanges, asked.questions, strict=True):
        assert question.candidates[0] == exchange.reply
        keys = [normalize_text(text) for text in question.candidates]
        assert len(set(keys)) == len(keys) == 6
        own = {normalize_text(other.reply) for other in exchanges if other.dialogue == exchange.dialogue}
        assert not own & set(keys[1:])
    assert draw_questions(exchanges, candidates=6, most=100, seed=0) == asked
    assert draw_questions(exchanges, candidates=6, most=100, seed=1) != asked


def test_fewer_questions_are_drawn_and_too_few_replies_are_fewer_candidates() -> None:
    exchanges = list_exchanges(DIALOGUES)
    assert len(draw_questions(exchanges, candidates=6, most=5, seed=0).questions) == 5
    few = draw_questions(list_exchanges(DIALOGUES[:2]), candidates=20, most=100, seed=0)
    assert {len(question.candidates) for question in few.questions} == {3}
    with pytest.raises(DataError, match="no two dialogues with different replies"):
        draw_questions(list_exchanges(DIALOGUES[:1]), candidates=20, most=100, seed=0)
