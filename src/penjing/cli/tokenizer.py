"""``penjing tokenizer``: the report card of a tokenizer, on texts, beside others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from penjing.cli.output import log_console, print_json, result_console
from penjing.cli.progress import TerminalProgress
from penjing.data.reading import read_rows
from penjing.data.sources import locate_package_folder
from penjing.errors import UsageError
from penjing.evaluate.tokenizer import HARDLY, measure_tokenizer
from penjing.files import read_json
from penjing.pipeline.report.strings import Language
from penjing.pipeline.report.tokenizer import (
    Piece,
    TokenizerCard,
    cut_sample,
    entry_rows,
    figure_rows,
    say_figures_note,
    say_measured,
    write_card,
)
from penjing.pipeline.report.wording import Wording, shorten_text
from penjing.pipeline.stage import RECORD
from penjing.pipeline.store import stage_folder, stage_folders
from penjing.pipeline.tracing import has_stage
from penjing.text.reservoir import Reservoir
from penjing.text.shards import open_shard
from penjing.text.text_words import LANGUAGES, WordedText, find_words_of
from penjing.text.tokenizer import Tokenizer, load_tokenizer

_PACKAGE = "package:"
_STAGES = "stages"
_SAMPLES_A_LANGUAGE = 2
_SAMPLE_CHARACTERS = 240
_PARTS = {"shards": "texts", "examples": "train"}
_COLORS = ("black on green", "black on yellow")
_STRETCH = 1 << 22  # tokens that are counted at a time


def show_card(
    address: str,
    texts: Sequence[str],
    against: Sequence[str],
    column: str,
    columns: tuple[str, ...] | None,
    sample_mb: float,
    page: Path | None,
    language: Language,
    *,
    as_json: bool,
) -> None:
    """Measures a tokenizer, and others beside it, on the texts of some files; shows it and writes it as a page."""
    addresses = [address, *against]
    tokenizers = [load_tokenizer(_find_folder(each)) for each in addresses]
    drawn = Reservoir(sample_mb * 1e6, seed=0)
    for file in texts:
        for rows in read_rows(file, column, columns=columns, encoding="auto"):
            drawn.add(rows.texts)
    worded = [find_words_of(text) for batch in drawn for text in batch]
    progress = TerminalProgress(log_console())
    figures = []
    with progress.bar("tokenizer", len(addresses), "tokenizers") as bar:
        for name, place, tokenizer in zip(_names(addresses), addresses, tokenizers, strict=True):
            figures.append(measure_tokenizer(name, tokenizer, worded, _count_learned(place, tokenizer)))
            bar.advance()
    samples = [[cut_sample(tokenizer, text) for tokenizer in tokenizers] for text in _choose_samples(worded)]
    card = TokenizerCard(figures, samples, len(worded), drawn.bytes, drawn.seen)
    if page is not None:
        write_card(card, page, language)
    if as_json:
        print_json(_as_document(card, page))
    else:
        _print_card(result_console(), card, Wording(language), page)


def _find_folder(address: str) -> Path:
    """Returns the folder or file of a tokenizer: of a model, of a run, or itself.

    Raises:
        UsageError: there is nothing at the address.
    """
    path = locate_package_folder(address) if address.startswith(_PACKAGE) else Path(address).expanduser()
    if (path / _STAGES).is_dir():
        return stage_folder(path, "tokenizer")
    if not path.exists():
        raise UsageError(
            "there is no such folder or file",
            where=address,
            do="Give a model folder, the folder of a run, or a tokenizer.json.",
        )
    return path


def _names(addresses: Sequence[str]) -> list[str]:
    """Returns short names for addresses; longer ones where two would be the same."""
    parts = [
        [part for part in address.replace(_PACKAGE, "").split("/") if part not in ("", ".")] for address in addresses
    ]
    parts = [names[:-1] if names[-1] == "tokenizer.json" and len(names) > 1 else names for names in parts]
    parts = [names[:-1] if names[-1] == "model" and len(names) > 1 else names for names in parts]
    short = [names[-1] for names in parts]
    return [name if short.count(name) == 1 else "/".join(names) for name, names in zip(short, parts, strict=True)]


def _count_learned(address: str, tokenizer: Tokenizer) -> NDArray[np.int64] | None:
    """Returns how often each entry occurs in what a run learned from, [vocabulary]; None where this is no run."""
    counts: NDArray[np.int64] = np.zeros(tokenizer.vocab_size, dtype=np.int64)
    shards = list(_shards_of(Path(address))) if (Path(address) / _STAGES).is_dir() else []
    for shard in shards:
        tokens = open_shard(shard).tokens
        for start in range(0, len(tokens), _STRETCH):
            counts += np.bincount(tokens[start : start + _STRETCH], minlength=len(counts))
    return counts if shards else None


def _shards_of(run: Path) -> Iterator[Path]:
    """Yields the tokens that a run's own tokenizer made; teachers of its model may have tokenizers of their own."""
    content = read_json(stage_folder(run, "tokenizer") / RECORD)["content"]
    for stage, part in _PARTS.items():
        for folder in stage_folders(run, stage) if has_stage(run, stage) else ():
            if read_json(folder / RECORD)["inputs"].get("tokenizer") == content:
                yield folder / part


def _choose_samples(texts: Sequence[WordedText]) -> Iterator[str]:
    """Yields the first texts of each language, shortened."""
    for language in LANGUAGES:
        of_language = [text.text for text in texts if text.language == language]
        yield from (shorten_text(text.strip(), _SAMPLE_CHARACTERS) for text in of_language[:_SAMPLES_A_LANGUAGE])


def _as_document(card: TokenizerCard, page: Path | None) -> dict[str, Any]:
    return {
        "texts": card.texts,
        "bytes": card.bytes,
        "all_texts": card.all_texts,
        "page": str(page) if page else None,
        "tokenizers": [found.to_dict() for found in card.figures],
        "samples": [
            [[{"text": piece.text, "tokens": piece.tokens} for piece in pieces] for pieces in sample]
            for sample in card.samples
        ],
    }


def _print_card(console: Console, card: TokenizerCard, wording: Wording, page: Path | None) -> None:
    names = [found.name for found in card.figures]
    console.print(wording.say("card_title", name=names[0]))
    console.print(say_measured(card, wording))
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    for label, cells in figure_rows(card, wording):
        table.add_row(label, *cells)
    console.print()
    console.print(table)
    console.print(f"\n{say_figures_note(wording)}")
    console.print(f"\n{wording.say('card_samples')}")
    for sample in card.samples:
        for name, pieces in zip(names, sample, strict=True):
            tokens = wording.say("card_tokens", count=wording.count(sum(piece.tokens for piece in pieces)))
            console.print(Text(f"  {name}  {tokens}", style="dim"))
            console.print(_marked(pieces, is_colored=console.color_system is not None), soft_wrap=True)
    console.print(f"\n{wording.say('card_entries')}")
    for found in card.figures:
        console.print(f"  {found.name}")
        for label, entries in entry_rows(found, wording):
            shown = "  ".join(repr(entry)[1:-1] for entry in entries) or wording.say("card_none")
            console.print(f"    {label}: {shown}", soft_wrap=True)
    console.print(f"\n{wording.say('card_entries_note', most=HARDLY)}")
    if page is not None:
        console.print(f"\n{wording.say('inspected_page')}  {page}")


def _marked(pieces: Sequence[Piece], *, is_colored: bool) -> Text:
    """Returns a text whose tokens take turns in color; where there is no color, strokes stand between them."""
    text = Text("    ")
    for piece in pieces:
        shown = piece.text.replace("\n", "⏎")
        if not is_colored:
            text.append(f"|{shown}" if piece.tokens and piece.number else shown)
            continue
        style = _COLORS[piece.number % 2] if piece.tokens else ""
        text.append(shown, style=f"{style} underline" if piece.is_unknown else style)
    return text
