"""Exports of small trained models, each with what its proof found: python benchmarks/export_parity.py OUT.

A decoder learns the first half of tinyshakespeare, a BERT and an LSTM 2,000 rows of SST-2; both lie in the folder
$PENJING_DATA. The decoder goes to every file type of GGUF, to int8, int4, Transformers and vLLM, the BERT to ONNX,
int8, int4 and Transformers, the LSTM to ONNX; each is scored on texts or rows that it did not learn from.
--model FOLDER exports a decoder that is there instead, and scores it on nothing.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

from penjing.files import write_json
from penjing.pipeline.exporting.exporting import ExportCall, export_model
from penjing.pipeline.exporting.sample import SampleData
from penjing.pipeline.exporting.source import open_source
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.progress import Silent
from shared_data import data_folder

_TRAINING = {"epochs": 2, "device": "cpu", "evaluations": 1, "compile": "off"}
DECODER = [("gguf", kind) for kind in ("f32", "f16", "bf16", "q8_0", "q4_0")] + [
    (target, None) for target in ("int8", "int4", "transformers", "vllm")
]
ENCODER = [(target, None) for target in ("onnx", "int8", "int4", "transformers")]
NETWORKS: dict[str, dict[str, Any]] = {
    "BERT": {
        "tokenizer": {"kind": "wordpiece", "vocab_size": 2000},
        "model": {
            "family": "bert",
            "shape": {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128},
        },
    },
    "LSTM": {
        "tokenizer": {"kind": "word", "vocab_size": 2000},
        "model": {"family": "lstm", "shape": {"embedding_size": 64, "hidden_size": 64}},
    },
}


def make_decoder(out: Path, data: Path) -> tuple[Path, Path]:
    """Returns a decoder that learned plays, and texts that it has not seen."""
    lines = (data / "tinyshakespeare.txt").read_text(encoding="utf-8").split("\n\n")
    half = len(lines) // 2
    for name, part in (("learned", lines[:half]), ("held", lines[half : half + 200])):
        with (out / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["text"], *([speech] for speech in part)])
    recipe = {
        "name": "plays",
        "corpus": {"path": str(out / "learned.csv"), "held_out": 0.02},
        "tokenizer": {"kind": "bpe", "vocab_size": 2048},
        "model": {"family": "llama", "size": 2},
        "pretrain": {"objective": "causal", "window_tokens": 128, "batch_tokens": 2048, **_TRAINING},
        "evaluate": {"resamples": 100},
    }
    result = run_recipe(check_recipe(recipe, "plays"), out / "plays", Silent(), ["export_parity"])
    return Path(result.model), out / "held.csv"


def make_classifier(out: Path, data: Path, network: str) -> tuple[Path, Path]:
    """Returns a model that learned reviews, and rows that it has not seen."""
    for name, count in (("train", 2000), ("test", 500)):
        with (data / "sst2" / f"{name}.tsv").open(encoding="utf-8") as file:
            rows = [row.rstrip("\n").split("\t") for row in file][:count]
        label = 0 if rows[0][0] in ("0", "1") else 1
        pairs = [(row[1 - label], row[label]) for row in rows]
        with (out / f"sst2-{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *pairs])
    recipe = {
        "name": "reviews",
        "task": "sentiment",
        "data": {"path": str(out / "sst2-train.csv")},
        **NETWORKS[network],
        "render": {"max_tokens": 64},
        "finetune": {"epochs": 3, "learning_rate": 1e-3, "device": "cpu"},
        "evaluate": {"resamples": 100},
    }
    result = run_recipe(check_recipe(recipe, "reviews"), out / network, Silent(), ["export_parity"])
    return Path(result.model), out / "sst2-test.csv"


def show(name: str, parity: dict[str, Any]) -> None:
    """Prints a row of the table."""
    tokens, scores, loss, task = (parity[key] for key in ("tokens", "scores", "loss", "task"))
    parts = [f"{parity['target']} {parity['type']}", parity["tool"], f"{tokens['equal']}/{tokens['texts']}"]
    parts.append(f"{scores['relative_difference']:.2g}")
    parts.append("–" if scores["mean_divergence"] is None else f"{scores['mean_divergence']:.2g}")
    parts.append("–" if loss is None or loss["mean_divergence"] is None else f"{loss['mean_divergence']:.2g}")
    values = ["–", "–"] if task is None else [f"{next(iter(task[when].values())):.4f}" for when in ("before", "after")]
    print(f"| {name} | {' | '.join([*parts, *values])} |", flush=True)


def main() -> None:
    """Makes the models, and exports them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", type=Path)
    call = parser.parse_args()
    out, data = call.out, data_folder()
    out.mkdir(parents=True)
    print("| model | export | proved by | same tokens | difference | divergence | lost | before | after |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    made: list[tuple[str, tuple[Path, Path | None], list[tuple[str, str | None]]]]
    if call.model is not None:
        made = [(call.model.name, (call.model, None), DECODER)]
    else:
        made = [
            ("decoder", make_decoder(out, data), DECODER),
            ("BERT", make_classifier(out, data, "BERT"), ENCODER),
            ("LSTM", make_classifier(out, data, "LSTM"), ENCODER[:1]),
        ]
    found = []
    for name, (model, held), targets in made:
        for target, kind in targets:
            place = out / f"{name}-{target}-{kind or 'default'}"
            asked = ExportCall(target, place, kind, data=None if held is None else SampleData(str(held)))
            parity = export_model(open_source(model), asked, Silent()).parity
            show(name, parity)
            found.append({"model": name, **parity})
    write_json(out / "parity.json", found)


if __name__ == "__main__":
    main()
