"""Local copies of data sets that a recipe names by their address on the hub."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from penjing.data.settings import RowData
from penjing.data.sources.address import is_fetched
from penjing.data.sources.hub import HUB, kept_folder, parse_hub_address
from penjing.data.sources.keeping import FETCHED
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import load_recipe
from penjing.pipeline.recipe_kinds import change_unlabelled, trained_teachers
from penjing.progress import Progress

_VARIABLE = "PENJING_DATA"


def use_local_data(recipe: Recipe, progress: Progress) -> Recipe:
    """Returns the recipe with local copies in the place of addresses on the hub, and says where the data come from.

    The copy of ``hf://datasets/OWNER/NAME/inner/path`` is ``$PENJING_DATA/NAME/inner/path``. An address of which there
    is no copy stays as it is. Of recipes whose models teach its own it is said, too, where their corpora come from.

    Args:
        recipe: what was loaded.
        progress: told of each address on the hub that is copied or read.

    Raises:
        RecipeError: an address on the hub is malformed, or a password stands in one; a recipe that it names is not
            there.
    """
    others = [load_recipe(Path(name)) for name in trained_teachers(recipe).get("recipes", ())]
    of_rows = [one for data in recipe.rows.values() for addresses in data.addresses.values() for one in addresses]
    places = _find_places([*of_rows, *(path for each in (recipe, *others) for path in _corpus_paths(each))], progress)
    recipe = recipe.with_rows({name: _move(data, places) for name, data in recipe.rows.items()})
    return change_unlabelled(
        _move_corpus(recipe, places),
        lambda unlabelled: {"path": tuple(_place(address, progress) for address in unlabelled.source.paths)},
    )


def use_local_corpus(recipe: Recipe, progress: Progress) -> Recipe:
    """Returns the recipe with local copies in the place of its corpus, as `use_local_data` does."""
    return _move_corpus(recipe, _find_places(_corpus_paths(recipe), progress))


def _corpus_paths(recipe: Recipe) -> tuple[str, ...]:
    return recipe.corpus.paths if recipe.corpus is not None else ()


def _find_places(addresses: Iterable[str], progress: Progress) -> dict[str, str]:
    """Returns the place of each address; each is told of once."""
    return {address: _place(address, progress) for address in dict.fromkeys(addresses)}


def _move_corpus(recipe: Recipe, places: Mapping[str, str]) -> Recipe:
    """Returns the recipe with places for the addresses of its corpus."""
    corpus = recipe.corpus
    if corpus is None:
        return recipe
    paths, one = tuple(places[address] for address in corpus.paths), isinstance(corpus.path, str)
    return recipe.model_copy(update={"corpus": corpus.model_copy(update={"path": paths[0] if one else paths})})


def _move(data: RowData, places: Mapping[str, str]) -> RowData:
    """Returns rows with places for their addresses."""
    keys = {**{name: name for name in data.addresses}, "train": "path"}
    local = {keys[name]: tuple(places[address] for address in at) for name, at in data.addresses.items()}
    return data.model_copy(update={key: at if len(at) > 1 else at[0] for key, at in local.items()})


def _place(address: str, progress: Progress) -> str:
    if not address.startswith(HUB):
        if is_fetched(address):
            progress.say(f"data: reading {address}, once; it is kept in {FETCHED}")
        return address
    _, name, inner = parse_hub_address(address)
    folder = os.environ.get(_VARIABLE)
    copy = Path(folder, name, inner) if folder else None
    if copy is not None and copy.exists():
        progress.say(f"data: {copy} is used for {address} ({_VARIABLE})")
        return str(copy)
    kept = kept_folder(address)
    if not kept.is_dir():
        progress.say(f"data: reading {address} from the hub, to be kept in {kept}")
    return address
