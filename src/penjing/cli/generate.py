"""``penjing generate``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

from penjing.cli.output import print_json


def show_generation(
    folder: Path, prompt: str, max_tokens: int, temperature: float, top_p: float, seed: int, *, as_json: bool
) -> None:
    """Continues a text; without ``--json`` it appears as it is made."""
    from penjing.inference.generation import load_generator
    from penjing.inference.sampling import SamplingSettings

    settings = SamplingSettings(max_tokens, temperature, top_p, seed)
    generator = load_generator(folder)
    if as_json:
        print_json(asdict(generator.generate(prompt, settings)) | {"seed": seed})
        return
    sys.stdout.write(prompt)
    for piece in generator.stream(prompt, settings):
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")
