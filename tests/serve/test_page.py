"""The page for real: a server process, small models, and a browser with a keyboard."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

from tests.serve.browsing import Server, Visit

import penjing


@pytest.fixture(scope="module")
def decoders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model ``talker``, whose weights are random, and ``writer``, which has no chat template."""
    import torch

    from penjing.models.llama import LLAMA
    from penjing.pipeline.model_folder import write_network
    from penjing.text.chat_template import DEFAULT_TEMPLATE, MARKS, write_chat_template
    from penjing.text.tokenizer import train_tokenizer
    from penjing.text.tokenizer_settings import TokenizerSettings

    place = tmp_path_factory.mktemp("decoders")
    tokenizer = train_tokenizer(
        [["a lovely film and a dull plot"] * 3], TokenizerSettings(kind="bpe", vocab_size=320, reserved=4)
    ).name_reserved(MARKS)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = LLAMA.config_from_dict({**shape, "vocab_size": tokenizer.vocab_size, "max_position_embeddings": 2048})
    network = LLAMA.language_model(config)
    LLAMA.initialize(network, config, 0)
    write_network(place / "talker", network, LLAMA, config, tokenizer, head="language")
    write_chat_template(place / "talker", DEFAULT_TEMPLATE)
    # The first number of every token's vector says that the text does not end: the writer goes on until it is stopped.
    weights = dict(network.named_parameters())
    with torch.no_grad():
        weights["model.embed_tokens.weight"][:, 0] = 1.0
        weights["lm_head.weight"][:, 0] = 0.0
        weights["lm_head.weight"][tokenizer.end_id, 0] = -100.0
    config = replace(config, max_position_embeddings=16_384)
    write_network(place / "writer", network, LLAMA, config, tokenizer, head="language")
    return place


@pytest.fixture(scope="module")
def server(
    small_bert_run: Any,
    label_kind_run: Callable[[str], Any],
    pair_run_of: Callable[[str], Any],
    question_run: Any,
    event_run_of: Callable[[str], Any],
    decoders: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """A server of one model of each kind."""
    notes = tmp_path_factory.mktemp("documents") / "notes"
    notes.mkdir()
    (notes / "a.txt").write_text("film scene three red ending 7.", encoding="utf-8")
    folders = {
        "reviews": small_bert_run.model,
        "subjects": label_kind_run("multilabel").model,
        "numbers": pair_run_of("t5").model,
        "questions": question_run.model,
        "things": event_run_of("sasrec").model,
        "talker": decoders / "talker",
        "writer": decoders / "writer",
    }
    models = [f"{name}={folder}" for name, folder in folders.items()]
    made = Server(notes.parent / "log", *models, "--documents", f"notes={notes}", "--max-output", "16000")
    yield made
    made.end()


def test_a_label_is_given_with_the_words_it_rests_on(server: Server, browser: Any) -> None:
    with Visit(browser, server.address, "reviews") as visit:
        visit.sees("h1", "reviews")
        visit.sees(".chief", "Accuracy on the test rows")
        visit.role("textbox", "Text").fill("a lovely film <b>&amp;")
        visit.page.keyboard.press("Control+Enter")
        visit.sees(".verdict-line", re.compile("positive|negative"))
        visit.sees(".why h3", "Why")
        assert visit.page.locator(".heat").inner_text() == "a lovely film <b>&amp;"
        assert visit.page.locator(".heat mark").count() >= 1
        visit.role("textbox", "Text").fill("😀😀 a lovely 𠮷 film, dull")
        visit.page.keyboard.press("Control+Enter")
        visit.sees(".heat", re.compile("^😀😀 a lovely 𠮷 film, dull$"))
        other = "negative" if "positive" in visit.page.locator(".verdict-line").inner_text() else "positive"
        visit.role("button", other).click()
        visit.sees(".why h3", f"Why {other}?")
        visit.role("checkbox", "Sentence by sentence").check()
        visit.role("textbox", "Text").fill("A lovely film. A dull plot!")
        visit.role("button", "Read it").click()
        visit.expect(visit.page.locator(".sentences li")).to_have_count(2)


def test_several_labels_stand_beside_their_threshold(server: Server, browser: Any) -> None:
    with Visit(browser, server.address, "subjects") as visit:
        visit.role("textbox", "Text").fill("film plot lovely")
        visit.role("button", "Read it").click()
        visit.expect(visit.page.locator(".threshold")).to_have_count(4)


def test_each_of_several_labels_says_which_words_speak_for_it(server: Server, browser: Any) -> None:
    with Visit(browser, server.address, "subjects") as visit:
        visit.role("textbox", "Text").fill("music actor lovely")
        visit.page.keyboard.press("Control+Enter")
        visit.sees(".why h3", re.compile(r"Why (actor|music)\?"))
        for label in ("actor", "music"):
            visit.page.locator("button.bar-name", has_text=label).click()
            visit.sees(".why h3", f"Why {label}?")
            visit.sees(".heat mark.for-5", label)


def test_a_translation_stands_beside_its_text(server: Server, browser: Any) -> None:
    with Visit(browser, server.address, "numbers", viewport={"width": 1400, "height": 900}) as visit:
        visit.role("textbox", "Text").fill("one two three")
        visit.role("button", "Translate").click()
        visit.sees(".written", re.compile(r"\w"))
        source, written = (visit.page.locator(name).bounding_box() for name in (".panes textarea", ".written"))
        assert written["x"] > source["x"] + source["width"]
        assert written["y"] < source["y"] + source["height"]


def test_an_answer_is_marked_in_its_text_and_cited_from_documents(
    server: Server, browser: Any, question_run: Any
) -> None:
    question, text = "how many 7?", "film 𝄞 scene three red ending 7."
    asked = [{"question": question, "context": context} for context in (text, text.replace("𝄞 ", ""))]
    here, cited = (re.escape(prediction.answer) for prediction in penjing.load(question_run.model).predict(asked))
    assert here
    assert cited
    with Visit(browser, server.address, "questions") as visit:
        visit.role("textbox", "Question").fill(question)
        visit.role("textbox", re.compile("^Text$")).fill(text)
        visit.role("button", "Find the answer").click()
        visit.sees(".passage .found", re.compile(f"^{here}$"))
        visit.role("combobox", "Where to look").select_option("notes")
        visit.role("button", "Find the answer").click()
        visit.sees(".cited .note", "a.txt, characters")
        visit.sees(".cited .found", re.compile(f"^{cited}$"))


def test_items_are_chosen_and_ranked_by_the_keyboard_alone(server: Server, browser: Any) -> None:
    with Visit(browser, server.address, "things") as visit:
        field = visit.role("combobox", "What somebody had")
        field.focus()
        visit.page.keyboard.type("thing 1")
        visit.expect(visit.page.get_by_role("option").first).to_contain_text("thing 1")
        visit.page.keyboard.press("ArrowDown")
        visit.expect(visit.page.get_by_role("option").first).to_have_attribute("aria-selected", "true")
        visit.page.keyboard.press("Enter")
        visit.expect(visit.page.locator(".ranking li")).to_have_count(10)
        visit.page.keyboard.type("something quite new")
        visit.expect(visit.page.get_by_role("option")).to_have_count(0)
        visit.page.keyboard.press("Enter")
        visit.sees(".history", "new: read by its text")
        visit.role("button", re.compile("Remove something")).click()
        visit.expect(visit.page.locator(".history li")).to_have_count(1)


def settle(visit: Visit) -> None:
    """Waits until the model has said all."""
    visit.expect(visit.page.locator(".log")).to_have_attribute("aria-busy", "false")


def test_a_conversation_streams_and_stays_in_this_browser(server: Server, browser: Any) -> None:
    with Visit(browser, server.address, "talker") as visit:
        visit.sees(".log", "Nothing has been said yet")
        visit.page.get_by_text("Settings").click()
        visit.role("spinbutton", "Most tokens").fill("12")
        visit.role("spinbutton", "Seed").fill("3")
        for said in ("a film", "a plot"):
            visit.role("textbox", "Say something").fill(said)
            visit.page.keyboard.press("Enter")
            visit.expect(visit.page.locator(".log .user").last).to_contain_text(said)
            settle(visit)
        visit.expect(visit.page.locator(".log li")).to_have_count(4)
        shown = visit.page.locator(".log").inner_text()
        visit.page.reload()
        visit.expect(visit.page.locator(".log li")).to_have_count(4)
        assert visit.page.locator(".log").inner_text() == shown
        visit.role("button", "New conversation").click()
        visit.page.reload()
        visit.sees(".log", "Nothing has been said yet")
        assert visit.page.evaluate_handle("Object.keys(localStorage)").json_value() == []
        assert visit.context.cookies() == []


def test_an_answer_can_be_stopped(server: Server, browser: Any) -> None:
    with Visit(browser, server.address, "writer") as visit:
        visit.page.get_by_text("Settings").click()
        visit.role("spinbutton", "Most tokens").fill("16000")
        visit.role("spinbutton", "Temperature").fill("2")
        visit.role("textbox", "Beginning").fill("a lovely")
        visit.role(
            "button",
            "Go on",
        ).first.click()
        visit.sees(".added", re.compile(r"\S"))
        visit.role("button", "Stop").click()
        visit.expect(visit.role("button", re.compile("^Go on$"))).to_be_visible()
        length = len(visit.page.locator(".added").inner_text())
        visit.page.wait_for_timeout(300)
        assert len(visit.page.locator(".added").inner_text()) == length
        visit.sees(".beginning", "a lovely")


def test_the_page_asks_for_no_more_tokens_than_the_server_writes(decoders: Path, browser: Any, tmp_path: Path) -> None:
    models = [f"{name}={decoders / name}" for name in ("writer", "talker")]
    server = Server(tmp_path / "log", *models, "--max-output", "9")
    with Visit(browser, server.address, "writer") as visit:
        visit.page.get_by_text("Settings").click()
        visit.expect(visit.role("spinbutton", "Most tokens")).to_have_value("9")
        visit.role("textbox", "Beginning").fill("a lovely")
        with visit.page.expect_response("**/v1/completions") as answered:
            visit.role("button", "Go on").first.click()
        assert answered.value.status == 200
        visit.sees(".added", re.compile(r"\S"))
        visit.expect(visit.page.locator(".result .fault")).to_be_hidden()
        visit.page.goto(f"{server.address}/#talker")
        visit.page.get_by_text("Settings").click()
        visit.expect(visit.role("spinbutton", "Most tokens")).to_have_value("9")
    server.end()


def test_what_a_server_wrote_before_it_was_lost_stays_and_is_said_to_be_broken_off(
    decoders: Path, browser: Any, tmp_path: Path
) -> None:
    server = Server(tmp_path / "log", f"writer={decoders / 'writer'}", "--max-output", "16000")
    visit = Visit(browser, server.address, "writer")
    visit.page.get_by_text("Settings").click()
    visit.role("spinbutton", "Most tokens").fill("16000")
    visit.role("textbox", "Beginning").fill("a lovely")
    visit.role("button", "Go on").first.click()
    visit.sees(".added", re.compile(r"\S"))
    server.process.kill()
    visit.sees(".fault", "The server went away before the answer was complete.")
    visit.sees(".added", re.compile(r"\S"))
    visit.role("button", re.compile("^Go on$")).click()
    visit.sees(".fault", "The server cannot be reached. Is it still running?")
    visit.context.close()


@pytest.mark.parametrize(
    ("locale", "word", "other", "html"), [("en-US", "Text", "文本", "zh-CN"), ("zh-CN", "文本", "Text", "en")]
)
def test_the_language_is_the_browsers_and_changes_beside_the_same_model(
    server: Server, browser: Any, locale: str, word: str, other: str, html: str
) -> None:
    with Visit(browser, server.address, "subjects", locale=locale) as visit:
        visit.sees("h1", "subjects")
        visit.expect(visit.role("textbox", word)).to_be_visible()
        visit.page.locator("#language").click()
        visit.expect(visit.role("textbox", other)).to_be_visible()
        visit.sees("h1", "subjects")
        assert visit.page.locator("html").get_attribute("lang") == html


def test_a_refusal_is_told_in_the_language_of_the_page_with_what_the_server_says(server: Server, browser: Any) -> None:
    with Visit(browser, server.address, "talker", locale="zh-CN") as visit:
        visit.page.get_by_placeholder("说点什么").fill("a lovely film " * 2000)
        visit.role("button", "发送").click()
        visit.sees(".fault", re.compile(r"文本超出了模型的窗口，请缩短后再试。（.*6,004 tokens.*）"))
        visit.complaints.clear()  # the browser's own, about the status 400


def test_dark_and_light_follow_the_system_until_one_is_chosen(server: Server, browser: Any) -> None:
    with Visit(browser, server.address, "subjects", color_scheme="dark") as visit:
        paper = "(node => getComputedStyle(node).backgroundColor)"
        assert visit.page.locator("body").evaluate(paper) == "rgb(20, 24, 22)"
        visit.role("button", re.compile("Colors")).click()
        assert visit.page.locator("body").evaluate(paper) == "rgb(251, 250, 246)"
        visit.page.reload()
        visit.sees("h1", "subjects")
        assert visit.page.locator("body").evaluate(paper) == "rgb(251, 250, 246)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_nothing_overflows_all_controls_have_names_and_text_can_be_read(
    server: Server, browser: Any, width: int, scheme: str
) -> None:
    size = {"width": width, "height": 800}
    with Visit(browser, server.address, "reviews", viewport=size, color_scheme=scheme) as visit:
        for name in ("reviews", "subjects", "numbers", "questions", "things", "talker", "writer"):
            visit.page.goto(f"{server.address}/#{name}")
            visit.sees("h1", name)
            for fold in visit.page.locator("#model summary").all():
                fold.click()
            assert visit.page.evaluate_handle(_OVERFLOW).json_value() <= 0, name
            assert visit.page.evaluate_handle(_UNNAMED).json_value() == [], name
            assert visit.page.evaluate_handle(_FAINT).json_value() == [], name


_IS_IN_LIST = """(link) => {
  const [list, own] = [link.closest("nav"), link].map((node) => node.getBoundingClientRect());
  const across = own.left >= list.left - 1 && own.right <= list.right + 1;
  return across && own.top >= list.top - 1 && own.bottom <= list.bottom + 1;
}"""
_OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
_UNNAMED = """() => [...document.querySelectorAll("button, input, textarea, select, a, summary, [role=log]")]
  .filter((node) => node.checkVisibility())
  .filter((node) => !(node.labels?.length || node.getAttribute("aria-label") || node.textContent.trim()))
  .map((node) => node.outerHTML)"""
#: Texts whose contrast with what is behind them is below 4.5 (WCAG 2.2, 1.4.3); colors are read off a canvas.
_FAINT = """() => {
  const brush = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const paint = (colors) => {
    brush.clearRect(0, 0, 1, 1);
    for (const color of colors) { brush.fillStyle = color; brush.fillRect(0, 0, 1, 1); }
    return [...brush.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255);
  };
  const light = (rgb) => rgb.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, place) => sum + c * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = (node) => getComputedStyle(node).backgroundColor;
  const grounds = (node) => (node ? [...grounds(node.parentElement), ground(node)] : ["white"]);
  const faint = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || !node.checkVisibility() || node.matches("script, .unseen, option")) continue;
    const behind = grounds(node);
    const lights = [light(paint(behind)), light(paint([...behind, getComputedStyle(node).color]))];
    const [high, low] = lights.sort((a, b) => b - a);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) faint.push(`${node.tagName} ${node.textContent.slice(0, 30)} ${contrast.toFixed(2)}`);
  }
  return faint;
}"""


def test_the_tab_key_goes_from_the_skip_link_in_the_order_of_the_page(server: Server, browser: Any) -> None:
    with Visit(browser, server.address, "subjects") as visit:
        visit.sees("h1", "subjects")
        passed = []
        for _ in range(14):
            visit.page.keyboard.press("Tab")
            passed.append(visit.page.evaluate_handle("() => document.activeElement.textContent.trim()").json_value())
        assert passed[0] == "Skip to the model"
        assert [name for name in passed if "numbers" in name]
        assert passed.index("Read it") > passed.index("中文")


@pytest.mark.parametrize("size", [{"width": 240, "height": 700}, {"width": 1400, "height": 160}])
def test_the_chosen_model_is_seen_in_a_list_that_is_longer_than_the_window(
    server: Server, browser: Any, size: dict[str, int]
) -> None:
    with Visit(browser, server.address, viewport=size) as visit:
        names = visit.page.locator("#models a")
        visit.expect(names.first).to_have_attribute("aria-current", "page")
        last = names.last
        assert not last.evaluate(_IS_IN_LIST)
        last.evaluate("link => { location.hash = link.hash; }")
        visit.expect(last).to_have_attribute("aria-current", "page")
        assert last.evaluate(_IS_IN_LIST)
        assert not names.first.evaluate(_IS_IN_LIST)


def test_a_server_with_keys_asks_for_one_and_the_page_keeps_it_for_the_tab_alone(
    small_bert_run: Any, browser: Any, tmp_path: Path
) -> None:
    file = tmp_path / "keys.json"
    command = [sys.executable, "-m", "penjing", "serve", "key", "create", "--keys", str(file), "--json"]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    key = json.loads(made.stdout)["key"]
    server = Server(tmp_path / "log", f"reviews={small_bert_run.model}", "--keys", str(file))
    try:
        visit = Visit(browser, server.address, "reviews")
        visit.role("textbox", "Key").fill("wrong")
        visit.role("button", "Use this key").click()
        visit.sees("#key-fault", "does not know this key")
        visit.sees("#model .fault", "does not know this key")
        visit.role("textbox", "Key").fill(key)
        visit.page.keyboard.press("Enter")
        visit.sees("h1", "reviews")
        visit.page.reload()
        visit.sees("h1", "reviews")
        assert visit.page.evaluate_handle("() => JSON.stringify(localStorage)").json_value() == "{}"
        visit.role("textbox", "Text").fill("a lovely film")
        visit.role("button", "Read it").click()
        visit.sees(".verdict-line", re.compile("positive|negative"))
        assert key not in visit.page.content()
        other = visit.context.new_page()
        other.goto(server.address)
        visit.expect(other.get_by_role("dialog")).to_be_visible()
        visit.context.close()
    finally:
        server.end()
