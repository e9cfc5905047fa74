"""Tokens become text as they come: whole characters, up to the first stop string."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from penjing.errors import UsageError
from penjing.text.tokenizer import Tokenizer

_CONTEXT = 8  # tokens before the first that decide how it is read
_WINDOW = 32  # tokens that are read again and again while their text is not certain
_BROKEN = "\ufffd"  # what stands for bytes that are no character, or not a whole one yet
_LONGEST_CHARACTER = 4  # bytes, and so tokens at most


class TextStream:
    """The text of tokens that come one by one.

    What it gives, joined, is the text of all tokens, up to the stop string that is complete first (of those that are
    complete with the same character, the longest). Nothing is given before it is certain: a character when it is whole,
    and what a stop string may begin with when it does not. Time is linear in the length of the text.

    Args:
        tokenizer: whose tokens come.
        stop: texts that end the text; they are not given.
        context: the tokens before the first, for some read otherwise at the beginning.

    Raises:
        UsageError: a stop string is empty.
    """

    def __init__(self, tokenizer: Tokenizer, stop: Sequence[str] = (), context: Sequence[int] = ()) -> None:
        self._characters = _Characters(tokenizer, last_tokens(tokenizer, context))
        self._finder = _StopFinder(stop) if stop else None
        self._held = ""  # may be the beginning of a stop string

    @property
    def stopped_by(self) -> str | None:
        """The stop string that came; None: none did."""
        return None if self._finder is None else self._finder.found

    def put(self, token: int) -> str:
        """Takes a token, and returns the text that is certain now and was not given; nothing after a stop string."""
        return self._pass(self._characters.put(token)) if self.stopped_by is None else ""

    def finish(self) -> str:
        """Returns what is left when no token comes any more."""
        if self.stopped_by is not None:
            return ""
        given = self._pass(self._characters.finish())
        rest, self._held = self._held if self.stopped_by is None else "", ""
        return given + rest

    def _pass(self, piece: str) -> str:
        if self._finder is None or not piece:
            return piece
        text = self._held + piece
        certain = self._finder.read(piece, len(self._held))
        self._held = text[certain:]
        return text[:certain]


def last_tokens(tokenizer: Tokenizer, context: Sequence[int]) -> list[int]:
    """Returns the last tokens of a context, so many that they decide how what comes is read.

    The first does not lie within a character: where tokens are bytes, some tokenizers decode a run of them whole or not
    at all.
    """
    for count in range(_CONTEXT, _CONTEXT + _LONGEST_CHARACTER):
        tokens = list(context[-count:])
        if not tokenizer.decode(tokens).startswith(_BROKEN):
            return tokens
    return list(context[-_CONTEXT:])


class _Characters:
    """Tokens become whole characters.

    Args:
        tokenizer: whose tokens come.
        context: tokens whose text was given.
    """

    def __init__(self, tokenizer: Tokenizer, context: list[int]) -> None:
        self._tokenizer = tokenizer
        self._ids, self._shown = context, len(context)  # tokens that are read together; so many have given all
        self._given = len(tokenizer.decode(context))  # characters of the text of these tokens that are done with
        self._broken = ""  # bytes that are no character, until one comes: a piece of text does not end with them

    def put(self, token: int) -> str:
        """Takes a token, and returns the characters that are whole now."""
        self._ids.append(token)
        text = self._tokenizer.decode(self._ids)
        new = text[self._given :]
        certain = new.rstrip(_BROKEN)
        if new and certain == new:
            del self._ids[: self._shown]
            self._shown, self._given = len(self._ids), len(self._tokenizer.decode(self._ids))
        else:
            self._given += len(certain)
            if len(self._ids) > _WINDOW:
                self._shorten(text)
        if not certain:
            return ""
        certain, self._broken = self._broken + certain, ""
        return certain

    def finish(self) -> str:
        """Returns what is left."""
        return self._broken + self._tokenizer.decode(self._ids)[self._given :]

    def _shorten(self, text: str) -> None:
        """Lets go of tokens that no longer decide how others are read, where there are many without a character."""
        if self._given == len(text):
            if not self._tokenizer.decode(self._ids[-1:]):
                self._ids.pop()  # such as a special token
            return
        # A character that is not whole begins in the last tokens; before, some token begins one, and can be the first.
        last = len(self._ids) - _LONGEST_CHARACTER
        for first in range(last, last - _LONGEST_CHARACTER, -1):
            head, tail = self._tokenizer.decode(self._ids[:first]), self._tokenizer.decode(self._ids[first:])
            if head + tail == text:
                self._broken += head[self._given :]
                self._given = max(self._given - len(head), 0)
                del self._ids[:first]
                self._shown = 0
                return


class _StopFinder:
    """Finds the first of some strings in a text that comes in pieces (Aho & Corasick 1975).

    Args:
        strings: that are looked for.

    Raises:
        UsageError: one is empty.
    """

    def __init__(self, strings: Sequence[str]) -> None:
        if not all(strings):
            raise UsageError("a stop string is empty", do="Leave it out, or give the text that ends an answer.")
        self.found: str | None = None
        # States are beginnings of the strings: what follows each, its length, the longest other one that it ends with,
        # and the longest string that it ends with.
        self._next: list[dict[str, int]] = [{}]
        self._length, self._shorter, self._ends = [0], [0], [""]
        self._state = 0
        for string in strings:
            self._add(string)
        waiting = deque(self._next[0].values())
        while waiting:
            state = waiting.popleft()
            for character, following in self._next[state].items():
                self._shorter[following] = self._step(self._shorter[state], character)
                self._ends[following] = self._ends[following] or self._ends[self._shorter[following]]
                waiting.append(following)

    def _add(self, string: str) -> None:
        state = 0
        for length, character in enumerate(string, start=1):
            if character not in self._next[state]:
                self._next[state][character] = len(self._next)
                self._next.append({})
                self._length.append(length)
                self._shorter.append(0)
                self._ends.append("")
            state = self._next[state][character]
        self._ends[state] = string

    def _step(self, state: int, character: str) -> int:
        while state and character not in self._next[state]:
            state = self._shorter[state]
        return self._next[state].get(character, 0)

    def read(self, piece: str, held: int) -> int:
        """Reads on, and returns how many characters belong to no string.

        Args:
            piece: what comes.
            held: characters before it that may belong to one; they count too.
        """
        for read, character in enumerate(piece, start=held + 1):
            self._state = self._step(self._state, character)
            if self._ends[self._state]:
                self.found = self._ends[self._state]
                return read - len(self.found)
        return held + len(piece) - self._length[self._state]
