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
Temperature = Annotated[float, typer.Option("--temperature", min=0, help="0: the likeliest token always.")]
TopP = Annotated[float, typer.Option("--top-p", help="Draw from the likeliest tokens only, up to this.")]
TopK = Annotated[int, typer.Option("--top-k", min=0, help="Draw from so many of the likeliest only; 0: from all.")]
MinP = Annotated[
    float, typer.Option("--min-p", min=0, max=1, help="Draw none less likely than this share of the likeliest.")
]
RepetitionPenalty = Annotated[
    float, typer.Option("--repetition-penalty", help="Above 1: tokens that came before become less likely.")
]
PresencePenalty = Annotated[float, typer.Option("--presence-penalty", help="Taken from the logits of written tokens.")]
FrequencyPenalty = Annotated[float, typer.Option("--frequency-penalty", help="The same, once for each time.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Decides what is drawn.")]
EngineWeights = Annotated[
    str | None, typer.Option("--weights", help="Write by the fast engine, weights in fp32, bf16, int8 or int4.")
]
