"""Question answering: in a text that is given, or over a folder of documents that the server knows."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field, StrictInt, model_validator

from penjing.progress import Progress
from penjing.serve.tasks.shape import Answer, Body, Rows, Text, Work, listed
from penjing.serve.tasks.weighing import Count, Weight
from penjing.tasks.answer_model import AnswerModel
from penjing.tasks.document_answers import DocumentReader
from penjing.tasks.passage_index import PassageIndex
from penjing.tasks.prediction import AnswerPrediction
from penjing.tasks.tables import texts_of
from penjing.tasks.written_answers import WrittenAnswerModel


class AnswerBody(Body):
    """Questions, with where their answers are looked for."""

    question: Text | Rows = Field(description="a question, or several")
    context: Text | Rows | None = Field(None, description="the text that is read: one for all questions, or one each")
    documents: str | None = Field(None, description="in place of it the name of a folder, as the server was given it")
    passages: StrictInt = Field(10, ge=1, le=100, description="of documents, how many passages are read for a question")
    top: StrictInt = Field(3, ge=1, le=100, description="of documents, how many answers a question gets at most")

    @model_validator(mode="after")
    def _has_one_source(self) -> AnswerBody:
        if (self.context is None) == (self.documents is None):
            raise ValueError("give context, the text to read, or documents, the name of a folder: one of the two")
        if isinstance(self.context, list) and len(self.context) != len(listed(self.question)):
            raise ValueError("give one context for all questions, or one for each")
        return self


class AnswerResult(BaseModel):
    """An answer that was found."""

    question: str
    answer: str = Field(description="empty where the text does not answer the question")
    start: int | None = Field(description="the answer's first character in the text")
    end: int | None = Field(description="one past its last")
    probability: float = Field(description="of the answer, or of there being none")
    is_answerable: bool
    cut_tokens: int = Field(description="tokens of the question that were not read")


class CitedResult(BaseModel):
    """An answer, and where it stands."""

    answer: str
    file: str = Field(description="the document, by its path in the folder")
    start: int = Field(description="the answer's first character in the document's text")
    end: int = Field(description="one past its last")
    passage: str = Field(description="what was read around it")
    passage_start: int = Field(description="the passage's first character in the document's text")
    passage_rank: int = Field(description="which of the passages that were found it is, from 1")
    probability: float


class DocumentsResult(BaseModel):
    """The best answers to a question, the best first; perhaps none."""

    question: str
    answers: list[CitedResult]


class AnswerAnswer(Answer):
    """An answer to each question, in order."""

    results: list[AnswerResult | DocumentsResult]


def answer_questions(model: AnswerModel | WrittenAnswerModel, body: AnswerBody) -> Work:
    """Returns what is to be computed where a text is given.

    Raises:
        UsageError: a question or a text is empty.
    """
    questions = texts_of(listed(body.question), "question")
    assert body.context is not None
    contexts = texts_of(listed(body.context), "context")
    if not isinstance(body.context, list):
        contexts *= len(questions)

    rows = list(zip(questions, contexts, strict=True))

    def compute(rows: Sequence[tuple[str, str]], progress: Progress) -> list[AnswerPrediction]:
        return model.answer([question for question, _ in rows], [text for _, text in rows], progress)

    def weigh(count: Count) -> list[Weight]:
        sizes = [(count(question), count(text)) for question, text in rows]
        if isinstance(model, AnswerModel):
            return [Weight(asked + read, model.renderer.count_read(asked, read)) for asked, read in sizes]
        return [Weight(asked + read, asked + read) for asked, read in sizes]

    return Work(("answer", body.part), compute, rows, weigh, "context")


def cite_answers(model: AnswerModel | WrittenAnswerModel, index: PassageIndex, body: AnswerBody) -> Work:
    """Returns what is to be computed where documents are read.

    Raises:
        UsageError: a question is empty.
    """
    reader = DocumentReader(model, index, body.passages)

    questions = texts_of(listed(body.question), "question")
    most = body.passages * model.renderer.settings.max_tokens

    def compute(rows: Sequence[str], progress: Progress) -> list[dict[str, object]]:
        found = ((question, reader.answer(question, body.top, progress)) for question in rows)
        return [{"question": question, "answers": [item.to_dict() for item in cited]} for question, cited in found]

    key = ("cite", body.part, body.documents, body.passages, body.top)
    return Work(key, compute, questions, lambda count: [Weight(count(text), most) for text in questions], "question")
