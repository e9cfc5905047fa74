"""What a recipe would do, and what that would take: nothing is left in the run's folder."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from penjing.data.rows import RowReader, RowRules, TextRows
from penjing.data.settings import TextData
from penjing.data.sources import FaultLog, corpus_files, file_size
from penjing.data.sources.keeping import unreachable
from penjing.pipeline.check import check_measurable, check_runnable
from penjing.pipeline.dial import turn_dial
from penjing.pipeline.own_teachers import OwnTeachers, make_teachers, other_recipes
from penjing.pipeline.planned_teachers import probe_own_teachers
from penjing.pipeline.practice import COURSE_STAGES, course_inputs, course_recipe
from penjing.pipeline.probes import PROBES
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import own_generations, practicing
from penjing.pipeline.removal import without_removed
from penjing.pipeline.stage import Artifact, Stage
from penjing.pipeline.stages import STAGES
from penjing.pipeline.stages.evaluate import EVALUATE
from penjing.pipeline.stages.exercises import EXERCISES
from penjing.pipeline.stages.finetune import FINETUNE, PRACTICE, TEACHER
from penjing.pipeline.stages.teach import TEACH
from penjing.pipeline.store import Store
from penjing.pipeline.unused import UnusedSettings, unused_settings
from penjing.progress import Progress, stop_if_asked

_SAMPLE_BYTES = 128 * 10**6
_GROWS_WITH_CORPUS = frozenset({"corpus", "tokenizer", "shards"})


@dataclass(frozen=True)
class PlannedStage:
    """A stage as it would run.

    Attributes:
        name: of the stage.
        is_done: whether an earlier run left it; then the figures are those of that run.
        seconds: it would take.
        peak_memory_mb: largest resident memory of the process.
        facts: what it would report, as far as it is known.
    """

    name: str
    is_done: bool
    seconds: float
    peak_memory_mb: int
    facts: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What a recipe would do.

    Attributes:
        stages: in the order in which they would run.
        corpus_share: share of the corpus that the figures are reckoned from; 1 where all of it was read.
        unused: settings of the recipe that change nothing.
    """

    stages: list[PlannedStage]
    corpus_share: float
    unused: tuple[UnusedSettings, ...] = ()

    @property
    def seconds(self) -> float:
        """What is still to be done would take."""
        return sum(stage.seconds for stage in self.stages if not stage.is_done)

    @property
    def peak_memory_mb(self) -> int:
        """The largest of what is still to be done; 0 where nothing is."""
        return max((stage.peak_memory_mb for stage in self.stages if not stage.is_done), default=0)

    def facts(self, stage: str) -> dict[str, Any]:
        """Returns what a stage would report; empty where the recipe does not have it."""
        return next((planned.facts for planned in self.stages if planned.name == stage), {})


def make_plan(recipe: Recipe, out: Path, progress: Progress) -> Plan:
    """Reads the data, trains the tokenizer, and probes the long stages, all in a folder that is removed afterwards.

    Stages that an earlier run in ``out`` left are found. Of a corpus over 128 MB the beginning is read.

    Raises:
        PenjingError: what the run itself would raise up to its first step.
    """
    unused = unused_settings(recipe)
    recipe = turn_dial(without_removed(recipe, out))
    check_runnable(recipe)
    check_measurable(recipe)
    with TemporaryDirectory(prefix="penjing-plan-") as folder:
        sampled, share = _sample_corpus(recipe, Path(folder), progress)
        trial = Store(Path(folder), sampled)
        known = Store(out, recipe)
        done: dict[str, Artifact] = {}
        planned, others = list[PlannedStage](), dict[str, Plan]()
        for stage in (stage for stage in STAGES if stage.is_wanted(recipe)):
            stop_if_asked(progress)
            progress.say(f"plan: {stage.name}")
            if stage.name == TEACH.name and own_generations(recipe):
                own = make_teachers(recipe, done, partial(_find, out))
                if own.lacks_some:
                    others = {name: make_plan(each, out, progress) for name, each in other_recipes(recipe).items()}
                planned.append(_plan_teachers(own, others, done, share))
                recipe = own.recipe
                known = Store(out, recipe)
            if stage.name == FINETUNE.name and practicing(recipe) is not None:
                courses, left = _plan_practice(recipe, out, Path(folder), done, progress)
                planned, done = [*planned, *courses], {**done, **left}
            planned.append(_plan_stage(stage, recipe, known, trial, done, share, progress))
            if stage.name == TEACH.name and others:
                _add_asking(planned, own_generations(recipe), others)
    return Plan(planned, share, unused)


def _find(out: Path, stage: Stage, member: Recipe, before: dict[str, Artifact], called: str) -> Artifact | None:
    return Store(out, without_removed(member, out)).find(stage, before)


def _plan_teachers(
    own: OwnTeachers, others: Mapping[str, Plan], done: dict[str, Artifact], share: float
) -> PlannedStage:
    """Plans the training of all teachers that the run trains, given the plans of those of other recipes."""
    if not own.lacks_some:
        records = [artifact.record for artifact in own.artifacts.values()]
        seconds, memory = sum(record["seconds"] for record in records), max(r["peak_memory_mb"] for r in records)
        models = sum(artifact.stage == TEACHER.name for artifact in own.artifacts.values())
        return PlannedStage(TEACHER.name, True, seconds, memory, {"models": models})
    inputs = {name: artifact.folder for name, artifact in done.items()}
    probe = probe_own_teachers(own.recipe, inputs, 1 / share, own.missing)
    seconds, memory, models = probe.seconds, probe.peak_memory_mb, probe.facts["models"]
    for name, plan in others.items():
        if lacking := own.others_missing[name]:
            stages = [stage for stage in plan.stages if stage.name != EVALUATE.name]
            times = {stage.name: 0.0 if stage.is_done else stage.seconds for stage in stages}
            times[FINETUNE.name] *= lacking
            seconds, models = seconds + sum(times.values()), models + lacking
            memory = max(memory, *(stage.peak_memory_mb for stage in stages))
    return PlannedStage(TEACHER.name, False, seconds, memory, {"models": models})


def _plan_practice(
    recipe: Recipe, out: Path, folder: Path, done: dict[str, Artifact], progress: Progress
) -> tuple[list[PlannedStage], dict[str, Artifact]]:
    """Plans the courses of a recipe; returns one stage for all, and what they have left if all are done already."""
    practice, before, planned = practicing(recipe), None, list[PlannedStage]()
    assert practice is not None
    for course in practice.courses:
        member = without_removed(course_recipe(recipe, course, done[EXERCISES.name].folder), out)
        known, trial, own = Store(out, member), Store(folder, member), course_inputs(done, before)
        for role, stage in COURSE_STAGES.items():
            planned.append(_plan_stage(stage, member, known, trial, own, 1.0, progress))
            if stage.name in own:
                own[role] = own.pop(stage.name)
        before = own.get(PRACTICE.name)
    trained = [stage for stage in planned if stage.name == PRACTICE.name]
    facts = {"courses": len(trained), "practiced": sum(stage.facts["tokens"] for stage in trained)}
    is_done = all(stage.is_done for stage in planned)
    left = {PRACTICE.name: before} if is_done and before is not None else {}
    seconds = sum(stage.seconds for stage in planned if is_done or not stage.is_done)
    memory = max(stage.peak_memory_mb for stage in planned if is_done or not stage.is_done)
    return [PlannedStage(PRACTICE.name, is_done, seconds, memory, facts)], left


def _add_asking(planned: list[PlannedStage], generations: tuple[int, ...], others: Mapping[str, Plan]) -> None:
    """Adds, to the last two planned stages, what it takes to ask the models of other recipes.

    They teach with the first generation: where there is a second one, they are asked once, for that.

    To read a row takes about a third of what it takes to learn from it (Kaplan et al. 2020, arXiv 2001.08361, section
    2.1).
    """
    training, asking = planned[-2:]
    count, seconds, teachers = generations[0], 0.0, list(asking.facts["teachers"])
    for plan in others.values():
        learned = plan.facts(FINETUNE.name)
        teachers += [{key: learned[key] for key in ("family", "parameters")}] * count
        learning = next(stage.seconds for stage in plan.stages if stage.name == FINETUNE.name)
        read = plan.facts("examples")["splits"]["train"]["tokens"]
        rows = plan.facts("data")["splits"]["train"]["rows"]
        seconds += count * asking.facts["rows"] * (learning / learned["tokens"]) * (read / rows) / 3
    if len(generations) > 1:
        planned[-2] = replace(training, seconds=training.seconds + seconds)
    else:
        planned[-1] = replace(asking, seconds=asking.seconds + seconds, facts={**asking.facts, "teachers": teachers})


def _plan_stage(
    stage: Stage,
    recipe: Recipe,
    known: Store,
    trial: Store,
    done: dict[str, Artifact],
    share: float,
    progress: Progress,
) -> PlannedStage:
    """Plans a stage; its artifact, if there is one, is added to ``done``."""
    wanted = {item.name for item in STAGES if item.is_wanted(recipe)}
    if practicing(recipe) is not None:
        wanted.add(PRACTICE.name)
    # Without the artifacts it reads, a stage's key is not known, and so not whether it is there.
    has_inputs = all(name in done for name in stage.inputs if name in wanted)
    found = known.find(stage, done) if has_inputs else None
    if found is not None:
        done[stage.name] = found
        record = found.record
        return PlannedStage(stage.name, True, record["seconds"], record["peak_memory_mb"], found.facts)
    probed = FINETUNE.name if stage.name == PRACTICE.name else stage.name
    if probed in PROBES:
        inputs = {name: artifact.folder for name, artifact in done.items()}
        probe = PROBES[probed](recipe, inputs, 1 / share)
        return PlannedStage(stage.name, False, probe.seconds, probe.peak_memory_mb, probe.facts)
    artifact = trial.complete(stage, done, progress)
    done[stage.name] = artifact
    scale = 1 / share if stage.name in _GROWS_WITH_CORPUS else 1.0
    facts = {
        key: round(value * scale) if isinstance(value, int) and stage.name in ("corpus", "shards") else value
        for key, value in artifact.facts.items()
    }
    record = artifact.record
    return PlannedStage(stage.name, False, record["seconds"] * scale, record["peak_memory_mb"], facts)


def _sample_corpus(recipe: Recipe, folder: Path, progress: Progress) -> tuple[Recipe, float]:
    """Returns the recipe with the beginning of a large corpus in its place, and the share of it that this is."""
    corpus = recipe.corpus
    learns = recipe.pretrain is not None or recipe.vectors is not None or practicing(recipe) is not None
    if corpus is None or not learns:
        return recipe, 1.0
    sizes = {
        path: sum(map(file_size, corpus_files([path]).files)) for path in corpus.paths if unreachable(path) is None
    }
    whole = sum(sizes.values())
    if whole <= _SAMPLE_BYTES:
        return recipe, 1.0
    sample = folder / "sample.parquet"
    share, documents = 0.0, 0
    with (
        pq.ParquetWriter(sample, pa.schema([("text", pa.string())])) as writer,
        progress.bar("sample", _SAMPLE_BYTES, "bytes") as bar,
    ):
        for path, size in sizes.items():
            read = 0
            for texts in _first_texts(corpus, path, math.ceil(size / whole * _SAMPLE_BYTES)):
                stop_if_asked(progress)
                writer.write_table(pa.table({"text": texts.texts}))
                read += texts.consumed
                documents += len(texts.texts)
                bar.advance(texts.consumed)
            share += min(read, size) / whole
    if corpus.max_documents is not None:
        share = max(share, min(1.0, documents / corpus.max_documents))
    kept = corpus.model_dump(exclude={"path", *_OF_FILES, "max_documents"})
    return recipe.model_copy(update={"corpus": TextData(path=str(sample), **kept)}), share


_OF_FILES = (
    "text",
    "columns",
    "where",
    "max_line_mb",
    "quotes",
    "unit",
    "encoding",
)  # settings that concern the files' form


def _first_texts(corpus: TextData, path: str, most_bytes: int) -> Iterator[TextRows]:
    log = FaultLog() if corpus.faults == "skip" else None
    rules = RowRules(corpus.text, where=corpus.where, empty_text="drop", layout=replace(corpus.layout, log=log))
    read = 0
    for batch in RowReader(rules).read(corpus_files([path]).files):
        yield batch
        read += batch.consumed
        if read >= most_bytes:
            return
