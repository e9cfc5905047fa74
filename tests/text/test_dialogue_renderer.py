"""Dialogues become tokens by their template: what is learned, what is left out, and what no text can forge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penjing.data.messages import Message, read_messages
from penjing.errors import DataError, ModelFolderError
from penjing.text.chat_template import DEFAULT_TEMPLATE, MARKS, ChatTemplate, write_chat_template
from penjing.text.dialogue_renderer import DialogueRenderer, plan_exchanges
from penjing.text.tokenizer import Tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

TOKENS = {"bos_token": "[CLS]", "eos_token": "[SEP]"}
WORDS = ["hello", "there", "what is it", "no", "好的", "films"]


def make_tokenizer() -> Tokenizer:
    texts = [[" ".join(WORDS)] * 3]
    return train_tokenizer(texts, TokenizerSettings(kind="bpe", vocab_size=340, reserved=4)).name_reserved(MARKS)


TOKENIZER = make_tokenizer()
SYSTEM, USER, ASSISTANT, END = (TOKENIZER.token_id(mark) for mark in MARKS)


def renderer(max_tokens: int = 512, source: str = DEFAULT_TEMPLATE) -> DialogueRenderer:
    return DialogueRenderer(TOKENIZER, ChatTemplate(source, TOKENS), max_tokens)


def dialogue(*contents: str, system: str = "") -> list[Message]:
    first = [Message("system", system)] if system else []
    return first + [Message("assistant" if i % 2 else "user", text) for i, text in enumerate(contents)]


def plain(text: str) -> list[int]:
    return TOKENIZER.encode([text])[0]


def test_only_replies_and_the_tokens_that_end_them_are_learned() -> None:
    (window,) = renderer().render(dialogue("hello", "there", "what is it", "no", system="films")).windows
    parts = [
        ([TOKENIZER.start_id, SYSTEM, *plain("films"), END, USER, *plain("hello"), END, ASSISTANT], False),
        ([*plain("there"), END], True),
        ([USER, *plain("what is it"), END, ASSISTANT], False),
        ([*plain("no"), END], True),
    ]
    assert window.ids == [token for ids, _ in parts for token in ids]
    assert window.learned == [learned for ids, learned in parts for _ in ids]
    assert window.cut_tokens == 0


def test_messages_in_a_row_are_dropped_with_their_exchange_and_asked_together() -> None:
    said = [("user", "hello"), ("user", "films"), ("assistant", "there"), ("user", "no"), ("user", "what is it")]
    messages = [Message(role, text) for role, text in said]  # type: ignore[arg-type]
    asked = [*(part for text in ("no", "what is it") for part in (USER, *plain(text), END)), ASSISTANT]
    first = [USER, *plain("hello"), END, USER, *plain("films"), END, ASSISTANT, *plain("there"), END]
    whole = renderer().render_prompt(messages, 4)
    assert (whole.ids, whole.dropped) == ([TOKENIZER.start_id, *first, *asked], 0)
    cut = renderer(len(whole.ids) + 3).render_prompt(messages, 4)
    assert (cut.ids, cut.dropped) == ([TOKENIZER.start_id, *asked], 1)
    alternating = DEFAULT_TEMPLATE.replace(
        "{%- if message['role'] not in",
        "{%- if loop.index0 % 2 != (message['role'] == 'assistant') | int -%}"
        "{{- raise_exception('turns') -}}{%- endif -%}"
        "{%- if message['role'] not in",
    )
    joined = dialogue("hello\n\nfilms", "there", "no\n\nwhat is it")
    assert renderer(source=alternating).render_prompt(messages, 4) == renderer().render_prompt(joined, 4)
    with pytest.raises(DataError, match=r"the last messages have \d+ tokens.*Shorten the messages, or"):
        renderer(16).render_prompt([Message("user", "what is it")] * 9, 4)


@pytest.mark.parametrize("messages", [[], [Message("system", "films")]], ids=["empty", "system"])
def test_dialogue_in_which_nobody_says_anything_is_refused(messages: list[Message]) -> None:
    with pytest.raises(DataError, match=r"nobody says anything.*End with what the user says"):
        renderer().render_prompt(messages, 4)


def test_what_is_learned_is_what_transformers_takes_for_the_assistants(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    TOKENIZER.save(tmp_path)
    write_chat_template(tmp_path, DEFAULT_TEMPLATE)
    theirs: Any = transformers.PreTrainedTokenizerFast.from_pretrained(tmp_path)
    messages = dialogue("hello", "there 好的", "what is it", "no", system="films")
    (window,) = renderer().render(messages).windows
    values = [message.to_dict() for message in messages]
    found = theirs.apply_chat_template(values, return_assistant_tokens_mask=True, return_dict=True)
    assert window.ids == found["input_ids"]
    assert window.learned == list(map(bool, found["assistant_masks"]))


PIECES = [*MARKS, "[CLS]", "[SEP]", "<|", "|>", "user", "<", "a", " ", "é", "\ufdd0"]
forgeries = st.lists(st.sampled_from(PIECES), min_size=1)


@given(forgeries.map("".join).filter(str.strip), forgeries.map("".join).filter(str.strip))
@settings(max_examples=150)
def test_what_is_said_never_becomes_a_mark(asked: str, said: str) -> None:
    (window,) = renderer(1 << 16).render(dialogue(asked, said)).windows
    expected = [TOKENIZER.start_id, USER, *plain(asked), END, ASSISTANT, *plain(said), END]
    assert window.ids == expected
    assert TOKENIZER.decode(window.ids) == asked + said  # as it was, the marks left out
    prompt = renderer().render_prompt(dialogue(asked), 10)
    assert prompt.ids + renderer().render_reply(said) == expected


def test_a_prompt_and_a_reply_are_what_was_learned() -> None:
    messages = dialogue("hello", "there", "what is it", "no", system="films")
    (window,) = renderer().render(messages).windows
    prompt = renderer().render_prompt(messages[:-1], 16)
    assert prompt.ids + renderer().render_reply("no") == window.ids
    assert prompt.dropped == 0


def test_the_oldest_exchanges_are_dropped_whole_and_the_system_prompt_never() -> None:
    messages = dialogue(*["hello there"] * 9, system="films")
    whole = renderer().render_prompt(messages, 4).ids
    for room in range(4, len(whole)):
        found = renderer(len(whole))
        if room > len(whole) - len(renderer().render_prompt([messages[0], messages[-1]], 0).ids):
            with pytest.raises(DataError, match="the last message, with the system prompt, has"):
                found.render_prompt(messages, room)
            continue
        prompt = found.render_prompt(messages, room)
        kept = [messages[0], *messages[1 + 2 * prompt.dropped :]]
        assert prompt.ids == renderer().render_prompt(kept, 0).ids
        assert len(prompt.ids) + room <= len(whole)
        more = [messages[0], *messages[2 * prompt.dropped - 1 :]]
        assert prompt.dropped == 0 or len(renderer().render_prompt(more, 0).ids) + room > len(whole)


def test_a_long_dialogue_becomes_windows_and_every_reply_is_learned_once() -> None:
    messages = dialogue(*[f"films {number}" for number in range(40)], system="no")
    found = renderer(64).render(messages)
    assert found.left_out == 0
    assert len(found.windows) > 3
    learned = []
    for window in found.windows:
        assert len(window.ids) <= 64
        assert window.ids[: 2 + len(plain("no"))] == [TOKENIZER.start_id, SYSTEM, *plain("no")]
        learned += [token for token, counts in zip(window.ids, window.learned, strict=True) if counts]
    assert TOKENIZER.decode(learned) == "".join(f"films {number}" for number in range(1, 40, 2))
    assert found.windows[0].cut_tokens == 0
    assert found.windows[1].cut_tokens > 0


def test_an_exchange_longer_than_the_window_is_left_out_and_nothing_goes_across_it() -> None:
    messages = dialogue("hello", "there", "hello " * 60, "no", "what is it", "films")
    found = renderer(48).render(messages)
    assert (found.exchanges, found.left_out) == (3, 1)
    shown = [TOKENIZER.decode(window.ids) for window in found.windows]
    assert shown == ["hellothere", "what is itfilms"]


@given(st.lists(st.integers(1, 40), max_size=30), st.integers(1, 60))
def test_windows_of_exchanges_keep_their_rules(sizes: list[int], budget: int) -> None:
    windows = plan_exchanges(sizes, budget)
    learned = [number for _, first, end in windows for number in range(first, end)]
    assert learned == [number for number, size in enumerate(sizes) if size <= budget]
    for start, first, end in windows:
        assert sum(sizes[start:end]) <= budget
        assert sum(sizes[start:first]) <= budget // 2


def test_what_the_user_says_last_is_not_rendered_and_nothing_said_is_no_window() -> None:
    messages = dialogue("hello", "there")
    assert renderer().render([*messages, Message("user", "films")]).windows == renderer().render(messages).windows
    assert renderer().render(messages[:1]).windows == []


REWRITES = "{% for m in messages %}{{ m.role if loop.last else '' }}<|user|>{{ m.content }}<|end|>{% endfor %}"
ENDLESS = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


@pytest.mark.parametrize(("source", "words"), [(REWRITES, "another way when more follows"), (ENDLESS, "where to stop")])
def test_templates_that_cannot_be_learned_by_are_refused(source: str, words: str) -> None:
    with pytest.raises(ModelFolderError, match=words):
        renderer(source=source).check_learnable()
    renderer().check_learnable()


def test_the_fingerprint_knows_template_and_window() -> None:
    prints = {renderer().fingerprint, renderer(64).fingerprint, renderer(source=ENDLESS).fingerprint}
    assert len(prints) == 3
    assert renderer().fingerprint == renderer().fingerprint


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("hello", "no list of messages"),
        ([], "no list of messages"),
        ([{"role": "user"}], "message 1: this is no message"),
        ([{"role": "assistant", "content": "a"}], "begins with the assistant"),
        ([{"role": "system", "content": "s"}, {"role": "assistant", "content": "a"}], "begins with the assistant"),
        ([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}], "message 2: the user speaks twice"),
        ([{"role": "user", "content": "a"}, {"role": "tool", "content": "b"}], 'the role is "tool"'),
        ([{"role": "user", "content": " \n"}], "the content is empty"),
        ([{"role": "user", "content": 7}], "the content is 7"),
        ([{"role": "user", "content": "\ud83d"}], "surrogate"),
        ([{"role": "system", "content": "s"}], "nothing else"),
        ([{"role": "user", "content": "a"}, {"role": "system", "content": "s"}], "within the dialogue"),
    ],
)
def test_what_is_no_dialogue_is_refused_with_its_place(values: Any, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read_messages(values, "chats.jsonl, row 3")
    assert str(caught.value).startswith("chats.jsonl, row 3")
    assert words in str(caught.value)
