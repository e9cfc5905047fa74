"""What the commands share: where they write, and how a failure ends."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from typing import Any

from rich.console import Console

from penjing.errors import PenjingError


def log_console() -> Console:
    """Returns the console for progress and log, on standard error."""
    return Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Prints one JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def exit_code_of(work: Callable[[], Any], *, debug: bool) -> int:
    """Does the work; turns a failure into one paragraph on standard error and the right exit code."""
    try:
        work()
    except PenjingError as error:
        if debug:
            traceback.print_exc()
        sys.stderr.write(f"penjing: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("penjing: stopped. Run the same command again to go on.\n")
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:  # noqa: BLE001 - the last door: no traceback may reach a user
        if debug:
            traceback.print_exc()
        sys.stderr.write(
            f"penjing: a fault in Penjing itself ({type(error).__name__}: {error}). What was complete is kept. "
            "Run the command again as penjing --debug … and report what it prints.\n"
        )
        return 1
    return 0
