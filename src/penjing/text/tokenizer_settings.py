"""The settings of a tokenizer that is trained, and the tokens that every one of them has."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from penjing.errors import SettingsError
from penjing.text.words import WordSettings

Kind = Literal["wordpiece", "bpe", "unigram", "word"]
PAD, UNKNOWN, START, END, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
SPECIAL = [PAD, UNKNOWN, START, END, MASK]
FEWEST_ENTRIES = 300  # all bytes, the special tokens, and a few pieces
_OF_BYTES = ("bpe", "unigram")


class TokenizerSettings(BaseModel):
    """How the vocabulary is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: str | None = Field(
        None,
        description="a model folder whose tokenizer is taken as it is, or package:NAME/folder; default: that of "
        "[model] start, else one is trained",
    )
    kind: Kind = Field("wordpiece", description="wordpiece, bpe (byte-level), unigram (byte-level) or word")
    vocab_size: int = Field(
        8192, ge=FEWEST_ENTRIES, le=1_000_000, description="entries, the five special tokens included"
    )
    lowercase: bool = Field(True, description="lower-case the text first (not for bpe and unigram)")
    strip_tags: bool = Field(False, description="read tags such as <br /> as a space")
    min_frequency: int = Field(2, ge=1, description="a piece rarer than this gets no entry")
    sample_mb: float = Field(
        100, gt=0, description="text to learn the vocabulary from, in MB, drawn evenly where there is more"
    )
    guards: bool = Field(
        False, description="no entry joins letters of two scripts, letters and digits, or signs (bpe and unigram)"
    )
    digits: int = Field(1, ge=1, le=3, description="with guards: most digits in an entry")
    sentinels: int | None = Field(
        None, ge=0, le=1000, description="tokens for hidden spans; default: 100 with the objective span, else none"
    )
    reserved: int = Field(
        0, ge=0, le=1000, description="spare tokens at the end, to be named later, such as the roles of a dialogue"
    )
    words: WordSettings = Field(WordSettings(), description="what happens before a word-level vocabulary")

    @property
    def trained_size(self) -> int:
        """The entries that are trained; sentinels and spare tokens come after them."""
        return self.vocab_size - (self.sentinels or 0) - self.reserved

    @model_validator(mode="after")
    def _is_taken_as_it_is(self) -> TokenizerSettings:
        others = sorted(self.model_fields_set - {"start"})
        if self.start is not None and others:
            raise SettingsError(
                f"start takes a tokenizer as it is, and beside it {', '.join(others)} would change nothing",
                "Leave the others out.",
            )
        return self

    @model_validator(mode="after")
    def _leaves_entries(self) -> TokenizerSettings:
        if self.trained_size < FEWEST_ENTRIES:
            taken = f"{self.sentinels} sentinels" if self.sentinels else ""
            spare = f"{self.reserved} reserved tokens" if self.reserved else ""
            raise SettingsError(
                f"vocab_size {self.vocab_size} leaves fewer than {FEWEST_ENTRIES} entries beside "
                f"{' and '.join(filter(None, (taken, spare))) or 'none'}",
                "Raise vocab_size.",
            )
        return self

    @model_validator(mode="after")
    def _guards_what_has_borders(self) -> TokenizerSettings:
        if self.guards and self.kind not in _OF_BYTES:
            raise SettingsError(
                f"guards are for the kinds bpe and unigram, and this is {self.kind}",
                "Leave guards out, or choose one of those kinds.",
            )
        if "digits" in self.model_fields_set and not self.guards and self.digits != 1:
            raise SettingsError("digits counts only with guards = true", "Add that, or leave digits out.")
        return self

    @model_validator(mode="after")
    def _keeps_grams_whole(self) -> TokenizerSettings:
        if self.words.grams and self.kind != "word":
            raise SettingsError(
                f"words.grams is for the kind word, and this is {self.kind}, which would cut them again",
                "Leave grams out, or choose the kind word.",
            )
        return self
