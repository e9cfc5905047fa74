"""``penjing predict`` of a model that finds answers: questions with the text of each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from penjing.cli.output import print_json
from penjing.data.question_rows import QuestionReader
from penjing.data.question_settings import QuestionData
from penjing.data.sources import source_files
from penjing.data.sources.encodings import UTF8
from penjing.errors import UsageError

if TYPE_CHECKING:
    from penjing.tasks.answer_model import AnswerModel
    from penjing.tasks.written_answers import WrittenAnswerModel

_ROWS = 512


@dataclass(frozen=True)
class AnswerCall:
    """What is asked.

    Attributes:
        questions: in the call.
        context: the text that they are put to.
        file: of questions, in place of both.
        question: its column of questions.
        text: its column of texts.
        encoding: of the file; None: UTF-8, auto: found by how the bytes look.
    """

    questions: list[str]
    context: str | None
    file: Path | None
    question: str = "question"
    text: str = "context"
    encoding: str | None = None


def show_answers(model_folder: Path, call: AnswerCall, *, part: str | None = None, as_json: bool) -> None:
    """Answers questions of the call, or of a file, in the order given."""
    pairs = list(_pairs(call))
    from penjing.tasks.loading import load_part  # brings torch, which a wrong call need not wait for

    model = cast("AnswerModel | WrittenAnswerModel", load_part(model_folder, part))
    documents: list[dict[str, Any]] = []
    for first in range(0, len(pairs), _ROWS):
        some = pairs[first : first + _ROWS]
        for found in model.answer([question for question, _ in some], [text for _, text in some]):
            if as_json:
                documents.append(found.to_dict())
            else:
                sys.stdout.write(f"{found.probability:.4f}\t{' '.join(found.answer.split())}\t{found.question}\n")
    if as_json:
        print_json(documents)


def _pairs(call: AnswerCall) -> Iterator[tuple[str, str]]:
    """Yields each question with its text.

    Raises:
        UsageError: there is no question, or no text.
    """
    if call.file is not None:
        if call.questions or call.context is not None:
            raise UsageError("questions and --file were both given", do="Give one of the two.")
        columns = {"text": call.text, "question": call.question, "encoding": call.encoding or UTF8}
        yield from _from_file(call.file, QuestionData(path=str(call.file), absent="keep", **columns))
        return
    if not call.questions or call.context is None:
        raise UsageError(
            "a question is asked of a text",
            do='Write penjing predict MODEL "question" --context "text", or give --file with both columns.',
        )
    if not call.context.strip() or not all(question.strip() for question in call.questions):
        raise UsageError("a question or its text is empty", do="Give both.")
    for question in call.questions:
        yield question, call.context


def _from_file(file: Path, settings: QuestionData) -> Iterator[tuple[str, str]]:
    reader = QuestionReader(settings, with_answers=False)
    for path in source_files(str(file)):
        for item in reader.read(path):
            yield item.question, item.text
