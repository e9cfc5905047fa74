"""The contenders of a comparison, each of which pretrains the same model in a process of its own.

AdamW has the same rate at every step (6% warm-up, linear to 0), betas, decay and clipping.

- Penjing: its Trainer, precision auto (bf16 where the processor gains from it), compiled; "Penjing, not compiled" and
  "Penjing, Muon" if asked for.
- Trainer, defaults: Transformers' Trainer, fp32, not compiled. Its default of 8 rows a batch would be twice as many
  optimizer steps over the same tokens, hence more work and another model; 16 rows are the same work and faster, and
  that is what it gets.
- Trainer, bf16, compiled: ``bf16=True, torch_compile=True``; "Trainer, compiled", in fp32, if asked for.
- LitGPT: its ``pretrain`` (llama only), bf16-mixed, its default on a CPU, compiled, which it always is; "LitGPT,
  bf16-true", with weights in bf16 too, if asked for. It also decays the weights of normalizations, its AdamW is not
  fused on a CPU, and it reads two validation batches before the first step.

LitGPT 0.5 wants an older huggingface-hub than Transformers 5, so it has an environment of its own (pip install
".[bench-litgpt]" in this folder), whose interpreter is given with --litgpt-python; without it LitGPT is left out.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from peer_data import BATCH_TOKENS, FAMILIES, ROWS, WARMUP, WINDOW, Run, make_batches, open_start
from penjing.machine import count_cores, peak_memory_mb
from penjing.models.weights import load_weights, read_config, save_network
from penjing.progress import Silent
from penjing.text.tokenizer import load_tokenizer
from penjing.train.job import TrainingJob
from penjing.train.settings import PretrainSettings
from penjing.train.trainer import Trainer
from rates import clock_steps

BETA1, BETA2, EPSILON, DECAY, CLIP = 0.9, 0.98, 1e-8, 0.01, 1.0
SKIPPED = 5  # steps before tokens a second are counted
PR_SET_PDEATHSIG = 1  # of Linux's prctl.h


def run_penjing(run: Run, compiled: str = "on", optimizer: str = "adamw", precision: str = "auto") -> dict[str, Any]:
    """Trains with Penjing's trainer."""
    architecture, config, network = open_start(run)
    load_weights(network, run.data / "start")
    settings = PretrainSettings(
        epochs=run.steps / len(make_batches(run).plan(0)),
        window_tokens=WINDOW,
        batch_tokens=BATCH_TOKENS,
        warmup=WARMUP,
        beta2=BETA2,
        weight_decay=DECAY,
        clip_norm=CLIP,
        optimizer=optimizer,
        compile=compiled,
        precision=precision,
        evaluations=1,
        checkpoint_every_s=1e9,  # the others write none either
    )
    job = make_job(run, network, settings)
    with tempfile.TemporaryDirectory() as folder:
        result = Trainer(job, Path(folder), Silent()).run()
    save_network(run.out, network, architecture.config_to_dict(config, head="language"))
    return {"precision": result.precision, "compiled": result.compiled}


def make_job(run: Run, network: torch.nn.Module, settings: PretrainSettings) -> TrainingJob:
    """Returns what Penjing's trainer is to do."""
    objective = FAMILIES[run.family].objective(load_tokenizer(run.data / "start"))
    return TrainingJob("pretrain", network, objective, make_batches(run), None, settings, run.learning_rate, run.seed)


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
            seed=run.seed,
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
            seed=run.seed,
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
    "Penjing": run_penjing,
    "Penjing, not compiled": lambda run: run_penjing(run, compiled="off"),
    "Penjing, Muon": lambda run: run_penjing(run, optimizer="muon"),
    "Trainer, defaults": lambda run: run_transformers(run, {}),
    "Trainer, compiled": lambda run: run_transformers(run, {"torch_compile": True}),
    "Trainer, bf16, compiled": lambda run: run_transformers(run, {"bf16": True, "torch_compile": True}),
    "LitGPT": lambda run: run_litgpt(run, "bf16-mixed"),
    "LitGPT, bf16-true": lambda run: run_litgpt(run, "bf16-true"),
}


def run_one(name: str, run: Run, began: float) -> dict[str, Any]:
    """Trains as one contender and returns its figures; ``began`` is when its process was started."""
    with clock_steps() as clock:
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


def start_contender(name: str, run: Run, arguments: argparse.Namespace) -> dict[str, Any] | None:
    """Runs a contender in a process of its own, as `add_options` says; None where it failed, and why is printed."""
    python = arguments.litgpt_python if name.startswith("LitGPT") else sys.executable
    threads = str(arguments.threads)
    with tempfile.TemporaryDirectory() as cache:
        variables = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "TORCHINDUCTOR_CACHE_DIR": cache}
        command = [python, __file__, name, "--family", run.family, "--steps", str(run.steps)]
        command += ["--data", str(run.data), "--out", str(run.out), "--seed", str(run.seed)]
        command += ["--began", str(time.time())]
        done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True)
    if done.returncode:
        print(f"{name} failed:\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}", file=sys.stderr)
        return None
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what every comparison asks."""
    parser.add_argument("--family", choices=list(FAMILIES), default="llama")
    parser.add_argument("--threads", type=int, default=count_cores())
    parser.add_argument("--litgpt-python", help="interpreter of an environment with LitGPT and Penjing")
    parser.add_argument("--json", action="store_true")


def choose_contenders(arguments: argparse.Namespace) -> list[str]:
    """Returns those of ``arguments.only`` that can run, and says which cannot, and why."""
    if arguments.litgpt_python is None and importlib.util.find_spec("litgpt"):
        arguments.litgpt_python = sys.executable
    has_litgpt = arguments.family == "llama" and arguments.litgpt_python is not None
    names = [name for name in arguments.only if has_litgpt or not name.startswith("LitGPT")]
    if names != arguments.only:
        why = "give --litgpt-python" if arguments.family == "llama" else f"its pretrain knows no {arguments.family}"
        print(f"LitGPT is left out: {why}", file=sys.stderr)
    return names


def run_comparison(
    arguments: argparse.Namespace,
    names: list[str],
    compare: Callable[[argparse.Namespace, list[str], Path], dict[str, Any]],
    show: Callable[[dict[str, Any]], None],
) -> None:
    """Compares contenders in a folder that is gone afterwards, and prints the report.

    Raises:
        SystemExit: one of them failed.
    """
    with tempfile.TemporaryDirectory() as data:
        report = compare(arguments, names, Path(data))
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        show(report)
    if len(report["contenders"]) < len(names):
        raise SystemExit(1)


def main() -> None:
    """Is one contender; `start_contender` starts it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=list(CONTENDERS))
    parser.add_argument("--family", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--began", type=float, required=True)
    arguments = parser.parse_args()
    with contextlib.suppress(AttributeError):  # elsewhere than on Linux
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a benchmark that is killed leaves nobody behind
    run = Run(arguments.family, arguments.steps, arguments.data, arguments.out, arguments.seed)
    print("\n" + json.dumps(run_one(arguments.name, run, arguments.began)))


if __name__ == "__main__":
    main()
