"""Models are loaded when they are asked for, let go when idle, and replaced without disturbing who uses them."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.inference.decoding.test_loading import swap_tokens
from tests.serve.test_writing import engines

pytest.importorskip("fastapi")

from penjing.errors import ModelFolderError, UsageError
from penjing.serve.failures import RequestError, failure_of
from penjing.serve.names import name_models
from penjing.serve.pool import ModelPool
from penjing.serve.settings import ServeSettings


@asynccontextmanager
async def pool_of(folder: Path, **settings: Any) -> AsyncIterator[ModelPool]:
    pool = ModelPool(ServeSettings({"reviews": folder}, **settings))
    await pool.start()
    try:
        yield pool
    finally:
        await pool.close()


@pytest.fixture
def model_folder(small_run: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(small_run.model, folder)
    return folder


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


def change(folder: Path) -> None:
    """Writes another card in the place of a model's, as a new version would have one."""
    card = json.loads((folder / "penjing.json").read_text(encoding="utf-8"))
    beside = folder.parent / "new.json"
    beside.write_text(json.dumps({**card, "version": os.urandom(4).hex()}), encoding="utf-8")
    beside.replace(folder / "penjing.json")


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        await asyncio.sleep(0.02)


def test_a_model_is_loaded_when_it_is_first_asked(model_folder: Path) -> None:
    async def work() -> None:
        async with pool_of(model_folder) as pool:
            assert pool.peek("reviews").loaded == []
            async with pool.use("reviews") as model:
                first, second = await asyncio.gather(model.predict(["a lovely film"]), model.predict(["a dull film"]))
            assert {first[0].label, second[0].label} <= {"positive", "negative"}
            assert pool.peek("reviews").loaded == ["task"]

    run(work())


def test_a_changed_folder_is_taken_up_and_who_uses_the_old_model_keeps_it(model_folder: Path) -> None:
    async def work() -> None:
        async with pool_of(model_folder) as pool, pool.use("reviews") as old:
            before = await old.predict(["a lovely film"])
            change(model_folder)
            assert await pool.reload() == ["reviews"]
            assert await pool.reload() == []
            assert pool.peek("reviews") is not old
            assert pool.peek("reviews").loaded == ["task"]
            assert await old.predict(["a lovely film"]) == before
            assert old.loaded == ["task"]
        await until(lambda: old.loaded == [])

    run(work())


def test_a_changed_folder_is_found_without_being_told(model_folder: Path) -> None:
    async def work() -> None:
        async with pool_of(model_folder) as pool:
            old = pool.peek("reviews")
            change(model_folder)
            await until(lambda: pool.peek("reviews") is not old)

    run(work())


def test_a_broken_folder_does_not_take_the_place_of_a_model_that_works(model_folder: Path) -> None:
    async def work() -> None:
        async with pool_of(model_folder) as pool:
            async with pool.use("reviews") as model:
                await model.predict(["a lovely film"])
            (model_folder / "tokenizer.json").write_text("{", encoding="utf-8")
            assert await pool.reload() == []
            assert pool.peek("reviews") is model
            assert len(await model.predict(["a lovely film"])) == 1

    run(work())


def test_of_a_changed_folder_that_is_not_taken_nothing_stays_in_memory(finetuned: Callable[..., Path]) -> None:
    folder = finetuned("chat")

    async def work() -> None:
        async with pool_of(folder, weights="fp32", threads=1, cache_mb=8) as pool:
            async with pool.use("reviews") as model:
                await model.text_service()
                await model.prompters()
            before = engines()
            card = json.loads((folder / "penjing.json").read_text(encoding="utf-8"))
            (folder / "penjing.json").write_text(json.dumps({**card, "fingerprint": "another"}), encoding="utf-8")
            assert await pool.reload() == []  # its engine can be loaded, and not what lays its prompts out
            assert engines() == before

    run(work())


def test_an_idle_model_is_unloaded_and_loaded_again_when_asked(model_folder: Path) -> None:
    async def work() -> None:
        async with pool_of(model_folder, idle_s=0.1) as pool:
            async with pool.use("reviews") as model:
                await model.predict(["a lovely film"])
            await until(lambda: pool.peek("reviews").loaded == [])
            async with pool.use("reviews") as model:
                assert len(await model.predict(["a lovely film"])) == 1

    run(work())


def test_models_end_side_by_side_though_none_of_them_can_stop(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penjing.serve.batcher._REST_S", 2.0)
    go = threading.Event()

    async def work() -> None:
        pool = ModelPool(ServeSettings(dict.fromkeys("abcd", model_folder)))
        await pool.start()
        begun = threading.Barrier(5)

        def stay() -> None:
            begun.wait(20)
            go.wait(30)

        asked = [asyncio.create_task(pool.peek(name).compute(stay)) for name in pool.names]
        await asyncio.to_thread(begun.wait, 20)
        began = time.monotonic()
        await pool.close(1.0)
        assert 2.9 < time.monotonic() - began < 5
        go.set()
        await asyncio.gather(*asked, return_exceptions=True)

    run(work())


def test_a_model_in_use_is_not_unloaded(model_folder: Path) -> None:
    async def work() -> None:
        async with pool_of(model_folder, idle_s=0.01) as pool, pool.use("reviews") as model:
            await model.predict(["a lovely film"])
            await asyncio.sleep(0.05)
            assert await pool.unload_idle() == []

    run(work())


def test_a_model_that_cannot_be_loaded_is_tried_again(model_folder: Path) -> None:
    async def work() -> None:
        tokenizer = model_folder / "tokenizer.json"
        kept = tokenizer.rename(model_folder.parent / "kept.json")
        async with pool_of(model_folder) as pool, pool.use("reviews") as model:
            with pytest.raises(ModelFolderError, match="tokenizer"):
                await model.predict(["a lovely film"])
            kept.rename(tokenizer)
            assert len(await model.predict(["a lovely film"])) == 1

    run(work())


def test_a_model_that_cannot_run_ahead_is_refused_at_the_start_and_blames_no_client(
    decoders: Path, tmp_path: Path
) -> None:
    draft = tmp_path / "draft"
    shutil.copytree(decoders / "plain", draft)
    command = [sys.executable, "-m", "penjing", "serve", f"talker={decoders / 'talker'}", "--port", "0", "--draft"]

    async def work() -> None:
        settings = ServeSettings({"talker": decoders / "talker"}, draft=draft, weights="fp32")
        pool = ModelPool(settings)
        swap_tokens(draft)  # while the server runs
        with pytest.raises(ModelFolderError, match="other tokens") as caught:
            await pool.peek("talker").text_service()
        assert failure_of(caught.value).status == 500
        await pool.close()
        with pytest.raises(UsageError, match="cannot run ahead of talker"):
            ModelPool(settings)

    run(work())
    for folder, said in ((draft, "other tokens: number"), (decoders / "lstm", "no decoder of the Llama family")):
        ended = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False, timeout=120)
        assert ended.returncode == 2
        assert ended.stderr.startswith("penjing: --draft: ")
        assert said in ended.stderr


def test_a_template_that_cannot_be_used_blames_no_client(decoders: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(decoders / "talker", folder)
    (folder / "chat_template.jinja").write_text("{{ raise_exception('no') }}", encoding="utf-8")

    async def work() -> None:
        async with pool_of(folder, weights="fp32", threads=1, cache_mb=8) as pool:
            with pytest.raises(ModelFolderError, match="chat template refuses") as caught:
                await pool.peek("reviews").text_service()
            assert failure_of(caught.value).status == 500

    run(work())


@pytest.mark.parametrize("name", ["", "..", "../reviews", "reviews/../reviews", "/etc", "reviews\0", "x" * 10_000])
def test_other_names_lead_to_no_model(model_folder: Path, name: str) -> None:
    pool = ModelPool(ServeSettings({"reviews": model_folder}))
    with pytest.raises(RequestError) as caught:
        pool.peek(name)
    assert caught.value.status == 404
    assert len(str(caught.value)) < 200


def test_models_are_called_by_their_folders_or_as_they_are_named(model_folder: Path) -> None:
    run_name = model_folder.parent.name
    assert list(name_models([str(model_folder)])) == [run_name]
    assert list(name_models([str(model_folder.parent)])) == [run_name]
    assert name_models([f"best={model_folder}"]) == {"best": model_folder}


@pytest.mark.parametrize(
    ("models", "complaint"),
    [
        (["{0}", "{0}"], "two models are called"),
        (["../x={0}"], "no such folder"),
        (["a b={0}"], "cannot be called"),
        (["{0}/nothing"], "no such folder"),
        ([], "no model to serve"),
    ],
)
def test_wrong_models_are_refused_before_anything_starts(model_folder: Path, models: list[str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        ServeSettings(name_models([model.format(model_folder) for model in models]))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "::", "example.org"])
def test_without_keys_only_this_machine_is_listened_to(model_folder: Path, host: str) -> None:
    with pytest.raises(UsageError, match="without keys"):
        ServeSettings({"reviews": model_folder}, host=host)
