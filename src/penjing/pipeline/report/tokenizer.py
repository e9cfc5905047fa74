"""The page about a tokenizer: a single HTML file, like the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penjing.evaluate.tokenizer import HARDLY, Entries, LanguageFigures, TokenizerFigures
from penjing.files import write_text
from penjing.machine import count_cores
from penjing.pipeline.report.report import page_style, render_template
from penjing.pipeline.report.strings import Language
from penjing.pipeline.report.wording import Wording
from penjing.text.text_words import LANGUAGES, cuts_chinese_words
from penjing.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Piece:
    """A stretch of a text that a token stands for, or several that share a character.

    Attributes:
        text: of the stretch.
        tokens: how many; 0 for what none stands for.
        is_unknown: whether the vocabulary lacks it.
        number: counts the pieces, those of no token apart.
    """

    text: str
    tokens: int
    is_unknown: bool
    number: int


@dataclass(frozen=True)
class TokenizerCard:
    """All that a report card says.

    Attributes:
        figures: of the tokenizer, then of those beside it.
        samples: texts, each with its pieces by every tokenizer.
        texts: how many were measured.
        bytes: they have.
        all_texts: of how many they were drawn.
    """

    figures: list[TokenizerFigures]
    samples: list[list[list[Piece]]]
    texts: int
    bytes: int
    all_texts: int


def cut_sample(tokenizer: Tokenizer, text: str) -> list[Piece]:
    """Returns a text in pieces, by token; tokens of one character, and none, are together."""
    unknown = tokenizer.unknown_id if tokenizer.has_unknown else -1
    stretches: list[tuple[int, int, int, bool]] = []
    for token_id, (start, end) in tokenizer.locate(text):
        if stretches and start < stretches[-1][1]:
            first, last, tokens, is_unknown = stretches.pop()
            stretches.append((first, max(last, end), tokens + 1, is_unknown or token_id == unknown))
        elif end > start:
            stretches.append((start, end, 1, token_id == unknown))
    pieces, position = [], 0
    for number, (start, end, tokens, is_unknown) in enumerate(stretches):
        if start > position:
            pieces.append(Piece(text[position:start], 0, False, number))
        pieces.append(Piece(text[start:end], tokens, is_unknown, number))
        position = end
    return [*pieces, Piece(text[position:], 0, False, len(stretches))] if position < len(text) else pieces


def figure_rows(card: TokenizerCard, wording: Wording) -> list[tuple[str, list[str]]]:
    """Returns the table of figures as it is read: what, and of each tokenizer how much."""
    rows = [(wording.say("card_vocabulary"), [wording.count(found.vocabulary) for found in card.figures])]
    measures: tuple[tuple[str, Callable[[LanguageFigures], str]], ...] = (
        ("card_bytes_per_token", lambda figures: f"{figures.bytes_per_token:.2f}"),
        ("card_fertility", lambda figures: f"{figures.fertility:.2f}"),
        ("card_whole_share", lambda figures: wording.percent(figures.whole_share)),
    )
    for key, show in measures:
        for language in LANGUAGES:
            if language in card.figures[0].languages:
                title = wording.say(key, language=wording.name("text_language", language))
                rows.append((title, [show(found.languages[language]) for found in card.figures]))
    rows += [
        (
            wording.say("card_unknown"),
            [wording.fine_percent(found.unknown_tokens / max(1, found.tokens)) for found in card.figures],
        ),
        (wording.say("card_uncovered"), [wording.count(len(found.uncovered)) for found in card.figures]),
        (wording.say("card_altered"), [wording.count(found.altered_texts) for found in card.figures]),
    ]
    for key, entries in _entry_groups():
        found_entries = [entries(found) for found in card.figures]
        if any(group is not None for group in found_entries):
            rows.append(
                (wording.say(key), ["–" if group is None else wording.count(group.count) for group in found_entries])
            )
    rows.append((wording.say("card_parts"), [wording.count(found.parts) for found in card.figures]))
    speed = wording.say("card_speed", threads=count_cores())
    return [*rows, (speed, [f"{found.mb_per_s:.2f}" for found in card.figures])]


def entry_rows(figures: TokenizerFigures, wording: Wording) -> list[tuple[str, list[str]]]:
    """Returns entries to look at, of one tokenizer."""
    rows = [(wording.say("card_longest"), figures.longest)]
    for key, entries in _entry_groups():
        group = entries(figures)
        if group is not None:
            rows.append((wording.say(key), group.examples))
    return [*rows, (wording.say("card_uncovered"), figures.most_uncovered)]


def _entry_groups() -> Sequence[tuple[str, Callable[[TokenizerFigures], Entries | None]]]:
    return (
        ("card_unused", lambda figures: figures.unused),
        ("card_unreachable", lambda figures: figures.unreachable),
        ("card_hardly", lambda figures: figures.hardly_learned),
    )


def say_measured(card: TokenizerCard, wording: Wording) -> str:
    """Returns on what was measured."""
    gaps = {"texts": wording.count(card.texts), "megabytes": f"{card.bytes / 1e6:.2f}"}
    if card.texts == card.all_texts:
        return wording.say("card_lede", **gaps)
    return wording.say("card_sampled", **gaps, all=wording.count(card.all_texts))


def say_figures_note(wording: Wording) -> str:
    """Returns how languages and words are told."""
    key = "card_dictionary" if cuts_chinese_words() else "card_characters"
    return wording.say("card_figures_note", chinese=wording.say(key))


def write_card(card: TokenizerCard, path: Path, language: Language) -> None:
    """Writes the page atomically.

    Args:
        card: what it shows.
        path: of the HTML file.
        language: ``en`` or ``zh``.
    """
    wording = Wording(language)
    names = [found.name for found in card.figures]
    values: dict[str, Any] = {
        "w": wording,
        **page_style(),
        "title": wording.say("card_title", name=names[0]),
        "names": names,
        "lede": say_measured(card, wording),
        "note": say_figures_note(wording),
        "rows": figure_rows(card, wording),
        "hardly": HARDLY,
        "entries": [(found.name, entry_rows(found, wording)) for found in card.figures],
        "samples": [
            [(name, sum(piece.tokens for piece in pieces), pieces) for name, pieces in zip(names, sample, strict=True)]
            for sample in card.samples
        ],
    }
    write_text(path, render_template("tokenizer.html.jinja", values))
