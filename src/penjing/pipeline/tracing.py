"""From a document to the models that it fed, and from a model to its documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penjing.data.inspection import (
    Document,
    DroppedDocument,
    find_documents,
    find_labelled,
    find_labelled_at,
    find_near_copies,
    iter_documents,
)
from penjing.data.keys import text_ids
from penjing.errors import UsageError
from penjing.files import read_json, write_json
from penjing.pipeline.stage import RECORD
from penjing.pipeline.store import stage_folder, stage_folders
from penjing.tasks.card import CARD, read_lineage

REMOVED = "removed.json"  # what was removed from a run: by id, the weights that had learned from it
PUBLISHED = "published.json"  # the hashes of all weights that a run has published
#: What a text is for where a model learns from it.
LEARNED = ("texts", "labelled.train")
_OF_TEXTS = ("corpus", "unlabelled", "recombined")  # stages that have texts without labels


@dataclass(frozen=True)
class Trace:
    """Where a text is, and what learned from it.

    Attributes:
        run: the folder of a run.
        item: the text, or why it was dropped there; without text and origin, of the part ``removed``, where it was
            taken out.
        models: the model folders that learned from it: that of the run, and those that started from it, also from an
            earlier model of the run.
    """

    run: Path
    item: Document | DroppedDocument
    models: list[Path]


def removed_texts(out: Path) -> dict[str, list[str]]:
    """Returns the ids of what was removed from a run, each with the weights of the run that had learned from it."""
    path = out / REMOVED
    return dict(read_json(path)) if path.is_file() else {}


def remember_weights(out: Path, card: dict[str, Any]) -> None:
    """Writes down that a run has published a model, given its card; others may start from it after it is gone."""
    known = published_weights(out)
    new = [weights for weights in _weights_of(card) if weights not in known]
    if new:
        write_json(out / PUBLISHED, [*known, *new])


def published_weights(out: Path) -> list[str]:
    """Returns the hashes of all weights that a run has published, the oldest first."""
    path = out / PUBLISHED
    return list(read_json(path)) if path.is_file() else []


def has_stage(run: Path, stage: str) -> bool:
    """Returns whether a run has a finished stage of some name."""
    return any(run.glob(f"stages/{stage}-*/{RECORD}"))


def find_texts(run: Path, ids: set[str]) -> dict[str, Document | DroppedDocument]:
    """Returns those of some ids that a run has, as labelled rows, in its corpus, or dropped from it.

    Raises:
        UsageError: there is no such run, or one of an older version.
    """
    found: dict[str, Document | DroppedDocument] = {}
    stages = [stage for stage in ("data", *_OF_TEXTS) if has_stage(run, stage)]
    if not stages:
        stage_folder(run, "corpus")  # says what is wrong
    if "data" in stages:
        found.update(find_labelled(stage_folder(run, "data"), ids))
    for folder in (folder for stage in stages if stage in _OF_TEXTS for folder in stage_folders(run, stage)):
        found.update(
            (key, item)
            for key, item in find_documents(folder, ids).items()
            if key not in found or (isinstance(item, Document) and not _is_learned(found[key]))
        )
    return found


def near_copies(run: Path, ids: set[str]) -> dict[str, Document]:
    """Returns what was dropped from the corpora of a run as near duplicates of some texts."""
    folders = stage_folders(run, "corpus") if has_stage(run, "corpus") else []
    return {key: document for folder in folders for key, document in find_near_copies(folder, ids).items()}


def trace_texts(runs: Path, ids: set[str]) -> dict[str, list[Trace]]:
    """Returns where texts are among the runs of a folder, and which models learned from them.

    Args:
        runs: holds the folders of runs, or is one.
        ids: of texts.
    """
    folders = [run for run in (runs, *sorted(runs.iterdir())) if (run / "stages").is_dir()] if runs.is_dir() else []
    if not folders:
        raise UsageError("there is no run in it", where=str(runs), do="Give a folder such as runs.")
    cards = {run: _card(run / "model") for run in folders}
    traces: dict[str, list[Trace]] = {key: [] for key in ids}
    for run in folders:
        for key, item in _find_in_any(run, ids).items():
            weights = {*published_weights(run), *_weights_of(cards[run])} if _is_learned(item) else set()
            traces[key].append(Trace(run, item, _made_from(weights, cards)))
        removed = removed_texts(run)
        for key in ids.intersection(removed):
            models = _made_from(set(removed[key]), cards)
            traces[key].append(Trace(run, Document(key, "", 0, "removed", ""), models))
    return traces


def _find_in_any(run: Path, ids: set[str]) -> dict[str, Document | DroppedDocument]:
    """Returns what a run has, nothing where it has no texts or is of a version that kept no origins."""
    if not any(has_stage(run, stage) for stage in ("data", *_OF_TEXTS)):
        return {}
    try:
        return find_texts(run, ids)
    except UsageError:
        return {}


def labelled_origins(run: Path, documents: Iterable[Document], change: Callable[[str], str]) -> dict[str, Document]:
    """Returns the labelled rows that texts of the corpus were before personal data in them was masked.

    Args:
        run: the folder of a run.
        documents: texts of its corpus.
        change: what was done with a labelled row on its way into the corpus.
    """
    wanted = {(document.source, document.row): document.id for document in documents}
    if not wanted or not has_stage(run, "data"):
        return {}
    rows = find_labelled_at(stage_folder(run, "data"), set(wanted))
    return {row.id: row for row in rows if text_ids([change(row.text)]) == [wanted[row.source, row.row]]}


def started_from(run: Path) -> list[Path]:
    """Returns the models of other runs beside a run that started from one of its models, or from one of these."""
    run = run.resolve()
    runs = [folder for folder in sorted(run.parent.iterdir()) if (folder / "stages").is_dir()]
    cards = {folder: _card(folder / "model") for folder in runs}
    models = _made_from({*published_weights(run), *_weights_of(cards.get(run))}, cards)
    return [model for model in models if model != run / "model"]


def documents_of(model: Path) -> Iterator[Document]:
    """Yields the texts that a model was pretrained on, or models that it learned from in its run.

    Args:
        model: the folder ``model`` of a run, in which its stages still are.

    Raises:
        ModelFolderError: this is no model.
        UsageError: it has no corpus, or that is gone.
    """
    entries = [entry for entry in read_lineage(model) if entry["stage"] == "corpus"]
    if not entries:
        raise UsageError(
            "this model was not pretrained on a corpus", where=str(model), do="penjing lineage MODEL shows its files."
        )
    folders = [_beside(model, entry) for entry in entries]
    if None in folders:
        raise UsageError(
            "the corpus that it learned from is not beside it any more",
            where=str(model),
            do="Give the folder model inside of its run; if texts were removed from the run, train it again.",
        )
    for folder in folders:
        assert folder is not None
        yield from iter_documents(folder)


def rows_learned_from(model: Path) -> Path | None:
    """Returns the folder of the rows that a model was fine-tuned on, of the stage ``data`` of its run.

    None where the model does not lie in its run, or the run's rows are others by now.

    Raises:
        ModelFolderError: this is no model.
    """
    return stage_beside(model, "data")


def stage_beside(model: Path, stage: str) -> Path | None:
    """Returns the folder of a stage that a model came from, if it is still beside it as it was.

    Raises:
        ModelFolderError: this is no model.
    """
    entry = next((entry for entry in read_lineage(model) if entry["stage"] == stage), None)
    return None if entry is None else _beside(model, entry)


def _beside(model: Path, entry: dict[str, Any]) -> Path | None:
    """Returns the folder of an entry of a model's lineage, if it is still beside it as it was."""
    folder = model.resolve().parent / "stages" / f"{entry['stage']}-{entry['key'][:12]}"
    is_as_it_was = (folder / RECORD).is_file() and read_json(folder / RECORD)["content"] == entry["content"]
    return folder if is_as_it_was else None


def _is_learned(item: Document | DroppedDocument) -> bool:
    return isinstance(item, Document) and item.part in LEARNED


def _card(model: Path) -> dict[str, Any] | None:
    return read_json(model / CARD) if (model / CARD).is_file() else None


def _weights_of(card: dict[str, Any] | None) -> list[str]:
    """Returns the hashes of a model's weights and, where it was made with adapters, of those."""
    return [card[key] for key in ("weights", "adapter_weights") if card is not None and key in card]


def _made_from(weights: set[str], cards: dict[Path, dict[str, Any] | None]) -> list[Path]:
    """Returns the models that have some weights, or started from them, or from any model of a run that did.

    Args:
        weights: by hash.
        cards: of the models of runs, by run.
    """
    waiting, found = list(weights), []
    runs = [run for run in cards if not weights.isdisjoint(_weights_of(cards[run]))]
    while True:
        found += runs
        waiting += [each for run in runs for each in (*published_weights(run), *_weights_of(cards[run]))]
        runs = [run for run in cards if run not in found and not _start_files(cards[run]).isdisjoint(waiting)]
        if not runs:
            return [run / "model" for run in found]


def _start_files(card: dict[str, Any] | None) -> set[str]:
    """Returns the hashes of all files that a model was made from."""
    return {content for entry in (card or {}).get("lineage", []) for _, content in entry["files"]}
