"""What ``penjing evaluate`` can be told: its options, and a call that was made with them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    str,
    typer.Argument(
        help="Labelled rows, pairs, questions, dialogues, events or preferences; for a language model texts or "
        "minimal pairs. -: CSV on standard input.",
        metavar="DATA",
    ),
]
Text = Annotated[
    str | None,
    typer.Option(
        "--text",
        help="Its column of texts (default: text; of questions: context; of dialogues: messages; of preferences: "
        "prompt).",
    ),
]
Label = Annotated[str, typer.Option("--label", help="Its column of labels; columns of 0 and 1 with commas between.")]
Columns = Annotated[str | None, typer.Option("--columns", help="Names for a file without a header: text,label")]
Target = Annotated[
    str, typer.Option("--target", help="Its column of what should be written; several with commas between.")
]
Beside = Annotated[
    Path | None, typer.Option("--beside", help="File of lines that should be written to the lines of DATA.")
]
User = Annotated[str, typer.Option("--user", help="Its column of users, of events, for a model that ranks items.")]
Item = Annotated[str, typer.Option("--item", help="Its column of items.")]
Time = Annotated[str, typer.Option("--time", help="Its column of times.")]
PairsPerSet = Annotated[
    int | None, typer.Option("--pairs-per-set", min=1, help="Minimal pairs: ask a sample of so many of each set.")
]
Train = Annotated[
    str | None, typer.Option("--train", help="Texts that a model of texts learned from; adds baselines fitted on them.")
]
Question = Annotated[str, typer.Option("--question", help="Its column of questions.")]
Answer = Annotated[str, typer.Option("--answer", help="Its column of answers to questions.")]
Folder = Annotated[Path | None, typer.Option("--folder", help="Ask the questions of this folder of documents instead.")]
Encoder = Annotated[
    Path | None, typer.Option("--encoder", help="With --folder: model folder whose vectors are searched too.")
]
Chosen = Annotated[str, typer.Option("--chosen", help="Its column of preferred answers.")]
Rejected = Annotated[str, typer.Option("--rejected", help="Its column of the other answers.")]
Reference = Annotated[
    Path | None, typer.Option("--reference", help="Model folder that preferences were learned from; adds rewards.")
]
Resamples = Annotated[int, typer.Option("--resamples", min=100, help="Bootstrap resamples.")]
Separator = Annotated[
    str | None, typer.Option("--separator", help='Stands between labels, for a model of several: "|".')
]


@dataclass(frozen=True)
class EvaluateCall:
    """A call of ``penjing evaluate``; what each option means is said beside it above.

    Attributes:
        text: None: each kind of rows has a column of its own.
        target: "target" where none was given.
    """

    model: Path
    data: str
    text: str | None
    label: str
    columns: str | None
    encoding: str | None
    target: str
    beside: Path | None
    user: str
    item: str
    time: str
    pairs_per_set: int | None
    train: str | None
    question: str
    answer: str
    folder: Path | None
    encoder: Path | None
    chosen: str
    rejected: str
    reference: Path | None
    resamples: int
    separator: str | None
    part: str | None
    as_json: bool

    @property
    def names(self) -> tuple[str, ...] | None:
        """Names for the columns of a file without a header."""
        return tuple(self.columns.split(",")) if self.columns else None

    @property
    def given_target(self) -> str | None:
        """The column of what should be written, where one was named."""
        return None if self.target == "target" else self.target
