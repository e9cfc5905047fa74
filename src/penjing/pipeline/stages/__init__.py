"""The stages, in the order in which they run."""

from __future__ import annotations

from penjing.pipeline.stage import Stage
from penjing.pipeline.stages.corpus import CORPUS
from penjing.pipeline.stages.data import DATA
from penjing.pipeline.stages.evaluate import EVALUATE
from penjing.pipeline.stages.examples import EXAMPLES
from penjing.pipeline.stages.exercises import EXERCISES
from penjing.pipeline.stages.explain import EXPLAIN
from penjing.pipeline.stages.finetune import FINETUNE
from penjing.pipeline.stages.measure import MEASURE
from penjing.pipeline.stages.pretrain import PRETRAIN
from penjing.pipeline.stages.recombined import RECOMBINED
from penjing.pipeline.stages.reference import REFERENCE
from penjing.pipeline.stages.shards import SHARDS
from penjing.pipeline.stages.teach import TEACH
from penjing.pipeline.stages.tokenizer import TOKENIZER
from penjing.pipeline.stages.unlabelled import UNLABELLED
from penjing.pipeline.stages.vectors import VECTORS

STAGES: tuple[Stage, ...] = (
    DATA,
    CORPUS,
    UNLABELLED,
    RECOMBINED,
    EXERCISES,
    TOKENIZER,
    SHARDS,
    VECTORS,
    PRETRAIN,
    MEASURE,
    EXAMPLES,
    REFERENCE,
    TEACH,
    FINETUNE,
    EVALUATE,
    EXPLAIN,
)
