"""What a model that learns from teachers can be told."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from penjing.data.unlabelled import UnlabelledData
from penjing.errors import SettingsError

_MOST_OWN = 50  # models that a run trains to teach its own


class TeacherSettings(BaseModel):
    """Learning from other models, beside what the rows say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def teachers(self) -> tuple[str, ...]:
        """The folders of the teachers."""
        raise NotImplementedError


class AskedTeacherSettings(TeacherSettings):
    """Learning from what other models answer, which are asked before the training, about other texts perhaps, too."""

    recombined: int = Field(
        0,
        ge=0,
        le=20,
        description="so many texts are made of each training text, for the teachers to be asked about: half of them "
        "pieces of it, half the beginning of one text and the end of another; of texts to be translated or summarized "
        "pieces alone",
    )
    unlabelled: UnlabelledData | None = None

    @property
    def joins_texts(self) -> bool:
        """Whether what is made of training texts may be of two."""
        return True

    @property
    def asking(self) -> list[Any]:
        """What changes the answers of the teachers, their folders apart."""
        return []


class DistillSettings(AskedTeacherSettings):
    """The model learns the probabilities that teachers give to each label, beside the true labels."""

    teacher: str | tuple[str, ...] | None = Field(
        None,
        min_length=1,
        description="folder of a finished model with the same labels, or package:NAME/folder; or a list of them, whose "
        "probabilities are averaged",
    )
    generations: tuple[int, ...] = Field(
        (),
        description="in place of teacher: how many models of the recipe's own kind the run itself trains first, with "
        "other seeds; [5, 3]: five alone, then three taught by those, which teach this one",
    )
    recipes: tuple[str, ...] = Field(
        (),
        description="beside generations: recipes of other models, files or names of shipped ones; each is trained on "
        "these rows as often as the first generation has models, and teaches with it",
    )
    temperature: float = Field(
        2.0, gt=0, description="logits are divided by it: the higher, the more the labels count that are not given"
    )
    weight: float = Field(
        0.5, gt=0, le=1, description="share of the teachers in the loss; the true labels have the rest"
    )

    @property
    def teachers(self) -> tuple[str, ...]:
        return (self.teacher,) if isinstance(self.teacher, str) else self.teacher or ()

    @property
    def teacher_count(self) -> int:
        """How many teachers are asked, also before those that the run trains are there."""
        others = len(self.recipes) * self.generations[0] if len(self.generations) == 1 else 0
        return len(self.teachers) or self.generations[-1] + others

    @property
    def trained(self) -> int:
        """How many teachers the run itself trains."""
        return sum(self.generations) + len(self.recipes) * self.generations[0] if self.generations else 0

    @field_validator("generations")
    @classmethod
    def _are_trainable(cls, generations: tuple[int, ...]) -> tuple[int, ...]:
        if any(count < 1 for count in generations):
            raise SettingsError("each generation has one model at least", "Write 1 or more for each.")
        return generations

    @model_validator(mode="after")
    def _has_teachers(self) -> DistillSettings:
        if (self.teacher is None) == (not self.generations):
            raise SettingsError(
                "it takes either teacher, models that are there, or generations, which are trained first",
                "Write one of the two.",
            )
        if self.recipes and not self.generations:
            raise SettingsError(
                "recipes are trained as often as the first of generations, and there is none",
                "Add generations, or leave recipes out.",
            )
        if len(set(self.recipes)) < len(self.recipes):
            raise SettingsError(
                "recipes names one twice", "Leave one out: how many models of each teach, generations says."
            )
        if self.generations and self.trained > _MOST_OWN:
            raise SettingsError(
                f"generations and recipes make {self.trained} models, and a run trains {_MOST_OWN} at most",
                "Name fewer.",
            )
        return self


class WrittenDistillSettings(AskedTeacherSettings):
    """The model learns to write what a teacher writes (Kim & Rush 2016, arXiv 1606.07947)."""

    teacher: str = Field(
        min_length=1, description="folder of a finished model of the same task, or package:NAME/folder"
    )
    beams: int | None = Field(
        None, ge=1, description="beginnings of a text that the teacher keeps; default: as its folder says"
    )
    truth: bool = Field(
        False,
        description="whether the true targets are learned, and chosen by, too, beside those that the teacher writes",
    )

    @property
    def teachers(self) -> tuple[str, ...]:
        return (self.teacher,)

    @property
    def joins_texts(self) -> bool:
        return False  # what a teacher writes to two texts in one is no example of how one is answered

    @property
    def asking(self) -> list[Any]:
        return [self.beams]


class BatchTeacherSettings(TeacherSettings):
    """Learning from a model with the same tokenizer, which reads each batch with the one that learns."""

    teacher: str = Field(
        min_length=1,
        description="folder of a finished model of the same task with the same tokenizer, or package:NAME/folder",
    )
    temperature: float
    weight: float

    @property
    def teachers(self) -> tuple[str, ...]:
        return (self.teacher,)


class WordDistillSettings(BatchTeacherSettings):
    """The model learns, at each token, how probable a teacher with the same tokenizer finds every token there.

    That is the word-level distillation of Kim & Rush 2016, arXiv 1606.07947, section 3.1. The defaults are those of the
    baseline KD of Gu et al. 2024 (MiniLLM, arXiv 2306.08543): half of the loss, at temperature 1.
    """

    temperature: float = Field(
        1.0,
        gt=0,
        description="scores are divided by it: the higher, the more the tokens count that are not the likeliest",
    )
    weight: float = Field(0.5, gt=0, le=1, description="share of the teacher in the loss; the tokens have the rest")


class ItemDistillSettings(BatchTeacherSettings):
    """The model learns, at each place of a history, how probable a teacher finds each item as the next one.

    The defaults are those of `WordDistillSettings`: items take the place of tokens.
    """

    teacher: str = Field(min_length=1, description="folder of a finished model that ranks the very same items")
    temperature: float = Field(
        1.0,
        gt=0,
        description="scores are divided by it: the higher, the more the items count that are not the likeliest",
    )
    weight: float = Field(0.5, gt=0, le=1, description="share of the teacher in the loss; the events have the rest")


class SpanDistillSettings(BatchTeacherSettings):
    """The model learns how probable a teacher with the same tokenizer finds each place as an end of an answer.

    The defaults are those of the second step of distillation on SQuAD of Sanh et al. 2019 (DistilBERT, arXiv
    1910.01108): half of the loss, at temperature 2.
    """

    temperature: float = Field(
        2.0,
        gt=0,
        description="scores are divided by it: the higher, the more the places count that are not the likeliest",
    )
    weight: float = Field(0.5, gt=0, le=1, description="share of the teacher in the loss; the answers have the rest")
