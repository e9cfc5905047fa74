"""Messages: a dialogue from its other side."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penjing.data.messages import Message, exchange_sides, read_messages


@given(
    st.booleans(),
    st.lists(st.text("ab 中", min_size=1).filter(lambda text: bool(text.strip())), min_size=1, max_size=7),
)
def test_the_other_side_s_dialogue_keeps_the_rules_and_every_word_but_the_first(
    has_system: bool, said: list[str]
) -> None:
    roles = ("user", "assistant")
    system = [Message("system", "Be kind.")] if has_system else []
    messages = [*system, *(Message(roles[turn % 2], content) for turn, content in enumerate(said))]
    other = exchange_sides(messages)
    if len(said) < 3:  # nobody replies to the last one
        assert other == []
        return
    assert read_messages([message.to_dict() for message in other], "here") == other
    assert [message.content for message in other] == [*(message.content for message in system), *said[1:]]
    assert other[: len(system)] == system
