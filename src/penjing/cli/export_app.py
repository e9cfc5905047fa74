"""The commands that carry models to other tools and back; `penjing.cli.main` registers them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from penjing.cli.options import Encoding, Json, ModelFolder, check_encoding_use


def export(
    model: ModelFolder,
    destination: Annotated[Path, typer.Argument(help="A new folder, or a file NAME.gguf.", metavar="DEST")],
    target: Annotated[str, typer.Option("--to", help="gguf, onnx, merged, int8, int4, transformers or vllm.")],
    precision: Annotated[
        str | None, typer.Option("--type", help="How numbers are held, such as q8_0 for gguf (default: the first).")
    ] = None,
    adapter: Annotated[
        Path | None, typer.Option("--adapter", help="With merged: folder of a LoRA adapter, as PEFT writes it.")
    ] = None,
    data: Annotated[str | None, typer.Option("--data", help="Rows to score the task on, before and after.")] = None,
    text: Annotated[str, typer.Option("--text", help="Their column of texts.")] = "text",
    label: Annotated[
        str, typer.Option("--label", help="Their column of labels; of several labels a row also columns, with commas.")
    ] = "label",
    written: Annotated[str, typer.Option("--target", help="Their column of what should be written.")] = "target",
    separator: Annotated[
        str | None, typer.Option("--separator", help='Stands between the labels of a row that has several: "|".')
    ] = None,
    encoding: Encoding = None,
    unproved: Annotated[
        bool, typer.Option("--unproved", help="Keep the export where the tool that proves it is not installed.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a model for another tool, and prove by that tool that nothing changed (parity.json)."""
    from penjing.cli.export import show_export
    from penjing.pipeline.exporting.exporting import ExportCall
    from penjing.pipeline.exporting.sample import SampleData

    check_encoding_use(encoding, data, "--data")
    rows = None if data is None else SampleData(data, text, label, written, separator, encoding)
    call = ExportCall(target, destination, precision, rows, unproved)
    show_export(model, call, adapter, as_json=as_json)


def import_(
    source: Annotated[
        str,
        typer.Argument(help="A GGUF file, a model folder, an adapter's folder, or hf://OWNER/NAME.", metavar="SOURCE"),
    ],
    destination: Annotated[Path, typer.Argument(help="A new folder.", metavar="DEST")],
    base: Annotated[
        Path | None, typer.Option("--base", help="With an adapter: folder of the model that it was made for.")
    ] = None,
    unproved: Annotated[
        bool, typer.Option("--unproved", help="Keep the folder where the tool that proves it is not installed.")
    ] = False,
    task: Annotated[
        str | None,
        typer.Option("--task", help="What a classifier of the hub is for, such as sentiment; default: classify."),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option("--labels", help="Names for the labels of a classifier of the hub, in its order, with commas."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a model folder of a GGUF file, a folder of the hub or an adapter, and prove that nothing changed."""
    from penjing.cli.export import show_import
    from penjing.pipeline.exporting.importing import ImportCall

    named = None if labels is None else tuple(label.strip() for label in labels.split(","))
    show_import(ImportCall(source, destination, base, unproved, task, named), as_json=as_json)
