"""Small models, and real servers of them: each a process of its own, on 127.0.0.1."""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serve.browsing import open_browser
from tests.warm import warm_process

WORDS = ("a", "lovely", "film", "dull", "plot", "and", "the", "scene", "is", "warm", "I", "you", "精彩", "无聊", "😀")


@pytest.fixture(scope="session")
def decoders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models whose weights are random: ``talker``; ``plain``, without a chat template; ``endless``; an
    ``lstm``.

    ``endless`` has so many positions that an answer can take seconds.
    """
    import torch

    from penjing.models.llama import LLAMA
    from penjing.models.lstm import LSTM
    from penjing.pipeline.model_folder import write_network
    from penjing.text.chat_template import DEFAULT_TEMPLATE, MARKS, write_chat_template
    from penjing.text.tokenizer import train_tokenizer
    from penjing.text.tokenizer_settings import TokenizerSettings

    place = tmp_path_factory.mktemp("decoders")
    settings = TokenizerSettings(kind="bpe", vocab_size=340, reserved=4)
    tokenizer = train_tokenizer([[" ".join(WORDS)] * 3], settings).name_reserved(MARKS)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    values = {**shape, "vocab_size": tokenizer.vocab_size, "max_position_embeddings": 512}
    config, long = (LLAMA.config_from_dict({**values, **more}) for more in ({}, {"max_position_embeddings": 16_384}))
    network = LLAMA.language_model(config)
    LLAMA.initialize(network, config, 0)
    with torch.no_grad():  # else it says the same whatever it is asked
        for parameter in network.parameters():
            if parameter.dim() > 1:
                parameter.mul_(8)
    for name, shape_of in (("talker", config), ("plain", config), ("endless", long)):
        write_network(place / name, network, LLAMA, shape_of, tokenizer, head="language")
    config = LSTM.config_from_dict({"embedding_size": 16, "hidden_size": 16, "vocab_size": tokenizer.vocab_size})
    network = LSTM.language_model(config)
    LSTM.initialize(network, config, 0)
    write_network(place / "lstm", network, LSTM, config, tokenizer, head="language")
    for name in ("talker", "endless"):
        write_chat_template(place / name, DEFAULT_TEMPLATE)
    return place


@pytest.fixture(scope="session")
def finetuned(decoders: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Returns a copy of a decoder with a card for ``chat`` or ``generate``, as training would write it."""
    from penjing.tasks.sample_settings import SampleSettings
    from penjing.tasks.write_settings import WriteSettings
    from penjing.text.chat_template import read_chat_template
    from penjing.text.continuation_renderer import ContinuationRenderer, ContinuationRendererSettings
    from penjing.text.dialogue_renderer import DialogueRenderer, DialogueRendererSettings
    from penjing.text.tokenizer import load_tokenizer

    def make(task: str, source: str = "talker", window: int = 64, **writing: Any) -> Path:
        folder = tmp_path_factory.mktemp(task) / "model"
        shutil.copytree(decoders / source, folder)
        tokenizer, template = load_tokenizer(folder), read_chat_template(folder)
        render: Any
        renderer: Any
        if task == "chat":
            assert template
            render = DialogueRendererSettings(max_tokens=window)
            renderer = DialogueRenderer(tokenizer, template, window)
        else:
            render = ContinuationRendererSettings(max_tokens=window)
            renderer = ContinuationRenderer(tokenizer, render, reads_first=False)
        write: Any = WriteSettings if task == "chat" else SampleSettings
        settings = write(**{"max_tokens": 8, **writing}).model_dump(mode="json")
        card = {"penjing": "0", "task": task, "fingerprint": renderer.fingerprint, "reads": {}, "write": settings}
        card["render"] = render.model_dump(mode="json")
        (folder / "penjing.json").write_text(json.dumps(card), encoding="utf-8")
        return folder

    return make


class Server:
    """A server in a process of its own.

    Attributes:
        url: where it is.
        process: it.
        log: lines that it wrote.
    """

    def __init__(self, arguments: list[str]) -> None:
        self.process = warm_process().start(["serve", *arguments, "--port", "0"], Path.cwd(), os.environ)
        self.log: list[str] = []
        found: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(found,), daemon=True)
        self._reader.start()
        url = found.get(timeout=240)
        assert url is not None, "\n".join(self.log)
        self.url = url

    def _read(self, found: queue.Queue[str | None]) -> None:
        for line in self.process.stderr:
            self.log.append(line.rstrip("\n"))
            if match := re.search(r"^Serving .* at (http\S+)$", line):
                found.put(match[1])
        found.put(None)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def accounts(self) -> list[dict[str, Any]]:
        """The lines about requests."""
        return [json.loads(line) for line in self.log if line.startswith("{")]

    def account(self, request_id: str, timeout_s: float = 20) -> dict[str, Any]:
        """The line about a request, which is written when the request is over."""
        ends = time.monotonic() + timeout_s
        while time.monotonic() < ends:
            for line in self.accounts():
                if line["id"] == request_id:
                    return line
            time.sleep(0.05)
        raise AssertionError(f"nothing is said about {request_id}")

    def stop(self, timeout_s: float = 60) -> int:
        """Asks it to end, and returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout_s)
        finally:
            self.process.kill()
        self._reader.join(10)
        return code


@pytest.fixture(scope="module")
def start_server() -> Iterator[Callable[..., Server]]:
    """A function that starts a server with the arguments of ``penjing serve``; it is stopped in the end."""
    for package in ("fastapi", "uvicorn", "httptools", "prometheus_client"):
        pytest.importorskip(package)
    started: list[Server] = []

    def start(*arguments: object) -> Server:
        started.append(Server([str(argument) for argument in arguments]))
        return started[-1]

    yield start
    for server in started:
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real Chromium."""
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Server], decoders: Path, small_run: Any, small_bert_run: Any) -> Server:
    """A server of a talker, a plain decoder, a classifier, and an encoder; its weights are fp32."""
    models = (f"talker={decoders / 'talker'}", f"plain={decoders / 'plain'}", f"reviews={small_run.model}")
    return start_server(*models, f"encoder={small_bert_run.model}", "--weights", "fp32", "--max-output", 400)


@pytest.fixture
def curl() -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """A function that calls curl."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")

    def call(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        environment = {**os.environ, "NO_PROXY": "*"}
        command = ["curl", "--silent", "--show-error", "--max-time", "60", *arguments]
        return subprocess.run(command, capture_output=True, check=False, env=environment)

    return call
