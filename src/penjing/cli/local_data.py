"""Local copies of data sets that a recipe names by their address on the hub."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from penjing.data.settings import RowData
from penjing.data.sources.address import is_fetched
from penjing.data.sources.hub import HUB, kept_folder, parse_hub_address
from penjing.data.sources.keeping import FETCHED
from penjing.pipeline.recipe import Recipe
from penjing.progress import Progress

_VARIABLE = "PENJING_DATA"


def use_local_data(recipe: Recipe, progress: Progress) -> Recipe:
    """Returns the recipe with local copies in the place of addresses on the hub, and says where the data come from.

    The copy of ``hf://datasets/OWNER/NAME/inner/path`` is ``$PENJING_DATA/NAME/inner/path``. An address of which there
    is no copy stays as it is.

    Args:
        recipe: what was loaded.
        progress: told of each address on the hub that is copied or read.

    Raises:
        RecipeError: an address on the hub is malformed, or a password stands in one.
    """
    rows, corpus = recipe.rows, recipe.corpus
    of_rows = [address for data in rows.values() for addresses in data.addresses.values() for address in addresses]
    named = [*of_rows, *(corpus.paths if corpus else ())]
    places = {address: _place(address, progress) for address in dict.fromkeys(named)}
    recipe = recipe.with_rows({name: _move(data, places) for name, data in rows.items()})
    if corpus is not None:
        one = isinstance(corpus.path, str)
        paths = tuple(places[address] for address in corpus.paths)
        corpus = corpus.model_copy(update={"path": paths[0] if one else paths})
    return recipe.model_copy(update={"corpus": corpus})


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
