"""Where the benchmarks find the data sets: in $PENJING_DATA, or in shared/data beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder() -> Path:
    """Returns the folder of the data sets, whether it is there or not."""
    return Path(os.environ.get("PENJING_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
