"""What a recipe says about practice: learning on rows made of texts, before its own rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from penjing.errors import SettingsError
from penjing.text.exercises.cloze import cloze_questions
from penjing.text.exercises.pairs import found_pairs, turned_pairs
from penjing.train.settings import RowSettings

_MOST_ROUNDS = 20  # through the texts: parts of each are drawn anew
_MOST_WINDOWS = 4  # of a text that is asked about: in longer ones nearly every window would be without the answer
_WORDS_A_TOKEN = 0.6  # about, so that what has so many words fits


@dataclass(frozen=True)
class Room:
    """How many words there is room for, about: where they are read, and where they are written."""

    read: int
    written: int

    @classmethod
    def of_tokens(cls, read: int, written: int) -> Self:
        """Returns the words that fit into so many tokens."""
        return cls(int(read * _WORDS_A_TOKEN), int(written * _WORDS_A_TOKEN))


class CourseSettings(BaseModel):
    """One of the things that are practiced, and how long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exercises: int = Field(ge=2, description="most rows that are made; drawn from all that the texts give")
    epochs: float = Field(gt=0, description="passes over them; a part of one is allowed")
    learning_rate: float | None = Field(
        None, gt=0, description="at its highest; default: what suits the family, a tenth of it with [model] start"
    )
    batch_tokens: int | None = Field(None, ge=1, description="most tokens in a batch; default: that of [finetune]")

    def make(self, own: Iterable[str], others: Iterable[str], room: Room, rng: Random) -> Iterator[dict[str, Any]]:
        """Yields rows made of texts.

        Args:
            own: the training texts.
            others: texts of the corpus.
            room: for what is read, and written.
            rng: draws them.
        """
        raise NotImplementedError

    def decisive(self, room: Room) -> dict[str, Any]:
        """Returns what decides the rows, not how long they are learned."""
        return self.model_dump(mode="json", exclude={"epochs", "learning_rate", "batch_tokens"})


class WriteOffSettings(CourseSettings):
    """A few sentences are written off, beginning with any of them: a small network learns to copy. Not to translate."""

    exercises: int = Field(12_000, ge=2, description="most rows that are made; drawn from all that the texts give")
    epochs: float = Field(4, gt=0, description="passes over them; a part of one is allowed")
    words: int | None = Field(
        None,
        ge=4,
        description="of what is written off, at most; in Chinese, characters; default: 0.6 of [render] "
        "max_target_tokens",
    )

    def make(self, own: Iterable[str], others: Iterable[str], room: Room, rng: Random) -> Iterator[dict[str, Any]]:
        texts, made = [*own, *others], 0
        for _ in range(_MOST_ROUNDS):
            for pair in turned_pairs(texts, self._words(room), rng):
                made += 1
                yield pair
            if made >= self.exercises or not made:
                return

    def decisive(self, room: Room) -> dict[str, Any]:
        return {**super().decisive(room), "words": self._words(room)}

    def _words(self, room: Room) -> int:
        return self.words or room.written


class FindSettings(CourseSettings):
    """Of a whole text the sentences are written that have most in common with the rest of it. Not to translate."""

    exercises: int = Field(7_000, ge=2, description="most rows that are made; drawn from all that the texts give")
    epochs: float = Field(1, gt=0, description="passes over them; a part of one is allowed")
    words: int | None = Field(
        None, ge=8, description="of a text, at most; in Chinese, characters; default: 0.6 of [render] max_tokens"
    )
    of_own: int = Field(3, ge=0, description="sentences of each training text, each an exercise")
    of_corpus: int = Field(1, ge=0, description="sentences of each text of the corpus")

    def make(self, own: Iterable[str], others: Iterable[str], room: Room, rng: Random) -> Iterator[dict[str, Any]]:
        words = self._words(room)
        yield from found_pairs(own, self.of_own, words, rng)
        yield from found_pairs(others, self.of_corpus, words, rng)

    def decisive(self, room: Room) -> dict[str, Any]:
        return {**super().decisive(room), "words": self._words(room)}

    def _words(self, room: Room) -> int:
        return self.words or room.read


class ClozeSettings(CourseSettings):
    """A part of a sentence is asked for, in the words around it; the answer stands in the text."""

    exercises: int = Field(40_000, ge=2, description="most rows that are made; drawn from all that the texts give")
    epochs: float = Field(2, gt=0, description="passes over them; a part of one is allowed")
    of_own: int = Field(20, ge=0, description="questions about each training text")
    of_corpus: int = Field(2, ge=0, description="questions about each text of the corpus")

    def make(self, own: Iterable[str], others: Iterable[str], room: Room, rng: Random) -> Iterator[dict[str, Any]]:
        most = _MOST_WINDOWS * room.read
        yield from cloze_questions(own, self.of_own, most, rng)
        yield from cloze_questions(others, self.of_corpus, most, rng)


class Practice(BaseModel):
    """Courses, one after another, each from the weights of the one before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def courses(self) -> Mapping[str, CourseSettings]:
        """Those that are wanted, by name, in their order."""
        every = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: course for name, course in every.items() if course is not None}

    def before(self, course: str) -> Self | None:
        """Returns the courses before one; None where it is the first."""
        names = list(self.courses)
        earlier = names[: names.index(course)]
        later = {name: None for name in type(self).model_fields if name not in earlier}
        return self.model_copy(update=later) if earlier else None

    @model_validator(mode="after")
    def _has_courses(self) -> Self:
        if not self.courses:
            known = ", ".join(f"[practice.{name}]" for name in type(self).model_fields)
            raise SettingsError("[practice] has no course", f"Write {known}, or leave it out.")
        return self


class WritingPractice(Practice):
    """What is practiced before summaries, on rows made of the training texts and of [corpus]; not to translate."""

    write_off: WriteOffSettings | None = None
    find: FindSettings | None = None


class QuestionPractice(Practice):
    """What is practiced before questions, on rows made of the training texts and of [corpus]."""

    cloze: ClozeSettings | None = None


def check_practice(practice: Practice | None, finetune: RowSettings) -> None:
    """Refuses practice where most weights stay as they are.

    Raises:
        SettingsError: there are both.
    """
    if practice is not None and finetune.adapters is not None:
        raise SettingsError(
            "[practice] changes all weights, and [finetune.lora] leaves those of the start as they are",
            "Leave one of the two out.",
        )
