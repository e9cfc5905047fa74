"""Options and arguments that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from penjing.data.sources.encodings import AUTO, codec_name
from penjing.errors import UsageError

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
ModelFolder = Annotated[Path, typer.Argument(help="Folder of a finished model.", metavar="MODEL")]
RunFolder = Annotated[Path, typer.Argument(help="Folder of a run, such as runs/reviews-lm.", metavar="RUN")]
DataLanguage = Annotated[str, typer.Option("--lang", help="en or zh.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change a setting: --set finetune.epochs=5. May be given several times."),
]
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


def _check_encoding(name: str | None) -> str | None:
    """Refuses an encoding that Python does not know."""
    try:
        return name if name is None else codec_name(name) if name != AUTO else AUTO
    except LookupError as error:
        raise UsageError(
            f'"{name}" is no encoding', where="--encoding", do="Give auto, or a name: utf-8, gb18030, big5, utf-16."
        ) from error


def check_encoding_use(encoding: str | None, rows: object, option: str) -> None:
    """Refuses the encoding of no file: what is in the call, or on standard input, is UTF-8.

    Raises:
        UsageError: an encoding is given, and ``rows``, which ``option`` names, are None.
    """
    if encoding is not None and rows is None:
        raise UsageError(f"--encoding is for {option}", do=f"Give {option}, or leave it out.")


Encoding = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        callback=_check_encoding,
        help="Of text files: auto, or a name such as gb18030 (default: UTF-8).",
        metavar="NAME",
    ),
]
