"""Takes in a model from elsewhere: a GGUF file, a folder of the hub, or an adapter with its model, and proves it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import penjing
from penjing.data.sources.address import locate_package_folder
from penjing.errors import GateError, MissingExtraError, ModelFolderError, UsageError
from penjing.files import folder_beside, write_json
from penjing.models.adapter import ADAPTER_CONFIG
from penjing.models.weights import CONFIG
from penjing.pipeline.exporting.exporting import (
    PARITY,
    ExportCall,
    Exported,
    MissingProofError,
    check_free,
    export_model,
)
from penjing.pipeline.exporting.gguf_folder import make_folder, read_fields
from penjing.pipeline.exporting.hub_card import make_card
from penjing.pipeline.exporting.hub_model import HUB, fetch_model
from penjing.pipeline.exporting.llama_cpp import LlamaCpp
from penjing.pipeline.exporting.parity import Bounds
from penjing.pipeline.exporting.proving import prove_target
from penjing.pipeline.exporting.source import open_source
from penjing.progress import Progress

_PACKAGE = "package:"
#: Between llama.cpp with a file and Penjing with its numbers made whole; llama.cpp holds states in 8 bits there.
GGUF_BOUNDS = Bounds(0.5, 5e-3)


@dataclass(frozen=True)
class ImportCall:
    """What is asked for.

    Attributes:
        source: a GGUF file or a folder with one and no other model, a model folder, an adapter's,
            ``package:NAME/FOLDER``, or ``hf://OWNER/NAME``.
        destination: a new folder.
        base: with an adapter: folder of the model that it was made for.
        unproved: whether what is made is kept where the tool that proves it is not installed.
        task: what a model of the hub is for; None: what its network says.
        labels: names for the labels of a model of the hub, in its order; None: its own.
    """

    source: str
    destination: Path
    base: Path | None = None
    unproved: bool = False
    task: str | None = None
    labels: tuple[str, ...] | None = None


def import_model(call: ImportCall, progress: Progress) -> Exported:
    """Makes a model folder.

    Raises:
        UsageError: there is nothing to read, something is at the destination, or the base is missing or too much.
        DataError: a GGUF file is not read here.
        ModelFolderError: a folder is not whole.
        GateError: the proof found more than is allowed; nothing is left behind.
    """
    check_free(call.destination)
    with tempfile.TemporaryDirectory() as fetched:
        return _import(_find(call.source, Path(fetched)), call, progress)


def _find(source: str, fetched: Path) -> Path:
    """Returns the file or folder that is meant; one of the hub is fetched into a folder for the time."""
    if source.startswith(HUB):
        return fetch_model(source, fetched)
    if source.startswith(_PACKAGE):
        return locate_package_folder(source)
    path = Path(source).expanduser()
    if not path.exists():
        raise UsageError("there is no such file or folder", where=source, do="Correct the path.")
    is_model = any((path / name).is_file() for name in (CONFIG, ADAPTER_CONFIG))
    return path if is_model else _find_gguf(path)


def _find_gguf(path: Path) -> Path:
    """Returns the one GGUF file of a folder, as ``penjing export --to gguf`` writes it, or what was given.

    Raises:
        UsageError: there are several.
    """
    files = sorted(path.glob("*.gguf")) if path.is_dir() else []
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise UsageError(f"there are {len(files)} GGUF files in it: {names}", where=str(path), do="Name one of them.")
    return files[0] if files else path


def _import(source: Path, call: ImportCall, progress: Progress) -> Exported:
    is_adapter = (source / ADAPTER_CONFIG).is_file()
    if (call.base is not None) != is_adapter:
        what = "an adapter needs the model that it was made for" if is_adapter else "--base is for adapters"
        raise UsageError(what, where=call.source, do="Give --base FOLDER with an adapter, and only then.")
    is_folder = source.is_dir() and not is_adapter
    if not is_folder and (call.task, call.labels) != (None, None):
        what = "--task and --labels are for folders of the hub"
        raise UsageError(what, where=call.source, do="Leave them out.")
    if call.base is not None:
        merged = ExportCall("merged", call.destination, unproved=call.unproved)
        return export_model(open_source(call.base, source), merged, progress)
    return _import_folder(source, call, progress) if is_folder else _import_gguf(source, call, progress)


def _import_folder(folder: Path, call: ImportCall, progress: Progress) -> Exported:
    """Copies a folder of the hub, which Penjing reads as it is, after it was proved by Transformers."""
    source = open_source(folder)
    if not source.config.is_of_hub(source.head):
        raise ModelFolderError("this is a folder of Penjing's own already", where=str(folder), do="Use it as it is.")
    source = replace(source, card=make_card(source, call.task, call.labels))
    return export_model(source, ExportCall("transformers", call.destination, unproved=call.unproved), progress)


def _import_gguf(file: Path, call: ImportCall, progress: Progress) -> Exported:
    read_fields(file)
    with folder_beside(call.destination) as folder:
        progress.say("import: making numbers whole")
        make_folder(file, folder)
        parity: dict[str, Any] = {"source": file.name, "penjing": penjing.__version__}
        source = open_source(folder)
        progress.say("import: proving it")
        try:
            target = LlamaCpp(file, min(1024, source.longest))
        except MissingExtraError as error:
            if not call.unproved:
                do = f"{error.do}, or keep the folder without a proof: --unproved."
                raise MissingProofError(error.what, do=do) from error
            parity |= {"proved": False, "reason": f"{error.what}."}
        else:
            proof = prove_target(source, target, GGUF_BOUNDS, progress)
            parity |= {"proved": True, **proof.document, "notes": []}
            if proof.faults:
                raise GateError(
                    f"the folder is not equal to the file: {'; '.join(proof.faults)}",
                    where=str(file),
                    do="Nothing is left behind; report it, with the name of the model.",
                )
        write_json(folder / PARITY, parity)
        size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    return Exported(call.destination, parity, size)
