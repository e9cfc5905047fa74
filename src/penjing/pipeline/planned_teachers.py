"""What it would take to train the teachers of a recipe's own kind."""

from __future__ import annotations

from pathlib import Path

from penjing.pipeline.own_teachers import member_recipe
from penjing.pipeline.probes import StageProbe, probe_finetuning, probe_own_teaching
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import own_generations


def probe_own_teachers(recipe: Recipe, inputs: dict[str, Path], scale: float, missing: tuple[int, ...]) -> StageProbe:
    """Makes some steps of an untaught and of a taught model of the recipe's kind, and shows some rows to one.

    Args:
        recipe: has ``[finetune.distill] generations``.
        inputs: the stages before its teachers are asked.
        scale: of the corpus.
        missing: how many models each generation lacks.
    """
    generations = own_generations(recipe)
    alone = member_recipe(recipe, 1, 1, ())
    read = {name: folder for name, folder in inputs.items() if name not in ("unlabelled", "recombined")}
    probes, seconds = [], 0.0
    if missing[0]:
        probes.append(probe_finetuning(alone, read, scale))
        seconds += probes[-1].seconds * missing[0]
    if any(missing[1:]):
        taught, asked = probe_finetuning(recipe, inputs, scale), probe_own_teaching(recipe, inputs, 1)
        probes += [taught, asked]
        for count, teachers in zip(missing[1:], generations, strict=False):
            seconds += taught.seconds * count + (asked.seconds * teachers if count else 0.0)
    return StageProbe(seconds, max((probe.peak_memory_mb for probe in probes), default=0), {"models": sum(missing)})
