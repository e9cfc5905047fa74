"""What the report of a language model is made of: plain JSON values, checked."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from penjing.pipeline.report.facts import Facts, RunFacts


class Measured(Facts):
    """A value with its 95% interval; None where it is no finite number, or where there is no interval."""

    value: float | None
    low: float | None = None
    high: float | None = None


class LanguageBaseline(BaseModel):
    """What a baseline makes of the test texts, and how much it learned from; other keys are not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    scores: dict[str, Measured]
    training_tokens: int | None = None
    training_bytes: int | None = None


class LanguageEvaluation(BaseModel):
    """What `penjing.evaluate.language` finds on the test texts; other keys are not looked at.

    Attributes:
        documents: texts measured.
        tokens: of them, end tokens included.
        words: of them.
        bytes: of them.
        left_out_documents: texts not measured, for it would take too long.
        windowed_documents: texts longer than the model reads at once.
        unknown_tokens: tokens that stand for words which the vocabulary lacks.
        exact_documents: texts that the tokenizer gives back as they were.
        scores: name → value; ``pseudo_…`` where tokens were guessed from both sides.
        baselines: name → scores on the same texts.
        differences: name → bits per byte of the model less those of the baseline, paired by text.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    documents: int
    tokens: int
    words: int
    bytes: int
    left_out_documents: int = 0
    windowed_documents: int = 0
    unknown_tokens: int = 0
    exact_documents: int
    scores: dict[str, Measured]
    baselines: dict[str, LanguageBaseline] = {}
    differences: dict[str, Measured] = {}


class Continuation(Facts):
    """How the finished model goes on from a prompt; ``is_cut``: it was stopped before it came to an end."""

    prompt: str
    text: str
    is_cut: bool = False


class Moment(Facts):
    """What the model wrote after so many tokens, a text for each prompt."""

    tokens: int
    texts: tuple[str, ...]


class Growth(Facts):
    """How the continuations of some prompts changed during training."""

    prompts: tuple[str, ...] = ()
    moments: tuple[Moment, ...] = ()


class LanguageTokenCounts(Facts):
    """How the corpus became tokens.

    Attributes:
        vocabulary: entries of the tokenizer.
        kind: of tokenizer.
        window_tokens: length of a training window.
        pretraining_tokens: tokens of the corpus.
        left_out_tokens: those at its end that fill no window.
        held_out_left_out_tokens: those at the end of the held-out texts; None: it was not counted.
        twice_tokens: those that are read twice in an epoch, to fill its last batch; None: it was not counted.
        unknown_share: share of tokens that are not in the vocabulary.
    """

    vocabulary: int
    kind: str
    window_tokens: int
    pretraining_tokens: int
    left_out_tokens: int
    held_out_left_out_tokens: int | None = None
    twice_tokens: int | None = None
    unknown_share: float


class TrainingFacts(Facts):
    """What pretraining took.

    Attributes:
        tokens: read, those read twice counted twice.
        steps: of the optimizer.
        tokens_per_second: read, evaluations included.
        flops: floating-point operations, forward and backward.
        matrix_rate: floating-point operations a second that the machine reaches in plain matrix products.
        utilization: what share of that rate training reached.
        precision: of the matrix products.
        compiled: whether ``torch.compile`` was used.
        validation_loss: of the weights that were kept, nats a prediction; None without validation texts.
        stopped_early: whether patience ran out.
        device: name of the processor or the card; None in runs of an older version.
        device_memory_mb: the most that was allocated on the card, MB; None on a CPU.
    """

    tokens: int
    steps: int
    tokens_per_second: float
    flops: float
    matrix_rate: float
    utilization: float
    precision: str
    compiled: bool
    validation_loss: float | None = None
    stopped_early: bool = False
    device: str | None = None
    device_memory_mb: float | None = None


class LanguageReportFacts(RunFacts):
    """What the report of a language model says beyond that of any run.

    Attributes:
        objective: what it learned to do.
        evaluation: its scores, beside those of the baselines.
        continuations: how the finished model goes on from the recipe's prompts.
        growth: how that changed during training.
        tokens: how the corpus became tokens.
        training: what pretraining took.
    """

    objective: str
    evaluation: LanguageEvaluation | None = None
    continuations: tuple[Continuation, ...] = ()
    growth: Growth = Growth()
    tokens: LanguageTokenCounts | None = None
    training: TrainingFacts | None = None
