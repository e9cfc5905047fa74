"""Normal forms of texts: broken encodings mended, controls and spaces, the width and the script of Chinese."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from penjing.errors import MissingExtraError

# All of category Cc but tab and newline; of Cf those that show nothing and join nothing.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2060\ufeff\ufff9-\ufffb]")
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_SPACES = re.compile(r"[^\S\n]+")
_AROUND_LINES = re.compile(r" ?\n ?")
_BLANK_LINES = re.compile(r"\n{3,}")
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_FULL_WIDTH_LETTERS = {code: plain for code, plain in _FULL_WIDTH.items() if chr(plain).isalnum()}
_HALF_WIDTH_KANA = re.compile("[\uff66-\uff9f]+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]{4,}")
_IDEOGRAPH = re.compile(r"[\u4e00-\u9fff\u3000-\u303f\uff00-\uffef]")
_OPENCC = {"simplified": "t2s", "traditional": "s2t"}


class Normalization(BaseModel):
    """Which differences between texts are none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mojibake: bool = Field(True, description='mend what was read in a wrong encoding once ("cafÃ©", "浣犲ソ")')
    unicode: Literal["NFC", "NFKC", "keep"] = Field("NFC", description="Unicode's normal form")
    controls: bool = Field(True, description="leave out control characters and spaces of no width")
    spaces: bool = Field(True, description="one space for several, no space at ends of lines, one blank line for many")
    width: Literal["keep", "letters", "all"] = Field(
        "keep",
        description="full-width letters and digits, or punctuation too, become ASCII; half-width kana full-width",
    )
    script: Literal["keep", "simplified", "traditional"] = Field(
        "keep", description="Chinese characters become simplified or traditional ones (OpenCC)"
    )


def make_normalizer(settings: Normalization) -> Callable[[str], str]:
    """Returns what brings a text into the form that is asked for.

    Raises:
        MissingExtraError: a package is not installed.
    """
    steps: list[Callable[[str], str]] = []
    if settings.mojibake:
        steps += [_make_mender(), mend_gb18030]
    if settings.controls:
        steps.append(lambda text: _CONTROLS.sub("", _LINE_ENDS.sub("\n", text)))
    if settings.width != "keep":
        table = _FULL_WIDTH if settings.width == "all" else _FULL_WIDTH_LETTERS
        steps.append(lambda text: _HALF_WIDTH_KANA.sub(_full_width_kana, text.translate(table)))
    if settings.script != "keep":
        steps.append(_make_converter(settings.script))
    if settings.unicode != "keep":
        form = settings.unicode
        steps.append(lambda text: unicodedata.normalize(form, text))
    if settings.spaces:
        steps.append(normalize_spaces)

    def normalize(text: str) -> str:
        for step in steps:
            text = step(text)
        return text

    return normalize


def normalize_spaces(text: str) -> str:
    """Returns a text with single spaces, none at the ends of lines, and no more than one blank line at a place."""
    text = _AROUND_LINES.sub("\n", _SPACES.sub(" ", _LINE_ENDS.sub("\n", text)))
    return _BLANK_LINES.sub("\n\n", text).strip()


def mend_gb18030(text: str) -> str:
    """Returns a text in which UTF-8 that was read as GB18030 (浣犲ソ for 你好) is what it was.

    A run of at least four characters counts if its bytes in GB18030 are UTF-8 without exception, and are ideographs
    then: with Chinese that is as it should be, that does not happen.
    """
    if _NOT_ASCII.search(text) is None:
        return text
    # A letter can have become half of a character: the whole text is tried first.
    mended = _as_utf8(text)
    return _NOT_ASCII.sub(lambda found: _as_utf8(found[0]), text) if mended == text else mended


def _as_utf8(text: str) -> str:
    try:
        mended = text.encode("gb18030").decode("utf-8")
    except UnicodeError:
        return text
    others = sum(character > "\x7f" for character in mended)
    return mended if len(_IDEOGRAPH.findall(mended)) >= 0.8 * others else text


def _make_mender() -> Callable[[str], str]:
    """Returns what mends texts whose UTF-8 was read as an encoding of one byte a character (ftfy, Speer 2019)."""
    try:
        import ftfy
    except ImportError as error:
        raise MissingExtraError("ftfy", "corpus", "Mending broken encodings") from error
    mend: Any = ftfy.fix_encoding
    return lambda text: text if text.isascii() else str(mend(text))


def _make_converter(script: str) -> Callable[[str], str]:
    try:
        import opencc
    except ImportError as error:
        raise MissingExtraError("opencc", "zh", "Converting between simplified and traditional Chinese") from error
    converter = opencc.OpenCC(_OPENCC[script])
    return lambda text: text if text.isascii() else str(converter.convert(text))


def _full_width_kana(found: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", found[0])
