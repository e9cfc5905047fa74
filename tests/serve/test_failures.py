"""What a client hears of an error."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from penjing.errors import MissingExtraError, ModelFolderError, UsageError
from penjing.serve.failures import failure_of

FOLDERS = {"mood": Path("/home/anna/secret/model"), "talk": Path("model"), "other": Path("/home/anna/secret/model2")}


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("/home/anna/secret/model", "mood: it is broken. Copy it."),
        ("/home/anna/secret/model/config.json", "mood/config.json: it is broken. Copy it."),
        ("/home/anna/secret/model2", "other: it is broken. Copy it."),
        (str(Path("model").resolve() / "config.json"), "talk/config.json: it is broken. Copy it."),
        ("model, row 3", "talk, row 3: it is broken. Copy it."),
        ("models of several tasks", "models of several tasks: it is broken. Copy it."),
        ("", "it is broken. Copy it."),
    ],
)
def test_a_client_hears_the_name_of_a_folder_and_not_where_it_lies(where: str, said: str) -> None:
    assert failure_of(ModelFolderError("it is broken", where=where, do="Copy it."), FOLDERS).message == said


def test_a_wrong_call_is_the_clients_and_a_broken_folder_the_servers() -> None:
    assert failure_of(UsageError("no")).status == 400
    broken = failure_of(ModelFolderError("no"))
    assert (broken.status, broken.code) == (500, "internal_error")


def test_a_package_that_the_server_lacks_makes_a_model_unavailable() -> None:
    lacking = failure_of(MissingExtraError("rjieba", "zh", "Chinese word segmentation"))
    assert (lacking.status, lacking.code) == (503, "missing_package")
    assert lacking.body()["error"]["type"] == "service_unavailable_error"
    assert 'pip install "penjing[zh]"' in lacking.message
