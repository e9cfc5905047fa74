"""The first rows of a recipe as the model will read them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from penjing.data.reading import iter_texts
from penjing.pipeline.check import check_runnable
from penjing.pipeline.dial import turn_dial
from penjing.pipeline.kinds import kind_of
from penjing.pipeline.kinds.kind import Inputs
from penjing.pipeline.recipe import Recipe, has_data
from penjing.pipeline.removal import without_removed
from penjing.pipeline.stage import Artifact
from penjing.pipeline.stages import STAGES
from penjing.pipeline.store import Store
from penjing.progress import Progress, stop_if_asked
from penjing.text.renderer import Rendered, Renderer
from penjing.text.showing import ShownRow, show_row
from penjing.text.tokenizer import load_tokenizer

_BEFORE_TOKENS = ("data", "corpus", "tokenizer")


def show_rows(recipe: Recipe, out: Path, rows: int, progress: Progress) -> list[ShownRow]:
    """Returns the first training rows of a recipe, or the first documents of one that trains on texts alone.

    Data and tokenizer are those of the run, if it has them; else they are made, in a folder that is removed afterwards.

    Args:
        recipe: what would be run.
        out: the folder of its run.
        rows: how many.
        progress: told how far the work is.

    Raises:
        PenjingError: what the run itself would raise up to its tokenizer.
    """
    recipe = turn_dial(without_removed(recipe, out))
    check_runnable(recipe)
    with _made(recipe, out, progress) as inputs:
        if has_data(recipe):
            return kind_of(recipe).show(recipe, inputs, rows)
        tokenizer = load_tokenizer(inputs["tokenizer"])
        texts = next(iter_texts(inputs["corpus"] / "texts.parquet", rows))
        documents = Renderer(tokenizer, recipe.render).render_documents(texts)
        if recipe.pretrain is not None and recipe.pretrain.objective != "causal":  # what is learned is drawn anew
            documents = [Rendered(document.ids, [False] * len(document.ids), 0) for document in documents]
        return [show_row(tokenizer, document, document) for document in documents]


@contextmanager
def _made(recipe: Recipe, out: Path, progress: Progress) -> Iterator[Inputs]:
    """Gives the folders of the stages that tokens are made from."""
    with TemporaryDirectory(prefix="penjing-rows-") as folder:
        known, trial, done = Store(out, recipe), Store(Path(folder), recipe), dict[str, Artifact]()
        for stage in STAGES:
            if stage.name in _BEFORE_TOKENS and stage.is_wanted(recipe):
                stop_if_asked(progress)
                done[stage.name] = known.find(stage, done) or trial.complete(stage, done, progress)
        yield {name: artifact.folder for name, artifact in done.items()}
