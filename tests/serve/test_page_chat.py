"""A conversation on the page: begun anew in the midst of an answer, with any kind of network; and copying."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.serve.browsing import NAMED, Visit

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")


@pytest.fixture(scope="module")
def talkers(start_server: Callable[..., Any], decoders: Path, finetuned: Callable[..., Path]) -> Any:
    """A server of what talks: a Llama that goes on for long, and an LSTM; it may be called by a name."""
    from penjing.text.chat_template import DEFAULT_TEMPLATE, write_chat_template

    write_chat_template(decoders / "lstm", DEFAULT_TEMPLATE)
    folders = {"endless": decoders / "endless", "plain": decoders / "plain", "lstm": finetuned("chat", "lstm")}
    models = (f"{name}={folder}" for name, folder in folders.items())
    return start_server(*models, "--max-output", 16_000, "--allow-host", NAMED)


def set_most_tokens(visit: Visit, tokens: int) -> None:
    visit.page.get_by_text("Settings").click()
    visit.role("spinbutton", "Most tokens").fill(str(tokens))
    visit.role("spinbutton", "Seed").fill("3")


def ask(visit: Visit, text: str) -> dict[str, Any]:
    """Sends a message; returns what the page asks of the server."""
    visit.role("textbox", "Say something").fill(text)
    with visit.page.expect_request("**/v1/**") as asked:
        visit.page.keyboard.press("Enter")
    body: dict[str, Any] = asked.value.post_data_json
    return body


def forgive(visit: Visit) -> None:
    """Forgets what Chromium says of every page over plain HTTP that comes with this header."""
    visit.complaints[:] = [text for text in visit.complaints if not text.startswith("The Cross-Origin-Opener-Policy")]


def test_a_new_conversation_in_the_midst_of_an_answer_begins_with_nothing(talkers: Any, browser: Any) -> None:
    with Visit(browser, talkers.url, "endless") as visit:
        set_most_tokens(visit, 15_000)
        ask(visit, "a film")
        visit.sees(".log .assistant p", re.compile(r"\S"))
        visit.role("button", "New conversation").click()
        visit.expect(visit.role("button", "Send")).to_be_visible()
        visit.sees(".log", "Nothing has been said yet")
        assert visit.page.evaluate_handle("Object.keys(localStorage)").json_value() == []
        visit.role("spinbutton", "Most tokens").fill("8")
        assert ask(visit, "a plot")["messages"] == [{"role": "user", "content": "a plot"}]
        visit.expect(visit.role("button", "Send")).to_be_visible()
        visit.expect(visit.page.locator(".log li")).to_have_count(2)
        visit.expect(visit.page.locator(".result .fault")).to_be_hidden()


def test_an_lstm_talks_on_the_page(talkers: Any, browser: Any) -> None:
    with Visit(browser, talkers.url, "lstm") as visit:
        set_most_tokens(visit, 8)
        ask(visit, "a film")
        visit.expect(visit.role("button", "Send")).to_be_visible()
        visit.sees(".log .assistant p", re.compile(r"\S"))
        visit.expect(visit.page.locator(".result .fault")).to_be_hidden()


@pytest.mark.parametrize("is_named", [True, False])
def test_a_text_is_copied_over_plain_http_too(talkers: Any, browser: Any, is_named: bool) -> None:
    address = f"http://{NAMED}:{talkers.port}" if is_named else talkers.url
    with Visit(browser, address, "plain") as visit:
        assert visit.page.evaluate("isSecureContext") != is_named
        visit.role("textbox", "Beginning").fill("a lovely")
        set_most_tokens(visit, 12)
        visit.role("button", "Go on").first.click()
        copy = visit.page.locator(".after .copy")
        visit.expect(copy).to_be_visible()
        copy.click()
        visit.expect(copy).to_have_text("Copied")
        written = visit.page.locator(".written").inner_text()
        visit.role("textbox", "Beginning").fill("")
        visit.page.keyboard.press("Control+V")
        pasted = visit.role("textbox", "Beginning").input_value()
        assert json.dumps(pasted.split()) == json.dumps(written.split())
        assert "a lovely" in pasted
        forgive(visit)


def test_a_text_that_a_browser_will_not_copy_is_said_to_be_left(talkers: Any, browser: Any) -> None:
    with Visit(browser, f"http://{NAMED}:{talkers.port}", "plain") as visit:
        visit.page.evaluate("document.execCommand = () => false")
        visit.role("textbox", "Beginning").fill("a lovely")
        set_most_tokens(visit, 12)
        visit.role("button", "Go on").first.click()
        visit.page.locator(".after .copy").click()
        visit.sees(".after .copy", "Not copied")
        forgive(visit)
