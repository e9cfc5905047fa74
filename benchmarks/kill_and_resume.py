"""Kills the quickstart, shortened, twenty times with SIGKILL, and compares it with one that was left alone.

Every kill is of a real `penjing run`, at a random moment after its stages have begun; whenever a killed run is through,
another begins. Compared are every loss of both trainings, the content of every stage, and the weights.

python benchmarks/kill_and_resume.py [--kills 20] [--json]
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from penjing.machine import describe_machine

SHORTER = (
    *("corpus.max_documents=2000", "tokenizer.vocab_size=5000", "vectors.epochs=1"),
    *("model.shape.embedding_size=64", "model.shape.hidden_size=64"),
    *("pretrain.objective=causal", "pretrain.window_tokens=64", "pretrain.epochs=0.5", "pretrain.compile=off"),
    *("finetune.epochs=2", "pretrain.checkpoint_every_s=1", "finetune.checkpoint_every_s=1", "evaluate.resamples=100"),
    *("explain.texts=2", "explain.examples=1", "explain.mistakes=0"),
)


def command(out: Path) -> list[str]:
    """Returns the command that runs, or goes on."""
    settings = [part for setting in SHORTER for part in ("--set", setting)]
    return [sys.executable, "-m", "penjing", "run", "quickstart", *settings, "--out", str(out)]


def finish(out: Path) -> float:
    """Runs to the end; returns the seconds."""
    began = time.perf_counter()
    subprocess.run(command(out), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def run_and_kill(out: Path, after_s: float) -> dict[str, Any] | None:
    """Kills a run some seconds after it has begun to work; returns what it was at, or None if it was through before."""
    process = subprocess.Popen(command(out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    process.stderr.readline()  # the first stage is done, or found
    try:
        process.wait(after_s)
        assert process.returncode == 0, process.stderr.read()
        return None
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    killed_at = time.time()
    working = sorted(folder.name.rsplit("-", 1)[0] for folder in out.glob("stages/*.part"))
    checkpoints = list(out.glob("stages/*.part/checkpoints/step-*"))
    newest = max((folder.stat().st_mtime for folder in checkpoints), default=None)
    return {
        "stage": working[0] if working else "between stages",
        "in_checkpoint_write": any(out.glob(f"stages/*/checkpoints/.step-*.{process.pid}.part")),
        "seconds_since_checkpoint": None if newest is None else round(killed_at - newest, 2),
    }


def read_result(out: Path) -> dict[str, Any]:
    """Returns losses, contents and weights of a finished run."""
    losses = {}
    for name in ("pretrain", "finetune"):
        (file,) = out.glob(f"stages/{name}-*/history.jsonl")
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        losses[name] = [[row["step"], row.get("loss", row.get("validation_loss"))] for row in rows]
    lineage = json.loads((out / "lineage.json").read_text(encoding="utf-8"))
    contents = {entry["stage"]: entry["content"] for entry in lineage}
    return {"losses": losses, "contents": contents, "weights": (out / "model" / "model.safetensors").read_bytes()}


def main() -> None:
    """Prints what was killed and whether everything is the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rng = random.Random(0)
    kills: list[dict[str, Any]] = []
    differing: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        seconds = finish(Path(folder) / "whole")
        expected = read_result(Path(folder) / "whole")
        while len(kills) < arguments.kills:
            out = Path(folder) / f"killed-{len(differing)}"
            while len(kills) < arguments.kills and (kill := run_and_kill(out, rng.uniform(0.5, 8))) is not None:
                kills.append(kill)
            finish(out)
            found = read_result(out)
            differing.append([part for part in expected if found[part] != expected[part]])
    result = {
        "kills": len(kills),
        "by_stage": {stage: sum(k["stage"] == stage for k in kills) for stage in {k["stage"]: 0 for k in kills}},
        "in_checkpoint_write": sum(k["in_checkpoint_write"] for k in kills),
        "most_seconds_lost_in_training": max((k["seconds_since_checkpoint"] or 0 for k in kills), default=0),
        "killed_runs": len(differing),
        "identical_runs": sum(not parts for parts in differing),
        "differing": sorted({part for parts in differing for part in parts}),
        "losses_compared": sum(len(rows) for rows in expected["losses"].values()) * len(differing),
        "undisturbed_seconds": round(seconds, 1),
        "machine": describe_machine(),
    }
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        for name, value in result.items():
            print(f"{name:30} {value}")


if __name__ == "__main__":
    main()
