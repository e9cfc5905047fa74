"""What a model of the same size learns in the same minutes, with Penjing and with Transformers' Trainer.

What is trained, on what, and by whom is said in `peer_data.py` and `peer_runs.py`. Short runs of the contenders, in
turn and three of each, tell by the fastest how many steps each takes in the minutes that everybody has, from the start
of the process until the weights are written, compiling included; its learning rate rises and falls over just so many.
(A machine whose speed wavers then favors nobody: what is learned follows from the steps. How long they really took is
printed too.) The last weights, in the hub's layout, are measured by what is behind `penjing evaluate` on held-out
reviews: bits per byte, with its 95% interval over the reviews, and the difference from Penjing's, paired by review. For
a bert and a t5 they are pseudo-likelihoods.

python benchmarks/equal_minutes.py [--family llama] [--minutes 10] [--reviews 250] [--only NAME …] [--threads N]
    [--litgpt-python PATH] [--json]

Needs the extras bench, quickstart and dev, and a quarter of an hour for each contender.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

from peer_data import BATCH_TOKENS, HELD_OUT, Run, prepare
from peer_runs import CONTENDERS, SKIPPED, add_options, choose_contenders, run_comparison, start_contender
from penjing.evaluate.language import LanguageEvaluation, evaluate_language_model
from penjing.inference.language_model import load_language_model
from penjing.machine import describe_machine
from penjing.metrics.language import bits_per_byte_difference, score_values
from penjing.progress import Silent

DEFAULT_CONTENDERS = ["Penjing", "Penjing, Muon", "Trainer, defaults", "Trainer, bf16, compiled"]
PROBES, PROBED_STEPS, MOST_STEPS = 3, 16, 1800  # the reviews have tokens for so many steps
RESAMPLES, SEED = 1000, 0


def plan_steps(probes: list[dict[str, Any]], minutes: float) -> int:
    """Returns the steps that fit into the minutes, by what the fastest of short runs took.

    Raises:
        SystemExit: too few or too many.
    """
    seconds_per_step = BATCH_TOKENS / max(probe["tokens_per_second"] for probe in probes)
    around = min(probe["seconds"] - PROBED_STEPS * BATCH_TOKENS / probe["tokens_per_second"] for probe in probes)
    steps = round((60 * minutes - around) / seconds_per_step)
    if not SKIPPED < steps <= MOST_STEPS:
        raise SystemExit(f"{minutes:g} minutes are {steps:,} steps; give from {SKIPPED + 1} to {MOST_STEPS:,} of them")
    return steps


def probe(arguments: argparse.Namespace, names: list[str], data: Path) -> dict[str, list[dict[str, Any]]]:
    """Runs every contender for a few steps, in turn; returns the figures of those that can."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for turn in range(PROBES):
        for number, name in enumerate(names):
            run = Run(arguments.family, PROBED_STEPS, data, data / f"probe-{turn}-{number}")
            figures = start_contender(name, run, arguments) if len(found[name]) == turn else None
            if figures is not None:
                found[name].append(figures)
                print(f"{name}: {figures['tokens_per_second']:,.0f} tokens/s", file=sys.stderr)
    return {name: probes for name, probes in found.items() if len(probes) == PROBES}


def measure_quality(run: Run, reviews: int) -> LanguageEvaluation:
    """Measures the last weights of a contender."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(run.data / "start" / name, run.out)
    texts = json.loads((run.data / HELD_OUT).read_text(encoding="utf-8"))[:reviews]
    model = load_language_model(run.out)
    return evaluate_language_model(model, texts, resamples=RESAMPLES, seed=SEED, progress=Silent())


def compare(arguments: argparse.Namespace, names: list[str], data: Path) -> dict[str, Any]:
    """Runs the contenders one after another; returns the report."""
    prepare(data, arguments.family, MOST_STEPS)
    contenders: dict[str, dict[str, Any]] = {}
    nats: dict[str, np.ndarray[Any, Any]] = {}
    for number, (name, probes) in enumerate(probe(arguments, names, data).items()):
        steps = plan_steps(probes, arguments.minutes)
        run = Run(arguments.family, steps, data, data / f"contender-{number}")
        figures = start_contender(name, run, arguments)
        if figures is None:
            continue
        measured = measure_quality(run, arguments.reviews)
        nats[name] = measured.surprisals.nats
        scores = {key: score_values(score) for key, score in measured.scores.items()}
        contenders[name] = {**figures, "steps": steps, "tokens": steps * BATCH_TOKENS, "scores": scores}
        if "Penjing" in nats and name != "Penjing":
            bytes_ = measured.surprisals.bytes
            difference = bits_per_byte_difference(nats["Penjing"], nats[name], bytes_, RESAMPLES, SEED)
            contenders[name]["penjing_less_this"] = score_values(difference)
        print(f"{name}: {steps:,} steps, {figures['seconds'] / 60:.1f} min", file=sys.stderr)
    return {
        "family": arguments.family,
        "minutes": arguments.minutes,
        "reviews": arguments.reviews,
        "is_pseudo": arguments.family != "llama",
        "contenders": contenders,
        "machine": describe_machine(),
    }


def show(report: dict[str, Any]) -> None:
    """Prints the report as a table."""
    print(f"{report['family']}, {report['minutes']:g} minutes each, measured on {report['reviews']} reviews")
    for name, figures in report["contenders"].items():
        bits = figures["scores"]["bits_per_byte"]
        line = (
            f"{name:24}{figures['tokens']:11,} tokens in {figures['seconds'] / 60:5.1f} min  "
            f"{bits['value']:.3f} bits per byte ({bits['low']:.3f}-{bits['high']:.3f})"
        )
        if "penjing_less_this" in figures:
            less = figures["penjing_less_this"]
            line += f"  Penjing less this: {less['value']:+.3f} ({less['low']:+.3f} to {less['high']:+.3f})"
        print(line)


def main() -> None:
    """Runs each contender and prints a line for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--reviews", type=int, default=250)
    parser.add_argument("--only", nargs="*", choices=list(CONTENDERS), default=DEFAULT_CONTENDERS)
    arguments = parser.parse_args()
    names = choose_contenders(arguments)
    run_comparison(arguments, names, compare, show)


if __name__ == "__main__":
    main()
