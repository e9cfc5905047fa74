"""The word LSTM of sst2-lstm.toml on SST-2: Penjing beside Keras, same network, rows, epochs, batches and threads.

Keras as its own examples do it: ``pad_sequences`` to 100 words, ``Embedding``, ``LSTM``, ``Dense`` with a sigmoid,
Adam, batches of 32; and once with batches of 256. Penjing puts rows of like length together, so that almost nothing is
padding; once in fp32 with batches of 32 as well, once in bf16, and once in bf16 with batches of 256. Each runs in a
process of its own. The first epoch, which compiles and warms up, is not counted on either side; accuracy is that on the
test rows after the last.

python benchmarks/lstm_vs_keras.py [--epochs 6] [--keras PYTHON] [--json]

Needs SST-2 in ../shared/data/sst2 or $PENJING_DATA/sst2, and Keras (pip install tensorflow-cpu), perhaps in another
environment, whose Python --keras names.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from labelled_sets import read_set

WORDS, DIM, MAX_TOKENS = 10_000, 128, 100

KERAS = """
import json, sys, time
import keras, numpy as np
task = json.load(open(sys.argv[1]))
keras.utils.set_random_seed(0)
def rows(split):
    padded = keras.utils.pad_sequences(task[split]["ids"], maxlen=task["max_tokens"])
    return padded, np.array(task[split]["labels"], dtype="float32")
x, y = rows("train")
model = keras.Sequential([
    keras.layers.Embedding(task["words"], task["dim"]),
    keras.layers.LSTM(task["dim"]),
    keras.layers.Dense(1, activation="sigmoid"),
])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
seconds = []
for _ in range(task["epochs"]):
    began = time.perf_counter()
    model.fit(x, y, batch_size=int(sys.argv[2]), verbose=0)
    seconds.append(time.perf_counter() - began)
accuracy = model.evaluate(*rows("test"), verbose=0)[1]
print(json.dumps({"seconds": sum(seconds[1:]), "accuracy": float(accuracy), "version": keras.version()}))
"""


def write_task(file: Path, epochs: int) -> None:
    """Writes the token ids that both sides train on: Penjing's, so that both read the same words."""
    from penjing.text.renderer import Renderer, RendererSettings
    from penjing.text.tokenizer import train_tokenizer
    from penjing.text.tokenizer_settings import TokenizerSettings

    texts, labels = {}, {}
    for split in ("train", "test"):
        texts[split], labels[split] = read_set("sst2", split)
    tokenizer = train_tokenizer([texts["train"]], TokenizerSettings(kind="word", vocab_size=WORDS, min_frequency=1))
    renderer = Renderer(tokenizer, RendererSettings(template="{text}", max_tokens=MAX_TOKENS))
    task: dict[str, Any] = {
        "words": tokenizer.vocab_size,
        "dim": DIM,
        "max_tokens": MAX_TOKENS,
        "epochs": epochs,
    }
    for split in texts:
        rendered = renderer.render([{"text": text} for text in texts[split]])
        task[split] = {"ids": [row.ids for row in rendered], "labels": labels[split]}
    file.write_text(json.dumps(task), encoding="utf-8")


def run_penjing(task: dict[str, Any], precision: str, batch_rows: int) -> dict[str, Any]:
    """Trains with Penjing's trainer."""
    from penjing.inference.engine import Engine
    from penjing.models.lstm import LSTM
    from penjing.progress import Silent
    from penjing.text.renderer import Rendered
    from penjing.text.shards import write_shard
    from penjing.train.batches import RowBatches
    from penjing.train.history import read_history
    from penjing.train.job import TrainingJob
    from penjing.train.objectives.classification import ClassificationObjective
    from penjing.train.settings import FinetuneSettings
    from penjing.train.trainer import Trainer

    shape = {"embedding_size": DIM, "hidden_size": DIM, "bidirectional": False, "pooling": "last"}
    values = {**shape, "dropout": 0.0, "embedding_dropout": 0.0, "initializer_range": 0.05}
    config = LSTM.config_from_dict({**values, "vocab_size": task["words"], "pad_token_id": 0})
    network = LSTM.classifier(config, 2)
    LSTM.initialize(network, config, 0)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "shard").mkdir()
        rows = [Rendered(ids, [False] * len(ids), 0) for ids in task["train"]["ids"]]
        shard = write_shard(
            Path(folder) / "shard",
            [(rows, task["train"]["labels"])],
            vocab_size=task["words"],
            unknown_id=1,
            fingerprint="",
        )
        settings = FinetuneSettings(
            epochs=task["epochs"],
            batch_rows=batch_rows,
            batch_tokens=batch_rows * task["max_tokens"],
            weight_decay=0,
            beta2=0.999,
            warmup=0,
            schedule="constant",
            precision=precision,
            checkpoint_every_s=1e9,
        )
        batches = RowBatches(shard, 0, settings.batch_tokens, batch_rows, 0)
        job = TrainingJob("lstm", network, ClassificationObjective(), batches, None, settings, 1e-3, 0)
        Trainer(job, Path(folder), Silent()).run()
        records = read_history(Path(folder) / "history.jsonl")
    steps = [record for record in records if "loss" in record]
    per_epoch = len(steps) // task["epochs"]
    logits = Engine(network, 0).score(task["test"]["ids"])
    right = (logits.argmax(axis=1) == task["test"]["labels"]).mean()
    return {"seconds": steps[-1]["seconds"] - steps[per_epoch - 1]["seconds"], "accuracy": float(right)}


CONTENDERS = {
    "Penjing, fp32, 32 rows": ("fp32", 32),
    "Penjing, bf16, 32 rows": ("bf16", 32),
    "Penjing, bf16, 256 rows": ("bf16", 256),
}


def main() -> None:
    """Runs each contender in a process of its own and prints a line for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--keras", default=sys.executable, help="a Python that has Keras")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.one:
        name, file = arguments.one
        print(json.dumps(run_penjing(json.loads(Path(file).read_text(encoding="utf-8")), *CONTENDERS[name])))
        return
    began, found = time.perf_counter(), {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "task.json"
        write_task(file, arguments.epochs)
        commands = {f"Keras, {rows} rows": [arguments.keras, "-c", KERAS, str(file), str(rows)] for rows in (32, 256)}
        commands |= {name: [sys.executable, __file__, "--one", name, str(file)] for name in CONTENDERS}
        for name, command in commands.items():
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found[name] = json.loads(done.stdout.splitlines()[-1])
        rows = len(json.loads(file.read_text(encoding="utf-8"))["train"]["ids"]) * (arguments.epochs - 1)
    for figures in found.values():
        figures["examples_per_second"] = rows / figures["seconds"]
    from penjing.machine import describe_machine

    if arguments.json:
        document = {"contenders": found, "seconds": time.perf_counter() - began, "machine": describe_machine()}
        print(json.dumps(document, indent=2))
        return
    for name, figures in found.items():
        speed, peer = figures["examples_per_second"], f"Keras, {name.split(', ')[-1]}"
        times = [speed / found[keras]["examples_per_second"] for keras in dict.fromkeys(("Keras, 32 rows", peer))]
        print(
            f"{name:26}{speed:9,.0f} examples/s  test accuracy {figures['accuracy']:.2%}  "
            + ", ".join(f"{each:.2f}" for each in times)
            + " times Keras with 32 rows"
            + (", with as many" if len(times) > 1 else "")
        )


if __name__ == "__main__":
    main()
