"""Vectors of texts are those of sentence-transformers, whichever states a folder says they are made of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from penjing.errors import ModelFolderError
from penjing.files import read_json, write_json
from penjing.inference.embedding import load_encoder
from penjing.inference.sentence_pooling import pooling_files, read_longest, read_pooling, read_prompts, sentence_files
from penjing.inference.text_vectors import TextEncoder
from penjing.pipeline.run import RunResult

TEXTS = ["a lovely film", "dull " * 8, "not bad at all"]


def write_modules(folder: Path, pooling: dict[str, Any], *more: str) -> Path:
    """Writes what sentence-transformers reads beside a model."""
    kinds = ["models.Transformer", "models.Pooling", *more, "models.Normalize"]
    paths = ["", *(f"{number}_{kind.split('.')[1]}" for number, kind in enumerate(kinds[1:], start=1))]
    steps = [{"type": f"sentence_transformers.{kind}", "path": path} for kind, path in zip(kinds, paths, strict=True)]
    write_json(folder / "modules.json", steps)
    (folder / "1_Pooling").mkdir(parents=True, exist_ok=True)
    write_json(folder / "1_Pooling" / "config.json", pooling)
    return folder


@pytest.mark.parametrize("mode", ["mean", "cls"])
def test_vectors_are_those_of_sentence_transformers(mode: str, small_bert_run: RunResult, tmp_path: Path) -> None:
    library = pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    modules = pytest.importorskip("sentence_transformers.models")
    states = modules.Transformer(str(small_bert_run.model))
    pooled = modules.Pooling(states.get_embedding_dimension(), pooling_mode=mode)
    theirs = library.SentenceTransformer(modules=[states, pooled, modules.Normalize()], device="cpu")
    theirs.save(str(tmp_path))
    expected = theirs.encode(TEXTS)
    assert read_pooling(tmp_path) == mode
    np.testing.assert_allclose(load_encoder(tmp_path, "cpu").encode_documents(TEXTS), expected, atol=1e-5)
    np.testing.assert_allclose(TextEncoder(tmp_path, 512).encode(TEXTS)[0], expected, atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"prompts": {"query": "find: "}, "default_prompt_name": "query"},
        {"prompts": {"query": "find: ", "passage": "read: "}},
        {"prompts": {"query": "find: ", "document": "text: "}, "default_prompt_name": "document"},
        {"prompts": {"other": "so: ", "document": None}, "default_prompt_name": "other"},
    ],
)
@pytest.mark.parametrize("is_old", [False, True])
def test_prompts_and_longest_texts_are_those_of_sentence_transformers(
    settings: dict[str, Any], is_old: bool, small_bert_run: RunResult, tmp_path: Path
) -> None:
    library = pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    modules = pytest.importorskip("sentence_transformers.models")
    states = modules.Transformer(str(small_bert_run.model), max_seq_length=9)
    steps = [states, modules.Pooling(states.get_embedding_dimension()), modules.Normalize()]
    library.SentenceTransformer(modules=steps, device="cpu").save(str(tmp_path))
    saved = read_json(tmp_path / "config_sentence_transformers.json")
    without = {key: value for key, value in saved.items() if "prompt" not in key}  # as older versions wrote it
    write_json(tmp_path / "config_sentence_transformers.json", without | settings)
    if is_old:  # before version 6 the length did not stand in the settings of the tokenizer
        write_json(tmp_path / "sentence_bert_config.json", {"max_seq_length": 9, "do_lower_case": False})
        tokenizer = read_json(tmp_path / "tokenizer_config.json")
        write_json(tmp_path / "tokenizer_config.json", tokenizer | {"model_max_length": 512})
    theirs, ours = library.SentenceTransformer(str(tmp_path), device="cpu"), load_encoder(tmp_path, "cpu")
    assert max(map(len, ours.read(TEXTS))) > 9
    assert ours.longest == 9
    np.testing.assert_allclose(ours.encode_documents(TEXTS), theirs.encode_document(TEXTS), atol=1e-5)
    np.testing.assert_allclose(ours.encode_query(TEXTS[0]), theirs.encode_query(TEXTS[0]), atol=1e-5)
    short = ["film", "dull"]
    np.testing.assert_allclose(ours.encode_rows(ours.read(short)), theirs.encode(short), atol=1e-5)


def test_small_letters_are_refused_where_the_tokenizer_tells_them_apart(
    small_bert_run: RunResult, tmp_path: Path
) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(small_bert_run.model, folder)
    write_modules(folder, {"pooling_mode": "mean"})
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": None, "do_lower_case": True})
    load_encoder(folder, "cpu")  # whose tokenizer does it
    write_json(folder / "tokenizer.json", read_json(folder / "tokenizer.json") | {"normalizer": None})
    with pytest.raises(ModelFolderError, match="small letters"):
        load_encoder(folder, "cpu")


def test_files_that_decide_vectors_are_known(tmp_path: Path) -> None:
    write_json(tmp_path / "sentence_bert_config.json", {"max_seq_length": 9})
    assert (sentence_files(tmp_path), read_longest(tmp_path, 512)) == ([], 512)  # none of a sentence encoder
    write_modules(tmp_path, {"pooling_mode": "mean"})
    assert (sentence_files(tmp_path), read_longest(tmp_path, 512)) == ([tmp_path / "sentence_bert_config.json"], 9)
    assert read_longest(tmp_path, 8) == 8
    (tmp_path / "sentence_bert_config.json").unlink()
    write_json(tmp_path / "tokenizer_config.json", {"model_max_length": 1e30})
    assert (read_longest(tmp_path, 1024), read_longest(tmp_path / "none", 1024)) == (1024, 512)


@pytest.mark.parametrize(
    ("file", "settings", "message"),
    [
        ("sentence_bert_config.json", {"max_seq_length": "long"}, "max_seq_length is no number of tokens"),
        ("sentence_bert_config.json", {"max_seq_length": float("nan")}, "max_seq_length is no number of tokens"),
        ("config_sentence_transformers.json", {"default_prompt_name": "query"}, "called query, and there is none"),
        ("config_sentence_transformers.json", {"prompts": {}, "default_prompt_name": ["a"]}, "there is none such"),
        ("sentence_bert_config.json", [], "max_seq_length is no number of tokens"),
        ("config_sentence_transformers.json", {"prompts": ["find: "]}, "no prompts by their names"),
        ("config_sentence_transformers.json", {"prompts": {"query": "find: "}}, "left out of its vector there"),
    ],
)
def test_broken_settings_and_prompts_apart_are_refused(file: str, settings: Any, message: str, tmp_path: Path) -> None:
    write_modules(tmp_path, {"pooling_mode": "mean", "include_prompt": False})
    write_json(tmp_path / file, settings)
    with pytest.raises(ModelFolderError, match=message):
        (read_prompts(tmp_path), read_longest(tmp_path, 512))


def test_both_encoders_take_the_first_token_where_the_folder_says_so(small_bert_run: RunResult, tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(small_bert_run.model, folder)
    means = load_encoder(folder, "cpu").encode_documents(TEXTS)
    np.testing.assert_allclose(TextEncoder(folder, 512).encode(TEXTS)[0], means, atol=1e-5)
    write_modules(folder, {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    firsts = load_encoder(folder, "cpu").encode_documents(TEXTS)
    assert not np.allclose(firsts, means, atol=1e-3)
    np.testing.assert_allclose(TextEncoder(folder, 512).encode(TEXTS)[0], firsts, atol=1e-5)


def test_a_folder_that_says_nothing_or_the_mean_is_pooled_by_the_mean(tmp_path: Path) -> None:
    assert read_pooling(tmp_path) == "mean"
    write_modules(tmp_path, {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True})
    assert read_pooling(tmp_path) == "mean"
    assert pooling_files(tmp_path) == []  # what was made by the mean stays as it was
    write_modules(tmp_path, {"pooling_mode": "cls"})
    assert pooling_files(tmp_path) == [tmp_path / "1_Pooling" / "config.json"]


@pytest.mark.parametrize(
    ("pooling", "more", "message"),
    [
        ({"pooling_mode": "max"}, (), "pooled there by max, and here by mean or cls alone"),
        ({"pooling_mode": ["cls", "mean"]}, (), "by cls and mean"),
        ({"pooling_mode_lasttoken": True}, (), "by lasttoken"),
        ({"pooling_mode": "mean"}, ("models.Dense",), "by Transformer, Pooling, Dense, Normalize"),
        ({"pooling_mode": 3}, (), "no settings of pooling"),
    ],
)
def test_other_vectors_are_refused(
    pooling: dict[str, Any], more: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelFolderError, match=message):
        read_pooling(write_modules(tmp_path, pooling, *more))


@pytest.mark.parametrize("text", ["{", "{}", '[{"type": "x.Pooling", "path": "../1_Pooling"}]', "3"])
def test_broken_modules_are_an_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelFolderError):
        read_pooling(tmp_path)
    write_modules(tmp_path, {})
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps([]), encoding="utf-8")
    with pytest.raises(ModelFolderError, match="no settings of pooling"):
        read_pooling(tmp_path)
