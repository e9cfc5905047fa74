"""Names and addresses in a corpus: nowhere in the folder, and the same surrogate for the same person."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from penjing.data.cleaning import make_protector
from penjing.data.corpus import build_corpus
from penjing.data.engine import EngineSettings
from penjing.data.settings import PersonalData, TextData
from penjing.errors import RecipeError
from penjing.progress import Silent

TEXTS = [
    "Yesterday Alice Baxter talked about the budget.",
    "A letter from ALICE BAXTER came from Oslo.",
    "Dr. Alice Baxter went to Oslo by train.",
    "Ask David Foster for the key; he lives at 12 High Street, London.",
    "He moved to 12 HIGH STREET, LONDON, on Monday.",
    "我的老师王建华退休了。",
    "这首歌是王建华唱的，听了三遍，他住在北京市朝阳区建国路88号2单元301室。",
    "包裹寄到北京市 朝阳区 建国路８８号 2单元301室，不要放外面。",
    "Oslo is far away from Vienna.",
    "北京的天气很好。",
]


def build(out: Path, path: Path, personal: dict[str, Any], workers: int = 1) -> dict[str, Any]:
    out.mkdir()
    settings = TextData.model_validate({"path": str(path), "personal": personal})
    return build_corpus(settings, None, 0, out, Silent(), EngineSettings(workers=workers))


def files_of(out: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in out.iterdir() if file.is_file()}


def every_text(out: Path) -> str:
    tables = [pq.read_table(file).to_pylist() for file in sorted(out.glob("*.parquet"))]
    return "\n".join(row["text"] for table in tables for row in table)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"{text}\n" for text in [*TEXTS, *(f"text {n}" for n in range(20))]), encoding="utf-8")
    return path


@pytest.fixture
def models(recognizers: dict[str, Path]) -> dict[str, str]:
    return {language: str(folder) for language, folder in recognizers.items()}


def test_names_and_addresses_of_both_languages_are_masked_and_cities_stay(
    path: Path, models: dict[str, str], tmp_path: Path
) -> None:
    personal = {"action": "mask", "kinds": ["person", "address"], "models": models}
    counts = build(tmp_path / "out", path, personal)
    assert (counts["personal"], counts["personal_data"]) == (8, {"person": 6, "address": 4})
    masked = every_text(tmp_path / "out")
    assert masked.count("<PERSON>") == 6
    assert masked.count("<ADDRESS>") == 4
    assert not re.search("baxter|foster|high street|王建华|建国路", masked, re.IGNORECASE)
    assert "Dr. <PERSON> went to Oslo by train." in masked
    assert "Oslo is far away from Vienna." in masked
    assert "北京的天气很好。" in masked


def test_surrogates_agree_across_spellings_and_workers_write_the_same_bytes(
    path: Path, models: dict[str, str], tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"0123456789abcdef")
    personal = {"action": "surrogate", "key_file": str(key), "kinds": ["address", "person"], "models": models}
    for workers in (1, 2):
        build(tmp_path / f"{workers}", path, personal, workers)
    assert files_of(tmp_path / "1") == files_of(tmp_path / "2")
    written = every_text(tmp_path / "1")
    persons, addresses = (re.findall(rf"<{kind}:([0-9a-f]{{10}})>", written) for kind in ("PERSON", "ADDRESS"))
    assert sorted(map(persons.count, set(persons))) == [1, 2, 3]  # David Foster, 王建华, Alice Baxter
    assert sorted(map(addresses.count, set(addresses))) == [2, 2]


def test_a_text_with_a_name_is_dropped_and_kept_masked_beside(
    path: Path, models: dict[str, str], tmp_path: Path
) -> None:
    build(tmp_path / "out", path, {"action": "drop", "kinds": ["person"], "models": {"en": models["en"]}})
    dropped = pq.read_table(tmp_path / "out" / "dropped.parquet").to_pylist()
    assert [(row["row"], row["reason"]) for row in dropped] == [(n, "personal.person") for n in (1, 2, 3, 4)]
    assert dropped[0]["text"] == "Yesterday <PERSON> talked about the budget."


def test_models_and_kinds_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ValueError, match=r"person and address in kinds can be found by a model only"):
        PersonalData(action="mask", kinds=("email", "person", "address"))
    with pytest.raises(ValueError, match=r'that needs one. Add "person" or "address" to kinds'):
        PersonalData(action="mask", models={"en": "en_core_web_sm"})
    with pytest.raises(ValueError, match="models"):
        PersonalData(action="mask", kinds=("person",), models={"English": "en_core_web_sm"})
    pytest.importorskip("spacy")
    with pytest.raises(RecipeError, match="python -m spacy download en_no_model"):
        make_protector(PersonalData(action="mask", kinds=("person",), models={"en": "en_no_model"}))
