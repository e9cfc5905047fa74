"""Where a training run stands, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field

#: What a run must have in common with itself before it was stopped, to be the same to the bit.
DEPENDED_ON = {
    "batch_rows": "the rows of a batch",
    "accumulate": "the batches of a step",
    "threads": "the number of threads",
    "precision": "the precision",
    "device": "the processor",
    "kernels": "by what a layer's steps are computed",
    "stepping": "by what weights are changed",
    "compiling": "what compiles a step",
}


@dataclass
class TrainingState:
    """Where a run stands; saved with every checkpoint.

    Attributes:
        step: optimizer steps done.
        epoch: passes begun.
        position: batches of this epoch done.
        tokens: real tokens read.
        seconds: time spent, over all sittings.
        energy_j: that the processors used meanwhile, in joules; None where the machine did not tell in each sitting.
        evaluations: evaluations done.
        best: the best evaluation so far.
        worse: evaluations since.
        batches: batches in an epoch of this run.
        batch_rows: rows in one of them.
        accumulate: batches in a step.
        threads: that the processor computed with; 0 where a card did.
        precision: of the matrix products, ``bf16`` or ``fp32``.
        device: name of the processor or the card.
        kernels: by what a layer's steps are computed in bf16 on a CPU, ``compiled`` code or ``PyTorch``; else empty.
        stepping: by what the optimizer changes the weights on a CPU, ``compiled`` code or ``PyTorch``; else empty.
        compiling: PyTorch's version, where its compiler compiles a step, or ``nothing``; empty where an older version
            did not say.
    """

    step: int = 0
    epoch: int = 0
    position: int = 0
    tokens: int = 0
    seconds: float = 0.0
    energy_j: float | None = 0.0
    evaluations: int = 0
    best: dict[str, float] = field(default_factory=dict)
    worse: int = 0
    batches: int = 0
    batch_rows: int = 0
    accumulate: int = 0
    threads: int = 0
    precision: str = ""
    device: str = ""
    kernels: str = ""
    stepping: str = ""
    compiling: str = ""


@dataclass(frozen=True)
class TrainingResult:
    """What came of a run.

    Attributes:
        steps: optimizer steps.
        tokens: real tokens read.
        seconds: time spent, over all sittings.
        energy_j: that the processors used meanwhile, in joules; None where the machine did not tell in each sitting.
        best: the evaluation of the weights that were kept; empty without validation rows.
        stopped_early: whether patience ran out.
        compiled: whether ``torch.compile`` was used.
        precision: of the matrix products, ``bf16`` or ``fp32``.
        device: name of the processor or the card.
        device_memory_mb: the most that was allocated on the card in the last sitting, in MB (10^6 bytes); None on a
            CPU.
    """

    steps: int
    tokens: int
    seconds: float
    energy_j: float | None
    best: dict[str, float]
    stopped_early: bool
    compiled: bool
    precision: str
    device: str
    device_memory_mb: int | None
