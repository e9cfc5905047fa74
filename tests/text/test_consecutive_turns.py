"""Messages of one side in a row are turns where the chat template writes them so, and one message elsewhere."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from penjing.data.messages import Message, split_exchanges
from penjing.text.chat_template import DEFAULT_TEMPLATE, ChatTemplate
from penjing.text.consecutive_turns import ConsecutiveTurns

TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
ASKS = "{% if add_generation_prompt %}A: {% endif %}"
#: Template, and whether users, and assistants, may speak twice in a row.
TEMPLATES = {
    "ours": (DEFAULT_TEMPLATE, True, True),
    "chatml": (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
        True,
        True,
    ),
    "alternating": (
        "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('no') }}"
        "{% endif %}{{ m.role }}: {{ m.content }}\n{% endfor %}",
        False,
        False,
    ),
    "nobody is named": ("{% for m in messages %}{{ m.content }}\n{% endfor %}", False, False),
    "named once": (
        "{% set ns = namespace(last='') %}{% for m in messages %}{% if m.role != ns.last %}{{ m.role }}: {% endif %}"
        "{{ m.content }}\n{% set ns.last = m.role %}{% endfor %}" + ASKS,
        False,
        False,
    ),
    "the last alone": (
        "{% for m in messages %}{% if m.role == 'assistant' or loop.last or messages[loop.index].role != 'user' %}"
        "{{ m.role }}: {{ m.content }}\n{% endif %}{% endfor %}" + ASKS,
        False,
        True,
    ),
    "upper case": ("{% for m in messages %}{{ m.role }}: {{ m.content | upper }}\n{% endfor %}", False, False),
}
#: The same of templates of the hub, as the package trl carries them.
KNOWN = {
    "deepseekv3": (True, True),
    "gemma3": (False, False),
    "llama3": (True, True),
    "phi3": (True, True),
    "qwen2_5": (True, True),
    "qwen3": (True, True),
}


def said(*turns: str) -> list[Message]:
    """Returns messages: ``u…`` are the user's, ``a…`` the assistant's."""
    return [Message("user" if text[0] == "u" else "assistant", text) for text in turns]


def check(turns: ConsecutiveTurns, users: bool, replies: bool) -> None:
    joined = turns.join(said("u1", "u2", "a1", "a2", "u3"))
    expected = [*(["u1", "u2"] if users else ["u1\n\nu2"]), *(["a1", "a2"] if replies else ["a1\n\na2"]), "u3"]
    assert [message.content for message in joined] == expected
    alternating = said("u1", "a1", "u2")
    assert turns.join(alternating) == alternating


@pytest.mark.parametrize("name", TEMPLATES)
def test_messages_stay_apart_only_where_the_template_writes_each_as_a_turn(name: str) -> None:
    source, users, replies = TEMPLATES[name]
    check(ConsecutiveTurns(ChatTemplate(source, TOKENS)), users, replies)


@pytest.mark.parametrize("name", KNOWN)
def test_templates_of_the_hub_are_tried_out(name: str) -> None:
    package = find_spec("trl")
    if package is None or package.origin is None:
        pytest.skip("trl is not installed, which carries chat templates")
    source = (Path(package.origin).parent / "chat_templates" / f"{name}.jinja").read_text(encoding="utf-8")
    template = ChatTemplate(source, TOKENS)
    check(ConsecutiveTurns(template), *KNOWN[name])
    joined = ConsecutiveTurns(template).join(said("u1", "u2", "a1", "a2", "u3"))
    assert template.render(joined, asks=True)  # whatever it is, it is not refused


def test_exchanges_of_several_messages_stay_together() -> None:
    found = split_exchanges(said("u1", "u2", "a1", "u3", "a2", "a3", "u4", "u5"))
    assert [[message.content for message in exchange] for exchange in found] == [
        ["u1", "u2", "a1"],
        ["u3", "a2", "a3"],
        ["u4", "u5"],
    ]
