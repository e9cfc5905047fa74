"""The eight applications over HTTP give what the command line gives, and refuse clearly."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient
from tests.answered import find_answered

import penjing
from penjing.cli.explain import show_explanations
from penjing.cli.predict import show_predictions, show_rankings, show_sentences
from penjing.cli.predict_answers import AnswerCall, show_answers
from penjing.serve.app import build_app
from penjing.serve.pool import ModelPool
from penjing.serve.settings import Limits, ServeSettings


@contextmanager
def serving(*folders: Path, **settings: Any) -> Iterator[TestClient]:
    """A client of a server of models, which are called m0, m1 …"""
    made = ServeSettings({f"m{number}": folder for number, folder in enumerate(folders)}, **settings)
    with TestClient(build_app(ModelPool(made), made), base_url="http://127.0.0.1:8000") as client:
        yield client


def ask(client: TestClient, path: str, **body: Any) -> Any:
    """Returns the results of a request that must succeed."""
    reply = client.post(f"/v1/{path}", json={"model": "m0", **body})
    assert reply.status_code == 200, reply.text
    assert reply.json()["model"] == body.get("model", "m0")
    return reply.json()["results"]


def refusal(client: TestClient, path: str, **body: Any) -> tuple[int, str]:
    """Returns status and message of a request that must fail."""
    reply = client.post(f"/v1/{path}", json={"model": "m0", **body})
    assert 400 <= reply.status_code < 500, reply.text
    return reply.status_code, reply.json()["error"]["message"]


TEXTS = ["a lovely film", "a dull and slow plot with a gray ending"]


def close_to(expected: Any) -> Any:
    """Returns values that numbers may differ from by what fp32 rounds."""
    if isinstance(expected, dict):
        return {key: close_to(value) for key, value in expected.items()}
    if isinstance(expected, list):
        return [close_to(value) for value in expected]
    return pytest.approx(expected, abs=1e-5, rel=1e-4) if isinstance(expected, float) else expected


def test_sentiment_is_that_of_the_command_line(small_run: Any, capsys: Any) -> None:
    show_predictions(small_run.model, iter(TEXTS), as_json=True)
    said = json.loads(capsys.readouterr().out)
    with serving(small_run.model) as client:
        assert ask(client, "tasks/sentiment", input=TEXTS) == close_to(said)
        assert ask(client, "tasks/sentiment", input=TEXTS[0]) == close_to(said[:1])
        assert ask(client, "tasks/classify", input=TEXTS[0]) == close_to(said[:1])


@pytest.mark.parametrize("kind", ["stars", "multilabel"])
def test_stars_and_several_labels_are_those_of_the_command_line(
    label_kind_run: Callable[[str], Any], capsys: Any, kind: str
) -> None:
    folder = label_kind_run(kind).model
    show_predictions(folder, iter(TEXTS), as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert "expected" in said[0] if kind == "stars" else "threshold" in said[0]
    with serving(folder) as client:
        assert ask(client, "tasks/sentiment", input=TEXTS) == close_to(said)
        assert ask(client, "tasks/classify", input=TEXTS) == close_to(said)


def test_sentences_are_answered_one_by_one(small_run: Any, capsys: Any) -> None:
    text = "A lovely film. But a dull ending!"
    show_sentences(small_run.model, iter([text]), "text", as_json=True)
    said = json.loads(capsys.readouterr().out)
    with serving(small_run.model) as client:
        assert ask(client, "tasks/sentiment", input=text, sentences=True) == close_to(said)


def test_translation_is_that_of_the_command_line(pair_run: Any, capsys: Any) -> None:
    texts = ["one two three", "seven eight"]
    show_predictions(pair_run.model, iter(texts), as_json=True)
    said = json.loads(capsys.readouterr().out)
    with serving(pair_run.model) as client:
        assert ask(client, "tasks/translate", input=texts) == close_to(said)
        [short] = ask(client, "tasks/translate", input="one two three four", max_tokens=1, beams=1)
        assert not short["is_complete"]
        drawn = [ask(client, "tasks/translate", input=texts, temperature=1.5, seed=seed) for seed in (1, 1)]
        assert drawn[0] == drawn[1]
        status, message = refusal(client, "tasks/summarize", input="one")
        assert (status, "Ask it at /v1/tasks/translate" in message) == (400, True)


def test_generation_is_that_of_the_command_line(finetuned: Callable[..., Path], capsys: Any) -> None:
    folder, texts = finetuned("generate", temperature=0), ["a lovely", "the dull plot", "精彩 😀"]
    show_predictions(folder, iter(texts), as_json=True)
    said = json.loads(capsys.readouterr().out)
    with serving(folder, weights="fp32") as client:
        assert ask(client, "tasks/generate", input=texts) == said
        [short] = ask(client, "tasks/generate", input="a lovely", max_tokens=1)
        assert len(short["written"]) <= len(said[0]["written"])
        drawn = {seed: ask(client, "tasks/generate", input=texts, temperature=2, seed=seed) for seed in (1, 2)}
        assert drawn[1] != drawn[2]
        assert ask(client, "tasks/generate", input=texts, temperature=2, seed=1) == drawn[1]
        assert ask(client, "tasks/generate", input=texts[1], temperature=2, seed=1) == drawn[1][1:2]


@pytest.mark.parametrize("beams", [1, 2])
def test_replies_are_those_of_the_model(finetuned: Callable[..., Path], beams: int) -> None:
    folder = finetuned("chat", beams=beams)
    model: Any = penjing.load(folder)
    first = [{"role": "user", "content": "a film"}]
    longer = [{"role": "system", "content": "warm"}, *first, {"role": "assistant", "content": "lovely"}, *first]
    with serving(folder, weights="fp32", limits=Limits(output_tokens=20)) as client:
        assert "20 at most" in refusal(client, "tasks/chat", messages=first, max_tokens=21)[1]
        expected = [item.to_dict() for item in model.predict([first, longer])]
        assert ask(client, "tasks/chat", messages=[first, longer]) == close_to(expected)
        assert ask(client, "tasks/chat", messages=longer) == close_to(expected[1:])
        loaded = client.get("/v1/models").json()["data"][0]["loaded"]
        assert "text" in loaded
        assert "task" not in loaded
        assert "the assistant spoke last" in refusal(client, "tasks/chat", messages=longer[:3])[1]
        twice = [*first, *first, {"role": "assistant", "content": "fine"}, *first, *first]
        assert ask(client, "tasks/chat", messages=twice) == close_to([model.predict([twice])[0].to_dict()])
        assert refusal(client, "tasks/chat", messages=[])[0] == 400
        assert refusal(client, "tasks/chat", messages=[{"role": "robot", "content": "a"}])[0] == 400


@pytest.mark.parametrize("stream", [False, True])
def test_a_message_that_is_blank_or_too_long_is_the_clients_fault(finetuned: Callable[..., Path], stream: bool) -> None:
    with serving(finetuned("chat")) as client:
        for text, said in ((" ", "message 1: the content is empty"), ("film " * 200, "Shorten the message")):
            body = {"messages": [{"role": "user", "content": text}], "stream": stream}
            status, message = refusal(client, "tasks/chat", **body)
            assert (status, said in message) == (400, True)


def test_answers_are_those_of_the_command_line(question_run: Any, capsys: Any) -> None:
    text = "film scene three red ending 7."
    show_answers(question_run.model, AnswerCall(["how many 7?", "which color 7?"], text, None), as_json=True)
    said = json.loads(capsys.readouterr().out)
    with serving(question_run.model) as client:
        questions = ["how many 7?", "which color 7?"]
        assert ask(client, "tasks/answer", question=questions, context=text) == close_to(said)
        assert ask(client, "tasks/answer", question=questions, context=[text, text]) == close_to(said)
        assert ask(client, "tasks/answer", question=questions[0], context=text) == close_to(said[:1])
        assert "one of the two" in refusal(client, "tasks/answer", question="how many?")[1]
        assert "one for each" in refusal(client, "tasks/answer", question="how many?", context=["a", "b"])[1]


def test_written_answers_are_those_of_the_command_line(written_run: Any, tmp_path: Path, capsys: Any) -> None:
    pytest.importorskip("bm25s")
    run = written_run("t5")
    question, text = find_answered(run)
    show_answers(run.model, AnswerCall([question, "which color 7?"], text, None), as_json=True)
    said = json.loads(capsys.readouterr().out)
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    with serving(run.model, documents={"notes": tmp_path}) as client:
        questions = [question, "which color 7?"]
        assert ask(client, "tasks/answer", question=questions, context=text) == close_to(said)
        [found] = ask(client, "tasks/answer", question=questions[0], documents="notes")
        assert found["answers"]
        assert all(text[item["start"] : item["end"]] == item["answer"] for item in found["answers"])
        status, message = refusal(client, "tasks/classify", input="one")
        assert (status, "Ask it at /v1/tasks/answer" in message) == (400, True)


def test_written_answers_are_no_longer_than_the_server_writes(written_run: Any) -> None:
    run = written_run("t5")
    model: Any = penjing.load(run.model)
    question, text = find_answered(run)
    bounded: Any = replace(model, settings=replace(model.settings, max_tokens=1))
    (expected,) = bounded.answer([question], [text])
    assert expected.answer != model.answer([question], [text])[0].answer
    with serving(run.model, limits=Limits(output_tokens=1)) as client:
        (found,) = ask(client, "tasks/answer", question=question, context=text)
        assert found["answer"] == expected.answer
    with serving(run.model, limits=Limits(output_tokens=4000)) as client:
        (found,) = ask(client, "tasks/answer", question=question, context=text)
        assert found["answer"] == model.answer([question], [text])[0].answer


def test_documents_are_cited_and_only_those_that_are_served(question_run: Any, tmp_path: Path) -> None:
    pytest.importorskip("bm25s")
    shelf = tmp_path / "notes"
    shelf.mkdir()
    question, text = "how many 7?", "film scene three red ending 7."
    (shelf / "a.txt").write_text(text, encoding="utf-8")
    (shelf / "b.txt").write_text("plot story blue actor two 8.", encoding="utf-8")
    [expected] = penjing.load(question_run.model).predict([{"question": question, "context": text}])
    with serving(question_run.model, documents={"notes": shelf}) as client:
        [found] = ask(client, "tasks/answer", question=question, documents="notes")
        best = found["answers"][0]
        assert (best["answer"], best["file"]) == (expected.answer, "a.txt")
        passage = best["passage"][best["start"] - best["passage_start"] : best["end"] - best["passage_start"]]
        assert passage == expected.answer
        for name in ("other", "../notes", str(shelf), ""):
            status, message = refusal(client, "tasks/answer", question="how many?", documents=name)
            assert (status, "The folders are notes" in message) == (404, True)


def test_items_are_those_of_the_command_line(event_run: Any, capsys: Any) -> None:
    show_rankings(event_run.model, ["r1", "r2", "a new thing"], None, "text", 3, as_json=True)
    said = json.loads(capsys.readouterr().out)
    with serving(event_run.model) as client:
        history = ["r1", "r2", "a new thing"]
        assert ask(client, "tasks/recommend", history=history, top=3) == close_to(said)
        assert ask(client, "tasks/recommend", history=[history, ["r1"]], top=3)[:1] == close_to(said)
        found = client.get("/v1/page/items", params={"model": "m0", "text": "THING 3"}).json()["items"]
        assert found
        assert all("thing 3" in item["text"] for item in found)


def test_explanations_are_those_of_the_command_line(small_bert_run: Any, capsys: Any) -> None:
    show_explanations(small_bert_run.model, TEXTS, None, "text", "occlusion", None, as_json=True)
    said = json.loads(capsys.readouterr().out)
    with serving(small_bert_run.model) as client:
        assert ask(client, "explain", input=TEXTS, method="occlusion") == close_to(said)
        [other] = ask(client, "explain", input=TEXTS[0], label="negative")
        assert other["label"] == "negative"
        assert 'no label "neutral"' in refusal(client, "explain", input="a", label="neutral")[1]
        assert refusal(client, "explain", input="a", method="magic")[0] == 400


def test_each_of_several_labels_is_explained_as_on_the_command_line(
    label_kind_run: Callable[[str], Any], capsys: Any
) -> None:
    folder = label_kind_run("multilabel").model
    show_explanations(folder, TEXTS, None, "text", "occlusion", "music", as_json=True)
    said = json.loads(capsys.readouterr().out)
    with serving(folder) as client:
        assert ask(client, "explain", input=TEXTS, method="occlusion", label="music") == close_to(said)


def test_log_and_counters_name_the_model_that_was_asked(
    small_bert_run: Any, question_run: Any, event_run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "penjing.serve.access")
    asked = {
        "tasks/classify": {"model": "m0", "input": "a film"},
        "tasks/sentiment": {"model": "m0", "input": "a film"},
        "explain": {"model": "m0", "input": "a film", "method": "occlusion"},
        "tasks/answer": {"model": "m1", "question": "how many?", "context": "film scene three red."},
        "tasks/recommend": {"model": "m2", "history": ["r1"]},
    }
    with serving(small_bert_run.model, question_run.model, event_run.model) as client:
        for path, body in asked.items():
            assert client.post(f"/v1/{path}", json=body).status_code == 200
        assert client.post("/v1/tasks/classify", json={"model": "nobody", "input": "a film"}).status_code == 404
        counted = client.get("/metrics").text
    told = [json.loads(record.message) for record in caplog.records if record.name == "penjing.serve.access"]
    assert {line["route"]: line["model"] for line in told if "model" in line} == {
        f"/v1/{path}": body["model"] for path, body in asked.items()
    }
    for path, body in asked.items():
        assert f'model="{body["model"]}",route="/v1/{path}"' in counted
    assert "nobody" not in counted


def test_a_text_is_no_longer_than_the_server_reads_whatever_is_asked_of_it(
    question_run: Any, small_bert_run: Any, event_run: Any
) -> None:
    long = "film scene " * 20
    limits = Limits(prompt_tokens=30)
    with serving(small_bert_run.model, question_run.model, event_run.model, limits=limits) as client:
        for path, field, body in (
            ("tasks/classify", "input", {"input": ["a film", long]}),
            ("tasks/sentiment", "input", {"input": long, "sentences": True}),
            ("explain", "input", {"input": long, "method": "occlusion"}),
            ("tasks/answer", "context", {"model": "m1", "question": ["how many?", "which?"], "context": long}),
            ("tasks/answer", "context", {"model": "m1", "question": long, "context": "a film"}),
            ("tasks/recommend", "history", {"model": "m2", "history": ["r1", long]}),
        ):
            reply = client.post(f"/v1/{path}", json={"model": "m0", **body})
            error = reply.json()["error"]
            assert (reply.status_code, error["param"], error["code"]) == (400, field, "context_length_exceeded")
            assert "at most 30 are read here" in error["message"]
        assert len(ask(client, "tasks/classify", input=["a lovely film " * 5] * 3)) == 3


def test_one_request_has_a_model_read_no_more_than_allowed(question_run: Any, small_bert_run: Any) -> None:
    context = "film scene three red ending 7. " * 5
    with serving(small_bert_run.model, question_run.model, limits=Limits(read_tokens=1000)) as client:
        questions = [f"how many {number}?" for number in range(40)]
        assert len(ask(client, "tasks/answer", model="m1", question=questions[:2], context=context)) == 2
        for path, body in (
            ("tasks/answer", {"model": "m1", "question": questions, "context": context}),
            ("tasks/classify", {"input": [context] * 40}),
            ("embeddings", {"input": ["film scene three " * 5] * 70}),
            ("explain", {"input": context, "method": "occlusion"}),
        ):
            reply = client.post(f"/v1/{path}", json={"model": "m0", **body})
            assert (reply.status_code, reply.json()["error"]["code"]) == (400, "too_much_to_read")
            assert "1,000 are read for one request" in reply.json()["error"]["message"]


def test_a_network_without_positions_reads_no_more_than_allowed(finetuned: Callable[..., Path]) -> None:
    folder = finetuned("generate", "lstm")
    with serving(folder, limits=Limits(read_tokens=50)) as client:
        assert ask(client, "tasks/generate", input="a film")
        for given in ("a film " * 200, ["a film and the plot"] * 30):
            status, message = refusal(client, "tasks/generate", input=given)
            assert (status, "50 are read for one request" in message) == (400, True)
    with serving(folder, limits=Limits(prompt_tokens=50)) as client:
        assert "at most 50 are read here" in refusal(client, "tasks/generate", input="a film " * 200)[1]


def test_who_asks_while_too_much_waits_for_a_model_is_told_to_come_again(small_bert_run: Any) -> None:
    with serving(small_bert_run.model) as client:
        app: Any = client.app
        app.state.context.pool.peek("m0").batcher._most_waiting = 2
        for path in ("embeddings", "tasks/classify", "explain"):
            reply = client.post(f"/v1/{path}", json={"model": "m0", "input": ["a film"] * 3})
            assert (reply.status_code, reply.json()["error"]["type"]) == (429, "rate_limit_error")
            assert int(reply.headers["Retry-After"]) >= 1
        assert client.post("/v1/embeddings", json={"model": "m0", "input": ["a film"] * 2}).status_code == 200


def test_requests_at_once_are_answered_as_one_by_one(small_bert_run: Any) -> None:
    model: Any = penjing.load(small_bert_run.model)
    texts = [f"{'lovely scene ' * (number % 9)}dull plot {number}" for number in range(80)]
    with serving(small_bert_run.model) as client, ThreadPoolExecutor(16) as clients:
        together = list(clients.map(lambda text: ask(client, "tasks/classify", input=text)[0], texts))
    assert together == [close_to(model.predict([text])[0].to_dict()) for text in texts]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "input"),
        ({"input": ""}, "input"),
        ({"input": "  "}, "empty"),
        ({"input": []}, "input"),
        ({"input": ["a", ""]}, "input"),
        ({"input": 5}, "input"),
        ({"input": {"text": "a"}}, "input"),
        ({"input": "a", "inputs": "b"}, "inputs"),
        ({"input": "a", "part": "x"}, "no parts"),
        ({"input": "a", "model": 7}, "model"),
    ],
)
def test_a_wrong_body_is_refused_and_named(small_run: Any, body: dict[str, Any], said: str) -> None:
    with serving(small_run.model) as client:
        status, message = refusal(client, "tasks/sentiment", **body)
    assert status == 400
    assert said in message


def test_half_a_surrogate_pair_is_refused(small_run: Any) -> None:
    with serving(small_run.model) as client:
        content = b'{"model": "m0", "input": "a \\ud800 b"}'
        reply = client.post("/v1/tasks/sentiment", content=content, headers={"Content-Type": "application/json"})
    assert reply.status_code == 400


def test_too_many_texts_and_foreign_models_are_refused(small_run: Any) -> None:
    with serving(small_run.model, limits=Limits(rows=3)) as client:
        assert "4 texts are more than the 3" in refusal(client, "tasks/sentiment", input=["a"] * 4)[1]
        assert refusal(client, "tasks/sentiment", model="../m0", input="a")[0] == 404
        assert "Ask it at /v1/tasks/sentiment" in refusal(client, "tasks/translate", input="a")[1]
        assert "Ask it at /v1/tasks/sentiment" in refusal(client, "tasks/recommend", history=["a"])[1]
        assert client.post("/v1/tasks/fly", json={"model": "m0"}).status_code == 404
        assert client.get("/v1/tasks/sentiment").status_code == 405
