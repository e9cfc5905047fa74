"""Runs a recipe: every stage whose inputs or settings have changed, then the model and the report at the top."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from penjing.data.engine import AUTOMATIC, EngineSettings
from penjing.data.inspection import Document
from penjing.errors import UsageError
from penjing.files import read_json, remove_leftovers, write_json
from penjing.inference.continuing import Generation
from penjing.inference.generation import load_generator
from penjing.inference.sampling import SamplingSettings
from penjing.pipeline.adapting import ADAPTER
from penjing.pipeline.check import check_measurable, check_out, check_runnable
from penjing.pipeline.dial import turn_dial
from penjing.pipeline.facts import collect_facts, collect_language_facts
from penjing.pipeline.outcome import LanguageOutcome, Outcome
from penjing.pipeline.own_teachers import OwnTeachers, make_data, make_teachers, other_recipes
from penjing.pipeline.practice import make_practice
from penjing.pipeline.publishing import list_lineage, publish_adapter, publish_fine_tuned, publish_language_model
from penjing.pipeline.recipe import Recipe, has_data
from penjing.pipeline.recipe_kinds import asking_teachers, own_generations, practicing
from penjing.pipeline.recipe_parts import MultiRecipe
from penjing.pipeline.removal import DATA_STAGES, mark_removed, remember_recipe, without_removed
from penjing.pipeline.report.report import write_report
from penjing.pipeline.stage import RECORD, Artifact, Stage
from penjing.pipeline.stages import STAGES
from penjing.pipeline.stages.evaluate import EVALUATION
from penjing.pipeline.stages.finetune import FINETUNE, PRACTICE, TEACHER
from penjing.pipeline.stages.measure import MEASURES
from penjing.pipeline.stages.teach import TEACH
from penjing.pipeline.store import Store, locked
from penjing.pipeline.tracing import remember_weights, removed_texts, started_from
from penjing.progress import Progress, Unheard, stop_if_asked
from penjing.tasks.loading import load_model, load_multi_model
from penjing.tasks.prediction import Prediction
from penjing.train.distill_settings import DistillSettings

TRAINING_STAGES = (
    *("data", "corpus", "unlabelled", "recombined", "exercises", "tokenizer", "shards", "vectors", "pretrain"),
    *("examples", "reference", "teach", "finetune"),
)
_SAMPLE_TOKENS = 100


@dataclass(frozen=True)
class RunResult:
    """What a run left.

    Attributes:
        out: its folder.
        model: the model folder.
        report: the report.
        evaluation: scores and baselines: of a fine-tuned model on the test rows, of a language model on the test texts.
        predictions: the answers of a fine-tuned model to the recipe's examples.
        generations: how a language model goes on from the recipe's examples.
        artifacts: the stages, by name.
        adapter: the adapter folder; None where all weights were trained.
    """

    out: Path
    model: Path
    report: Path
    evaluation: dict[str, Any]
    predictions: Sequence[Prediction]
    generations: list[Generation]
    artifacts: dict[str, Artifact]
    adapter: Path | None = None


def run_recipe(
    recipe: Recipe, out: Path, progress: Progress, command: list[str], engine: EngineSettings = AUTOMATIC
) -> RunResult:
    """Runs what is not done yet, and publishes ``model/``, ``report.html`` and ``lineage.json`` in ``out``.

    Args:
        recipe: what to run.
        out: the folder of the run; an interrupted run in it goes on.
        progress: told how far the work is.
        command: what makes the run again, for the report.
        engine: where work on data is done.

    Raises:
        PenjingError: a stage failed; those before it are kept.
    """
    asked, recipe = recipe, turn_dial(without_removed(recipe, out))
    check_runnable(recipe)
    check_measurable(recipe)
    check_out(out)
    with locked(out):
        remove_leftovers(out)
        remove_leftovers(out / "stages")
        remember_recipe(asked, out, command)
        done = complete_stages(recipe, out, progress, engine=engine)
        finish = _finish_language_model if not has_data(recipe) else _finish_fine_tuned
        result = finish(recipe, out, done, shlex.join(command))
        if removed_texts(out):
            Store(out, recipe).prune(done)  # artifacts of before still hold what was removed
        return result


def train_recipe(recipe: Recipe, out: Path, progress: Progress) -> Path:
    """Runs a recipe with ``[data]`` up to the fine-tuned model, for whoever measures it with rows of their own.

    Args:
        recipe: what to run; it need not have test rows.
        out: the folder of the run; an interrupted run in it goes on.
        progress: told how far the work is.

    Returns:
        The model folder; its card has no scores.

    Raises:
        PenjingError: a stage failed; those before it are kept.
    """
    recipe = turn_dial(recipe)
    check_runnable(recipe)
    check_out(out)
    with locked(out):
        remove_leftovers(out)
        remove_leftovers(out / "stages")
        done = complete_stages(recipe, out, progress, TRAINING_STAGES)
        model, unmeasured = out / "model", dict[str, Any](scores={}, baselines={})
        source = done["finetune"].folder / "model"
        remember_weights(out, publish_fine_tuned(recipe, source, model, list_lineage(done), unmeasured))
    return model


def _finish_fine_tuned(recipe: Recipe, out: Path, done: dict[str, Artifact], command: str) -> RunResult:
    evaluation = read_json(done["evaluate"].folder / EVALUATION)
    model, report, lineage = out / "model", out / "report.html", list_lineage(done)
    card = publish_fine_tuned(recipe, done["finetune"].folder / "model", model, lineage, evaluation)
    remember_weights(out, card)
    adapter = publish_adapter(done["finetune"].folder / ADAPTER, out / ADAPTER)
    write_json(out / RECORD, lineage)
    predictions = (
        load_model(model, recipe.device).predict_texts(recipe.report.examples) if recipe.report.examples else []
    )
    parts = _ask_parts(recipe, model) if isinstance(recipe, MultiRecipe) else {}
    predictions = [*predictions, *(item for answers in parts.values() for item in answers)]
    outcome = Outcome(done, evaluation, predictions, command, parts)
    write_report(collect_facts(recipe, outcome), report, language=recipe.report.language)
    return RunResult(out, model, report, evaluation, predictions, [], done, adapter)


def _ask_parts(recipe: MultiRecipe, model: Path) -> dict[str, Sequence[Prediction]]:
    """Returns the answers of each part to its examples."""
    asked = {name: part.examples for name, part in recipe.parts.items() if part.examples}
    if not asked:
        return {}
    loaded = load_multi_model(model, recipe.device)
    return {name: loaded.part(name).predict_texts(examples) for name, examples in asked.items()}


def _finish_language_model(recipe: Recipe, out: Path, done: dict[str, Artifact], command: str) -> RunResult:
    measures = read_json(done["measure"].folder / MEASURES)
    model, report, lineage = out / "model", out / "report.html", list_lineage(done)
    card = publish_language_model(recipe, done["pretrain"].folder / "model", model, lineage, measures)
    remember_weights(out, card)
    write_json(out / RECORD, lineage)
    generations: list[Generation] = []
    if recipe.pretrain is not None and recipe.pretrain.objective == "causal" and recipe.report.examples:
        generator, settings = (
            load_generator(model, recipe.device),
            SamplingSettings(_SAMPLE_TOKENS, temperature=0.8, top_p=0.95, seed=recipe.seed),
        )
        generations = [generator.generate(prompt, settings) for prompt in recipe.report.examples]
    outcome = LanguageOutcome(done, measures, generations, command)
    write_report(collect_language_facts(recipe, outcome), report, language=recipe.report.language)
    return RunResult(out, model, report, measures, [], generations, done)


@dataclass(frozen=True)
class Removal:
    """What came of removing texts from a run.

    Attributes:
        texts: what was removed, by id; not what had been removed before.
        rebuilt: the stages that were made again without them.
        waiting: the stages that must be trained again, and until then know them.
        elsewhere: models of other runs that started from this one's, and know them too.
    """

    texts: dict[str, Document]
    rebuilt: list[str]
    waiting: list[str]
    elsewhere: list[Path]


def remove_texts(recipe: Recipe, out: Path, ids: Sequence[str], progress: Progress) -> Removal:
    """Removes texts from a run: its data are made again without them, and the old ones deleted.

    What was trained on them stays until the recipe is run again; then it is replaced, and deleted too.

    Args:
        recipe: what the run was made by.
        out: the folder of the run.
        ids: of texts.
        progress: told how far the work is.

    Raises:
        UsageError: there is no such run, or it has no such text.
        PenjingError: the recipe, or one that it names, cannot be run any more; nothing was removed.
    """
    if not (out / "stages").is_dir():
        raise UsageError("this is no folder of a run", where=str(out), do="Give one such as runs/reviews-lm.")
    with locked(out):
        check_runnable(turn_dial(recipe))
        texts, elsewhere = mark_removed(recipe, out, ids), started_from(out)
        recipe = turn_dial(without_removed(recipe, out))
        done = complete_stages(recipe, out, progress, DATA_STAGES)
        done |= make_data(recipe, DATA_STAGES, done, partial(_complete_member, out, progress, AUTOMATIC))
        wanted = [stage.name for stage in STAGES if stage.is_wanted(recipe) and stage.name not in done]
        if practicing(recipe) is not None:
            wanted.insert(wanted.index(FINETUNE.name), PRACTICE.name)
        known = {entry["content"] for entry in read_json(out / RECORD)} if (out / RECORD).is_file() else set()
        is_stale = any(artifact.content not in known for artifact in done.values())
        Store(out, recipe).prune(done, kept=_trained_stages(recipe, is_stale=is_stale))
        rebuilt = [name for name, artifact in done.items() if not artifact.skipped]
    return Removal(texts, rebuilt, wanted if is_stale else [], elsewhere)


def _trained_stages(recipe: Recipe, *, is_stale: bool) -> list[str]:
    """Returns the stages that stay until a run is run again, after texts were removed from its data.

    What teachers said of texts holds the texts: it goes at once, as teachers do that the run has trained itself, and
    what was learned in practice.
    """
    recipes = [recipe, *other_recipes(recipe).values()]
    stages = [stage.name for stage in STAGES if any(stage.is_wanted(each) for each in recipes)]
    trained = [name for name in stages if name not in DATA_STAGES]
    return [name for name in trained if name != TEACH.name] if is_stale else [*trained, TEACHER.name, PRACTICE.name]


def complete_stages(
    recipe: Recipe,
    out: Path,
    progress: Progress,
    names: Sequence[str] | None = None,
    engine: EngineSettings = AUTOMATIC,
) -> dict[str, Artifact]:
    """Returns the artifacts of the stages that the recipe wants, doing what is not done yet.

    Args:
        recipe: what they are made by.
        out: the folder of the run.
        progress: told how far the work is.
        names: the stages to complete, with all that they read; None: all.
        engine: where work on data is done.
    """
    store = Store(out, recipe, engine)
    done: dict[str, Artifact] = {}
    wanted = [stage for stage in STAGES if stage.is_wanted(recipe) and (names is None or stage.name in names)]
    for number, stage in enumerate(wanted, start=1):
        stop_if_asked(progress)
        if stage.name == TEACH.name and own_generations(recipe):
            own = _train_teachers(recipe, out, done, progress, engine)
            store, done = Store(out, own.recipe, engine), {**done, **own.artifacts}
        if stage.name == FINETUNE.name:
            done |= _practice(recipe, out, done, progress, engine)
        artifact = store.complete(stage, done, progress)
        done[stage.name] = artifact
        state = "unchanged" if artifact.skipped else f"{artifact.record['seconds']:,.1f} s"
        progress.say(f"{number}/{len(wanted)} {stage.name}: {state}")
    return done


def _practice(
    recipe: Recipe, out: Path, done: dict[str, Artifact], progress: Progress, engine: EngineSettings
) -> dict[str, Artifact]:
    """Goes through the courses of a recipe, as far as they are not done yet."""

    def make(stage: Stage, member: Recipe, before: dict[str, Artifact], course: str) -> Artifact:
        artifact = _complete_member(out, progress, engine, stage, member, before, f"practice {course}")
        if stage.name == PRACTICE.name:
            state = "unchanged" if artifact.skipped else f"{artifact.record['seconds']:,.1f} s"
            progress.say(f"practice {course}: {state}")
        return artifact

    return make_practice(recipe, done, make)


def _train_teachers(
    recipe: Recipe, out: Path, done: dict[str, Artifact], progress: Progress, engine: EngineSettings
) -> OwnTeachers:
    """Trains the teachers that a recipe names, as far as they are not there yet."""
    distill, trained = asking_teachers(recipe), 0
    assert isinstance(distill, DistillSettings)

    def make(stage: Stage, member: Recipe, before: dict[str, Artifact], called: str) -> Artifact:
        nonlocal trained
        artifact = _complete_member(out, progress, engine, stage, member, before, f"teacher {called}")
        if stage.name == TEACHER.name:
            trained += 1
            state = "unchanged" if artifact.skipped else f"{artifact.record['seconds']:,.1f} s"
            progress.say(f"teacher {trained}/{distill.trained} (generation {called.partition('.')[0]}): {state}")
        return artifact

    return make_teachers(recipe, done, make)


def _complete_member(
    out: Path,
    progress: Progress,
    engine: EngineSettings,
    stage: Stage,
    member: Recipe,
    before: dict[str, Artifact],
    called: str,
) -> Artifact:
    """Returns the artifact of a stage of another recipe, doing what is not done yet; what that is called is said."""
    stop_if_asked(progress)
    store = Store(out, without_removed(member, out), engine)
    return store.complete(stage, before, Unheard(progress, f"{called}, "))
