"""Many texts written at once: captions translated by Penjing's Writer beside Transformers' ``generate``.

A t5 of a size of Penjing's dial learns English to German captions of Multi30k for a few minutes, so that its texts end
where sentences do. Its weights are opened by both, in fp32 and on the same threads; both are given the same token ids,
and write at most 64 tokens to each of 1,000 test captions, with the likeliest token always and with 4 beams.
Transformers reads 32 prompts at a time in the order given, padded, as its documentation does; and, to tell what is due
to batches, as many as Penjing puts together, by length. The contenders take turns, in one process; the median of the
rounds counts. Tokens are those written, end tokens left out.

python benchmarks/writing_vs_transformers.py [--size mini] [--steps 400] [--model FOLDER] [--sentences 1000]
    [--rounds 3] [--threads N] [--json]

A model that lies in the folder is not trained again. Needs Multi30k in ../shared/data/multi30k or
$PENJING_DATA/multi30k, and the extra dev.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from penjing.inference.writing import Writer
from penjing.inference.writing_settings import WritingSettings
from penjing.machine import count_cores, describe_machine
from penjing.models.device import autocast, choose_device, choose_precision
from penjing.models.interface import count_parameters
from penjing.models.t5 import T5
from penjing.models.weights import CONFIG, load_weights, read_config, save_network
from penjing.pipeline.dial import vocabulary_of
from penjing.pipeline.recipe import SIZES
from penjing.text.batching import pad_rows, plan_by_length
from penjing.text.tokenizer import Tokenizer, load_tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings
from shared_data import data_folder

MAX_TOKENS, ROWS, PEER_ROWS, SEED = 64, 64, 32, 0
Texts = list[list[int]]


def read_captions(split: str, language: str) -> list[str]:
    """Returns the captions of a split of Multi30k."""
    folder = data_folder() / "multi30k"
    with gzip.open(folder / f"{split}.{language}.gz", "rt", encoding="utf-8") as file:
        return file.read().splitlines()


def train(network: Any, pairs: list[tuple[list[int], list[int]]], steps: int, pad_id: int) -> None:
    """Teaches a network to write the second text of each pair to the first."""
    rate = T5.learning_rate
    optimizer = torch.optim.AdamW(network.parameters(), rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    device, rng, losses = torch.device("cpu"), random.Random(SEED), []
    precision = choose_precision("auto", device)
    network.train()
    for step in range(steps):
        batch = sorted(rng.sample(pairs, 16 * ROWS), key=lambda pair: len(pair[1]))
        first = rng.randrange(16) * ROWS  # of like length
        read, mask = (torch.from_numpy(part) for part in pad_rows([p[0] for p in batch[first : first + ROWS]], pad_id))
        wanted, real = (
            torch.from_numpy(part) for part in pad_rows([p[1] for p in batch[first : first + ROWS]], pad_id)
        )
        given = torch.cat([torch.full((ROWS, 1), network.decoder_start_id), wanted[:, :-1]], dim=1)
        with autocast(device, precision):
            logits = network(read, mask, given)[real].float()
        loss = F.cross_entropy(logits, wanted[real])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if step % 50 == 49:
            print(f"step {step + 1} of {steps}, loss {statistics.mean(losses[-50:]):.3f}", file=sys.stderr, flush=True)


def build(size: str, steps: int, folder: Path) -> None:
    """Writes the folder of a model that translates."""
    texts = {language: read_captions("train", language) for language in ("en", "de")}
    settings = TokenizerSettings(kind="bpe", vocab_size=vocabulary_of(SIZES[size]))
    tokenizer = train_tokenizer([texts["en"], texts["de"]], settings)
    config = T5.config_from_dict(
        {
            **T5.shape_of_depth(SIZES[size]),
            "vocab_size": tokenizer.vocab_size,
            "pad_token_id": tokenizer.pad_id,
            "eos_token_id": tokenizer.end_id,
            "decoder_start_token_id": tokenizer.pad_id,
        }
    )
    network = T5.language_model(config)
    T5.initialize(network, config, SEED)
    torch.manual_seed(SEED)
    encoded = [[[*ids, tokenizer.end_id] for ids in tokenizer.encode(texts[language])] for language in ("en", "de")]
    train(network, list(zip(*encoded, strict=True)), steps, tokenizer.pad_id)
    tokenizer.save(folder)
    save_network(folder, network, T5.config_to_dict(config, head="language"))


def open_both(folder: Path) -> tuple[Any, Any, Tokenizer]:
    """Returns the network of a folder, Penjing's and Transformers', and its tokenizer."""
    import transformers

    transformers.utils.logging.disable_progress_bar()
    ours = T5.language_model(T5.config_from_dict(read_config(folder)))
    load_weights(ours, folder)
    theirs = transformers.T5ForConditionalGeneration.from_pretrained(folder)
    return ours.eval(), theirs.eval(), load_tokenizer(folder)


def generate(theirs: Any, prompts: Texts, plan: list[list[int]], tokenizer: Tokenizer, beams: int) -> Texts:
    """Returns what Transformers writes, batch by batch."""
    written: dict[int, list[int]] = {}
    for rows in plan:
        ids, mask = (torch.from_numpy(part) for part in pad_rows([prompts[row] for row in rows], tokenizer.pad_id))
        made = theirs.generate(
            input_ids=ids,
            attention_mask=mask.long(),
            max_new_tokens=MAX_TOKENS,
            num_beams=beams,
            do_sample=False,
            eos_token_id=tokenizer.end_id,
            pad_token_id=tokenizer.pad_id,
        )
        for row, text in zip(rows, made[:, 1:].tolist(), strict=True):
            written[row] = text[: text.index(tokenizer.end_id)] if tokenizer.end_id in text else text[:MAX_TOKENS]
    return [written[row] for row in range(len(prompts))]


def make_contenders(
    network: Any, theirs: Any, tokenizer: Tokenizer, prompts: Texts, beams: int
) -> dict[str, Callable[[], Texts]]:
    """Returns what writes the texts, by name."""
    import numpy as np

    settings = WritingSettings(MAX_TOKENS, beams)
    writer = Writer(network, frozenset({tokenizer.end_id}), tokenizer.pad_id)
    order = list(range(len(prompts)))
    few = [order[first : first + PEER_ROWS] for first in range(0, len(order), PEER_ROWS)]
    lengths = np.array([len(prompt) for prompt in prompts])
    many = [rows.tolist() for rows in plan_by_length(lengths, settings.batch_tokens // beams, len(prompts))]
    return {
        "Penjing": lambda: [text.ids for text in writer.write(prompts, settings)],
        "Transformers": lambda: generate(theirs, prompts, few, tokenizer, beams),
        "Transformers, by length": lambda: generate(theirs, prompts, many, tokenizer, beams),
    }


def measure(contenders: dict[str, Callable[[], Texts]], rounds: int) -> dict[str, dict[str, Any]]:
    """Times the contenders in turn; returns the figures of each."""
    texts: dict[str, Texts] = {}
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, write in contenders.items():
            began = time.perf_counter()
            texts[name] = write()
            seconds[name].append(time.perf_counter() - began)
    own = texts["Penjing"]
    figures: dict[str, dict[str, Any]] = {}
    for name, made in texts.items():
        ratios = [theirs / ours for theirs, ours in zip(seconds[name], seconds["Penjing"], strict=True)]
        figures[name] = {
            "tokens": sum(map(len, made)),
            "seconds": seconds[name],
            "tokens_per_second": sum(map(len, made)) / statistics.median(seconds[name]),
            "same_texts": sum(a == b for a, b in zip(made, own, strict=True)),
            "ratio": statistics.median(ratios),
        }
    return figures


def main() -> None:
    """Trains, measures, and prints a line for each contender."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=["tiny", "mini", "small"], default="mini")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--threads", type=int, default=count_cores())
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    choose_device("cpu")
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.model or Path(temporary)
        if not (folder / CONFIG).exists():
            folder.mkdir(parents=True, exist_ok=True)
            build(arguments.size, arguments.steps, folder)
        network, theirs, tokenizer = open_both(folder)
    captions = read_captions("test_2016_flickr", "en")[: arguments.sentences]
    prompts = [[*ids, tokenizer.end_id] for ids in tokenizer.encode(captions)]
    report: dict[str, Any] = {
        "parameters": count_parameters(network),
        "sentences": len(prompts),
        "threads": arguments.threads,
        "beams": {},
        "machine": describe_machine(),
    }
    for beams in arguments.beams:
        figures = measure(make_contenders(network, theirs, tokenizer, prompts, beams), arguments.rounds)
        report["beams"][beams] = figures
        for name, row in figures.items():
            line = (
                f"{beams} beams  {name:24}{row['tokens_per_second']:9,.0f} tokens/s  {row['tokens']:,} tokens  "
                f"{row['same_texts']:,} of {len(prompts):,} texts the same"
            )
            ratio = "" if name == "Penjing" else f"  Penjing is {row['ratio']:.2f} times as fast"
            print(line + ratio, file=sys.stderr if arguments.json else sys.stdout, flush=True)
    if arguments.json:
        print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
