"""Tasks whose answers are written come piece by piece, and end with their client."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import penjing
from penjing.tasks.write_settings import WriteSettings
from penjing.text.pair_renderer import PairRendererSettings
from penjing.text.prompt_renderer import PromptPairRenderer
from penjing.text.tokenizer import load_tokenizer

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

MESSAGES = [{"role": "user", "content": "a film"}]
TEXTS = ["a lovely film", "the dull plot 精彩", "😀"]


@pytest.fixture(scope="module")
def several(decoders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A decoder with a card of two parts: one writes, one labels."""
    folder = tmp_path_factory.mktemp("several") / "model"
    shutil.copytree(decoders / "talker", folder)
    tokenizer = load_tokenizer(folder)
    parts: dict[str, Any] = {}
    for name, task, more in (("de", "translate", {}), ("mood", "sentiment", {"labels": ["dull", "lovely"]})):
        render = PairRendererSettings(template=f"{name} {{text}}", max_tokens=32)
        fingerprint = PromptPairRenderer(tokenizer, render).fingerprint
        parts[name] = {"task": task, "render": render.model_dump(mode="json"), "fingerprint": fingerprint, **more}
    write = WriteSettings(max_tokens=12, beams=1).model_dump(mode="json")
    card = {"penjing": "0", "task": "multi", "render": {}, "fingerprint": "", "write": write, "parts": parts}
    (folder / "penjing.json").write_text(json.dumps(card), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def writers(
    start_server: Callable[..., Any],
    finetuned: Callable[..., Path],
    several: Path,
    decoders: Path,
    pair_run_of: Callable[[str], Any],
) -> Any:
    """A server of models with a task: decoders that go on, reply and translate, and a T5."""
    folders = {
        "writer": finetuned("generate", "endless", window=4000, max_tokens=24),
        "helper": finetuned("chat", max_tokens=24),
        "searcher": finetuned("chat", "endless", window=12_000, beams=4),
        "numbers": pair_run_of("llama").model,
        "several": several,
        "t5": pair_run_of("t5").model,
        "lstm": finetuned("generate", "lstm", temperature=0),
        "plain": decoders / "plain",
    }
    models = [f"{name}={folder}" for name, folder in folders.items()]
    return start_server(*models, "--weights", "fp32", "--max-output", 2000, "--max-prompt", 600)


@pytest.fixture(scope="module")
def client(writers: Any) -> httpx.Client:
    return httpx.Client(base_url=writers.url, timeout=120, trust_env=False)


def whole(client: httpx.Client, path: str, **body: Any) -> Any:
    reply = client.post(f"/v1/tasks/{path}", json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


def events(client: httpx.Client, path: str, **body: Any) -> list[Any]:
    """Returns the events of a stream that ends as it should."""
    with client.stream("POST", f"/v1/tasks/{path}", json={**body, "stream": True}) as reply:
        assert reply.status_code == 200, reply.read()
        assert reply.headers["content-type"].startswith("text/event-stream")
        lines = [line.removeprefix("data: ") for line in reply.iter_lines() if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("generate", {"model": "writer", "input": TEXTS, "temperature": 0.9, "seed": 3}),
        ("generate", {"model": "writer", "input": TEXTS[1], "temperature": 0}),
        ("chat", {"model": "helper", "messages": MESSAGES, "beams": 1}),
        ("chat", {"model": "helper", "messages": [MESSAGES, MESSAGES], "temperature": 1.5, "seed": 1}),
        ("translate", {"model": "numbers", "input": ["one two three", "seven eight"], "beams": 1}),
        ("translate", {"model": "t5", "input": ["one two three", "seven eight"], "beams": 1}),
        ("generate", {"model": "lstm", "input": TEXTS, "temperature": 0.9, "seed": 3}),
    ],
)
def test_a_stream_gives_pieces_and_last_the_answer_that_comes_whole(
    client: httpx.Client, path: str, body: dict[str, Any]
) -> None:
    *pieces, last = events(client, path, **body)
    assert last == whole(client, path, **body)
    assert len(pieces) > len(last["results"])
    assert all(set(piece) == {"index", "text"} and piece["text"] for piece in pieces)
    for number, result in enumerate(last["results"]):
        assert "".join(piece["text"] for piece in pieces if piece["index"] == number) == result["written"]


def test_a_part_of_a_model_streams_and_one_that_labels_does_not(client: httpx.Client, several: Path) -> None:
    body: dict[str, Any] = {"model": "several", "part": "de", "input": TEXTS}
    model: Any = penjing.load(several)
    expected = [item.to_dict() for item in model.part("de").predict(TEXTS)]
    answer = whole(client, "translate", **body)
    assert answer == {"model": "several", "task": "translate", "results": expected}
    assert events(client, "translate", **body)[-1] == answer
    for part, said in (("mood", "wrong_task"), (None, "several parts"), ("fr", "no part")):
        reply = client.post("/v1/tasks/translate", json={**body, "part": part, "stream": True})
        assert reply.status_code == 400
        assert said in reply.text
        assert str(several) not in reply.text
    assert client.post("/v1/tasks/translate", json={**body, "part": "mood"}).status_code == 400
    labels = client.post("/v1/tasks/sentiment", json={**body, "part": "mood"})
    assert {item["label"] for item in labels.json()["results"]} <= {"dull", "lovely"}


def test_an_lstm_writes_its_task_and_is_offered_for_nothing_else(client: httpx.Client, writers: Any) -> None:
    [result] = whole(client, "generate", model="lstm", input="a film", max_tokens=4)["results"]
    assert result["text"] == "a film"
    assert result["written"]
    listed = {entry["id"]: entry["abilities"] for entry in client.get("/v1/models").json()["data"]}
    assert (listed["lstm"], listed["writer"]) == (["tasks"], ["completions", "chat", "tasks"])
    reply = client.post("/v1/completions", json={"model": "lstm", "prompt": "a film"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "model_cannot_complete")
    shown = {model["name"]: model["completes"] for model in client.get("/v1/page/models").json()["models"]}
    assert (shown["lstm"], shown["writer"], shown["helper"]) == (False, True, True)


def test_a_stream_whose_time_is_up_ends_with_an_error(
    start_server: Callable[..., Any], finetuned: Callable[..., Path]
) -> None:
    folder = finetuned("generate", "endless", window=4000, max_tokens=1000)
    server = start_server(f"writer={folder}", "--timeout", 3)
    texts = [f"a film {number}" for number in range(1000)]
    with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client:
        body = {"model": "writer", "input": "a", "max_tokens": 1}
        tries = (client.post("/v1/tasks/generate", json=body).status_code for _ in range(20))
        assert 200 in tries  # on a busy machine, loading it takes longer than an answer may
        *_, last = events(client, "generate", model="writer", input=texts)
    assert last["error"]["code"] == "timeout"


def test_a_stream_is_written_without_beams(client: httpx.Client) -> None:
    body = {"model": "numbers", "input": "one two three"}
    assert events(client, "translate", **body)[-1] == whole(client, "translate", **body, beams=1)


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("translate", {"model": "numbers", "input": "one two", "beams": 2}, "leave beams or stream out"),
        ("summarize", {"model": "numbers", "input": "one two"}, "Ask it at /v1/tasks/translate"),
        ("summarize", {"model": "t5", "input": "one two"}, "Ask it at /v1/tasks/translate"),
        ("generate", {"model": "plain", "input": "one two"}, "not fine-tuned"),
        ("generate", {"model": "writer", "input": "one two", "part": "x"}, "no part x"),
        ("generate", {"model": "writer", "input": ""}, "input"),
        ("generate", {"model": "writer", "input": "a film " * 2000}, "at most 600 are read"),
        ("generate", {"model": "writer", "input": "a", "max_tokens": 2001}, "2,000 at most"),
        ("generate", {"model": "writer", "input": ["a"] * 1025}, "1,025 texts are more"),
        ("chat", {"model": "helper", "messages": [*MESSAGES, {"role": "assistant", "content": "a"}]}, "spoke last"),
        ("chat", {"model": "nobody", "messages": MESSAGES}, "no model"),
        ("classify", {"model": "writer", "input": "a"}, "stream"),
    ],
)
def test_what_cannot_stream_is_refused_before_the_first_event(
    client: httpx.Client, path: str, body: dict[str, Any], said: str
) -> None:
    reply = client.post(f"/v1/tasks/{path}", json={**body, "stream": True})
    assert reply.status_code == (404 if body["model"] == "nobody" else 400), reply.text
    assert said in reply.json()["error"]["message"]


def test_many_texts_of_one_request_are_each_their_own(client: httpx.Client) -> None:
    texts = [f"a {'film ' * (number % 7)}{number}" for number in range(100)]
    together = whole(client, "generate", model="writer", input=texts, temperature=0, max_tokens=6)["results"]
    for number in (0, 31, 32, 99):
        alone = whole(client, "generate", model="writer", input=texts[number], temperature=0, max_tokens=6)
        assert [together[number]] == alone["results"]


@pytest.mark.parametrize("streams", [True, False])
def test_a_client_that_vanishes_frees_the_engine(writers: Any, client: httpx.Client, streams: bool) -> None:
    body = {"model": "writer", "input": [f"a film {number}" for number in range(1000)], "temperature": 1.0}
    name = f"gone-{streams}"
    sent = {"json": {**body, "max_tokens": 1000, "stream": streams}, "headers": {"X-Request-Id": name}}
    with httpx.Client(base_url=writers.url, timeout=2, trust_env=False) as leaving:
        if streams:
            with leaving.stream("POST", "/v1/tasks/generate", **sent) as reply:
                assert next(reply.iter_lines()).startswith("data: {")
        else:
            with pytest.raises(httpx.ReadTimeout):
                leaving.post("/v1/tasks/generate", **sent)
    account = writers.account(name)
    assert (account["ended"], account["model"]) == ("client gone", "writer")
    assert account["written_tokens"] > 0
    ends = time.monotonic() + 10
    while not re.search(r'penjing_engine_texts{model="writer"} 0', client.get("/metrics").text):
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_a_search_with_beams_ends_when_its_client_leaves(client: httpx.Client) -> None:
    body: dict[str, Any] = {"model": "searcher", "messages": MESSAGES, "max_tokens": 1}
    whole(client, "chat", **body)
    many = [[{"role": "user", "content": f"film {number}"}] for number in range(400)]
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v1/tasks/chat", json={**body, "messages": many, "max_tokens": 2000}, timeout=1)
    reply = client.post("/v1/tasks/chat", json=body, timeout=20)
    assert reply.status_code == 200, reply.text


def test_an_lstm_stops_when_its_client_leaves(client: httpx.Client) -> None:
    body: dict[str, Any] = {"model": "lstm", "max_tokens": 1}
    whole(client, "generate", **body, input="a")
    many = [f"a film {number}" for number in range(1000)]
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v1/tasks/generate", json={**body, "input": many, "max_tokens": 2000}, timeout=1)
    reply = client.post("/v1/tasks/generate", json={**body, "input": "a"}, timeout=4)
    assert reply.status_code == 200, reply.text


def test_the_document_says_what_a_stream_gives(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    for path in ("generate", "chat", "translate", "summarize"):
        content = document["paths"][f"/v1/tasks/{path}"]["post"]["responses"]["200"]["content"]
        assert content["application/json"]["schema"]["$ref"].endswith("/TextAnswer")
        done, told = content["text/event-stream"]["schema"]["properties"]["data"]["anyOf"]
        assert done == {"const": "[DONE]"}
        piece, last, _ = told["contentSchema"]["anyOf"]
        assert set(piece["properties"]) == {"index", "text"}
        assert last == content["application/json"]["schema"]
