"""Chinese persons and places by the tags of jieba, which needs no model: a dictionary, and a hidden Markov model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from penjing.data.personal.surnames import COMPOUND_SURNAMES, may_be_name
from penjing.errors import MissingExtraError

#: What a recipe calls it.
RJIEBA = "rjieba"
_MIDDLE_DOTS = "·•・"
_NAME, _FOREIGN = "nr", "nrt"  # the latter is a name that is not Chinese; such words are places and brands as often
_SAYS = "说写问讲称"  # 余华写 is 余华 who writes


class JiebaRecognizer:
    """Sees persons and places in Chinese texts.

    A word that is tagged as a name counts if it begins with a surname, is as short as names are, and is no common word;
    foreign names only with a middle dot, 阿尔伯特·爱因斯坦.

    Raises:
        MissingExtraError: rjieba is not installed.
    """

    longest = 100_000

    def __init__(self) -> None:
        try:
            import rjieba
        except ImportError as error:
            raise MissingExtraError("rjieba", "zh", "Finding Chinese names and addresses") from error
        self._tag = rjieba.tag

    def read(self, texts: Sequence[str]) -> list[list[tuple[str, int, int]]]:
        """Returns the ``person`` and ``place`` in each text, with its start and end."""
        return [list(_named(self._tag(text))) for text in texts]


def _named(words: Sequence[tuple[str, str]]) -> Iterator[tuple[str, int, int]]:
    place, start = 0, 0
    while place < len(words):
        count = _name_length(words, place)
        end = start + sum(len(word) for word, _ in words[place : place + max(count, 1)])
        if count:
            says = count == 1 and end - start > 2 and words[place][0][-1] in _SAYS
            yield "person", start, end - says
        elif words[place][1] == "ns":
            yield "place", start, end
        place, start = place + max(count, 1), end


def _name_length(words: Sequence[tuple[str, str]], place: int) -> int:
    """Returns of how many words the name is that begins here; 0: there is none."""
    word, tag = words[place]
    count = 1
    while place + count + 1 < len(words) and words[place + count][0] in _MIDDLE_DOTS and _is_part(words, place + count):
        count += 2
    if count > 1:
        return count
    if word in COMPOUND_SURNAMES:
        follows = place + 1 < len(words) and 1 <= len(words[place + 1][0]) <= 2 and words[place + 1][1][0] in "navi"
        return 2 if follows else 0
    return int(tag.startswith(_NAME) and tag != _FOREIGN and may_be_name(word))


def _is_part(words: Sequence[tuple[str, str]], dot: int) -> bool:
    """Whether the words on both sides of a middle dot are a name: one is tagged as such, the other may be anything."""
    sides = (words[dot - 1], words[dot + 1])
    return any(tag.startswith(_NAME) for _, tag in sides) and all(word.isalpha() for word, _ in sides)
