"""Sixteen clients at once: Penjing's server beside llama.cpp's, on a CPU.

Each client streams completions of 64 tokens after a prompt of some 48, its own each time; the same weights (random),
texts and threads, one server at a time, the clients in this process. Tokens a second are those of all clients together;
the time to the first token is seen by them. Of each server the best of the rounds counts, which are interleaved.

llama.cpp's servers: the one of its Python package (one request at a time), and, where --llama-server names it, its own
binary with a slot for each client (-np 16, a context of 16 x 256).

python benchmarks/serve_vs_peers.py [--sizes 134M] [--models DIR] [--clients 16] [--threads 2] [--rounds 2] [--json]
    [--llama-server PATH]

Needs the extras serve, export and dev, and llama-cpp-python[server].
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from penjing.machine import describe_machine
from serve_clients import Outcome, ask_all, lay_out
from served_models import SHAPES, make_gguf, make_model

TOKENS, ASKED = 64, 3  # of each answer; requests a client


def find_port() -> int:
    """Returns a port that is free."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def start(command: list[str], port: int, ready: str) -> subprocess.Popen[bytes]:
    """Starts a server, and waits until a route of it answers."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{ready}", timeout=5):
                return server
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        if server.poll() is not None:
            break
    raise SystemExit(f"{command[0]} does not answer")


def commands(folder: Path, size: str, arguments: argparse.Namespace) -> dict[str, tuple[list[str], str]]:
    """Returns how each server is started, with {port} for its port, and the route that says it is there."""
    threads, clients = str(arguments.threads), str(arguments.clients)
    python = [sys.executable, "-m"]
    found: dict[str, tuple[list[str], str]] = {}
    for weights, kind in (("int8", "q8_0"), ("int4", "q4_0")):
        model, gguf = make_model(folder, size), make_gguf(folder, size, kind)
        serve = [*python, "penjing", "serve", f"m={model}", "--weights", weights, "--threads", threads]
        found[f"Penjing {weights}"] = ([*serve, "--port", "{port}"], "/healthz")
        theirs = ["--model", str(gguf), "--n_ctx", "1024", "--n_threads", threads, "--n_threads_batch", threads]
        served = [*python, "llama_cpp.server", *theirs, "--interrupt_requests", "False", "--port", "{port}"]
        found[f"llama_cpp.server {kind.upper()}"] = (served, "/v1/models")
        if arguments.llama_server:
            binary = [str(arguments.llama_server), "-m", str(gguf), "-t", threads, "-tb", threads, "-np", clients]
            context = ["-c", str(256 * arguments.clients), "--no-webui", "--port", "{port}"]
            found[f"llama-server {kind.upper()}"] = ([*binary, *context], "/health")
    return found


def make_requests(count: int, seed: int) -> list[bytes]:
    """Returns requests whose prompts have nothing in common."""
    chance = random.Random(seed)
    bodies = (
        {
            "model": "m",
            "prompt": " ".join(f"{chance.randrange(16**6):x}" for _ in range(12)),
            "max_tokens": TOKENS,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        for _ in range(count)
    )
    return [lay_out("/v1/completions", body) for body in bodies]


def measure(command: list[str], ready: str, clients: int) -> Outcome:
    """Returns what clients see of a server, after a few requests to warm it."""
    port = find_port()
    server = start([part.replace("{port}", str(port)) for part in command], port, ready)
    try:
        asyncio.run(ask_all(port, make_requests(2, 1), 2))
        outcome = asyncio.run(ask_all(port, make_requests(ASKED * clients, 2), clients))
    finally:
        server.terminate()
        server.wait(60)
    if not outcome.tokens:  # a server that does not tell: every text has its full length, for random weights do not end
        outcome.tokens = TOKENS * len(outcome.texts)
    return outcome


def compare(folder: Path, size: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the best round of each server."""
    found: dict[str, dict[str, float]] = {}
    for _ in range(arguments.rounds):
        for name, (command, ready) in commands(folder, size, arguments).items():
            outcome = measure(command, ready, arguments.clients)
            if set(outcome.codes) != {200}:
                raise SystemExit(f"{name} answered {outcome.codes}")
            rate = outcome.tokens / outcome.seconds
            if rate > found.get(name, {}).get("tokens_per_second", 0.0):
                first = {"first_p50_s": outcome.first_at(0.5), "first_p95_s": outcome.first_at(0.95)}
                found[name] = {"tokens_per_second": rate, **first}
    return {"size": size, "clients": arguments.clients, "servers": found}


def show(report: dict[str, Any]) -> None:
    """Prints what was measured as a table."""
    print(f"\n{report['size']}, {report['clients']} clients")
    print(f"{'':26}{'tokens/s':>10}{'first p50':>12}{'first p95':>12}")
    for name, figures in report["servers"].items():
        first, last = figures["first_p50_s"], figures["first_p95_s"]
        print(f"{name:26}{figures['tokens_per_second']:10,.0f}{first:10.2f} s{last:10.2f} s")
    for weights, kind in (("int8", "Q8_0"), ("int4", "Q4_0")):
        ours = report["servers"][f"Penjing {weights}"]
        for peer in (f"llama_cpp.server {kind}", f"llama-server {kind}"):
            if peer in report["servers"]:
                theirs = report["servers"][peer]
                times = ours["tokens_per_second"] / theirs["tokens_per_second"]
                print(f"Penjing {weights} / {peer}: {times:.2f} times the tokens a second")


def main() -> None:
    """Compares, and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["134M"], choices=list(SHAPES))
    parser.add_argument("--models", type=Path, help="Where models are kept (default: a folder that goes away).")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--llama-server", type=Path, help="llama.cpp's own binary.")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as beside:
        folder = arguments.models or Path(beside)
        reports = [compare(folder, size, arguments) for size in arguments.sizes]
    if arguments.json:
        print(json.dumps({"machine": describe_machine(), "sizes": reports}, indent=1))
        return
    print(json.dumps(describe_machine()))
    for report in reports:
        show(report)


if __name__ == "__main__":
    main()
