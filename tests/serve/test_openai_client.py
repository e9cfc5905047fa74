"""The ``openai`` package speaks to a real server: whole answers, streams, several at once, and errors."""

from __future__ import annotations

import asyncio
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from penjing.data.messages import Message
from penjing.inference.dialogue import load_replier
from penjing.inference.embedding import load_encoder
from penjing.inference.generation import load_generator
from penjing.inference.sampling import SamplingSettings
from penjing.text.chat_template import read_chat_template
from penjing.text.tokenizer import load_tokenizer

openai = pytest.importorskip("openai")
GREEDY: dict[str, Any] = {"temperature": 0, "max_tokens": 24}


@pytest.fixture(scope="module")
def client(server: Any) -> Any:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=60)


@pytest.fixture(scope="module")
def generator(decoders: Path) -> Any:
    return load_generator(decoders / "plain", "cpu")


def direct(generator: Any, prompt: str, max_tokens: int = 24) -> str:
    return str(generator.generate(prompt, SamplingSettings(max_tokens, temperature=0)).text)


def test_a_completion_is_what_the_model_itself_writes(client: Any, generator: Any) -> None:
    for prompt in ("a lovely film", "", "the scene is warm 精彩", "😀"):
        answer = client.completions.create(model="plain", prompt=prompt, **GREEDY)
        assert answer.choices[0].text == direct(generator, prompt)
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_a_stream_is_the_same_text_in_pieces(client: Any, generator: Any) -> None:
    stream = client.completions.create(
        model="plain", prompt="a dull plot", stream=True, stream_options={"include_usage": True}, **GREEDY
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == direct(generator, "a dull plot")
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] in ("stop", "length")
    assert chunks[-1].usage.total_tokens == chunks[-1].usage.prompt_tokens + chunks[-1].usage.completion_tokens
    assert not any(chunk.usage for chunk in chunks[:-1])


def test_a_side_may_say_several_messages_in_a_row(client: Any, decoders: Path) -> None:
    turns = [("user", "a film"), ("user", "the plot"), ("assistant", "I"), ("assistant", "you"), ("user", "so")]
    said = [Message(role, text) for role, text in turns]  # type: ignore[arg-type]
    expected = load_replier(decoders / "talker", "cpu").reply(said, SamplingSettings(24, temperature=0))
    messages: Any = [message.to_dict() for message in said]
    answer = client.chat.completions.create(model="talker", messages=messages, **GREEDY)
    assert answer.choices[0].message.content == expected.text
    template = read_chat_template(decoders / "talker")
    assert template is not None
    ids = load_tokenizer(decoders / "talker").encode_marked(template.render(said, asks=True), "\ufdd0")
    assert answer.usage.prompt_tokens == len(ids)


def test_a_reply_is_what_the_model_itself_says(client: Any, decoders: Path) -> None:
    said = [Message("system", "the plot"), Message("user", "a film"), Message("assistant", "I"), Message("user", "you")]
    expected = load_replier(decoders / "talker", "cpu").reply(said, SamplingSettings(24, temperature=0))
    messages: Any = [message.to_dict() for message in said]
    answer = client.chat.completions.create(model="talker", messages=messages, **GREEDY)
    assert answer.choices[0].message.content == expected.text
    assert answer.choices[0].finish_reason == expected.finish_reason
    assert answer.usage.completion_tokens == expected.tokens
    chunks = list(client.chat.completions.create(model="talker", messages=messages, stream=True, **GREEDY))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == expected.text


def test_parts_of_a_message_are_joined_and_developers_are_the_system(client: Any) -> None:
    def ask(role: str, content: Any) -> str:
        messages = [{"role": role, "content": "the plot"}, {"role": "user", "content": content}]
        answer = client.chat.completions.create(model="talker", messages=messages, **GREEDY)
        return str(answer.choices[0].message.content)

    parts = [{"type": "text", "text": "a "}, {"type": "text", "text": "film"}]
    assert ask("developer", parts) == ask("system", "a film")


def test_many_clients_at_once_each_get_their_own_answer(server: Any, generator: Any) -> None:
    words = ("a", "lovely", "film", "dull", "plot", "scene", "warm", "精彩")
    prompts = [f"{first} {second}" for first in words for second in words]
    expected = {prompt: direct(generator, prompt) for prompt in prompts}
    assert len(set(expected.values())) > len(prompts) // 2

    async def ask() -> dict[str, str]:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", timeout=120) as client:

            async def one(prompt: str) -> str:
                pieces = []
                stream = await client.completions.create(model="plain", prompt=prompt, stream=True, **GREEDY)
                async for chunk in stream:
                    pieces.append(chunk.choices[0].text)
                return "".join(pieces)

            return dict(zip(prompts, await asyncio.gather(*map(one, prompts)), strict=True))

    assert asyncio.run(ask()) == expected


def test_several_answers_are_those_of_their_seeds(client: Any) -> None:
    def ask(seed: int, n: int) -> list[str]:
        answer = client.completions.create(model="plain", prompt="a film", n=n, seed=seed, max_tokens=12)
        assert [choice.index for choice in answer.choices] == list(range(n))
        return [choice.text for choice in answer.choices]

    three = ask(5, 3)
    assert len(set(three)) == 3
    assert three == [ask(seed, 1)[0] for seed in (5, 6, 7)]
    assert ask(-1, 1) == ask(-1, 1)


def test_prompts_in_a_list_are_answered_in_order_also_as_tokens(client: Any, generator: Any) -> None:
    prompts = ["a film", "the plot is dull"]
    answer = client.completions.create(model="plain", prompt=prompts, **GREEDY)
    assert [choice.text for choice in answer.choices] == [direct(generator, prompt) for prompt in prompts]
    tokens = [[*generator.tokenizer.prompt_start, *ids] for ids in generator.tokenizer.encode(prompts)]
    again = client.completions.create(model="plain", prompt=tokens, **GREEDY)
    assert [choice.text for choice in again.choices] == [choice.text for choice in answer.choices]


def test_an_answer_ends_before_a_stop_string_whole_and_streamed(client: Any, generator: Any) -> None:
    whole = direct(generator, "a film", 40)
    stop = whole[9:12]
    expected = whole[: whole.index(stop)]
    common: dict[str, Any] = {
        "model": "plain",
        "prompt": "a film",
        "temperature": 0,
        "max_tokens": 40,
        "stop": [stop, "§"],
    }
    answer = client.completions.create(**common)
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == (expected, "stop")
    chunks = list(client.completions.create(stream=True, **common))
    assert "".join(chunk.choices[0].text for chunk in chunks) == expected
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_log_probabilities_are_of_the_tokens_that_were_given(client: Any) -> None:
    messages: Any = [{"role": "user", "content": "a film"}]
    answer = client.chat.completions.create(model="talker", messages=messages, logprobs=True, top_logprobs=3, **GREEDY)
    told = answer.choices[0].logprobs.content
    assert len(told) == answer.usage.completion_tokens
    for entry in told:
        assert entry.logprob == pytest.approx(max(other.logprob for other in entry.top_logprobs))
        assert len(entry.top_logprobs) == 3
        assert sum(math.exp(other.logprob) for other in entry.top_logprobs) <= 1.0001
    chunks = list(
        client.chat.completions.create(
            model="talker", messages=messages, logprobs=True, top_logprobs=3, stream=True, **GREEDY
        )
    )
    streamed = [entry for chunk in chunks if chunk.choices[0].logprobs for entry in chunk.choices[0].logprobs.content]
    assert [entry.token for entry in streamed] == [entry.token for entry in told]
    legacy = client.completions.create(model="plain", prompt="a film", logprobs=2, **GREEDY).choices[0].logprobs
    assert len(legacy.tokens) == len(legacy.token_logprobs) == len(legacy.top_logprobs) == len(legacy.text_offset)


def test_the_bytes_of_tokens_are_those_of_the_answer_though_characters_are_cut(client: Any, generator: Any) -> None:
    bias = {str(token): 8 for token in generator.tokenizer.encode(["精彩无聊😀"])[0]}
    answer = client.chat.completions.create(
        model="talker",
        messages=[{"role": "user", "content": "精彩 😀"}],
        logprobs=True,
        logit_bias=bias,
        response_format={"type": "regex", "pattern": "(龙|精|😀|🐉)+"},
        max_tokens=40,
        seed=2,
    )
    (choice,) = answer.choices
    told = b"".join(bytes(entry.bytes) for entry in choice.logprobs.content)
    assert choice.message.content
    assert told.decode("utf-8", "replace") == choice.message.content


def test_tokens_of_a_stop_string_are_not_told(client: Any, generator: Any) -> None:
    whole = direct(generator, "a film", 40)
    stop = whole[9:12]
    answer = client.completions.create(
        model="plain", prompt="a film", temperature=0, max_tokens=40, stop=stop, logprobs=0
    )
    told = answer.choices[0].logprobs
    assert told.text_offset[-1] < len(answer.choices[0].text)


def test_vectors_are_those_of_the_encoder_in_both_layouts(client: Any, small_bert_run: Any) -> None:
    texts = ["a lovely film", "a dull plot and an empty scene", "精彩"]
    expected = load_encoder(small_bert_run.model, "cpu").encode_documents(texts)
    for layout in ("float", "base64", None):  # None: the package asks for base64 by itself
        more = {} if layout is None else {"encoding_format": layout}
        answer = client.embeddings.create(model="encoder", input=texts, **more)
        vectors = [
            np.frombuffer(__import__("base64").b64decode(item.embedding), "<f4")
            if isinstance(item.embedding, str)
            else item.embedding
            for item in answer.data
        ]
        np.testing.assert_allclose(np.array(vectors), expected, atol=1e-5)
    assert answer.usage.prompt_tokens > len(texts) * 2


def test_models_are_listed_with_what_they_can_do(client: Any) -> None:
    found = {model.id: model.abilities for model in client.models.list()}
    assert set(found) == {"talker", "plain", "reviews", "encoder"}
    assert "chat" in found["talker"]
    assert "chat" not in found["plain"]
    assert found["reviews"] == ["tasks"]
    assert client.models.retrieve("talker").id == "talker"


@pytest.mark.parametrize(
    ("status", "kind", "body", "said"),
    [
        (404, "NotFoundError", {"model": "nobody"}, "There is no model"),
        (400, "BadRequestError", {"model": "plain"}, "no chat template"),
        (400, "BadRequestError", {"tools": [{"type": "function", "function": {"name": "f"}}]}, "calls no tools"),
        (400, "BadRequestError", {"messages": []}, "messages"),
        (400, "BadRequestError", {"messages": [{"role": "user", "content": ""}]}, "empty"),
        (400, "BadRequestError", {"messages": [{"role": "tool", "content": "x"}]}, "role"),
        (400, "BadRequestError", {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "content"),
        (400, "BadRequestError", {"messages": [{"role": "assistant", "content": "x"}]}, "begins with the assistant"),
        (400, "BadRequestError", {"max_tokens": 100_000}, "at most 400 tokens"),
        (400, "BadRequestError", {"max_tokens": 0}, "max_tokens"),
        (400, "BadRequestError", {"temperature": -1}, "temperature"),
        (400, "BadRequestError", {"n": 100}, "16 at once"),
        (400, "BadRequestError", {"extra_body": {"tempreature": 1}}, r'Did you mean "temperature"\?$'),
        (
            400,
            "BadRequestError",
            {"messages": [{"role": "user", "content": "film " * 2000}]},
            "last message",
        ),
        (400, "BadRequestError", {"logit_bias": {"99999": 1}}, "token"),
        (400, "BadRequestError", {"stop": [""]}, "stop"),
    ],
)
def test_what_is_wrong_is_said_as_the_client_expects_it(
    client: Any, status: int, kind: str, body: dict[str, Any], said: str
) -> None:
    messages = [{"role": "user", "content": "a film"}]
    for stream in (False, True):
        with pytest.raises(getattr(openai, kind), match=said) as caught:
            client.chat.completions.create(**{"model": "talker", "messages": messages, "stream": stream, **body})
        assert caught.value.status_code == status
        assert caught.value.body["type"] == "invalid_request_error"


def test_fields_that_ask_for_nothing_are_let_pass(client: Any) -> None:
    answer = client.chat.completions.create(
        model="talker",
        messages=[{"role": "user", "content": "a film"}],
        tools=[],
        tool_choice="none",
        modalities=["text"],
        parallel_tool_calls=None,
        user="me",
        metadata={"a": "b"},
        prompt_cache_retention="24h",
        response_format={"type": "text"},
        **GREEDY,
    )
    assert answer.choices[0].message.content


def test_a_reply_is_sent_back_as_the_client_holds_it(client: Any) -> None:
    said: list[Any] = [{"role": "user", "content": "a film"}]
    for form in (lambda message: message, lambda message: message.model_dump()):  # with fields that are null
        reply = client.chat.completions.create(model="talker", messages=said, **GREEDY).choices[0].message
        said += [form(reply), {"role": "user", "content": "lovely"}]
    assert client.chat.completions.create(model="talker", messages=said, **GREEDY).choices[0].message.content


def test_a_dialogue_that_is_too_long_loses_its_beginning_or_is_refused(client: Any) -> None:
    messages: Any = []
    for _ in range(60):
        messages += [{"role": "user", "content": "a lovely film and"}, {"role": "assistant", "content": "the plot"}]
    messages.append({"role": "user", "content": "a film"})
    answer = client.chat.completions.create(model="talker", messages=messages, **GREEDY)
    assert answer.dropped_exchanges > 0
    with pytest.raises(openai.BadRequestError, match="does not fit") as caught:
        client.chat.completions.create(
            model="talker", messages=messages, extra_body={"truncation": "disabled"}, **GREEDY
        )
    assert caught.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError, match="the last message has") as caught:
        client.chat.completions.create(model="talker", messages=[{"role": "user", "content": "film " * 5000}], **GREEDY)
    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "messages")


SCHEMA = {
    "type": "object",
    "properties": {"label": {"enum": ["good", "bad"]}, "stars": {"type": "integer", "minimum": 1, "maximum": 5}},
    "required": ["label", "stars"],
    "additionalProperties": False,
}


def test_an_answer_keeps_to_a_json_schema_though_the_model_has_learned_nothing(client: Any) -> None:
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "review", "schema": SCHEMA, "strict": True}}
    messages: Any = [{"role": "user", "content": "a film"}]
    answer = client.chat.completions.create(
        model="talker", messages=messages, n=3, seed=1, max_tokens=60, response_format=wanted
    )
    for choice in answer.choices:
        value = json.loads(choice.message.content)
        assert value["label"] in ("good", "bad")
        assert 1 <= value["stars"] <= 5
        assert choice.finish_reason == "stop"


def test_an_answer_keeps_to_an_expression(client: Any) -> None:
    answer = client.completions.create(
        model="plain",
        prompt="a film",
        max_tokens=20,
        extra_body={"response_format": {"type": "regex", "pattern": "(yes|no), [0-9]{2}"}},
    )
    assert re.fullmatch("(yes|no), [0-9]{2}", answer.choices[0].text)


@pytest.mark.parametrize(
    "wanted",
    [
        {"type": "json_schema"},
        {"type": "xml"},
        {"type": "regex", "pattern": "("},
        {"type": "regex"},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nothing"}}},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": {"$ref": "https://example.org/x.json"}}},
    ],
)
def test_formats_that_cannot_be_kept_to_are_refused(client: Any, wanted: Any) -> None:
    with pytest.raises(openai.BadRequestError, match=r"response_format|schema|expression"):
        client.chat.completions.create(
            model="talker", messages=[{"role": "user", "content": "a film"}], response_format=wanted
        )
