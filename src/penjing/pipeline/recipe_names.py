"""What a recipe may be called; the folder of its runs has the same name."""

from __future__ import annotations

import unicodedata

from penjing.errors import SettingsError


def is_name(text: str) -> bool:
    """Returns whether a recipe may be called so: letters, marks and digits of any script, dots, ``_`` and ``-``.

    >>> [is_name(text) for text in ("评论-2.1", "Ⅳ_x²", "my reviews", "a/b", "..", "")]
    [True, True, False, False, False, False]
    """
    return all(map(_may_stand, text)) and bool(text.strip("."))


def check_name(text: str, do: str = "Choose another name.") -> str:
    """Returns the name of a recipe, or of one of its parts.

    Args:
        text: the name.
        do: what the reader can do where it is none.

    Raises:
        SettingsError: nothing may be called so.
    """
    if not is_name(text):
        raise SettingsError("it should be letters, digits, _, - and dots, and not dots alone", do)
    return text


def as_name(text: str) -> str:
    """Returns a text with ``-`` for what may not stand in a name, or nothing where nothing may.

    >>> [as_name(text) for text in ("my reviews (2)", "影评²", "...", ".hidden")]
    ['my-reviews-2', '影评²', '', 'hidden']
    """
    composed = unicodedata.normalize("NFC", text)  # macOS names files by letters and accents apart
    kept = (character if _may_stand(character) else " " for character in composed)
    return "-".join("".join(kept).split()).strip("-.")


def _may_stand(character: str) -> bool:
    return character.isalnum() or character in "_.-" or unicodedata.category(character)[0] == "M"
