"""``penjing generate``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from penjing.cli.output import print_json, visible
from penjing.errors import UsageError
from penjing.inference.sampling_settings import SamplingSettings


def show_generation(
    folder: Path, prompt: str, settings: SamplingSettings, stop: Sequence[str] = (), *, as_json: bool
) -> None:
    """Continues or answers a text; without ``--json`` it appears as it is made."""
    from penjing.inference.generation import load_generator

    if any("\ud800" <= c <= "\udfff" for c in prompt):
        raise UsageError("the prompt is not UTF-8", do="Save or type it as UTF-8.")
    if not all(stop):
        raise UsageError("--stop is empty", do="Leave it out, or give the text that ends what is written.")
    generator = load_generator(folder)
    if as_json:
        print_json(asdict(generator.generate(prompt, settings, stop)) | {"seed": settings.seed})
        return
    has_begun = False
    try:
        for piece in generator.stream(prompt, settings, stop):
            sys.stdout.write(visible(prompt + piece if generator.continues and not has_begun else piece))
            sys.stdout.flush()
            has_begun = True
    finally:
        if has_begun:
            sys.stdout.write("\n")
