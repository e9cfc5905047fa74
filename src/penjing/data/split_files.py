"""The files of each split."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from penjing.data.settings import SplitData
from penjing.data.sources import group_by_split, line_file, source_files
from penjing.errors import RecipeError


def files_by_split(settings: SplitData) -> dict[str, list[Path]]:
    """Returns the files of each split; without ``validation`` or ``test`` those rows are drawn from ``train``.

    Of files that are read side by side, those of the texts.

    Raises:
        RecipeError: a file is missing, or a folder has test files and no training file.
    """
    files = {split: addressed_files(addresses)[0] for split, addresses in settings.addresses.items()}
    groups = group_by_split(files["train"]) if len(files["train"]) > 1 else {}
    if groups and "train" not in groups and len(files) == 1:
        names = ", ".join(file.name for group in groups.values() for file in group)
        raise RecipeError(
            f"there is no train* file beside {names}",
            where=str(settings.path),
            do="Name the training file train.…, or name the files one by one with path, validation and test.",
        )
    found = {**(groups if "train" in groups else {}), **files}
    found["train"] = groups.get("train", files["train"])
    apart = {file.resolve() for split in ("validation", "test") for file in found.get(split, [])}
    found["train"] = [file for file in found["train"] if file.resolve() not in apart]
    if not found["train"]:
        raise RecipeError(
            "path names the same file as validation or test",
            where=str(settings.path),
            do="Give the training rows apart.",
        )
    return found


def has_test(settings: SplitData) -> bool:
    """Whether there are rows to measure on: a file of them, or a share of the others."""
    return settings.split.test > 0 or "test" in files_by_split(settings)


def has_validation(settings: SplitData) -> bool:
    """Whether there are rows to choose by: a file of them, or a share of the others."""
    return settings.split.validation > 0 or "validation" in files_by_split(settings)


def addressed_files(addresses: Sequence[str]) -> list[list[Path]]:
    """Returns the files of one address, or the one file of each of two.

    Raises:
        RecipeError: a file is missing.
    """
    if len(addresses) == 1:
        return [source_files(addresses[0])]
    return [[line_file(address)] for address in addresses]


def name_files(files: list[Path]) -> str:
    """Names files for an error."""
    return files[0].name if len(files) == 1 else f"{files[0].name} and {len(files) - 1} more"
