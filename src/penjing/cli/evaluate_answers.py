"""``penjing evaluate`` of a model that finds answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from penjing.cli.answer import find_encoder
from penjing.cli.evaluate import open_data
from penjing.cli.evaluate_output import show_measured
from penjing.cli.output import log_console
from penjing.cli.progress import TerminalProgress
from penjing.data.question_rows import Question, QuestionReader
from penjing.data.question_settings import QuestionData
from penjing.data.questions import merge_references
from penjing.data.sources import source_files
from penjing.data.sources.encodings import UTF8
from penjing.errors import DataError
from penjing.pipeline.learned_rows import count_learned


@dataclass(frozen=True)
class QuestionCall:
    """What a model is measured on.

    Attributes:
        data: where the questions are; -: CSV on standard input.
        text: column of the texts, in tables.
        question: column of the questions.
        answer: column of the answers.
        columns: names for the columns of a file without a header.
        folder: of documents that are asked in place of each question's own text; None: that text.
        encoder: a model folder whose vectors are searched too.
        encoding: of text files; None: UTF-8, auto: found by how the bytes look.
    """

    data: str
    text: str = "context"
    question: str = "question"
    answer: str = "answer"
    columns: tuple[str, ...] | None = None
    folder: Path | None = None
    encoder: Path | None = None
    encoding: str | None = None


def show_answer_scores(
    model_folder: Path, call: QuestionCall, resamples: int, *, part: str | None = None, as_json: bool
) -> None:
    """Scores a model on questions: JSON in the layout of SQuAD, or a table.

    Rows without a question or a text are left out, and counted; answers that are not in their text count all the same.
    """
    questions = _read(call)
    # These bring torch, which a wrong call need not wait for.
    from penjing.evaluate.answers import Answerer, evaluate_answers
    from penjing.evaluate.documents import evaluate_documents
    from penjing.tasks.document_answers import DocumentReader, as_answering
    from penjing.tasks.loading import load_part
    from penjing.tasks.passage_index import index_folder

    progress = TerminalProgress(log_console())
    with progress.stopping_on_signals():
        if call.folder is None:
            model = cast("Answerer", load_part(model_folder, part))
            measured = evaluate_answers(model, questions, resamples=resamples, worst=20, seed=0, progress=progress)
        else:
            index = index_folder(call.folder, progress, encoder=find_encoder(call.encoder))
            reader = DocumentReader(as_answering(load_part(model_folder, part)), index)
            measured = evaluate_documents(reader, questions, resamples=resamples, seed=0, progress=progress)
    asked = [(question.question, question.text) for question in questions]
    learned = {"learned_rows": count_learned(model_folder, asked, ("question", "text"), part)}
    show_measured(model_folder, call.data, measured, learned, len(questions), as_json=as_json)


def _read(call: QuestionCall) -> list[Question]:
    named = {"text": call.text, "question": call.question, "answer": call.answer, "encoding": call.encoding or UTF8}
    settings = QuestionData(path=call.data, **named, columns=call.columns, absent="keep", empty_text="drop")
    reader = QuestionReader(settings)
    with open_data(call.data) as address:
        questions = [question for file in source_files(address) for question in reader.read(file)]
    if reader.counts["empty"]:
        log_console().print(f"{reader.counts['empty']:,} rows without a question or a text are left out")
    if not questions:
        raise DataError("there is no question", where=call.data, do="Put questions into it, or name another file.")
    return merge_references(questions)
