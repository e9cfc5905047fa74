"""What a decoder loses by holding its weights in fewer bits, as the engine computes: bits per byte of texts.

Activations are rounded too where the engine rounds them (beside int8 and int4), and keys and values are held in bf16
(in fp32 beside fp32 weights), so this is the loss of what is served, not of the matrices alone. Windows of 256 tokens
are read from their beginnings; the interval is that of the difference to fp32, by bootstrap over windows.

python benchmarks/weight_loss.py MODEL TEXT [--windows 64] [--threads 2] [--json]

MODEL is a folder of a Llama-like decoder, TEXT a file of text that it has not learned from.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from penjing.inference.decoding.rows import BLOCK, Rows
from penjing.inference.generation import open_writing_model
from penjing.inference.native.decoder import NativeDecoder
from penjing.inference.native.packing import Weights

WINDOW = 256


def losses(decoder: NativeDecoder, windows: list[list[int]]) -> NDArray[np.float64]:
    """Returns the bits of each window without its first token."""
    found = []
    for ids in windows:
        count = len(ids)
        table = np.arange(-(-count // BLOCK), dtype=np.int32)[None]
        places = np.arange(count, dtype=np.int32)
        rows = Rows(np.array(ids, dtype=np.int32), places, np.array([0, count], dtype=np.int32), table, places[:-1])
        scores = decoder.step(rows).log_softmax(dim=-1)
        found.append(-float(scores.gather(1, torch.tensor(ids[1:])[:, None]).double().sum()) / np.log(2))
    return np.array(found)


def main() -> None:
    """Measures, and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--windows", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    network, tokenizer, _ = open_writing_model(arguments.model, "cpu")
    (ids,) = tokenizer.encode([arguments.text.read_text(encoding="utf-8")])
    windows = [ids[begin : begin + WINDOW] for begin in range(0, len(ids) - WINDOW, WINDOW)][-arguments.windows :]
    sizes = np.array([len(tokenizer.decode(window[1:]).encode()) for window in windows], dtype=np.float64)
    bits: dict[Weights, NDArray[np.float64]] = {}
    bytes_read: dict[Weights, int] = {}
    for weights in get_args(Weights):
        decoder = NativeDecoder(network, weights, WINDOW // BLOCK, arguments.threads)  # type: ignore[arg-type]
        bits[weights], bytes_read[weights] = losses(decoder, windows), decoder.weight_bytes
        decoder.close()
    drawn = np.random.default_rng(0).integers(0, len(windows), (2000, len(windows)))
    report: dict[str, Any] = {"windows": len(windows), "bytes": int(sizes.sum())}
    for weights, found in bits.items():
        more = (found - bits["fp32"])[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
        low, high = np.quantile(more, [0.025, 0.975])
        report[weights] = {
            "bits_per_byte": found.sum() / sizes.sum(),
            "more_than_fp32": (found - bits["fp32"]).sum() / sizes.sum(),
            "interval": [low, high],
            "matrix_bytes": bytes_read[weights],
        }
    if arguments.json:
        print(json.dumps(report, indent=1))
        return
    print(f"{report['windows']} windows of {WINDOW} tokens, {report['bytes']:,} bytes")
    for weights in bits:
        line = report[weights]
        low, high = line["interval"]
        print(
            f"{weights}: {line['bits_per_byte']:.4f} bits per byte, {line['more_than_fp32']:+.4f} "
            f"({low:+.4f} to {high:+.4f}), matrices {line['matrix_bytes'] / 1e6:,.1f} MB"
        )


if __name__ == "__main__":
    main()
