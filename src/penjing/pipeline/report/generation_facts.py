"""What the report of a model that goes on with texts is made of: plain JSON values, checked."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from penjing.pipeline.report.facts import RunFacts, TokenCounts
from penjing.pipeline.report.language_facts import LanguageBaseline, LanguageEvaluation, Measured
from penjing.pipeline.report.writing_facts import Answer, PairCounts

BITS = "bits_per_byte"
REAL = "real"


class TeacherMeasures(BaseModel):
    """The scores of a model that the measured one learned from; its family, and its weights."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    scores: dict[str, Measured]
    family: str
    parameters: int


class GenerationEvaluation(BaseModel):
    """What `penjing.evaluate.generation` finds on the test texts; other keys are not looked at.

    Attributes:
        rows: texts measured.
        tokens: of what was measured of them, end tokens included.
        words: of it.
        bytes: of it.
        exact: texts that the tokenizer gives back as they were.
        given: whether a part of the texts was given, and only the rest was measured.
        scores: name → value.
        baselines: name → scores; ``real``: of what truly follows.
        teachers: those that it learned from, by number from 1 → scores.
        difference: name → score → that of the model less that.
        sampled: texts that were begun.
        samples: some of them, with what the model wrote, and what truly follows.
        unfinished: of those begun, texts that the model did not end.
        cut_tokens: tokens at the beginning of those that were not read.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    rows: int
    tokens: int
    words: int
    bytes: int
    exact: int
    given: bool
    scores: dict[str, Measured]
    baselines: Mapping[str, LanguageBaseline]
    teachers: Mapping[str, TeacherMeasures] = {}
    difference: dict[str, dict[str, Measured]]
    sampled: int
    samples: tuple[Answer, ...] = ()
    unfinished: int = 0
    cut_tokens: int = 0

    @property
    def language(self) -> LanguageEvaluation:
        """The same as of a language model: what compares by bits per byte."""
        return LanguageEvaluation(
            documents=self.rows,
            tokens=self.tokens,
            words=self.words,
            bytes=self.bytes,
            exact_documents=self.exact,
            scores={BITS: self.scores[BITS]},
            baselines={name: scores for name, scores in self.baselines.items() if BITS in scores.scores},
            differences={name: gaps[BITS] for name, gaps in self.difference.items() if BITS in gaps},
        )


class GenerationReportFacts(RunFacts):
    """What the report of a model that goes on with texts says beyond that of any run.

    Attributes:
        task: name of the task.
        evaluation: the model's scores, beside those of the baselines and of real texts.
        answers: of the finished model, shown at the top.
        temperature: by which tokens are drawn.
        top_p: of tokens that are drawn.
        data: counts of texts.
        tokens: how texts became tokens; rows are windows.
        texts: how many there are.
        several: texts that are learned in several windows.
    """

    task: str
    evaluation: GenerationEvaluation
    answers: tuple[Answer, ...] = ()
    temperature: float
    top_p: float
    data: PairCounts
    tokens: TokenCounts
    texts: int
    several: int
