"""Whether torch.compile pays: the step of pretraining, eager and compiled, for each family, and what compiling costs.

python benchmarks/compile_step.py [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from penjing.machine import describe_machine
from penjing.progress import Silent
from penjing.registry import load_registered
from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard, write_shard
from penjing.train.batches import WindowBatches
from penjing.train.history import read_history
from penjing.train.job import TrainingJob
from penjing.train.objectives.causal import CausalObjective
from penjing.train.objectives.masked import MaskedObjective
from penjing.train.settings import PretrainSettings
from penjing.train.trainer import Trainer

VOCABULARY, STEPS, WINDOW, BATCH = 20_000, 40, 64, 2048
SHAPES: dict[str, dict[str, Any]] = {
    "bert": {"hidden_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 1024},
    "lstm": {"embedding_size": 128, "hidden_size": 128},
}


def build_job(family: str, shard: TokenShard, compiled: str) -> TrainingJob:
    """Returns a pretraining job of STEPS steps with fixed shapes."""
    architecture = load_registered("models", family)
    config = architecture.config_from_dict({**SHAPES[family], "vocab_size": VOCABULARY, "pad_token_id": 0})
    network = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    masked = MaskedObjective(0.2, 0.2, 4, VOCABULARY, frozenset(range(5)))
    objective = masked if family == "bert" else CausalObjective(directions=2)
    settings = PretrainSettings(compile=compiled, evaluations=1, checkpoint_every_s=1e9)
    return TrainingJob("step", network, objective, WindowBatches(shard, WINDOW, BATCH, 0), None, settings, 1e-3, 0)


def measure(family: str, shard: TokenShard, compiled: str) -> tuple[float, float]:
    """Returns the seconds of the first step, and of the median step after the first ten."""
    with tempfile.TemporaryDirectory() as folder:
        Trainer(build_job(family, shard, compiled), Path(folder), Silent()).run()
        ends = [record["seconds"] for record in read_history(Path(folder) / "history.jsonl") if "loss" in record]
    return ends[0], statistics.median(np.diff(ends[10:]).tolist())


def main() -> None:
    """Prints the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory() as folder:
        ids = np.random.default_rng(0).integers(5, VOCABULARY, size=STEPS * BATCH).tolist()
        rows = [([Rendered(ids, [], 0)], [])]
        shard = write_shard(Path(folder), rows, vocab_size=VOCABULARY, unknown_id=1, fingerprint="")
        rounds: dict[str, Any] = {}
        for family in SHAPES:
            eager_first, eager = measure(family, shard, "off")
            compiled_first, compiled = measure(family, shard, "on")
            rounds[family] = {
                "eager_ms": round(1000 * eager, 1),
                "compiled_ms": round(1000 * compiled, 1),
                "speedup": round(eager / compiled, 2),
                "compiling_s": round(compiled_first - eager_first, 1),
            }
    if as_json:
        print(json.dumps({"machine": describe_machine(), "families": rounds}, indent=2))
        return
    for family, figures in rounds.items():
        print(f"{family:6}" + "  ".join(f"{name} {value:8}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
