"""``penjing serve``: models over HTTP."""

from __future__ import annotations

import logging

from penjing.cli.output import log_console
from penjing.serve.run import run_server
from penjing.serve.settings import ServeSettings


def serve_models(settings: ServeSettings) -> None:
    """Serves models until it is told to end; says on standard error where."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("penjing.serve").setLevel(logging.INFO)
    console = log_console()
    names = ", ".join(settings.folders)
    run_server(settings, lambda address: console.print(f"Serving {names} at {address}", soft_wrap=True))
