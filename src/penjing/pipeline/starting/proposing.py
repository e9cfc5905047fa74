"""The best recipe, for files that were looked at, that this machine runs in the time given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from penjing.errors import DataError
from penjing.pipeline.plan import Plan
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.starting.answers import propose_answers
from penjing.pipeline.starting.classifier import propose_classifiers
from penjing.pipeline.starting.continuation import propose_continuations
from penjing.pipeline.starting.dialogue import propose_dialogues
from penjing.pipeline.starting.items import propose_rankers
from penjing.pipeline.starting.language_model import SPARE, propose_language_models
from penjing.pipeline.starting.looking import Found
from penjing.pipeline.starting.parts import propose_parts
from penjing.pipeline.starting.preferences import propose_preferences
from penjing.pipeline.starting.taught import is_smaller, teach
from penjing.pipeline.starting.wanted import Document, Wanted
from penjing.pipeline.starting.writer import propose_writers
from penjing.tasks.task import Answers, load_task

LANGUAGE_MODEL = "language-model"
_WRITERS: Mapping[Answers, Callable[[Wanted, Found], list[tuple[str, Document]]]] = {
    "label": propose_classifiers,
    "rank": propose_classifiers,
    "set": propose_classifiers,
    "text": propose_writers,
    "span": propose_answers,
    "reply": propose_dialogues,
    "items": propose_rankers,
    "continuation": propose_continuations,
    "parts": propose_parts,
    "preferred text": propose_preferences,
    "preferred reply": propose_preferences,
}
_MOST_REPETITIONS = 4  # of a corpus: Muennighoff et al. 2023, arXiv 2305.16264, see little loss up to four


@dataclass(frozen=True)
class Proposal:
    """A recipe.

    Attributes:
        document: the recipe as TOML holds it.
        kind: ``transfer``, ``lstm``, ``language_model`` and others: what is made.
        plan: what it would take.
        fits: whether that is no more than the minutes given.
        faults: what rows are not as they should be, and are left out or put right by a setting of their section: the
            first of each kind.
    """

    document: Document
    kind: str
    plan: Plan
    fits: bool
    faults: tuple[DataError, ...] = ()

    @property
    def recipe(self) -> Recipe:
        """The recipe, checked."""
        return check_recipe(self.document, self.document["name"])


def propose(wanted: Wanted, found: Found, plan: Callable[[Recipe], Plan], rate: Callable[[], float]) -> Proposal:
    """Returns the best recipe that fits into the minutes, and is of a smaller model than its teacher, or the quickest.

    Args:
        wanted: what it is to be for.
        found: what the files hold.
        plan: says what a recipe would take.
        rate: measures the operations per second of the machine.

    Raises:
        UsageError: the labels are none of the task's, or nobody can teach it.
        PenjingError: a recipe cannot run on the files.
    """
    stage = "pretrain" if wanted.task == LANGUAGE_MODEL else "finetune"
    proposals = []
    for kind, document in teach(wanted, _candidates(wanted, found, rate)):
        try:
            proposals.append(_fit(kind, document, stage, wanted.minutes, plan))
        except DataError as error:
            if "practice" in document and error.where.startswith("[practice"):
                continue  # nothing can be made of these texts to practice on
            raise
        if proposals[-1].fits and is_smaller(proposals[-1].plan):
            return proposals[-1]
    return min(proposals, key=lambda proposal: proposal.plan.seconds)


def _candidates(wanted: Wanted, found: Found, rate: Callable[[], float]) -> list[tuple[str, Document]]:
    """Returns recipes, the best first."""
    if wanted.task == LANGUAGE_MODEL:
        return propose_language_models(wanted, found, rate())
    return _WRITERS[load_task(wanted.task).answers](wanted, found)


def _fit(kind: str, document: Document, stage: str, minutes: float, plan: Callable[[Recipe], Plan]) -> Proposal:
    """Plans a recipe, and changes how long it trains to what there is time for."""
    document, planned, faults = _plan_with_faults(document, plan)
    training = sum(item.seconds for item in planned.stages if item.name == stage and not item.is_done)
    left = 60 * minutes * SPARE - (planned.seconds - training)
    epochs = document[stage]["epochs"]
    longest = _MOST_REPETITIONS if stage == "pretrain" else epochs
    wished = min(longest, epochs * left / max(training, 1e-9)) if training else epochs
    fewest = 0.05 if stage == "pretrain" else 1
    chosen = max(fewest, wished)
    chosen = round(chosen, 2) if stage == "pretrain" or chosen < epochs else epochs
    if chosen != epochs:
        document = {**document, stage: {**document[stage], "epochs": chosen}}
        stages = [
            item if item.name != stage else replace(item, seconds=item.seconds * chosen / epochs)
            for item in planned.stages
        ]
        planned = Plan(stages, planned.corpus_share)
    return Proposal(document, kind, planned, wished >= fewest, faults)


def _plan_with_faults(
    document: Document, plan: Callable[[Recipe], Plan]
) -> tuple[Document, Plan, tuple[DataError, ...]]:
    """Plans a recipe; it gets the settings that leave out, or put right, rows that are refused."""
    faults: list[DataError] = []
    while True:
        try:
            return document, plan(check_recipe(document, document["name"])), tuple(faults)
        except DataError as error:
            path = error.section.split(".")
            changed = None if error.setting is None else _with_setting(document, path, error.setting)
            if changed is None:
                raise
            faults.append(error)
            document = changed


def _with_setting(document: Document, section: Sequence[str], setting: tuple[str, str]) -> Document | None:
    """Returns a recipe with one more setting in a section; None where the section is missing, or has it already."""
    name, value = setting
    if not section:
        return None if name in document else {**document, name: value}
    inner = document.get(section[0])
    changed = None if inner is None else _with_setting(inner, section[1:], setting)
    return None if changed is None else {**document, section[0]: changed}
