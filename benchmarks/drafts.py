"""What drafts are worth to one text: the engine without them, by look-up, and by a small model, on a CPU.

Random weights write no text in which drafts come true now and then, so each way is measured at its two ends. Those of a
real text lie between them; the text itself is the same, token for token, whatever is supposed.

look-up, true       the likeliest token always: what random weights write goes round in a circle soon.
look-up, false      drawn at temperature 1, so that hardly anything repeats.
small model, true   a model of the first two layers, and a large one whose other layers add nothing.
small model, false  a model of two layers with other weights.

python benchmarks/drafts.py [--sizes 134M 374M] [--weights int8] [--tokens 256] [--models DIR] [--threads 2]
    [--rounds 3] [--json]
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from penjing.files import read_json, write_json
from penjing.inference.decoding.collecting import Collected
from penjing.inference.decoding.loading import EngineSettings, load_engine
from penjing.inference.decoding.request import DecodeRequest
from penjing.inference.sampling import SamplingSettings
from penjing.machine import describe_machine
from penjing.models.weights import write_tensors
from served_models import SHAPES, VOCABULARY, make_model

PROMPT = np.random.default_rng(0).integers(10, VOCABULARY, 64).tolist()
KEPT = 2  # layers of a small model
DRAWN = {"drawn": 1.0, "likeliest": 0.0}


def change(source: Path, target: Path, layers: int, added: float, seed: int | None = None) -> Path:
    """Returns a copy of a model with its first layers alone, of which those after the second add so much of theirs.

    Args:
        source: the model.
        target: where the copy is to lie; made where it is not there.
        layers: that are kept.
        added: factor on what later layers add.
        seed: of other weights; None: those of the model.
    """
    if target.is_dir():
        return target
    shutil.copytree(source, target)
    tensors = {}
    chance = torch.Generator().manual_seed(seed or 0)
    for name, tensor in load_file(source / "model.safetensors").items():
        layer = int(name.split(".")[2]) if ".layers." in name else 0
        if layer >= layers:
            continue
        if layer >= KEPT and name.endswith(("o_proj.weight", "down_proj.weight")):
            tensor = tensor * added
        if seed is not None and tensor.ndim == 2:
            tensor = torch.randn(tensor.shape, generator=chance) * tensor.std()
        tensors[name] = tensor
    write_tensors(target / "model.safetensors", tensors)
    write_json(target / "config.json", {**read_json(source / "config.json"), "num_hidden_layers": layers})
    return target


def measure(
    model: Path, settings: EngineSettings, temperature: float, tokens: int, rounds: int
) -> tuple[float, list[int]]:
    """Returns tokens a second of one text, the best of the rounds, and the text."""
    engine, best, text = load_engine(model, settings).engine, 0.0, list[int]()
    for _ in range(rounds + 1):
        times: list[float] = []

        class Timed(Collected):
            def put(self, token: Any, times: list[float] = times) -> None:
                times.append(time.perf_counter())
                super().put(token)

        sink = Timed()
        engine.submit(DecodeRequest(tuple(PROMPT), SamplingSettings(tokens, temperature, seed=1), frozenset()), sink)
        text = sink.wait()
        best = max(best, (tokens - 1) / (times[-1] - times[0]))
    engine.close()
    return best, text


def compare(folder: Path, size: str, arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Returns tokens a second of each way, and how many times as fast as without drafts it is."""
    model = make_model(folder, size)
    layers = SHAPES[size]["num_hidden_layers"]
    silent = change(model, folder / f"{size}-silent", layers, 0.0)
    same = change(model, folder / f"{size}-same", KEPT, 0.0)
    other = change(model, folder / f"{size}-other", KEPT, 0.0, seed=1)
    plain = EngineSettings(weights=arguments.weights, kernels="native", threads=arguments.threads)
    ways: dict[str, tuple[Path, Any, str]] = {
        "look-up, true": (model, "lookup", "likeliest"),
        "look-up, false": (model, "lookup", "drawn"),
        "small model, true": (silent, same, "likeliest"),
        "small model, false": (silent, other, "drawn"),
    }
    found = {}
    for name, (large, draft, how) in ways.items():
        without, written = measure(large, plain, DRAWN[how], arguments.tokens, arguments.rounds)
        rate, again = measure(large, replace(plain, draft=draft), DRAWN[how], arguments.tokens, arguments.rounds)
        if written != again:
            raise SystemExit(f"{size}, {name}: the text is another one with drafts")
        found[name] = {"without": without, "with": rate, "times": rate / without}
    return found


def main() -> None:
    """Prints a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--weights", default="int8", choices=["fp32", "bf16", "int8", "int4"])
    parser.add_argument("--tokens", type=int, default=256, help="of the text")
    parser.add_argument("--models", type=Path, help="where models are kept (default: a folder that goes away)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.models or Path(scratch)
        sizes = {size: compare(folder, size, arguments) for size in arguments.sizes}
    if arguments.json:
        print(json.dumps({"machine": describe_machine(), "weights": arguments.weights, "sizes": sizes}, indent=1))
        return
    print(json.dumps(describe_machine()))
    for size, ways in sizes.items():
        for name, figures in ways.items():
            print(f"{size} {arguments.weights}  {name:20}{figures['without']:8.0f} tokens/s without, ", end="")
            print(f"{figures['with']:.0f} with: {figures['times']:.2f} times")


if __name__ == "__main__":
    main()
