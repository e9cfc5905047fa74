"""Where a row becomes token ids by a template of plain words, such as ``translate English to German: {text}``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pydantic import Field

from penjing.errors import RecipeError
from penjing.text.contractions import rejoin_contractions
from penjing.text.pair_renderer import PairRenderer, PairRendererSettings
from penjing.text.renderer import Rendered, RendererSettings, shorten_columns
from penjing.text.tokenizer import Tokenizer

_COLUMN = re.compile(r"\{(\w+)\}")
_DO = 'Write it as "sentiment: {text}".'
#: How a question is asked where a recipe says nothing else.
QUESTION_PROMPT = "question: {question} context: {text}"


class QuestionPromptSettings(PairRendererSettings):
    """How a question with its text, and the answer that is written to them, are laid out as tokens."""

    template: str = Field(
        QUESTION_PROMPT, min_length=1, description="what is read: words, and the columns question and text in braces"
    )
    max_tokens: int = Field(
        512, ge=4, description="longest row in tokens, special tokens included; what is longer is cut, not read apart"
    )


class PromptRenderer:
    """Lays rows out as prompts: a template's words with columns among them, as one text to the tokenizer.

    What the tokenizer itself sets around a text stands around the prompt, the end token in any case. Of a prompt that
    is too long, columns are cut, never the template's words.

    Args:
        tokenizer: cuts text into tokens.
        settings: template, longest row and where to cut.

    Raises:
        RecipeError: the template names no column, or is not to be read, or its words leave no room for a column.
    """

    def __init__(self, tokenizer: Tokenizer, settings: RendererSettings) -> None:
        self.tokenizer, self.settings = tokenizer, settings
        self._pieces = parse_prompt(settings.template)
        self.columns = prompt_columns(settings.template)
        self._room = settings.max_tokens - len(tokenizer.prompt_start) - 1
        words = len(tokenizer.encode([" ".join(words for words, _ in self._pieces)])[0])
        if words >= self._room:
            raise RecipeError(
                f'the words of the template "{settings.template}" are {words} tokens, and a row has room for '
                f"{self._room} beside special tokens",
                do="Raise max_tokens, or shorten the template.",
            )

    def render(self, rows: Sequence[Mapping[str, str]]) -> list[Rendered]:
        """Returns each row as tokens; a row over ``max_tokens`` is cut in its longest column, and the cut counted."""
        laid_out = [self._lay_out(row) for row in rows]
        encoded = self.tokenizer.encode([text for text, _ in laid_out])
        start, end = self.tokenizer.prompt_start, [self.tokenizer.end_id]
        rendered = []
        for ids, (text, ends) in zip(encoded, laid_out, strict=True):
            excess = max(0, len(ids) - self._room)
            kept = [*start, *(self._shorten(text, ends, excess) if excess else ids), *end]
            rendered.append(Rendered(kept, [False] * len(kept), excess))
        return rendered

    def _lay_out(self, row: Mapping[str, str]) -> tuple[str, list[tuple[int, str]]]:
        """Returns the whole text, and where each piece of it ends, with the name of the column that it is."""
        text, ends = "", list[tuple[int, str]]()
        for words, column in self._pieces:
            value = row[column] if column else words
            text += rejoin_contractions(value) if column and self.settings.rejoin else value
            ends.append((len(text), column))
        return text, ends

    def reads(self, row: Mapping[str, str], column: str, words: str) -> bool:
        """Returns whether words stand in what is read of a row's column, none of them cut."""
        text, ends = self._lay_out(row)
        excess = max(0, len(self.tokenizer.encode([text])[0]) - self._room)
        place = [name for _, name in ends].index(column)
        start, end = ends[place - 1][0] if place else 0, ends[place][0]
        wanted = rejoin_contractions(words) if self.settings.rejoin else words
        located, dropped = self._drop(text, ends, excess) if excess else ([], set())
        gaps = [located[number][1] for number in dropped]
        at = text.find(wanted, start, end)
        while at >= 0 and any(first < at + len(wanted) and last > at for first, last in gaps):
            at = text.find(wanted, at + 1, end)
        return at >= 0

    def _shorten(self, text: str, ends: list[tuple[int, str]], excess: int) -> list[int]:
        """Returns the tokens of a text without so many of its columns."""
        located, dropped = self._drop(text, ends, excess)
        return [token for place, (token, _) in enumerate(located) if place not in dropped]

    def _drop(
        self, text: str, ends: list[tuple[int, str]], excess: int
    ) -> tuple[list[tuple[int, tuple[int, int]]], set[int]]:
        """Returns the tokens of a text with their characters, and the places of so many of its columns that are cut.

        A token is of the piece in which it ends.
        """
        columns: dict[str, list[int]] = {column: [] for column in self.columns}
        located = self.tokenizer.locate(text)
        for place, (_, (_, last)) in enumerate(located):
            column = next(column for end, column in ends if last <= end)
            if column:
                columns[column].append(place)
        every = {place for places in columns.values() for place in places}
        shorten_columns(columns, excess, self.settings.cut)
        return located, every - {place for places in columns.values() for place in places}


class PromptPairRenderer(PairRenderer):
    """Lays pairs out by a prompt, and what is written to it.

    Args:
        tokenizer: cuts text into tokens.
        settings: the template is a prompt's.

    Raises:
        RecipeError: as `PromptRenderer`.
    """

    def __init__(self, tokenizer: Tokenizer, settings: PairRendererSettings) -> None:
        super().__init__(tokenizer, settings.model_copy(update={"template": "{text}"}))
        of_read = settings.model_dump(include=set(RendererSettings.model_fields))
        self.settings = settings
        self._read: PromptRenderer = PromptRenderer(tokenizer, RendererSettings(**of_read))

    def render_rows(self, rows: Sequence[Mapping[str, str]]) -> list[Rendered]:
        """Returns what is read of each row."""
        return self._read.render(rows)

    def reads(self, row: Mapping[str, str], column: str, words: str) -> bool:
        """Returns whether words stand in what is read of a row's column, none of them cut."""
        return self._read.reads(row, column, words)

    def render_written(self, texts: Sequence[str]) -> list[Rendered]:
        """Returns texts as they are to be written."""
        return self._written.render([{"target": text} for text in texts])


def prompt_columns(template: str) -> tuple[str, ...]:
    """Returns the columns that a prompt names, each once, in order.

    Raises:
        RecipeError: there is none, or a brace is none of a column.
    """
    columns = tuple(dict.fromkeys(column for _, column in parse_prompt(template) if column))
    if not columns:
        raise RecipeError(f'the template "{template}" names no column', do=_DO)
    return columns


def parse_prompt(template: str) -> list[tuple[str, str]]:
    """Returns a prompt as (words, column) pairs, one of the two empty.

    Raises:
        RecipeError: a brace is none of a column, or a column is named twice.
    """
    parts = _COLUMN.split(template)  # words and columns in turn
    words, columns = parts[::2], parts[1::2]
    if any(brace in text for text in words for brace in "{}"):
        raise RecipeError(f'the template "{template}" has a brace that is none of a column', do=_DO)
    if len(set(columns)) < len(columns):
        raise RecipeError(f'the template "{template}" names a column twice', do=_DO)
    pieces = [piece for pair in zip(words, [*columns, ""], strict=True) for piece in ((pair[0], ""), ("", pair[1]))]
    return [piece for piece in pieces if any(piece)]
