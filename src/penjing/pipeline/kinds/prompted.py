"""What tasks have in common whose rows are laid out by a template of words, and whose answers are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from penjing.errors import DataError, RecipeError
from penjing.models.interface import Architecture
from penjing.pipeline.kinds.shards import check_positions, with_room
from penjing.pipeline.kinds.writing_lesson import check_direction
from penjing.pipeline.recipe import Recipe
from penjing.progress import Bar, Progress, stop_if_asked
from penjing.text.pair_renderer import PairRendererSettings
from penjing.text.prompt_renderer import PromptPairRenderer
from penjing.text.renderer import Rendered
from penjing.text.showing import ShownRow, join_rows, show_row
from penjing.text.tokenizer import Tokenizer

_SPLIT_WORDS = {"train": "training", "validation": "validation", "test": "test"}
COUNTED = ("rows", "tokens", "cut_rows", "cut_tokens", "not_learned")


def check_writer(
    recipe: Recipe, architecture: Architecture, what: str, max_target_tokens: int, longest: int | None
) -> None:
    """Checks that a network can write, and has positions for what is read and, where it reads on, for what it writes.

    Args:
        recipe: names the longest row.
        architecture: of the network.
        what: the task, and what it writes.
        max_target_tokens: that are written.
        longest: positions of the network; None: there is no limit.

    Raises:
        RecipeError: it cannot, reads from both sides, or has too few positions.
    """
    if not architecture.writes_text:
        raise RecipeError(
            f"{what}, and {architecture.name} cannot write",
            where=recipe.name,
            do='Choose the family "t5", which reads a text whole before it writes, or a decoder such as "llama".',
        )
    check_direction(recipe, architecture)
    read = recipe.render.max_tokens
    if architecture.is_encoder_decoder:
        check_positions(recipe, read, "max_tokens", longest)
    else:
        check_positions(recipe, read + max_target_tokens, "max_tokens and max_target_tokens together", longest)


def reads_answer(renderer: PromptPairRenderer, row: Mapping[str, str]) -> bool:
    """Returns whether a question can be learned: whether its answer, if it has one, is in what is read of its text."""
    return not row["target"] or renderer.reads(row, "text", row["target"])


def render_prompts(
    renderer: PromptPairRenderer,
    batches: Iterable[Sequence[Mapping[str, str]]],
    is_learned: Callable[[Mapping[str, str]], bool],
    split: str,
    counts: dict[str, int],
    bar: Bar,
    progress: Progress,
) -> Iterator[tuple[list[Rendered], list[int]]]:
    """Yields both sides of each row that is kept as one, with the length of what is read; counts them.

    Args:
        renderer: lays them out.
        batches: rows with ``text``, ``question`` and ``target``.
        is_learned: says which are kept.
        split: train, validation or test; of the test rows all are kept.
        counts: of `COUNTED`, which grow.
        bar: told how many rows there were.
        progress: asked whether to stop.
    """
    for rows in batches:
        stop_if_asked(progress)
        kept = rows if split == "test" else [row for row in rows if is_learned(row)]
        pairs = renderer.render(kept)
        joined = [pair.joined for pair in pairs]
        yield joined, [len(pair.read.ids) for pair in pairs]
        counts["rows"] += len(joined)
        counts["not_learned"] += len(rows) - len(kept)
        counts["tokens"] += sum(len(row.ids) for row in joined)
        counts["cut_rows"] += sum(row.cut_tokens > 0 for row in joined)
        counts["cut_tokens"] += sum(row.cut_tokens for row in joined)
        bar.advance(len(rows))


def check_learned(counts: Mapping[str, int], split: str, where: str) -> None:
    """Refuses questions of a split none of which has its answer in what is read of its text.

    Raises:
        DataError: none has.
    """
    if counts["not_learned"] and not counts["rows"]:
        raise DataError(
            f"the answer of none of {counts['not_learned']:,} {_SPLIT_WORDS[split]} questions is in what is read of "
            "its text",
            where=where,
            do="Raise max_tokens under [render], or give shorter texts.",
        )


def show_prompts(
    tokenizer: Tokenizer, settings: PairRendererSettings, rows: Sequence[Mapping[str, str]]
) -> list[ShownRow]:
    """Returns rows as tokens, with what is learned and what is cut."""
    renderers = (PromptPairRenderer(tokenizer, given) for given in (settings, with_room(settings)))
    kept, whole = (renderer.render(rows) for renderer in renderers)
    return [
        join_rows([show_row(tokenizer, some.read, all_.read), show_row(tokenizer, some.as_learned, all_.as_learned)])
        for some, all_ in zip(kept, whole, strict=True)
    ]
