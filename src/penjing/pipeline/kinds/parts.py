"""Rows of several tasks that one model learns: each is read by a template of its own, and all answers are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from penjing.data.dividing import COUNTS
from penjing.data.mixed import Holds, mix_rows, read_mixed
from penjing.data.settings import RowData
from penjing.errors import DataError, RecipeError
from penjing.files import read_json, write_json
from penjing.hashing import hash_json
from penjing.models.config import Head
from penjing.models.interface import Architecture, EncoderDecoderModel
from penjing.pipeline.batch_teaching import check_part_labels
from penjing.pipeline.kinds.answers import AnswerKind
from penjing.pipeline.kinds.beside_teacher import beside_teacher, with_teacher
from penjing.pipeline.kinds.kind import Evaluated, Inputs, Kind, Lesson
from penjing.pipeline.kinds.labels import LabelKind
from penjing.pipeline.kinds.part_measures import measure_part, part_recipe, score_part, time_part
from penjing.pipeline.kinds.prompted import (
    COUNTED,
    check_learned,
    check_writer,
    reads_answer,
    render_prompts,
    show_prompts,
)
from penjing.pipeline.kinds.shards import ROWS_AT_ONCE, filled_splits, write_split
from penjing.pipeline.kinds.writing import WritingKind
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_parts import MultiRecipe
from penjing.pipeline.teaching import teacher_folders
from penjing.progress import Progress
from penjing.tasks.card import CARD
from penjing.tasks.loading import load_multi_model
from penjing.tasks.multi_model import MultiModel
from penjing.tasks.part_loading import assemble_parts
from penjing.text.prompt_renderer import PromptPairRenderer
from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard, open_shard
from penjing.text.showing import ShownRow
from penjing.text.tokenizer import Tokenizer, load_tokenizer
from penjing.train.batches import Batch
from penjing.train.mixing import MixedBatches, Part, PartBatches, mixing_shares, rows_an_epoch
from penjing.train.objectives.writing import AnswerObjective, ContinuationObjective, WritingObjective
from penjing.train.pair_batches import ContinuationBatches, PairBatches, PairLimits

PARTS = "parts.json"
_WRITING = WritingKind()
_KINDS: Mapping[str, tuple[Kind, Holds]] = {
    "label": (LabelKind(), "label"),
    "text": (_WRITING, "pair"),
    "span": (AnswerKind(), "question"),
}


class MultiKind(Kind):
    """A text is answered by what its template asks; see `penjing.pipeline.kinds.kind.Kind`."""

    head: Head = "language"

    def data_settings(self, recipe: Recipe) -> Mapping[str, RowData]:
        recipe = multi_recipe(recipe)
        return {
            f"parts.{name}.data": _KINDS[part.answers][0].data_settings(part_recipe(recipe, name))["data"]
            for name, part in recipe.parts.items()
        }

    def check_network(self, recipe: Recipe, architecture: Architecture, longest: int | None) -> None:
        recipe = multi_recipe(recipe)
        what = "the task multi writes the answers of all parts"
        check_writer(recipe, architecture, what, recipe.render.max_target_tokens, longest)

    def build_data(self, recipe: Recipe, folder: Path, progress: Progress) -> dict[str, Any]:
        recipe = multi_recipe(recipe)
        counts, holds = dict[str, dict[str, Any]](), dict[str, Holds]()
        for name, part in recipe.parts.items():
            kind, holds[name] = _KINDS[part.answers]
            (folder / name).mkdir()
            try:
                counts[name] = kind.build_data(part_recipe(recipe, name), folder / name, progress)
            except DataError as error:
                raise error.of_section(f"parts.{name}.data") from error
        return mix_rows(folder, holds, counts)

    def write_examples(self, recipe: Recipe, inputs: Inputs, folder: Path, progress: Progress) -> dict[str, Any]:
        recipe, tokenizer = multi_recipe(recipe), load_tokenizer(inputs["tokenizer"])
        renderers, data = _renderers(recipe, tokenizer), inputs["data"]
        _check_prompts(recipe, renderers)
        labels = _labels(recipe, data)
        for name, known in labels.items():
            _check_labels(recipe, name, known, renderers[name])
        splits = dict[str, Any]()
        parts: dict[str, dict[str, dict[str, int]]] = {name: {} for name in renderers}
        for split in filled_splits(data):
            for name in renderers:
                parts[name][split] = dict.fromkeys(COUNTED, 0)
            counts = {name: parts[name][split] for name in renderers}
            rendered = _rendered(recipe, renderers, data, split, counts, progress)
            splits[split] = write_split(folder / split, rendered, tokenizer, _fingerprint(renderers))
        rows = {name: {split: of["rows"] for split, of in parts[name].items()} for name in parts}
        write_json(folder / PARTS, {"rows": rows, "labels": labels})
        mixed_parts = _parts(recipe, folder, "train")
        shares = mixing_shares(mixed_parts, recipe.mix.temperature, recipe.mix.limit)
        mixed = zip(mixed_parts, shares, rows_an_epoch(mixed_parts, shares), strict=True)
        return {
            "max_tokens": recipe.render.max_tokens,
            "max_target_tokens": recipe.render.max_target_tokens,
            "splits": splits,
            "parts": {
                part.name: {"share": float(share), "rows_an_epoch": count, "splits": parts[part.name]}
                for part, share, count in mixed
            },
        }

    def show(self, recipe: Recipe, inputs: Inputs, rows: int) -> list[ShownRow]:
        recipe, tokenizer = multi_recipe(recipe), load_tokenizer(inputs["tokenizer"])
        shown = []
        for name in recipe.parts:
            settings = recipe.pair_settings(name)
            renderer = PromptPairRenderer(tokenizer, settings)
            every = (row for some in read_mixed(inputs["data"], "train", name) for row in some)
            found = islice((row for row in every if _is_learned(recipe, name, renderer, row)), rows)
            shown += show_prompts(tokenizer, settings, list(found))
        return shown

    def make_network(self, architecture: Architecture, config: Any, inputs: Inputs) -> nn.Module:
        return architecture.language_model(config)

    def make_lesson(self, recipe: Recipe, inputs: Inputs, tokenizer: Tokenizer, network: nn.Module) -> Lesson:
        recipe, examples = multi_recipe(recipe), inputs["examples"]
        check_part_labels(recipe, read_json(examples / PARTS)["labels"])
        settings, parts = recipe.finetune, _parts(recipe, examples, "train")
        limits = PairLimits(settings.batch_tokens, settings.batch_rows)
        kind = PairBatches if isinstance(network, EncoderDecoderModel) else ContinuationBatches

        def load(shard: TokenShard) -> PairBatches | ContinuationBatches:
            return kind(shard, tokenizer.pad_id, limits, recipe.finetuning_seed)

        counts = rows_an_epoch(parts, mixing_shares(parts, recipe.mix.temperature, recipe.mix.limit))
        train = load(open_shard(examples / "train"))
        batches = MixedBatches(train, train.lengths, parts, counts, limits, recipe.finetuning_seed)
        validation = None
        if (examples / "validation").is_dir():
            rows = load(open_shard(examples / "validation"))
            validation = PartBatches(rows, rows.lengths, _parts(recipe, examples, "validation"), limits)
        objective: WritingObjective = ContinuationObjective(settings.label_smoothing)
        if isinstance(network, EncoderDecoderModel):
            objective = AnswerObjective(network.decoder_start_id, settings.label_smoothing)
        return beside_teacher(Lesson(objective, batches, validation), recipe, network)

    def score(self, network: nn.Module, batch: Batch) -> Tensor:
        return _WRITING.score(network, batch)

    def card(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> dict[str, Any]:
        recipe = multi_recipe(recipe)
        renderers = _renderers(recipe, load_tokenizer(inputs["tokenizer"]))
        labels = read_json(inputs["examples"] / PARTS)["labels"]
        return {
            "render": recipe.render.model_dump(mode="json", exclude={"template"}),
            "write": recipe.write.model_dump(mode="json"),
            "fingerprint": _fingerprint(renderers),
            "parts": {
                name: {
                    "task": part.task,
                    "render": renderers[name].settings.model_dump(mode="json"),
                    "fingerprint": renderers[name].fingerprint,
                    **({"labels": labels[name]} if name in labels else {}),
                }
                for name, part in recipe.parts.items()
            },
        }

    def evaluate(self, recipe: Recipe, inputs: Inputs, progress: Progress) -> Evaluated:
        recipe, folder = multi_recipe(recipe), inputs["finetune"] / "model"
        model = load_multi_model(folder, recipe.device, recipe.write.writing)  # which may have changed since
        teacher = _load_teacher(recipe)
        parts = {}
        for name in recipe.parts:
            progress.say(f"evaluate: {name}")
            data = inputs["data"] / name
            measured = measure_part(recipe, name, model.part(name), data, progress)
            parts[name] = with_teacher(measured, recipe, partial(_score_teacher, recipe, name, teacher, data, progress))
        cards = read_json(folder / CARD)["parts"]
        for name, measured in parts.items():
            baselines = {other: scores["scores"] for other, scores in measured["baselines"].items()}
            cards[name] |= {"scores": measured["scores"], "baselines": baselines}
        none: dict[str, Any] = {key: {} for key in ("scores", "baselines", "difference")}
        rows = sum(part["rows"] for part in parts.values())
        return Evaluated({"rows": rows, **none, "parts": parts, "settled": {"parts": cards}})

    def probe_evaluation(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> tuple[float, int]:
        recipe = multi_recipe(recipe)
        longest = min(recipe.write.max_tokens, recipe.render.max_target_tokens)
        settings = recipe.write.model_copy(update={"max_tokens": longest}).writing
        cards, tokenizer = self.card(recipe, inputs, network)["parts"], load_tokenizer(inputs["tokenizer"])
        models = assemble_parts(Path(), cards, network, tokenizer, settings)
        times = [time_part(recipe, model, inputs["data"] / name) for name, model in models.items()]
        return sum(seconds for seconds, _ in times), sum(rows for _, rows in times)


def _load_teacher(recipe: MultiRecipe) -> MultiModel | None:
    folders = teacher_folders(recipe)
    return load_multi_model(folders[0], recipe.device, recipe.write.writing) if folders else None


def _score_teacher(
    recipe: MultiRecipe, name: str, teacher: MultiModel | None, data: Path, progress: Progress
) -> dict[str, Any]:
    assert teacher is not None
    return score_part(recipe, name, teacher.part(name), data, progress)


def multi_recipe(recipe: Recipe) -> MultiRecipe:
    """Returns the recipe, which has parts."""
    assert isinstance(recipe, MultiRecipe)
    return recipe


def _renderers(recipe: MultiRecipe, tokenizer: Tokenizer) -> dict[str, PromptPairRenderer]:
    return {name: PromptPairRenderer(tokenizer, recipe.pair_settings(name)) for name in recipe.parts}


def _fingerprint(renderers: Mapping[str, PromptPairRenderer]) -> str:
    return hash_json({name: renderer.fingerprint for name, renderer in renderers.items()})


def _labels(recipe: MultiRecipe, data: Path) -> dict[str, list[str]]:
    """Returns the labels of each part that has some."""
    counts = {name: read_json(data / name / COUNTS) for name, part in recipe.parts.items() if part.answers == "label"}
    return {name: list(counted["labels"]) for name, counted in counts.items()}


def _parts(recipe: MultiRecipe, examples: Path, split: str) -> list[Part]:
    """Returns where the rows of each part stand in the shard of a split; those without any are left out.

    They stand in the order of the recipe that wrote them, in which a later one need not name its parts.
    """
    parts, first = list[Part](), 0
    for name, rows in read_json(examples / PARTS)["rows"].items():
        count = rows.get(split, 0)
        parts += [Part(name, first, count, recipe.parts[name].weight)] if count else []
        first += count
    return parts


def _check_prompts(recipe: MultiRecipe, renderers: Mapping[str, PromptPairRenderer]) -> None:
    """Refuses templates whose words the tokenizer does not know well enough to tell parts apart."""
    seen: dict[tuple[int, ...], str] = {}
    for name, renderer in renderers.items():
        (empty,) = renderer.render_rows([{"text": "", "question": ""}])
        other = seen.setdefault(tuple(empty.ids), name)
        if other != name:
            raise RecipeError(
                f"the templates of the parts {other} and {name} are the same tokens, for the tokenizer does not know "
                "their words",
                where=recipe.name,
                do='Take a tokenizer of bytes, kind = "bpe", or words that are in the data.',
            )


def _check_labels(recipe: MultiRecipe, name: str, labels: list[str], renderer: PromptPairRenderer) -> None:
    """Refuses labels whose names are the same tokens."""
    seen: dict[tuple[int, ...], str] = {}
    for label, row in zip(labels, renderer.render_written(labels), strict=True):
        other = seen.setdefault(tuple(row.ids), label)
        if other != label:
            raise RecipeError(
                f'the names "{other}" and "{label}" are written with the same tokens, so none could be chosen',
                where=f"{recipe.name}, [parts.{name}]",
                do='Give other names under [parts.NAME.data] labels, or a tokenizer of bytes, kind = "bpe".',
            )


def _is_learned(recipe: MultiRecipe, name: str, renderer: PromptPairRenderer, row: Mapping[str, str]) -> bool:
    """Returns whether a row is learned: of a question, whether its answer, if it has one, is in what is read."""
    return recipe.parts[name].answers != "span" or reads_answer(renderer, row)


def _rendered(
    recipe: MultiRecipe,
    renderers: Mapping[str, PromptPairRenderer],
    data: Path,
    split: str,
    counts: Mapping[str, dict[str, int]],
    progress: Progress,
) -> Iterator[tuple[list[Rendered], list[int]]]:
    """Yields both sides of each pair as one row, part by part, with the length of what is read; counts them.

    A question whose answer was cut off, or is not in its text, is left out; of the test rows none is.
    """
    with progress.bar("examples", None) as bar:
        for name, renderer in renderers.items():
            is_learned = partial(_is_learned, recipe, name, renderer)
            batches = read_mixed(data, split, name, ROWS_AT_ONCE)
            yield from render_prompts(renderer, batches, is_learned, split, counts[name], bar, progress)
            check_learned(counts[name], split, f"{recipe.name}, [parts.{name}]")
