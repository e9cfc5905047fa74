"""Whether a folder is a model's."""

from __future__ import annotations

from pathlib import Path

import pytest

from penjing.errors import MissingModelError, UsageError
from penjing.model_files import check_model_folder


def test_adapter_alone_is_told_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(MissingModelError, match="there is no model"):
        check_model_folder(tmp_path)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(UsageError, match=r"an adapter alone.*--to merged --adapter"):
        check_model_folder(tmp_path)
    (tmp_path / "config.json").write_text("{}")  # a model with an adapter beside it is a model
    check_model_folder(tmp_path)
