"""``penjing new``: what it can be told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from penjing.cli.options import DataLanguage, Json


def _column(option: str, what: str) -> Any:
    return typer.Option(option, help=f"Column of {what} (default: found).")


Data = Annotated[
    list[str],
    typer.Option(
        "--data",
        help="A file, a folder or an address, as a recipe takes it; two: lines side by side; for multi one of each "
        "task.",
    ),
]


def new(
    task: Annotated[str, typer.Argument(help="A task, such as sentiment, or language-model.", metavar="TASK")],
    data: Data,
    texts: Annotated[str | None, typer.Option("--texts", help="More texts, without labels, to learn from.")] = None,
    text: Annotated[
        str | None, _column("--text", "the texts; of questions what they are about, of items several, {title} {year}")
    ] = None,
    label: Annotated[str | None, _column("--label", "the labels")] = None,
    target: Annotated[str | None, _column("--target", "what is written")] = None,
    question: Annotated[str | None, _column("--question", "the questions")] = None,
    answer: Annotated[str | None, _column("--answer", "the answers")] = None,
    answer_start: Annotated[str | None, _column("--answer-start", "where the answers begin")] = None,
    document: Annotated[str | None, _column("--document", "what a text with questions is a part of")] = None,
    user: Annotated[str | None, _column("--user", "the users, of events")] = None,
    item: Annotated[str | None, _column("--item", "the items, of events")] = None,
    time: Annotated[str | None, _column("--time", "the times, of events")] = None,
    id: Annotated[str | None, _column("--id", "the items, in their table")] = None,
    chosen: Annotated[str | None, _column("--chosen", "the preferred answers")] = None,
    rejected: Annotated[str | None, _column("--rejected", "the other answers")] = None,
    start: Annotated[str | None, typer.Option("--start", help="A model folder to start from.")] = None,
    teacher: Annotated[str | None, typer.Option("--teacher", help="A larger model, to learn from its answers.")] = None,
    minutes: Annotated[float, typer.Option("--minutes", min=0.5, help="That a run may take.")] = 20,
    out: Annotated[Path | None, typer.Option("--out", help="File of the recipe (default: NAME.toml).")] = None,
    language: DataLanguage = "en",
    as_json: Json = False,
) -> None:
    """Look at your files, and write a recipe for them that runs here in the time given."""
    from penjing.cli.new import write_new_recipe
    from penjing.pipeline.report.strings import check_language

    columns = {"text": text, "label": label, "target": target, "question": question, "answer": answer}
    columns |= {"answer_start": answer_start, "document": document, "user": user, "item": item, "time": time, "id": id}
    columns |= {"chosen": chosen, "rejected": rejected}
    write_new_recipe(
        task,
        data,
        texts=texts,
        named={key: name for key, name in columns.items() if name is not None},
        start=start,
        teacher=teacher,
        minutes=minutes,
        out=out,
        language=check_language(language),
        as_json=as_json,
    )
