"""Writing and reading of tokens: Penjing's engine beside llama.cpp and Transformers, on a CPU.

The same weights (random), prompts and threads; each contender loads its model alone, and the rounds of all are
interleaved, so that what else the machine does strikes all alike. Of each figure the best round counts.

one stream     tokens a second of 128 after a prompt of 8, the likeliest token always, chosen by each tool's own code.
prompt         tokens a second of a prompt of 512, until its first token is there.
16 streams     tokens a second in all of 16 texts of 64 tokens written together, after prompts of 16 (Transformers: one
               batch; llama.cpp's Python package writes one text at a time: its server is in serve_vs_peers.py).
16 unequal     the same of 16 texts as they come to a server, all at once: prompts of 8 to 128 tokens, answers of 16
               to 128, the reading of the prompts counted (Transformers: one batch, padded to the longest prompt, until
               the last answer is complete; only tokens that were asked for count).
4 x 4 beams    tokens a second in all of 4 texts of 64 tokens that are searched for together with 4 beams each, from the
               prompt on.
ceiling        bytes of the matrices that are read for each token, by the read bandwidth that was measured, is the
               shortest time for a token; the share is how near one stream comes to it.

llama.cpp by llama-cpp-python (flash attention off, as is its default), with Q8_0 beside int8 and Q4_0 beside int4;
Transformers' generate in bf16, its cache on; where the processor is no faster in bf16, in fp32 too.

python benchmarks/decode_vs_peers.py [--sizes 134M 374M] [--models DIR] [--threads 2] [--rounds 3] [--json]
    [--without llama.cpp|transformers …]

Needs the extras export and dev, and llama-cpp-python; about 4 minutes a size on two cores, and 4 GB.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from penjing.inference.decoding.collecting import Collected
from penjing.inference.decoding.loading import EngineSettings, load_engine
from penjing.inference.decoding.request import DecodeRequest
from penjing.inference.sampling import SamplingSettings
from penjing.machine import computes_bf16, describe_machine
from served_models import SHAPES, VOCABULARY, make_gguf, make_model

ONE, PROMPT, MANY, BEAMS = 128, 512, 16, 4
CHANCE = np.random.default_rng(0)
PROMPTS = {
    "one": [CHANCE.integers(10, VOCABULARY, 8).tolist()],
    "prompt": [CHANCE.integers(10, VOCABULARY, PROMPT).tolist()],
    "many": [CHANCE.integers(10, VOCABULARY, 16).tolist() for _ in range(MANY)],
    "unequal": [CHANCE.integers(10, VOCABULARY, count).tolist() for count in CHANCE.integers(8, 129, MANY)],
}
ANSWERS: list[int] = CHANCE.integers(16, 129, MANY).tolist()  # tokens after each of the unequal prompts


class Contender(Protocol):
    """A tool with a model."""

    def write(self, prompts: list[list[int]], count: int) -> float:
        """Writes so many tokens after each prompt; returns the seconds from the first token to the last."""

    def read(self, prompt: list[int]) -> float:
        """Returns the seconds until the token after a prompt is there."""

    def answer(self, prompts: list[list[int]], counts: list[int]) -> float:
        """Returns the seconds until so many tokens after each prompt are there."""

    def search(self, prompts: list[list[int]], count: int) -> float:
        """Returns the seconds until the likeliest texts of so many tokens are found with beams."""

    def close(self) -> None: ...


class Penjing:
    """The engine, as the server uses it."""

    def __init__(self, folder: Path, weights: Any, threads: int) -> None:
        self._engine = load_engine(folder, EngineSettings(weights=weights, kernels="native", threads=threads)).engine
        self.weight_bytes = self._engine._stepper.weight_bytes  # type: ignore[attr-defined]

    def _run(self, prompts: list[list[int]], counts: list[int], beams: int = 1) -> tuple[float, float, float]:
        class Timed(Collected):
            def put(self, token: Any) -> None:
                times.append(time.perf_counter())

        times: list[float] = []
        sinks = [Timed() for _ in prompts]
        began = time.perf_counter()
        for prompt, count, sink in zip(prompts, counts, sinks, strict=True):
            settings = SamplingSettings(count, 0.0)
            self._engine.submit(DecodeRequest(tuple(prompt), settings, frozenset(), beams=beams), sink)
        for sink in sinks:
            sink.wait()
        return began, times[0], times[-1]

    def write(self, prompts: list[list[int]], count: int) -> float:
        _, first, last = self._run(prompts, [count] * len(prompts))
        return last - first

    def read(self, prompt: list[int]) -> float:
        began, first, _ = self._run([_other(prompt)], [1])
        return first - began

    def answer(self, prompts: list[list[int]], counts: list[int]) -> float:
        began, _, last = self._run([_other(prompt) for prompt in prompts], counts)
        return last - began

    def search(self, prompts: list[list[int]], count: int) -> float:
        began, _, last = self._run(prompts, [count] * len(prompts), BEAMS)
        return last - began

    def close(self) -> None:
        self._engine.close()


def _other(prompt: list[int]) -> list[int]:
    """Returns a prompt of which no beginning is known from before."""
    return [int(CHANCE.integers(10, VOCABULARY)), *prompt[1:]]


class LlamaCpp:
    """llama-cpp-python, one text at a time."""

    def __init__(self, path: Path, threads: int) -> None:
        from llama_cpp import Llama

        self._model = Llama(str(path), n_ctx=1024, n_threads=threads, n_threads_batch=threads, verbose=False)

    def write(self, prompts: list[list[int]], count: int) -> float:
        self._model.reset()
        tokens = self._model.generate(prompts[0], temp=0.0, repeat_penalty=1.0)
        next(tokens)
        began = time.perf_counter()
        for _ in range(count - 1):
            next(tokens)
        return time.perf_counter() - began

    def read(self, prompt: list[int]) -> float:
        self._model.reset()
        began = time.perf_counter()
        next(self._model.generate(prompt, temp=0.0, repeat_penalty=1.0))
        return time.perf_counter() - began

    def answer(self, prompts: list[list[int]], counts: list[int]) -> float:
        raise NotImplementedError("llama-cpp-python writes one text at a time")

    def search(self, prompts: list[list[int]], count: int) -> float:
        raise NotImplementedError("llama-cpp-python has no beam search")

    def close(self) -> None:
        self._model.close()


class Transformers:
    """generate, in one precision."""

    def __init__(self, folder: Path, threads: int, dtype: torch.dtype) -> None:
        from transformers import AutoModelForCausalLM

        torch.set_num_threads(threads)
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()

    def _generate(self, prompts: list[list[int]], count: int, beams: int = 1) -> float:
        longest = max(map(len, prompts))
        ids = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in prompts])
        real = torch.tensor([[place >= longest - len(prompt) for place in range(longest)] for prompt in prompts])
        began = time.perf_counter()
        self._model.generate(
            ids,
            attention_mask=real.long(),
            max_new_tokens=count,
            min_new_tokens=count,
            do_sample=False,
            num_beams=beams,
            pad_token_id=0,
        )
        return time.perf_counter() - began

    def write(self, prompts: list[list[int]], count: int) -> float:
        return max(self._generate(prompts, count) - self._generate(prompts, 1), 1e-9)

    def read(self, prompt: list[int]) -> float:
        return self._generate([prompt], 1)

    def answer(self, prompts: list[list[int]], counts: list[int]) -> float:
        return self._generate(prompts, max(counts))

    def search(self, prompts: list[list[int]], count: int) -> float:
        return self._generate(prompts, count, BEAMS)

    def close(self) -> None:
        del self._model


def measure_reading(rounds: int) -> float:
    """Returns the bytes a second that memory gives, the best of several sums over 400 MB."""
    numbers, best = torch.ones(100_000_000), float("inf")
    for _ in range(4 * rounds):
        began = time.perf_counter()
        numbers.sum()
        best = min(best, time.perf_counter() - began)
    return numbers.nbytes / best


def measure(contender: Contender, does_many: bool) -> dict[str, float]:
    """Returns the rates of a contender, tokens a second."""
    figures = {
        "one": (ONE - 1) / contender.write(PROMPTS["one"], ONE),
        "prompt": PROMPT / contender.read(PROMPTS["prompt"][0]),
    }
    if does_many:
        count = ONE // 2
        figures["many"] = MANY * (count - 1) / contender.write(PROMPTS["many"], count)
        figures["unequal"] = sum(ANSWERS) / contender.answer(PROMPTS["unequal"], ANSWERS)
        some = PROMPTS["many"][: MANY // BEAMS]
        figures["beams"] = len(some) * count / contender.search(some, count)
    return figures


def compare(folder: Path, size: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the rates of all contenders for a size, and the ceiling."""
    model, threads = make_model(folder, size), arguments.threads
    makers: dict[str, tuple[Callable[[], Contender], bool]] = {
        f"Penjing {kind}": (lambda kind=kind: Penjing(model, kind, threads), True) for kind in ("int8", "int4", "bf16")
    }
    if "llama.cpp" not in arguments.without:
        for kind in ("q8_0", "q4_0"):
            path = make_gguf(folder, size, kind)
            makers[f"llama.cpp {kind.upper()}"] = (lambda path=path: LlamaCpp(path, threads), False)
    if "transformers" not in arguments.without:
        precisions = {"bf16": torch.bfloat16} | ({} if computes_bf16() else {"fp32": torch.float32})
        for name, dtype in precisions.items():
            makers[f"Transformers {name}"] = (lambda dtype=dtype: Transformers(model, threads, dtype), True)
    found: dict[str, dict[str, float]] = {}
    reading = measure_reading(arguments.rounds)
    for number in range(arguments.rounds):
        for name, (make, does_many) in makers.items():
            contender = make()
            if not number:
                measure(contender, does_many)  # warm: pages are touched, caches are made
            figures = measure(contender, does_many)
            if isinstance(contender, Penjing):
                figures["bytes"] = contender.weight_bytes
            contender.close()
            gc.collect()
            best = found.setdefault(name, figures)
            found[name] = {key: max(value, best[key]) for key, value in figures.items()}
        reading = max(reading, measure_reading(1))
    for figures in found.values():
        if "bytes" in figures:
            figures["share_of_ceiling"] = figures["one"] * figures["bytes"] / reading
    return {"size": size, "read_bytes_per_second": reading, "tokens_per_second": found}


def show(report: dict[str, Any]) -> None:
    """Prints the rates as a table, and how many times Penjing is as fast."""
    rates = report["tokens_per_second"]
    print(f"\n{report['size']}: memory is read at {report['read_bytes_per_second'] / 1e9:.1f} GB/s")
    heads = ("one stream", "prompt", "16 streams", "16 unequal", "4 x 4 beams", "of ceiling")
    print(f"{'':20}" + "".join(f"{head:>13}" for head in heads))
    for name, figures in rates.items():
        many, unequal, beams = (
            f"{figures[key]:,.0f}" if key in figures else "-" for key in ("many", "unequal", "beams")
        )
        share = f"{figures['share_of_ceiling']:.0%}" if "share_of_ceiling" in figures else "-"
        cells = (f"{figures['one']:,.0f}", f"{figures['prompt']:,.0f}", many, unequal, beams, share)
        print(f"{name:20}" + "".join(f"{cell:>13}" for cell in cells))
    for ours, theirs in (
        ("int8", "llama.cpp Q8_0"),
        ("int4", "llama.cpp Q4_0"),
        *((kind, f"Transformers {name}") for name in ("bf16", "fp32") for kind in ("bf16", "int8", "int4")),
    ):
        if theirs in rates:
            mine, peer = rates[f"Penjing {ours}"], rates[theirs]
            times = ", ".join(
                f"{key} {mine[key] / peer[key]:.2f}"
                for key in ("one", "prompt", "many", "unequal", "beams")
                if key in peer
            )
            print(f"Penjing {ours} / {theirs}: {times}")


def main() -> None:
    """Compares, and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--models", type=Path, help="Where models are kept (default: a folder that goes away).")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without", nargs="*", default=[], choices=["llama.cpp", "transformers"])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
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
