"""Twice as many requests as the server can take, for minutes: what is refused, what completes, and what memory does.

First each of some prompts is asked alone: greedy texts are the same to the bit in every batch, so each answer that
comes later is compared with the one of its prompt, and a stream that got a token of another would be seen. Then the
rate of completed requests with as many clients as may wait is measured, and for the rest of the time requests arrive at
twice that rate, whatever was answered.

python benchmarks/serve_load.py [--minutes 10] [--size 134M] [--models DIR] [--weights int8] [--threads 2] [--json]

Needs the extras serve and dev.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from penjing.machine import describe_machine
from serve_clients import Outcome, ask_all, lay_out, stream
from serve_vs_peers import find_port, start
from served_models import SHAPES, make_model

PROMPTS, TOKENS, WAITING = 48, 32, 32
CAPACITY_S = 20.0


def make_requests() -> list[bytes]:
    """Returns a request for each prompt; their beginnings are partly the same, so that blocks are shared."""
    chance = random.Random(0)
    system = " ".join(f"{chance.randrange(16**6):x}" for _ in range(16))
    bodies = (
        {
            "model": "m",
            "prompt": f"{system if number % 2 else ''} {number} {chance.random()}",
            "max_tokens": TOKENS,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        for number in range(PROMPTS)
    )
    return [lay_out("/v1/completions", body) for body in bodies]


def resident_mb(process: int) -> float:
    """Returns the memory of a process that is in use, in MB."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("the server is gone")


async def flood(
    port: int, requests: list[bytes], rate: float, seconds: float, process: int
) -> tuple[Outcome, list[float]]:
    """Sends requests at a rate; returns what came back, and the server's memory every ten seconds."""
    outcome, memory, tasks = Outcome(), list[float](), set[asyncio.Task[int]]()
    began, sent = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < seconds:
        while sent < passed * rate:
            task = asyncio.create_task(stream(port, requests[sent % len(requests)], sent, outcome))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            sent += 1
        if len(memory) < passed / 10:
            memory.append(resident_mb(process))
        await asyncio.sleep(0.005)
    await asyncio.gather(*tasks)
    outcome.seconds = time.perf_counter() - began
    memory.append(resident_mb(process))
    return outcome, memory


def run(model: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns what happened."""
    port, requests = find_port(), make_requests()
    serve = [sys.executable, "-m", "penjing", "serve", f"m={model}", "--weights", arguments.weights]
    limits = ["--threads", str(arguments.threads), "--most-waiting", str(WAITING)]
    server = start([*serve, *limits, "--port", str(port)], port, "/healthz")
    try:
        alone = asyncio.run(ask_all(port, requests, 1)).texts
        began, completed = time.perf_counter(), 0
        while time.perf_counter() - began < CAPACITY_S:
            completed += len(asyncio.run(ask_all(port, requests, WAITING)).texts)
        capacity = completed / (time.perf_counter() - began)
        seconds = arguments.minutes * 60
        outcome, memory = asyncio.run(flood(port, requests, 2 * capacity, seconds, server.pid))
        alive = server.poll() is None
    finally:
        server.terminate()
        server.wait(60)
    wrong = sum(text != alone[number % PROMPTS] for number, text in outcome.texts.items())
    early = memory[min(6, len(memory) - 1)]  # after a minute
    return {
        "capacity_per_second": capacity,
        "sent_per_second": sum(outcome.codes.values()) / outcome.seconds,
        "minutes": outcome.seconds / 60,
        "answers": {str(code): count for code, count in sorted(outcome.codes.items())},
        "refused_with_retry_after": outcome.retry_after,
        "completed": len(outcome.texts) - outcome.cut,
        "cut": outcome.cut,
        "wrong": wrong,
        "first_p95_s": outcome.first_at(0.95),
        "memory_mb": {"after_a_minute": early, "most": max(memory), "end": memory[-1]},
        "memory_growth": memory[-1] / early - 1,
        "alive": alive,
        "exit_code": server.returncode,
    }


def main() -> None:
    """Floods a server, and prints what happened; exits with 1 where something is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--size", default="134M", choices=list(SHAPES))
    parser.add_argument("--models", type=Path, help="Where models are kept (default: a folder that goes away).")
    parser.add_argument("--weights", default="int8")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as beside:
        report = run(make_model(arguments.models or Path(beside), arguments.size), arguments)
    if arguments.json:
        print(json.dumps({"machine": describe_machine(), **report}, indent=1))
    else:
        print(json.dumps(describe_machine()))
        for name, value in report.items():
            print(f"{name:26} {value}")
    good = report["alive"] and not report["wrong"] and not report["cut"] and set(report["answers"]) <= {"200", "429"}
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
