"""Options and arguments that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
ModelFolder = Annotated[Path, typer.Argument(help="Folder of a finished model.", metavar="MODEL")]
RunFolder = Annotated[Path, typer.Argument(help="Folder of a run, such as runs/reviews-lm.", metavar="RUN")]
DataLanguage = Annotated[str, typer.Option("--lang", help="en or zh.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="Change a setting: --set finetune.epochs=5")]
Part = Annotated[str | None, typer.Option("--part", help="Which of the tasks of a model of several is meant.")]
