"""Log-probabilities call tokens by what they are of the text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from tests.inference.decoding.test_text_stream import BYTES, FALLBACK, WORDS, metaspace, run
from tests.serve.test_tasks import serving

from penjing.inference.decoding.request import Token
from penjing.inference.decoding.text_stream import TextStream
from penjing.serve.openai.logprobs import Logprobs
from penjing.text.token_bytes import is_byte
from penjing.text.tokenizer import Tokenizer

openai = pytest.importorskip("openai")
KINDS = {"bytes": BYTES, "fallback": FALLBACK, "words": WORDS, "metaspace": metaspace()}
TEXTS = st.text("ab é中😀龘 ", max_size=12)


def tell(tokenizer: Tokenizer, prompt: list[int], ids: list[int]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Returns what is told of a text as a completion and as a chat; as a stream it must be the same."""
    tokens = [Token(token, -1.0, ((token, -1.0),)) for token in ids]
    text = Logprobs(tokenizer, prompt).tell_text(tokens)
    chat = Logprobs(tokenizer, prompt).tell_chat(tokens)["content"]
    texts, chats = Logprobs(tokenizer, prompt), Logprobs(tokenizer, prompt)
    parts = [texts.tell_text([token]) for token in tokens]
    assert {key: [value for part in parts for value in part[key]] for key in text} == text
    assert [entry for token in tokens for entry in chats.tell_chat([token])["content"]] == chat
    assert [entry["token"] for entry in chat] == text["tokens"]
    assert [list(top) for top in text["top_logprobs"]] == [[name] for name in text["tokens"]]
    return text, chat


@profile(max_examples=200)
@given(st.sampled_from(["bytes", "fallback"]), TEXTS, TEXTS)
def test_the_bytes_of_the_tokens_are_the_text_and_each_is_where_it_is_said(kind: str, prompt: str, text: str) -> None:
    tokenizer = KINDS[kind]
    read, (ids,) = tokenizer.encode([prompt])[0], tokenizer.encode([prompt + text])
    told, chat = tell(tokenizer, read if ids[: len(read)] == read else [], ids := ids[len(read) :])
    written = "".join(run(TextStream(tokenizer, (), read), ids))
    assert b"".join(bytes(entry["bytes"]) for entry in chat).decode() == written
    for name, offset in zip(told["tokens"], told["text_offset"], strict=True):
        assert written.startswith(name, offset) if "\ufffd" not in name else written[offset] not in "ab "


@profile(max_examples=200)
@given(st.sampled_from(sorted(KINDS)), st.data())
def test_whatever_the_tokens_are_their_names_stand_where_it_is_said(kind: str, data: st.DataObject) -> None:
    tokenizer = KINDS[kind]
    ids = data.draw(st.lists(st.integers(0, tokenizer.vocab_size - 1), max_size=20))
    told, _ = tell(tokenizer, [], ids)
    written = "".join(run(TextStream(tokenizer), ids))
    for token, name, offset in zip(ids, told["tokens"], told["text_offset"], strict=True):
        is_read_alone = token not in tokenizer.added_ids and not is_byte(tokenizer.token(token))
        if is_read_alone and "\ufffd" not in name:
            assert written.startswith(name, offset)


def test_a_byte_is_told_as_itself_and_a_character_begins_where_it_stands() -> None:
    ids = [FALLBACK.token_id(entry) for entry in ("▁", "a", "<0xE4>", "<0xBD>", "<0xA0>", "b", "</s>")]
    told, chat = tell(FALLBACK, FALLBACK.encode(["a"])[0], ids)
    assert told["tokens"] == [" ", "a", "\ufffd", "\ufffd", "\ufffd", "b", "</s>"]
    assert told["text_offset"] == [0, 1, 2, 2, 2, 3, 4]
    assert [entry["bytes"] for entry in chat][:6] == [[32], [97], [228], [189], [160], [98]]


def test_a_stream_and_a_whole_answer_tell_the_same(
    start_server: Callable[..., Any], decoders: Path, tmp_path: Path
) -> None:
    from penjing.models.llama import LLAMA
    from penjing.pipeline.model_folder import write_network

    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = LLAMA.config_from_dict({**shape, "vocab_size": FALLBACK.vocab_size, "max_position_embeddings": 256})
    network = LLAMA.language_model(config)
    LLAMA.initialize(network, config, 0)
    write_network(tmp_path / "rare", network, LLAMA, config, FALLBACK, head="language")
    server = start_server(f"rare={tmp_path / 'rare'}", f"plain={decoders / 'plain'}", "--weights", "fp32")
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=120)
    kept = {"response_format": {"type": "regex", "pattern": "鱻( a|b|é|餮)+"}}
    for model in ("rare", "plain"):
        asked: dict[str, Any] = {"model": model, "prompt": "餮餮餮", "max_tokens": 60, "seed": 1, "logprobs": 2}
        (whole,) = client.completions.create(**asked, extra_body=kept).choices
        chunks = [chunk.choices[0] for chunk in client.completions.create(**asked, extra_body=kept, stream=True)]
        assert "".join(chunk.text for chunk in chunks) == whole.text
        assert whole.text.startswith("鱻")
        for key in ("tokens", "token_logprobs", "text_offset"):
            streamed = [value for chunk in chunks if chunk.logprobs for value in getattr(chunk.logprobs, key)]
            assert streamed == getattr(whole.logprobs, key)
        for name, offset in zip(whole.logprobs.tokens, whole.logprobs.text_offset, strict=True):
            assert "\ufffd" in name or name == "</s>" or whole.text.startswith(name, offset)


@pytest.mark.parametrize("path", ["completions", "chat/completions"])
def test_others_are_answered_while_many_are_worded(decoders: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    where = list[bool]()
    begin = Logprobs.__init__

    def note(self: Logprobs, *given: Any) -> None:
        where.append(is_on_loop())
        begin(self, *given)

    monkeypatch.setattr(Logprobs, "__init__", note)
    asked: dict[str, Any] = {"model": "m0", "max_tokens": 4, "temperature": 0}
    asked |= {"prompt": "a film"} if path == "completions" else {"messages": [{"role": "user", "content": "a film"}]}
    with serving(decoders / "talker", weights="fp32", threads=1, cache_mb=8) as client:
        plain = client.post(f"/v1/{path}", json=asked).json()
        told = client.post(f"/v1/{path}", json={**asked, "logprobs": 2 if path == "completions" else True}).json()
    assert where == [False]
    assert told["choices"][0].pop("logprobs")
    assert plain["choices"][0].pop("logprobs") is None
    assert {**told, "id": "", "created": 0} == {**plain, "id": "", "created": 0}


def is_on_loop() -> bool:
    """Whether others wait for what is done here."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
