"""Kills a run twenty times with SIGKILL, and compares it with one that was left alone.

What runs is the quickstart, shortened, or the pretraining of a tiny language model, each family with what is hard to
resume: the llama with Muon, `wsd`, gradients of three batches added up, activations computed again and closed borders,
and another one compiled, as longer runs are by default; the bert with a mask rate that falls; the t5 with hidden spans;
the lstm in both directions. Or a small translator from scratch: captions of Multi30k, from $PENJING_DATA/multi30k.

Every kill is of a real `penjing run`, at a random moment after its stages have begun; whenever a killed run is through,
another begins. Compared are every loss of every training, the content of every stage, and the weights.

python benchmarks/kill_and_resume.py [--what quickstart] [--kills 20] [--json]

Needs the extra quickstart. One to ten minutes each on two cores.
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
from shared_data import data_folder

QUICKSTART = (
    *("corpus.max_documents=2000", "tokenizer.vocab_size=5000", "vectors.epochs=1"),
    *("model.shape.embedding_size=64", "model.shape.hidden_size=64"),
    *("pretrain.objective=causal", "pretrain.window_tokens=64", "pretrain.epochs=0.5", "pretrain.compile=off"),
    *("finetune.epochs=2", "pretrain.checkpoint_every_s=1", "finetune.checkpoint_every_s=1", "evaluate.resamples=100"),
    *("explain.texts=2", "explain.examples=1", "explain.mistakes=0"),
)
LANGUAGE_MODEL = (
    *("corpus.max_documents=1500", "tokenizer.vocab_size=4096", "model.size=tiny", "pretrain.window_tokens=128"),
    *("pretrain.batch_tokens=1024", "pretrain.compile=off", "pretrain.checkpoint_every_s=1"),
    *("pretrain.evaluations=4", "report.examples=[]"),
)
HARD = ("pretrain.optimizer=muon", "pretrain.accumulate=3", "pretrain.recompute=true", "pretrain.borders=closed")
FALLING_MASK = ("pretrain.objective=masked", "pretrain.mask_rate=0.3", "pretrain.mask_rate_end=0.1")
CAPTIONS = [str(data_folder() / "multi30k" / f"val.{language}.gz") for language in ("en", "de")]
TRANSLATOR = (
    *("data.text=text", "data.target=target", f"data.path={json.dumps(CAPTIONS)}", "tokenizer.vocab_size=1000"),
    *("finetune.epochs=12", "finetune.evaluations=4", "finetune.checkpoint_every_s=1", "finetune.average=0.99"),
    *("write.beams=1", "write.max_tokens=16", "evaluate.resamples=100", "report.examples=[]"),
)
#: What runs: the recipe and its settings.
SUBJECTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "quickstart": ("quickstart", QUICKSTART),
    "llama": ("reviews-lm", (*LANGUAGE_MODEL, *HARD)),
    "llama, compiled": ("reviews-lm", (*LANGUAGE_MODEL, "pretrain.compile=on")),
    "bert": ("reviews-lm", (*LANGUAGE_MODEL, *FALLING_MASK, "model.family=bert")),
    "t5": ("reviews-lm", (*LANGUAGE_MODEL, "model.family=t5", "pretrain.objective=span")),
    "lstm": ("reviews-lm", (*LANGUAGE_MODEL, "model.family=lstm")),
    "captions": ("multi30k-en-de", TRANSLATOR),
}


def command(what: str, out: Path) -> list[str]:
    """Returns the command that runs, or goes on."""
    recipe, settings = SUBJECTS[what]
    chosen = [part for setting in settings for part in ("--set", setting)]
    return [sys.executable, "-m", "penjing", "run", recipe, *chosen, "--out", str(out)]


def finish(what: str, out: Path) -> float:
    """Runs to the end; returns the seconds."""
    began = time.perf_counter()
    done = subprocess.run(command(what, out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.perf_counter() - began


def run_and_kill(what: str, out: Path, after_s: float) -> dict[str, Any] | None:
    """Kills a run some seconds after it has begun to work; returns what it was at, or None if it was through before."""
    process = subprocess.Popen(command(what, out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
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
    for file in sorted(out.glob("stages/*/history.jsonl")):
        name = file.parent.name.rsplit("-", 1)[0]
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        losses[name] = [[row["step"], row.get("loss", row.get("validation_loss"))] for row in rows]
    lineage = json.loads((out / "lineage.json").read_text(encoding="utf-8"))
    contents = {entry["stage"]: entry["content"] for entry in lineage}
    return {"losses": losses, "contents": contents, "weights": (out / "model" / "model.safetensors").read_bytes()}


def main() -> None:
    """Prints what was killed and whether everything is the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=list(SUBJECTS), default="quickstart")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    what = arguments.what
    rng = random.Random(0)
    kills: list[dict[str, Any]] = []
    differing: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        seconds = finish(what, Path(folder) / "whole")
        expected = read_result(Path(folder) / "whole")
        while len(kills) < arguments.kills:
            out = Path(folder) / f"killed-{len(differing)}"
            while len(kills) < arguments.kills and (kill := run_and_kill(what, out, rng.uniform(0.5, 8))) is not None:
                kills.append(kill)
            finish(what, out)
            found = read_result(out)
            differing.append([part for part in expected if found[part] != expected[part]])
    result = {
        "what": what,
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
