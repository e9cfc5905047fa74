"""What a model that learns from teachers can be told."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from penjing.data.unlabelled import UnlabelledData


class TeacherSettings(BaseModel):
    """Learning from what other models answer, beside what the rows say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unlabelled: UnlabelledData | None = None

    @property
    def teachers(self) -> tuple[str, ...]:
        """The folders of the teachers."""
        raise NotImplementedError

    @property
    def asking(self) -> list[Any]:
        """What changes the answers of the teachers, their folders apart."""
        return []


class DistillSettings(TeacherSettings):
    """The model learns the probabilities that teachers give to each label, beside the true labels."""

    teacher: str | tuple[str, ...] = Field(
        min_length=1,
        description="folder of a finished model with the same labels, or package:NAME/folder; or a list of them, whose "
        "probabilities are averaged",
    )
    temperature: float = Field(
        2.0, gt=0, description="logits are divided by it: the higher, the more the labels count that are not given"
    )
    weight: float = Field(
        0.5, gt=0, le=1, description="share of the teachers in the loss; the true labels have the rest"
    )

    @property
    def teachers(self) -> tuple[str, ...]:
        return (self.teacher,) if isinstance(self.teacher, str) else self.teacher


class WrittenDistillSettings(TeacherSettings):
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
    def asking(self) -> list[Any]:
        return [self.beams]
