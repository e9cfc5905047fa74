"""``penjing evaluate`` of a model that finds answers."""

from __future__ import annotations

from pathlib import Path

from penjing.cli.answer import DocumentCall
from penjing.cli.evaluate import open_data
from penjing.cli.output import log_console, print_json, result_console
from penjing.cli.progress import TerminalProgress
from penjing.cli.tables import score_table
from penjing.data.question_rows import Question, QuestionReader
from penjing.data.questions import merge_references
from penjing.data.settings import QuestionData
from penjing.data.sources import source_files
from penjing.errors import DataError


def show_answer_scores(
    model_folder: Path,
    data: str,
    settings: QuestionData,
    resamples: int,
    over: DocumentCall | None = None,
    *,
    as_json: bool,
) -> None:
    """Scores a model on questions: JSON in the layout of SQuAD, or a table.

    Args:
        model_folder: of the model.
        data: where the questions are; -: CSV on standard input.
        settings: their columns; its path does not count.
        resamples: bootstrap resamples.
        over: a folder of documents that is asked in place of each question's own text; None: that text.
        as_json: whether one JSON document is printed.
    """
    questions = _read(data, settings)
    # These bring torch, which a wrong call need not wait for.
    from penjing.evaluate.answers import evaluate_answers
    from penjing.evaluate.documents import evaluate_documents
    from penjing.tasks.document_answers import DocumentReader
    from penjing.tasks.loading import load_answer_model
    from penjing.tasks.passage_index import index_folder

    progress = TerminalProgress(log_console())
    with progress.stopping_on_signals():
        model = load_answer_model(model_folder)
        if over is None:
            measured = evaluate_answers(model, questions, resamples=resamples, worst=20, seed=0, progress=progress)
        else:
            index = index_folder(over.folder, progress, encoder=over.encoder_folder, place=over.index)
            reader = DocumentReader(model, index, over.passages)
            measured = evaluate_documents(reader, questions, resamples=resamples, seed=0, progress=progress)
    if as_json:
        print_json({"model": str(model_folder), "data": data, **measured})
    else:
        result_console().print(score_table(measured))


def _read(data: str, settings: QuestionData) -> list[Question]:
    reader = QuestionReader(settings)
    with open_data(data) as address:
        questions = [question for file in source_files(address) for question in reader.read(file)]
    if reader.counts["empty"]:
        log_console().print(f"{reader.counts['empty']:,} rows without a question or a text are left out")
    if not questions:
        raise DataError("there is no question", where=data, do="Put questions into it, or name another file.")
    return merge_references(questions)
