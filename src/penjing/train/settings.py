"""What a training run can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from penjing.train.distill_settings import (
    DistillSettings,
    SpanDistillSettings,
    TeacherSettings,
    WordDistillSettings,
    WrittenDistillSettings,
)
from penjing.train.schedule import Schedule, ScheduleKind


class TrainSettings(BaseModel):
    """What every training run can be told, whatever it learns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: float = Field(3, gt=0, description="passes over the data; a part of one is allowed")
    batch_tokens: int = Field(8192, ge=1, description="most tokens in a batch, padding included")
    accumulate: int = Field(1, ge=1, description="batches whose gradients are added up for one step")
    learning_rate: float | None = Field(
        None,
        gt=0,
        description="at its highest; default: what suits the family, a tenth of it with [model] start and no adapters",
    )
    embedding_rate: float = Field(
        1.0,
        ge=0,
        description="factor on the embeddings' learning rate; 0: they stay; default of a fresh t5 that writes: "
        "0.1 / learning rate",
    )
    layer_decay: float = Field(1.0, gt=0, le=1, description="factor on the learning rate for each layer further down")
    optimizer: Literal["adamw", "muon"] = Field(
        "adamw", description="muon: for the matrices of the layers, AdamW for the rest"
    )
    weight_decay: float = Field(0.01, ge=0, description="on matrices only")
    beta2: float = Field(0.98, gt=0, lt=1, description="AdamW's memory of squared gradients")
    warmup: float = Field(
        0.06,
        ge=0,
        lt=1,
        description="share of the run (wsd: of the first epoch, at most a tenth of a run of less than one) over which "
        "the learning rate rises",
    )
    schedule: ScheduleKind = Field(
        "linear",
        description="how it falls afterwards; wsd: stays, and falls at the end, so that a run can be made longer",
    )
    decay: float = Field(0.2, gt=0, le=1, description="last share of the run, over which wsd falls")
    dropout: float | None = Field(None, ge=0, lt=1, description="in place of the dropout in the model's config")
    clip_norm: float = Field(1.0, gt=0, description="largest norm of the gradient")
    average: float = Field(0.0, ge=0, lt=1, description="decay of a running average of the weights; 0: none")
    precision: Literal["auto", "bf16", "fp32"] = Field("auto", description="auto: bf16 where it is faster")
    compile: Literal["auto", "on", "off"] = Field("auto", description="auto: where it pays for itself")
    recompute: bool = Field(
        False, description="keep less in memory, and compute each layer twice: about a quarter slower"
    )
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1 …")
    deterministic: bool = Field(
        True, description="on a GPU: the same numbers every time, so that a stopped run goes on to the bit"
    )
    evaluations: int = Field(10, ge=1, description="how many times the run is measured on the validation rows")
    patience: int = Field(0, ge=0, description="stop after so many evaluations without a better one; 0: never")
    best_by: Literal["loss", "accuracy"] = Field("loss", description="which validation figure decides the best")
    checkpoint_every_s: float = Field(60, ge=0, description="seconds between checkpoints")


def schedule_of(settings: TrainSettings) -> Schedule:
    """Returns how the learning rate goes."""
    return Schedule(settings.schedule, settings.warmup, settings.decay, settings.epochs)


class PretrainSettings(TrainSettings):
    """Pretraining on documents packed into windows."""

    objective: Literal["masked", "causal", "span", "denoise"] = Field(
        "masked", description="what is learned from unlabelled text: masked, causal, span or denoise"
    )
    mask_rate: float = Field(
        0.2, gt=0, lt=1, description="share of the tokens that are hidden (masked, span) or damaged (denoise)"
    )
    mask_rate_end: float | None = Field(
        None, gt=0, lt=1, description="of the objective masked at the end of the run; default: it stays"
    )
    span_tokens: float = Field(3.0, ge=1, description="mean length of what is hidden at one place (span)")
    window_tokens: int = Field(128, ge=8, description="length of a training window")
    borders: Literal["auto", "open", "closed"] = Field(
        "auto",
        description="whether tokens see those of another document in their window; auto: closed where that costs "
        "nothing (bert, llama and its relatives)",
    )
    epochs: float = Field(1, gt=0, description="passes over the corpus; a part of one is allowed")


_OF_HEAD = frozenset({"head", "contrastive", "batch_tokens", "device", "seed"})
# What looks at validation rows, counts epochs, or trains the head has no place in learning by contrast.
_OF_CONTRAST = _OF_HEAD | {
    *("accumulate", "learning_rate", "embedding_rate", "layer_decay", "optimizer", "weight_decay", "beta2", "warmup"),
    *("schedule", "decay", "dropout", "clip_norm", "average", "precision", "compile", "recompute", "deterministic"),
    *("checkpoint_every_s", "batch_rows"),
}


class LoraSettings(BaseModel):
    """Thin adapters are trained in place of the network's matrices (LoRA), which stay as they are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(8, ge=1, description="width of an adapter")
    alpha: float = Field(16.0, gt=0, description="an adapter's product is multiplied by alpha / rank")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of an adapter's input that is dropped")
    targets: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        description="linear layers that are adapted, by name or by its end; default: all of attention and feed-forward",
    )
    rank_stabilized: bool = Field(False, description="multiply by alpha / the root of rank instead")
    base: Literal["int8", "int4"] | None = Field(
        None, description="hold the backbone's frozen linear layers in fewer bits: int8 or int4; default: as they are"
    )


class HeadSettings(BaseModel):
    """With `classify`, `sentiment`, `multilabel`: a linear head is fitted to vectors, the network stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strength: float | None = Field(
        None,
        gt=0,
        description="C of the logistic regression, of `multilabel` of each label's: the smaller, the more large "
        "weights are held back; default: chosen by log loss on the validation rows, without any by cross-validation; 1 "
        "with [finetune.contrastive]",
    )
    folds: int = Field(
        5,
        ge=2,
        description="parts of the rows in cross-validation, at most the rows of a label; not of `multilabel`, which "
        "always has validation rows",
    )

    @model_validator(mode="after")
    def _has_something_to_choose(self) -> HeadSettings:
        if self.strength is not None and "folds" in self.model_fields_set:
            raise ValueError("folds choose a strength, and strength says which: remove one of them")
        return self


class ContrastiveSettings(BaseModel):
    """With `classify` and `sentiment`: the network learns which rows have one label, then a linear head is fitted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(30, ge=1, description="batches to learn from; each is drawn anew, with rows of every label")
    objective: Literal["supervised", "cosine"] = Field(
        "supervised",
        description="supervised: rows of the same label are the likeliest neighbors; or cosine: their cosine is 1, and "
        "that of others 0",
    )
    temperature: float = Field(0.1, gt=0, description="of supervised: the lower, the more the nearest rows decide")


class RowSettings(TrainSettings):
    """Fine-tuning on rows, whatever they hold."""

    batch_rows: int = Field(32, ge=1, description="most rows in a batch")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of the target spread over all labels")
    seed: int | None = Field(
        None, ge=0, lt=2**31, description="decides fresh weights, order and dropout; default: the seed of the recipe"
    )

    @model_validator(mode="before")
    @classmethod
    def _has_teachable_answers(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "distill" in values and "distill" not in cls.model_fields:
            raise ValueError(
                "[finetune.distill] is for models that label, find answers, write or rank, and preferences have none"
            )
        return values

    @model_validator(mode="before")
    @classmethod
    def _has_a_head_to_fit(cls, values: Any) -> Any:
        for section, tasks in (
            ("head", "classify, sentiment and multilabel"),
            ("contrastive", "classify and sentiment"),
        ):
            if isinstance(values, Mapping) and section in values and section not in cls.model_fields:
                raise ValueError(f"[finetune.{section}] fits a head for labels: for the tasks {tasks}")
        return values

    @property
    def training(self) -> Self:
        """What the trainer is told."""
        return self

    @property
    def adapters(self) -> LoraSettings | None:
        """What is trained in place of all weights; None: they are."""
        return None

    @property
    def teaching(self) -> TeacherSettings | None:
        """Whom the model learns from beside its rows; None: from nobody."""
        found: TeacherSettings | None = getattr(self, "distill", None)
        return found


class TextFinetuneSettings(RowSettings):
    """Fine-tuning a model of texts, which may have learned before."""

    lora: LoraSettings | None = None

    @property
    def adapters(self) -> LoraSettings | None:
        return self.lora


class FinetuneSettings(TextFinetuneSettings):
    """Fine-tuning on labelled rows."""

    token_dropout: float = Field(0.0, ge=0, lt=1, description="share of the input tokens replaced by [MASK]")
    best_by: Literal["loss", "accuracy"] = Field("accuracy", description="which validation figure decides the best")
    head: HeadSettings | None = None
    contrastive: ContrastiveSettings | None = None
    distill: DistillSettings | None = None
    ngrams: int | None = Field(
        None,
        ge=1,
        le=3,
        description="with `classify` and `sentiment`: most tokens of an n-gram; a linear model of n-grams is fitted to "
        "the training rows, and answers beside the network by a share that the validation rows choose; without: the "
        "network answers alone",
    )

    @property
    def fits_head(self) -> bool:
        """Whether the head is fitted to the network's vectors, and not trained with it."""
        return self.head is not None or self.contrastive is not None

    @property
    def training(self) -> Self:
        if self.contrastive is None:
            return self
        return self.model_copy(update={"epochs": 1.0, "evaluations": 1})  # its batches are drawn for one pass

    @property
    def head_settings(self) -> HeadSettings:
        """How the head is fitted.

        What was learned by contrast lies apart even in the folds of cross-validation, which then says nothing: the
        strength is 1.
        """
        head = self.head or HeadSettings()
        if self.contrastive is None or head.strength is not None:
            return head
        return head.model_copy(update={"strength": 1.0})

    @model_validator(mode="after")
    def _has_sense(self) -> FinetuneSettings:
        if not self.fits_head:
            return self
        section, known = ("head", _OF_HEAD) if self.contrastive is None else ("contrastive", _OF_CONTRAST)
        for name in sorted(self.model_fields_set - known):
            if getattr(self, name) is not None:
                raise ValueError(f"{name} has no sense with [finetune.{section}]")
        if self.contrastive is not None and self.head is not None and "folds" in self.head.model_fields_set:
            raise ValueError("[finetune.head] folds choose a strength, and with [finetune.contrastive] it is 1")
        return self


class MultilabelFinetuneSettings(FinetuneSettings):
    """Fine-tuning on rows with any number of labels."""

    best_by: Literal["loss", "accuracy"] = Field(
        "loss", description="which validation figure decides the best; accuracy: rows all of whose labels are right"
    )

    @model_validator(mode="after")
    def _has_sense_for_sets(self) -> MultilabelFinetuneSettings:
        if self.contrastive is not None:
            raise ValueError(
                "[finetune.contrastive] draws rows by their one label: for the tasks classify and sentiment; "
                "[finetune.head] is for multilabel too"
            )
        if self.ngrams is not None:
            raise ValueError("[finetune] ngrams are of rows with one label each: for the tasks classify and sentiment")
        if self.head is not None and "folds" in self.head.model_fields_set:
            raise ValueError("[finetune.head] folds is for data without validation rows, and multilabel needs some")
        return self


class WritingFinetuneSettings(TextFinetuneSettings):
    """Fine-tuning on pairs of texts."""

    batch_rows: int = Field(128, ge=1, description="most pairs in a batch")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of each target spread over the vocabulary")


class PairFinetuneSettings(WritingFinetuneSettings):
    """Fine-tuning on pairs of texts of one task, whose targets a teacher may write."""

    distill: WrittenDistillSettings | None = None


class ContinuationFinetuneSettings(TextFinetuneSettings):
    """Fine-tuning on texts, whose tokens are learned one after another, beside a teacher perhaps."""

    distill: WordDistillSettings | None = None


class DialogueFinetuneSettings(ContinuationFinetuneSettings):
    """Fine-tuning on dialogues, whose replies are learned token by token, beside a teacher perhaps."""

    both_sides: bool = Field(
        False,
        description="whether what the user says is learned as well, where both sides are people of one kind: each "
        "training dialogue a second time, from its second message on, with the sides exchanged",
    )


class AnswerFinetuneSettings(TextFinetuneSettings):
    """Fine-tuning on questions about texts, beside a teacher perhaps."""

    distill: SpanDistillSettings | None = None
    label_smoothing: float = Field(0.0, ge=0, le=0, description="none: two places are learned, not labels")
