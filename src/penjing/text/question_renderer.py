"""Where a question and its text become token ids: one sequence for each window over the text."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, model_validator

from penjing.errors import RecipeError, SettingsError
from penjing.hashing import hash_json
from penjing.text.renderer import RENDERER_VERSION, Rendered, RendererSettings
from penjing.text.segments import MatchMarks
from penjing.text.tokenizer import Tokenizer
from penjing.text.words import Span

#: Raised when other tokens would be marked; 1 marked unknown ones too, where question and text had some.
MARKS_VERSION = 2
_TEMPLATE = "[CLS]{question}[SEP]{text}[SEP]"
_MARKS = 3
_FEWEST_TEXT_TOKENS = 8


class QuestionRendererSettings(RendererSettings):
    """How a question and the text that it is put to are laid out as tokens."""

    template: str = Field(_TEMPLATE, description="BERT's layout of pairs, and no other")
    max_tokens: int = Field(
        384, ge=16, description="longest window in tokens, the question and special tokens included"
    )
    max_question_tokens: int = Field(64, ge=1, description="longest question in tokens; the rest of it is cut")
    overlap_tokens: int = Field(
        128, ge=0, description="tokens of a longer text that two windows one after the other have in common"
    )
    mark_matches: int = Field(
        0,
        ge=0,
        le=8,
        exclude_if=lambda length: not length,  # models from before it have other fingerprints else
        description="tell the network which tokens of the text the question has too, and in how long a run, up to this "
        "many tokens (a type of segment for each length); 0: it finds that out itself",
    )
    cut: Literal["end"] = Field("end", description="of a question that is too long; a text is never cut")
    rejoin: Literal[False] = Field(False, description="a text is read as it is, for its characters are counted")

    @model_validator(mode="after")
    def _is_consistent(self) -> QuestionRendererSettings:
        if self.template != _TEMPLATE:
            raise SettingsError(f'the template of questions is "{_TEMPLATE}", and no other', "Leave template out.")
        room = self.max_tokens - self.max_question_tokens - _MARKS
        step = room - self.overlap_tokens
        if step < _FEWEST_TEXT_TOKENS:
            raise SettingsError(
                f"max_tokens {self.max_tokens} less max_question_tokens {self.max_question_tokens}, overlap_tokens "
                f"{self.overlap_tokens} and {_MARKS} special tokens leaves {step} tokens by which a window goes on; at "
                f"least {_FEWEST_TEXT_TOKENS} are needed",
                "Raise max_tokens, or lower one of the others.",
            )
        return self


def question_marks(tokenizer: Tokenizer, settings: QuestionRendererSettings) -> MatchMarks | None:
    """Returns which tokens of a text are marked because the question has them too; None: none."""
    unknown = tokenizer.unknown_id if tokenizer.has_unknown else -1
    return MatchMarks(settings.mark_matches, unknown) if settings.mark_matches else None


@dataclass(frozen=True)
class Window:
    """A question with a part of the text.

    Attributes:
        ids: token ids: start, question, end, part of the text, end.
        text_start: the place of the first token of the text.
        spans: the characters of the text that each of its tokens here stands for, without the spaces around them.
    """

    ids: list[int]
    text_start: int
    spans: list[Span]

    def find(self, start: int, end: int) -> tuple[int, int]:
        """Returns the first and the last token that hold some characters; (0, 0) where not all are in the window.

        Args:
            start: the first character.
            end: one past the last.
        """
        if not self.spans or start < self.spans[0][0] or end > self.spans[-1][1]:
            return 0, 0
        first = bisect_right([span[1] for span in self.spans], start)
        last = bisect_left([span[0] for span in self.spans], end) - 1
        if first > last:
            return 0, 0
        return self.text_start + first, self.text_start + last

    def characters(self, first: int, last: int) -> Span:
        """Returns the characters that some tokens stand for, given their places in the window."""
        return self.spans[first - self.text_start][0], self.spans[last - self.text_start][1]


@dataclass(frozen=True)
class RenderedQuestion:
    """A question with its text, as tokens.

    Attributes:
        windows: one after the other; one at least.
        cut: the tokens at the question's end that were left out.
    """

    windows: list[Window]
    cut: list[int]

    @property
    def cut_tokens(self) -> int:
        """How many tokens of the question were left out."""
        return len(self.cut)

    @property
    def whole(self) -> list[int]:
        """The first window with all of the question."""
        first, end = self.windows[0], self.windows[0].text_start - 1
        return [*first.ids[:end], *self.cut, *first.ids[end:]]

    @property
    def rows(self) -> list[Rendered]:
        """The windows as rows; what was cut is counted in the first."""
        return [
            Rendered(window.ids, [False] * len(window.ids), self.cut_tokens if not number else 0)
            for number, window in enumerate(self.windows)
        ]


class QuestionRenderer:
    """Lays questions and texts out as token ids, as BERT's pairs are (Devlin et al. 2019, arXiv 1810.04805, figure 1).

    A text that is too long is read in windows that overlap. Tokens of the text know their characters, whatever the
    tokenizer; tokens of a text that stand for spaces alone are left out.

    Args:
        tokenizer: cuts text into tokens.
        settings: how long a window is.

    Raises:
        RecipeError: the tokenizer leaves words out, so that a text cannot be told from its tokens.
    """

    def __init__(self, tokenizer: Tokenizer, settings: QuestionRendererSettings) -> None:
        if tokenizer.words.stop_words:
            raise RecipeError(
                "the tokenizer removes stop words, and answers are found in whole texts",
                where="[tokenizer.words] stop_words",
                do="Remove stop_words.",
            )
        self.tokenizer, self.settings = tokenizer, settings

    @property
    def fingerprint(self) -> str:
        """The hash of all that decides which ids a question becomes: tokenizer, windows, version."""
        return hash_json(
            {
                "tokenizer": self.tokenizer.fingerprint,
                "settings": self.settings.model_dump(mode="json"),
                "version": RENDERER_VERSION,
                **({} if self.marks is None else {"marks": MARKS_VERSION}),
            }
        )

    @property
    def marks(self) -> MatchMarks | None:
        """Which tokens of a text the network is told to be in the question too; None: none."""
        return question_marks(self.tokenizer, self.settings)

    def render(self, rows: Sequence[Mapping[str, str]]) -> list[RenderedQuestion]:
        """Returns each row, with the columns ``question`` and ``text``, as tokens; a text is read once for all."""
        texts: dict[str, list[tuple[int, Span]]] = {}
        rendered = []
        for row, ids in zip(rows, self.tokenizer.encode([row["question"] for row in rows]), strict=True):
            text = row["text"]
            if text not in texts:
                texts[text] = self._locate(text)
            kept = ids[: self.settings.max_question_tokens]
            rendered.append(RenderedQuestion(self._cut(kept, texts[text]), ids[len(kept) :]))
        return rendered

    def count_read(self, question_tokens: int, text_tokens: int) -> int:
        """Returns how many tokens all windows of a question and its text have, at most."""
        asked = min(question_tokens, self.settings.max_question_tokens) + _MARKS
        room = self.settings.max_tokens - asked
        if text_tokens <= room:
            return asked + text_tokens
        more = -(-(text_tokens - room) // (room - self.settings.overlap_tokens))
        return (1 + more) * self.settings.max_tokens

    def _locate(self, text: str) -> list[tuple[int, Span]]:
        located = []
        for token_id, (start, end) in self.tokenizer.locate(text):
            while start < end and text[start].isspace():
                start += 1
            while end > start and text[end - 1].isspace():
                end -= 1
            if start < end:
                located.append((token_id, (start, end)))
        return located

    def _cut(self, question: list[int], text: list[tuple[int, Span]]) -> list[Window]:
        start, end = self.tokenizer.start_id, self.tokenizer.end_id
        head = [start, *question, end]
        room = self.settings.max_tokens - len(head) - 1
        windows, first = [], 0
        while True:
            part = text[first : first + room]
            ids = [*head, *(token_id for token_id, _ in part), end]
            windows.append(Window(ids, len(head), [span for _, span in part]))
            if first + room >= len(text):
                return windows
            first += room - self.settings.overlap_tokens
