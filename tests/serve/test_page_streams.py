"""The page shows a translation as it is written, where the model can, and says when that is not now."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.serve.browsing import Visit

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

PLAIN = "As it is written, without beam search"


@pytest.fixture(scope="module")
def quick(pair_run_of: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A decoder that translates, whose card asks for no search."""
    folder = tmp_path_factory.mktemp("quick") / "model"
    shutil.copytree(pair_run_of("llama").model, folder)
    card = json.loads((folder / "penjing.json").read_text(encoding="utf-8"))
    card["write"]["beams"] = 1
    (folder / "penjing.json").write_text(json.dumps(card), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def translators(start_server: Callable[..., Any], pair_run_of: Callable[[str], Any], quick: Path) -> Any:
    """A server of a T5 and of decoders that translate with a search and without one."""
    folders = {"t5": pair_run_of("t5").model, "searches": pair_run_of("llama").model, "quick": quick}
    return start_server(*(f"{name}={folder}" for name, folder in folders.items()))


def translate(visit: Visit, text: str) -> dict[str, Any]:
    """Returns what the page asks of the server, once the answer is shown."""
    visit.role("textbox", "Text").fill(text)
    with visit.page.expect_request("**/v1/tasks/translate") as asked:
        visit.role("button", "Translate").click()
    visit.sees(".written", re.compile(r"\w"))
    visit.expect(visit.role("button", "Translate")).to_be_visible()
    body: dict[str, Any] = asked.value.post_data_json
    return body


def test_a_translation_comes_as_it_is_written_and_is_the_one_that_comes_whole(translators: Any, browser: Any) -> None:
    body = {"model": "quick", "input": "one two three"}
    reply = httpx.post(f"{translators.url}/v1/tasks/translate", json=body, trust_env=False, timeout=60)
    with Visit(browser, translators.url, "quick") as visit:
        assert translate(visit, "one two three") == {**body, "stream": True}
        assert visit.page.locator(".written").inner_text() == reply.json()["results"][0]["written"]
        assert visit.role("checkbox", PLAIN).count() == 0
        visit.expect(visit.role("button", "Copy").first).to_be_visible()


def test_a_model_that_searches_streams_where_the_search_is_left_out(translators: Any, browser: Any) -> None:
    with Visit(browser, translators.url, "searches") as visit:
        assert "stream" not in translate(visit, "one two three")
        visit.role("checkbox", PLAIN).check()
        assert translate(visit, "four five")["stream"]
        visit.page.goto(f"{translators.url}/#t5")
        visit.sees("h1", "t5")
        assert "stream" not in translate(visit, "one two three")
        visit.role("checkbox", PLAIN).check()
        assert translate(visit, "four five")["stream"]


def test_who_asks_too_often_is_told_when_to_come_again(
    start_server: Callable[..., Any], quick: Path, browser: Any
) -> None:
    server = start_server(f"quick={quick}", "--rate", 2)
    visit = Visit(browser, server.url, "quick", locale="zh-CN")
    visit.role("textbox", "原文").fill("one")
    visit.role("button", "翻译").click()
    visit.sees(".fault", re.compile(r"请在 \d+ 秒后重试"))
    visit.context.close()
