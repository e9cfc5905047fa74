"""A conversation on the page, begun anew in the midst of an answer, and with an LSTM; texts copied from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.serve.browsing import NAMED, Visit

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")


def make_endless(decoders: Path, folder: Path) -> Path:
    """Returns a decoder that talks until it is stopped, in letters of the alphabet alone."""
    import torch

    from penjing.models.llama import LLAMA
    from penjing.pipeline.model_folder import write_network
    from penjing.text.chat_template import DEFAULT_TEMPLATE, write_chat_template
    from penjing.text.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(decoders / "talker")
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = LLAMA.config_from_dict({**shape, "vocab_size": tokenizer.vocab_size, "max_position_embeddings": 16_384})
    network = LLAMA.language_model(config)
    LLAMA.initialize(network, config, 0)
    weights = dict(network.named_parameters())
    with torch.no_grad():  # the first number of every token's vector says which tokens do not come
        weights["model.embed_tokens.weight"][:, 0] = 1.0
        for token in range(tokenizer.vocab_size):
            weights["lm_head.weight"][token, 0] = 0.0 if tokenizer.decode([token]).strip().isalpha() else -100.0
    write_network(folder, network, LLAMA, config, tokenizer, head="language")
    write_chat_template(folder, DEFAULT_TEMPLATE)
    return folder


@pytest.fixture(scope="module")
def talkers(
    start_server: Callable[..., Any],
    decoders: Path,
    finetuned: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    """A server of what talks: a Llama that never ends, and an LSTM; it may be called by a name."""
    from penjing.text.chat_template import DEFAULT_TEMPLATE, write_chat_template

    write_chat_template(decoders / "lstm", DEFAULT_TEMPLATE)
    endless = make_endless(decoders, tmp_path_factory.mktemp("endless"))
    folders = {"endless": endless, "plain": decoders / "plain", "lstm": finetuned("chat", "lstm")}
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
        visit.expect(visit.role("button", "Stop")).to_be_visible()
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
        assert pasted.split() == written.split()
        assert pasted.startswith("a lovely")
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
