"""The order of the tests, and how long a property may take: as long as it does."""

from __future__ import annotations

import pytest
from hypothesis import settings

# What takes longest comes first, so that no process is left with it when the others have nothing to do.
_LONG = ("tests/test_docs", "tests/pipeline/test_kill_and_resume", "tests/cli", "tests/pipeline", "tests/train")

settings.register_profile("penjing", deadline=None)  # a busy machine breaks no promise
settings.load_profile("penjing")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts files that take long before the others; within a file nothing changes its place."""
    items.sort(key=lambda item: next((place for place, name in enumerate(_LONG) if name in item.nodeid), len(_LONG)))
