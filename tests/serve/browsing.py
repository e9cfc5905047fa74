"""The page of a server in a real Chromium."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.warm import warm_process

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
NAMED = "penjing.test"  # this machine, by a name that a browser trusts as little as any other
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", f"--host-resolver-rules=MAP {NAMED} 127.0.0.1"]
PATIENCE_MS = 60_000  # the first answer of a model waits until it is loaded


class Server:
    """``penjing serve`` in a process of its own; its log is a file: a pipe that nobody reads fills up."""

    def __init__(self, log: Path, *args: str) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
        with log.open("w", encoding="utf-8") as file:
            self.process = warm_process().start(["serve", *args, "--port", "0"], Path.cwd(), environment, file)
        ends = time.monotonic() + PATIENCE_MS / 1000
        while time.monotonic() < ends and self.process.poll() is None:
            if found := re.search(r"at (http://\S+)", log.read_text(encoding="utf-8")):
                self.address = found[1]
                return
            time.sleep(0.1)
        self.process.kill()
        pytest.fail(log.read_text(encoding="utf-8"))

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(60)


@contextmanager
def open_browser() -> Iterator[Any]:
    """Gives a Chromium without a window; where there is none, the test is skipped."""
    api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright to press keys")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield opened
        opened.close()


class Visit:
    """The page in a browser of its own; at the end nothing may have been complained of, or asked of another host."""

    def __init__(self, browser: Any, address: str, model: str = "", **options: Any) -> None:
        from playwright.sync_api import expect

        self.address, self.context = address, browser.new_context(**{"locale": "en-US", **options})
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        self.expect, self.complaints, self.hosts = expect, list[str](), set[str]()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        self.page.goto(f"{address}/#{model}")

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, kind: Any, *ending: object) -> None:
        self.context.close()
        if kind is None:
            assert self.complaints == []
            assert self.hosts <= {urlsplit(self.address).netloc, ""}

    def role(self, name: str, label: str | re.Pattern[str]) -> Any:
        return self.page.get_by_role(name, name=label)

    def sees(self, selector: str, text: str | re.Pattern[str]) -> None:
        self.expect(self.page.locator(selector).first).to_contain_text(text)
