"""What a report is made of: plain JSON values, checked."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from penjing.pipeline.report.head_facts import HeadFacts, NgramFacts
from penjing.pipeline.report.name_facts import NameFacts
from penjing.pipeline.report.practice_facts import CourseFacts

#: Counts of a corpus that are 0 without labelled rows.
OF_ROWS = ("from_training", "in_evaluation", "containing_evaluation")


class Facts(BaseModel):
    """Values that cannot be changed; unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Figure(Facts):
    """A value with its 95% interval."""

    value: float
    low: float
    high: float


class ClassFigures(Facts):
    """The figures of one label; ``support`` is its number of test rows."""

    precision: Figure
    recall: Figure
    f1: Figure
    support: int


class Bin(Facts):
    """A bin of the reliability diagram; ``low`` and ``high`` are around ``accuracy``."""

    confidence: float
    accuracy: float
    low: float
    high: float
    count: int


class Mistake(Facts):
    """A test row that the model got wrong; ``probability`` is that of the label it gave."""

    text: str
    truth: str
    label: str
    probability: float


class Scores(BaseModel):
    """What `penjing.metrics.classification.classification_scores` returns; other keys are not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rows: int
    scores: dict[str, Figure]
    per_class: dict[str, ClassFigures] = {}
    confusion: list[list[int]] = []
    reliability: list[Bin] = []


class TeacherScores(Scores):
    """The scores of a model that the measured one learned from, or of several together; its family, and its weights."""

    family: str
    parameters: int


class Evaluation(Scores):
    """The model's scores, and beside them those of the baselines on the same rows.

    Attributes:
        alone: without the n-grams beside the network; None where there are none.
        baselines: name → scores.
        teachers: those that it learned from, by number from 1, and ``all`` of several together → scores.
        difference: name → accuracy of the model less that of the baseline, paired by row.
        mistakes: the most confident ones first.
    """

    alone: Scores | None = None
    baselines: dict[str, Scores] = {}
    teachers: dict[str, TeacherScores] = {}
    difference: dict[str, Figure] = {}
    mistakes: list[Mistake] = []


class Prediction(Facts):
    """An answer of the finished model; ``expected``: the mean of labels in order."""

    text: str
    label: str
    probability: float
    expected: float | None = None


class Word(Facts):
    """A word of an explained text; a ``score`` above 0 speaks for the label."""

    word: str
    start: int
    end: int
    score: float


class Explained(BaseModel):
    """A test row, what the model said and which words that rests on; see `penjing.explain.attribution.Attribution`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str
    label: str
    probability: float
    words: list[Word]
    truth: str | None = None
    not_read: list[tuple[int, int]] = []


class Faithfulness(Facts):
    """How far a method can be believed; see `penjing.explain.explaining.compare_methods`."""

    comprehensiveness: Figure
    sufficiency: Figure
    complete: float | None
    seconds: float


class FaithfulnessTable(Facts):
    """Methods, measured on the same texts."""

    texts: int
    methods: dict[str, Faithfulness]


class Explanations(Facts):
    """Explained test rows, and the methods measured."""

    examples: list[Explained]
    faithfulness: FaithfulnessTable


class PathStage(Facts):
    """A stage of the run.

    Attributes:
        name: of the stage.
        seconds: it took, when it was done.
        peak_memory_mb: largest resident memory of the process, MB.
        energy_j: that the processors used meanwhile, joules; None where the machine does not tell.
        skipped: whether this run found it done already.
        note: what came of it, a few words.
    """

    name: str
    seconds: float
    peak_memory_mb: float | None = None
    energy_j: float | None = None
    skipped: bool = False
    note: str = ""


class Draw(Facts):
    """The training rows that were drawn: ``per_class`` of each label, ``of`` so many, by a seed."""

    per_class: int
    seed: int
    of: dict[str, int]


class DataCounts(Facts):
    """Counts of labelled rows.

    Attributes:
        read: source file or section → rows read.
        splits: split → label → rows.
        removed: reason → rows left out, in the order they are said: ``filtered``, ``empty``, ``duplicates``,
            ``conflicts`` (those of the duplicates that had another label), ``overlaps`` (also in another split),
            ``containing`` (with a measured text in theirs), or another reason.
        drawn: which training rows were taken; None: all.
        described: label → training texts that stand in the recipe.
    """

    read: dict[str, int] = {}
    splits: dict[str, dict[str, int]] = {}
    removed: dict[str, int] = {}
    drawn: Draw | None = None
    described: dict[str, int] = {}


class TokenCounts(Facts):
    """How texts became tokens.

    Attributes:
        vocabulary: entries of the tokenizer.
        kind: of tokenizer.
        rows: labelled texts turned into tokens.
        max_tokens: the longest text that the model reads.
        cut_rows: texts that are longer.
        cut_tokens: tokens of them that are not read.
        pretraining_tokens: tokens of the corpus; None without pretraining.
        unknown_share: share of tokens that are not in the vocabulary.
    """

    vocabulary: int
    kind: str
    rows: int
    max_tokens: int
    cut_rows: int
    cut_tokens: int
    pretraining_tokens: int | None = None
    unknown_share: float | None = None


class CurvePoint(BaseModel):
    """A record of training: of a step (``loss``), of an evaluation (``validation_…``), or both; others are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    step: int
    tokens: int
    seconds: float | None = None
    loss: float | None = None
    validation_loss: float | None = None
    validation_accuracy: float | None = None


class Curves(Facts):
    """The records of training, in order; empty where there was none."""

    pretrain: list[CurvePoint] = []
    finetune: list[CurvePoint] = []


class Merging(Facts):
    """How far the logits of ``rows`` rows were from those before the adapters were merged."""

    rows: int
    largest_difference: float
    allowed: float


class Figures(BaseModel):
    """What a network is worth on the validation rows; those of each part of several tasks are not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    validation_loss: float
    validation_accuracy: float


class ComparedFigures(Facts):
    """The same adapters on a quantized base, and on the base as it was."""

    quantized: Figures
    original: Figures


class Quantizing(Facts):
    """How far the logits of ``rows`` rows are from those of the same adapters on the base as it was."""

    rows: int
    largest_difference: float
    validation: ComparedFigures | None


class AdapterFacts(BaseModel):
    """What was trained in place of all weights; other keys are not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rank: int
    matrices: int
    trained_parameters: int
    trained_share: float
    merging: Merging
    base: Literal["int8", "int4"] | None = None
    quantizing: Quantizing | None = None


class Teacher(Facts):
    """A model that another learned from; ``learned_rows``: test rows that it learned from itself, where it is known."""

    family: str
    parameters: int
    learned_rows: int | None = None


class TaughtFacts(BaseModel):
    """Whom a model learned from, and on how many texts without labels; other keys are not looked at.

    Attributes:
        teachers: one at least.
        generations: how many models of its own kind the run trained first, generation by generation; the last teach.
        recipes: by which others it trained as many as the first generation has.
        temperature: logits were divided by it; None where texts were learned.
        weight: share of the teachers in the loss.
        targets: of the targets that a teacher wrote, how many are ``learned``, ``unfinished`` and ``empty``; None
            where it wrote none.
        truth: whether the true targets were learned beside those.
        unlabelled: what became of the texts without labels; None: there were none.
        recombined: what became of those that were made of training texts; None: there were none.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    teachers: tuple[Teacher, ...]
    generations: tuple[int, ...] = ()
    recipes: tuple[str, ...] = ()
    temperature: float | None = None
    weight: float | None = None
    targets: dict[str, int] | None = None
    truth: bool = False
    unlabelled: dict[str, int] | None = None
    recombined: dict[str, int] | None = None


class ModelFacts(Facts):
    """What network it is; ``shape`` has entries of its config, under the hub's names."""

    family: str
    parameters: int
    lora: AdapterFacts | None = None
    head: HeadFacts | None = None
    ngrams: NgramFacts | None = None
    names: NameFacts | None = None
    distill: TaughtFacts | None = None
    practice: list[CourseFacts] = []
    shape: dict[str, bool | int | float | str] = {}


class RunFacts(Facts):
    """What the report of any run says. What is None or empty has no place in it.

    Attributes:
        title: of the report.
        command: makes it again.
        created: date and time, ISO 8601.
        model: what network it is.
        path: the stages of the run, in order.
        corpus: counts of the pretraining texts, such as ``documents`` and ``duplicates``.
        curves: the records of training.
        machine: where it ran.
        versions: package → version.
        recipe: the text of the recipe.
        lineage: for each stage what went in and came out: ``stage``, ``key``, ``content``, ``finished``.
    """

    title: str
    command: str
    created: str
    model: ModelFacts
    path: list[PathStage] = []
    corpus: dict[str, int] = {}
    curves: Curves = Curves()
    machine: dict[str, bool | int | float | str] = {}
    versions: dict[str, str] = {}
    recipe: str = ""
    lineage: list[dict[str, Any]] = []


class ReportFacts(RunFacts):
    """What the report of a classifier says beyond that.

    Attributes:
        task: name of the task.
        evaluation: the model's scores, beside those of the baselines.
        predictions: answers of the finished model, shown at the top.
        explanations: words that answers rest on.
        data: counts of labelled rows.
        tokens: how texts became tokens.
    """

    task: str
    evaluation: Evaluation
    predictions: list[Prediction] = []
    explanations: Explanations | None = None
    data: DataCounts | None = None
    tokens: TokenCounts | None = None
