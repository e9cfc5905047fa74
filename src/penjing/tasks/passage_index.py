"""The passages of a folder of documents, with an index kept beside that is made again when a document changes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from penjing.data.sources import Layout, corpus_files, read_file
from penjing.data.sources.source import kind_of
from penjing.errors import DataError, MissingExtraError, PenjingError, UsageError
from penjing.files import check_replaceable, folder_beside, read_json, write_json
from penjing.hashing import hash_file, hash_json
from penjing.inference.bm25 import LexicalIndex
from penjing.inference.embedding import TextEncoder, load_encoder
from penjing.inference.retrieval import Retriever
from penjing.inference.sentence_pooling import sentence_files
from penjing.progress import Progress, stop_if_asked
from penjing.registry import registered_names
from penjing.text.passages import split_passages

_VERSION = 1
_RECORD, _PASSAGES, _TERMS, _VECTORS = "index.json", "passages.parquet", "terms", "vectors.npy"
_LAYOUT = Layout(unit="file", encoding="auto", max_line_mb=64)
_SCHEMA = pa.schema([("file", pa.string()), ("start", pa.int64()), ("end", pa.int64()), ("text", pa.string())])


@dataclass(frozen=True)
class Passage:
    """A part of a document.

    Attributes:
        file: the document, by its path in the folder.
        start: its first character in the document's text.
        end: one past its last.
        text: what it says.
    """

    file: str
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class PassageIndex:
    """Passages that can be searched.

    Attributes:
        passages: of all documents.
        retriever: finds them by number.
        left_out: documents that could not be read, each with why.
        is_fresh: whether the index was made just now.
    """

    passages: list[Passage]
    retriever: Retriever
    left_out: dict[str, str]
    is_fresh: bool

    def search(self, question: str, most: int) -> list[Passage]:
        """Returns the best passages for a question, the best first."""
        return [self.passages[number] for number in self.retriever.search(question, most)]


def index_folder(
    folder: Path, progress: Progress, *, encoder: Path | None = None, place: Path | None = None, most_words: int = 160
) -> PassageIndex:
    """Returns the index of a folder, from disk if nothing has changed, else made anew.

    Args:
        folder: of documents: text, Markdown, HTML, Word and PDF files, with all below it.
        progress: told how far the work is.
        encoder: a model folder whose vectors are searched too.
        place: where the index is kept; None: beside the folder, with .index behind its name.
        most_words: of a passage.

    Raises:
        UsageError: there is no such folder, or no document in it, or the index would replace something else.
        DataError: none of the documents can be read.
        MissingExtraError: bm25s is not installed.
        Interrupted: the user asked to stop.
    """
    documents = _documents(folder)
    place = place or folder.resolve().with_name(f"{folder.resolve().name}.index")
    check_replaceable(place, _RECORD, f"index {place}")
    with progress.bar("hashing", len(documents), "documents") as bar:
        hashes = {}
        for name, file in documents.items():
            hashes[name] = hash_file(file)
            bar.advance(1)
    record = {
        "version": _VERSION,
        "most_words": most_words,
        "documents": hashes,
        "encoder": None if encoder is None else _encoder_hash(encoder),
    }
    text_encoder = None if encoder is None else load_encoder(encoder)
    known = _read_record(place)
    if known is not None and known["made_from"] == hash_json(record) and not _is_readable_now(documents, known):
        try:
            return _open(place, text_encoder, known["left_out"])
        except (OSError, ValueError, KeyError):
            progress.say(f"the index in {place} is damaged, and is made again")
    with folder_beside(place) as beside:
        unread = _build(beside, documents, most_words, text_encoder, progress)
        left_out = {name: str(error) for name, error in unread.items()}
        lacking = [name for name, error in unread.items() if isinstance(error, MissingExtraError)]
        said = {"made_from": hash_json(record), **record, "left_out": left_out, "lacking": lacking}
        write_json(beside / _RECORD, said)
    opened = _open(place, text_encoder, left_out)
    return PassageIndex(opened.passages, opened.retriever, left_out, is_fresh=True)


def _documents(folder: Path) -> dict[str, Path]:
    """Returns the documents of a folder by their path in it."""
    if not folder.is_dir():
        raise UsageError("there is no such folder", where=str(folder), do="Give a folder of documents.")
    kinds = {"txt", *registered_names("documents")}
    files = [file for file in corpus_files([str(folder)]).files if kind_of(file) in kinds]
    if not files:
        raise UsageError(
            "there is no document in it", where=str(folder), do=f"Known are {', '.join(sorted(kinds))}, also packed."
        )
    return {file.relative_to(folder).as_posix(): file for file in files}


def _build(
    folder: Path, documents: dict[str, Path], most_words: int, encoder: TextEncoder | None, progress: Progress
) -> dict[str, PenjingError]:
    """Fills a folder with the passages and their index; returns the documents that could not be read, each with why."""
    passages: list[Passage] = []
    left_out: dict[str, PenjingError] = {}
    with progress.bar("passages", len(documents), "documents") as bar:
        for name, file in documents.items():
            stop_if_asked(progress)
            try:
                text = read_document_text(file)
            except PenjingError as error:
                left_out[name] = error
                continue
            spans = split_passages(text, most_words)
            passages += [Passage(name, start, end, text[start:end]) for start, end in spans]
            bar.advance(1)
    if not passages:
        raise DataError("no document can be read", where=str(folder.parent), do=next(map(str, left_out.values()), ""))
    columns = {name: [getattr(passage, name) for passage in passages] for name in _SCHEMA.names}
    pq.write_table(pa.table(columns, schema=_SCHEMA), folder / _PASSAGES, compression="zstd", use_dictionary=["file"])
    texts = [passage.text for passage in passages]
    (folder / _TERMS).mkdir()
    LexicalIndex.build(texts).save(folder / _TERMS)
    if encoder is not None:
        np.save(folder / _VECTORS, encoder.encode_documents(texts, progress), allow_pickle=False)
    return left_out


def read_document_text(file: Path) -> str:
    """Returns the text of a document; characters are counted in it.

    Raises:
        DataError: it cannot be read, or holds no text.
        MissingExtraError: its reader is not installed.
    """
    (batch,) = read_file(file, ["text"], _LAYOUT)
    text: str = batch.columns["text"][0]
    return text


def _read_record(place: Path) -> dict[str, Any] | None:
    """Returns what an index says of itself; None where there is none, or one that is broken."""
    try:
        record: dict[str, Any] = read_json(place / _RECORD)
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and "made_from" in record and "left_out" in record else None


def _is_readable_now(documents: dict[str, Path], known: dict[str, Any]) -> bool:
    """Whether a document that was left out because its reader was not installed no longer is."""
    for name in known.get("lacking", known["left_out"]):  # an older index does not say why
        try:
            read_document_text(documents[name])
        except MissingExtraError:
            continue
        except PenjingError:
            return True  # for another reason, which the next index tells
        return True
    return False


def _open(place: Path, encoder: TextEncoder | None, left_out: dict[str, str]) -> PassageIndex:
    rows = pq.read_table(place / _PASSAGES, use_threads=False).to_pylist()
    vectors = None if encoder is None else np.load(place / _VECTORS, allow_pickle=False)
    retriever = Retriever(LexicalIndex.load(place / _TERMS), encoder, vectors)
    return PassageIndex([Passage(**row) for row in rows], retriever, left_out, is_fresh=False)


def _encoder_hash(folder: Path) -> str:
    names = ("config.json", "tokenizer.json", "tokenizer_config.json")
    files = [*(folder / name for name in names), *sorted(folder.glob("*.safetensors")), *sentence_files(folder)]
    return hash_json([[file.name, hash_file(file)] for file in files if file.is_file()])
