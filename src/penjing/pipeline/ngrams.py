"""The n-grams beside a network, as ``[finetune] ngrams`` asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from penjing.files import read_json
from penjing.inference.engine import Engine
from penjing.pipeline.kinds.labels import LABELS
from penjing.pipeline.recipe import Recipe
from penjing.progress import Progress
from penjing.sitting import Sitting
from penjing.text.ngrams import NgramRule, which_ngrams, write_table
from penjing.text.shards import TokenShard, open_shard
from penjing.text.tokenizer import Tokenizer, load_tokenizer
from penjing.train.ngrams import STRENGTHS, Rows, fit_beside, fit_table
from penjing.train.settings import FinetuneSettings

_TIMED_ROWS = 1000
_MOST_ROWS = 200_000  # of longer sets rows at even distances: their n-grams are held in memory


def beside_network(recipe: Recipe) -> int | None:
    """Returns how many tokens the n-grams of a recipe have at most; None where there are none."""
    settings = recipe.finetune
    return settings.ngrams if isinstance(settings, FinetuneSettings) else None


def put_ngrams(
    recipe: Recipe, network: nn.Module, inputs: dict[str, Path], model: Path, progress: Progress
) -> dict[str, Any]:
    """Fits n-grams to the training rows, lets the validation rows choose their share, and writes them.

    Args:
        recipe: may be without ``[finetune] ngrams``; then nothing is done.
        network: scores labels; it is trained.
        inputs: the stages before: tokenizer and examples.
        model: the folder of the model; where the network is better alone, nothing is written there.
        progress: is told of each fit.

    Returns:
        ``ngrams``, what is to be said of them; nothing where the recipe has none.
    """
    length = beside_network(recipe)
    if length is None:
        return {}
    sitting, tokenizer, examples = Sitting(0.0, 0.0), load_tokenizer(inputs["tokenizer"]), inputs["examples"]
    rule, labels = _rule(length, tokenizer), len(read_json(examples / LABELS))
    validation = open_shard(examples / "validation")
    engine = Engine(network, tokenizer.pad_id, recipe.finetune.batch_tokens)
    logits = engine.score([validation.row(row).tolist() for row in range(validation.rows)])
    rows = _read(_some(open_shard(examples / "train"), _MOST_ROWS), rule)
    beside = fit_beside(rows, _read(validation, rule), logits, labels, rule, progress)
    said = {
        "length": length,
        "share": beside.share,
        "strength": beside.strength,
        "count": len(beside.table.keys),
        "loss": beside.loss,
        "loss_alone": beside.loss_alone,
        "seconds": round(sitting.own_seconds, 3),
    }
    return {"ngrams": {**said, "hash": write_table(beside.table, model)} if beside.share else said}


def has_share(said: dict[str, Any]) -> bool:
    """Whether n-grams, as `put_ngrams` speaks of them, answer beside the network."""
    return bool(said and said["ngrams"]["share"])


def time_ngrams(recipe: Recipe, inputs: dict[str, Path]) -> float:
    """Returns about how many seconds the n-grams of a recipe take, reckoned from some rows; none where it has none."""
    length = beside_network(recipe)
    if length is None:
        return 0.0
    shard, tokenizer = open_shard(inputs["examples"] / "train"), load_tokenizer(inputs["tokenizer"])
    some = _some(shard, _TIMED_ROWS)
    labels, rule = len(read_json(inputs["examples"] / LABELS)), _rule(length, tokenizer)
    fit_table(_read(some.take(np.arange(1)), rule), labels, rule, STRENGTHS[0])
    sitting = Sitting(0.0, 0.0)
    fit_table(_read(some, rule), labels, rule, STRENGTHS[-1])
    return sitting.own_seconds * len(STRENGTHS) * min(shard.rows, _MOST_ROWS) / some.rows


def _rule(length: int, tokenizer: Tokenizer) -> NgramRule:
    return NgramRule(length, tokenizer.vocab_size, frozenset(tokenizer.special_ids))


def _some(shard: TokenShard, most: int) -> TokenShard:
    """Returns a shard, or so many of its rows at even distances."""
    return shard if shard.rows <= most else shard.take(np.linspace(0, shard.rows - 1, most).astype(np.int64))


def _read(shard: TokenShard, rule: NgramRule) -> Rows:
    return Rows(which_ngrams([shard.row(row) for row in range(shard.rows)], rule), shard.labels)
