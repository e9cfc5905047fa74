"""``penjing generate``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

from penjing.cli.output import print_json, visible
from penjing.errors import UsageError


def show_generation(
    folder: Path, prompt: str, max_tokens: int, temperature: float, top_p: float, seed: int, *, as_json: bool
) -> None:
    """Continues or answers a text; without ``--json`` it appears as it is made."""
    from penjing.inference.generation import load_generator
    from penjing.inference.sampling import SamplingSettings

    if any("\ud800" <= c <= "\udfff" for c in prompt):
        raise UsageError("the prompt is not UTF-8", do="Save or type it as UTF-8.")
    settings = SamplingSettings(max_tokens, temperature, top_p, seed)
    generator = load_generator(folder)
    if as_json:
        print_json(asdict(generator.generate(prompt, settings)) | {"seed": seed})
        return
    has_begun = False
    try:
        for piece in generator.stream(prompt, settings):
            sys.stdout.write(visible(prompt + piece if generator.continues and not has_begun else piece))
            sys.stdout.flush()
            has_begun = True
    finally:
        if has_begun:
            sys.stdout.write("\n")
