"""What the scores of written texts stand on: lists over the same rows, and the words of a text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from penjing.errors import DataError

#: Characters of scripts whose words are not set apart by spaces, as a range of a regular expression. The floor of
#: `penjing.data` has it too: neither knows the other, and a test holds them together.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
#: Signs that belong to the letter before them and are no letters to Python: accents, points and vowel signs.
MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0970-\u0dff"
_WORD = re.compile(rf"[{UNSPACED}]|(?:[^\W_{UNSPACED}]|[{MARKS}])+")
_ENGLISH_WORD = re.compile("[a-z0-9]+")
_UNSPACED_CHARACTER = re.compile(f"[{UNSPACED}]")
_LETTER = re.compile(r"[^\W_]")
_FOREIGN_LETTER = re.compile(r"[^\W_\x00-\x7f]")
_MOST_FOREIGN_LETTERS = 0.001  # English has fewer (naïve, α), languages with letters of their own have more


@dataclass(frozen=True)
class Words:
    """How texts are cut into words.

    Attributes:
        name: of the rule, for a signature: ``a-z0-9``, ``unicode`` or ``characters``.
        pattern: what a word is, in lower-case text.
    """

    name: str
    pattern: re.Pattern[str]

    @property
    def unit(self) -> str:
        """``characters`` where most words are single ones of a script without spaces, else ``words``."""
        return "characters" if self.name == "characters" else "words"

    def split(self, text: str) -> list[str]:
        """Returns the words of a text, lower case."""
        return self.pattern.findall(text.lower())


def choose_words(texts: Sequence[str]) -> Words:
    """Returns how texts like these are cut into words.

    English is cut as the package rouge-score cuts it, into runs of a to z and digits, so that scores can be compared.
    Where more than a letter of a thousand is another one, words are runs of letters and digits of any script; each
    character of a script without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) is a word.
    """
    if is_unspaced(texts):
        return Words("characters", _WORD)
    letters = sum(len(_LETTER.findall(text)) for text in texts)
    foreign = sum(len(_FOREIGN_LETTER.findall(text)) for text in texts)
    return Words("a-z0-9", _ENGLISH_WORD) if foreign <= _MOST_FOREIGN_LETTERS * letters else Words("unicode", _WORD)


def list_words(text: str) -> list[str]:
    """Returns the words of a text of any script, lower case, without punctuation.

    >>> list_words("A lovely film: 很好看!")
    ['a', 'lovely', 'film', '很', '好', '看']
    """
    return _WORD.findall(text.lower())


def count_references(references: Sequence[Sequence[str]]) -> str:
    """Returns how many references each row has, as sacrebleu's signatures have it: a number, or ``var``."""
    counts = {len(row) for row in references}
    return str(counts.pop()) if len(counts) == 1 else "var"


def is_unspaced(texts: Sequence[str]) -> bool:
    """Whether most words of texts are single characters of scripts that set no spaces between words."""
    words = sum(len(list_words(text)) for text in texts)
    return 2 * sum(len(_UNSPACED_CHARACTER.findall(text)) for text in texts) > words


def check_texts(**lists: Sequence[str]) -> int:
    """Returns how many rows there are.

    Args:
        lists: texts under what they are called, one a row; an empty text is a text.

    Raises:
        DataError: there are no rows, the lists differ in length, or a row holds something that is no text.
    """
    lengths = {name: len(texts) for name, texts in lists.items()}
    if len(set(lengths.values())) > 1:
        found = " and ".join(f"{length:,} {name}" for name, length in lengths.items())
        raise DataError(f"there are {found}", do="Give one of each for every row.")
    for name, texts in lists.items():
        for number, text in enumerate(texts, start=1):
            if not isinstance(text, str):
                raise DataError(
                    f"{text!r} is no text", where=f"{name}, row {number:,}", do="Give a text; it may be empty."
                )
    rows = max(lengths.values(), default=0)
    if not rows:
        raise DataError("there are no texts", do="Give at least one row.")
    return rows


def check_references(
    written: Sequence[str], references: Sequence[str | Sequence[str]], **lists: Sequence[str]
) -> list[list[str]]:
    """Returns the references of each row.

    Args:
        written: the texts that are measured, one a row.
        references: of each row one text, or a list of texts that will all do.
        lists: other texts under what they are called, one a row.

    Raises:
        DataError: there are no rows, a row has no reference, or the lists will not do, as in `check_texts`.
    """
    several = [[row] if isinstance(row, str) else list(row) for row in references]
    for number, row in enumerate(several, start=1):
        if not row:
            raise DataError("there is no reference", where=f"references, row {number:,}", do="Give one at least.")
    check_texts(texts=written, references=[row[0] for row in several], **lists)
    for row in several:
        check_texts(references=row)
    return several
