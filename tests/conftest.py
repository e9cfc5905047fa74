"""What the tests share: where the real data lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real data sets, from $PENJING_DATA or beside the checkout; the test is skipped where they are missing."""
    folder = Path(os.environ.get("PENJING_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the data folder {folder} is not here; set PENJING_DATA")
    return folder
