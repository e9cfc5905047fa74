"""``penjing data label``: a page for labelling by keyboard, and its answers put into a new file."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from penjing.cli.output import log_console, print_json, result_console
from penjing.cli.progress import TerminalProgress
from penjing.cli.tables import fact_table
from penjing.data.keys import text_ids
from penjing.data.labels.answers import AnswerFile, check_answers, read_answers
from penjing.data.labels.applying import apply_answers
from penjing.data.labels.asking import TextSpace, map_texts
from penjing.data.labels.questions import Question, choose_labels, list_questions, order_questions
from penjing.data.labels.session import LabelSession
from penjing.data.labels.table import WHOLE, TableRules, read_table
from penjing.data.sources import source_files
from penjing.errors import UsageError
from penjing.pipeline.report.strings import Language
from penjing.pipeline.report.wording import Wording
from penjing.progress import Progress
from penjing.serve.label_page import render_label_page
from penjing.serve.label_server import LabelServer

_LOOKS_EVERY_S = 0.1


@dataclass(frozen=True)
class LabelCall:
    """What ``penjing data label`` is called with.

    Attributes:
        file: the rows.
        rules: how it is read.
        labels: to choose from, with commas; None: those of the file.
        out: file of the answers; None: one named after the rows, in the working folder.
        port: 0 takes one that is free.
        order: ``uncertain`` or ``file``.
    """

    file: str
    rules: TableRules
    labels: str | None
    out: Path | None
    port: int
    order: str


def serve_labelling(call: LabelCall, language: Language, *, as_json: bool) -> None:
    """Serves the page until it is stopped, and then shows what was answered."""
    if call.order not in ("uncertain", "file"):
        raise UsageError(f'there is no order "{call.order}"', where="--order", do="Use uncertain or file.")
    file, progress = _one_file(call.file), TerminalProgress(log_console())
    with progress.stopping_on_signals():
        table = read_table({WHOLE: [file]}, call.rules, progress)
        questions = list_questions(table)
        labels = choose_labels(call.labels, questions, call.rules.label)
        out = call.out or Path(f"{file.name.split('.')[0]}.answers.jsonl")
        page = render_label_page(file.name, labels, language)
        with AnswerFile(out) as answers:
            ids = {question.id for question in questions}
            strange = check_answers(answers.log, ids, labels, file.name, str(out))
            _say_opening(answers, strange, progress)
            order = order_questions(questions, by_file=call.order == "file")
            space = _space(questions, progress) if call.order == "uncertain" and order.chosen else None
            session = LabelSession(questions, labels, answers, order, space)
            with session, LabelServer(session, page, call.port) as server:
                progress.say(f"Open {server.address}")
                progress.say("Ctrl-C ends it; every answer is on the disk at once.")
                while not progress.should_stop():
                    time.sleep(_LOOKS_EVERY_S)
            state = session.state()
    if as_json:
        print_json({"file": str(file), "answers": str(out), **asdict(state)})
        return
    wording = Wording(language)
    rows = [(wording.say("labelled_total"), f"{wording.count(state.answered)} / {wording.count(state.total)}")]
    rows += [(label, wording.count(count)) for label, count in state.labels.items()]
    result_console().print(fact_table([*rows, (wording.say("labelled_saved"), str(out))]))


def _one_file(address: str) -> Path:
    files = source_files(address)
    if len(files) > 1:
        names = ", ".join(file.name for file in files[:12])
        raise UsageError(f"it holds several files ({names})", where=address, do="Name one of them.")
    return files[0]


def _space(questions: list[Question], progress: Progress) -> TextSpace | None:
    progress.say(f"Reading {len(questions):,} texts to choose from …")
    return map_texts([question.text for question in questions], seed=0)


def _say_opening(answers: AnswerFile, strange: int, progress: Progress) -> None:
    if answers.cut_bytes:
        size = f"{answers.cut_bytes} bytes"
        progress.say(f"{answers.path.name}: the last line was half an answer ({size}), and is cut off.")
    if answers.log.labels:
        progress.say(f"{answers.path.name}: going on after {len(answers.log.labels):,} answers.")
    if strange:
        progress.say(f"{answers.path.name}: {strange:,} answers are about texts that are not in the file; they stay.")


def show_applied(
    file: str,
    rules: TableRules,
    labels: str | None,
    answers: Path,
    to: Path | None,
    language: Language,
    *,
    as_json: bool,
) -> None:
    """Writes a new file with the answers in it, and shows what became of the rows."""
    if to is None:
        raise UsageError("--apply needs a new file", where="--to", do="Write --apply answers.jsonl --to NEW.csv.")
    path = _one_file(file)
    log, cut = read_answers(answers)
    table = read_table({WHOLE: [path]}, replace(rules, label=None), TerminalProgress(log_console()))
    allowed = [label.strip() for label in labels.split(",")] if labels else []
    strange = check_answers(log, set(text_ids(table.texts)), allowed, path.name, str(answers))
    if cut:
        log_console().print(f"{answers.name}: the last line is half an answer ({cut} bytes); it is left out.")
    applied = apply_answers(path, rules.text, rules.label or "label", log.labels, rules.layout, to)
    if as_json:
        print_json({"file": str(path), "to": str(to), **asdict(applied), "strange": strange})
        return
    wording = Wording(language)
    counts = {**asdict(applied), "strange": strange}
    rows = [(wording.name("applied", key), wording.count(count)) for key, count in counts.items()]
    result_console().print(fact_table([*rows, (wording.name("applied", "file"), str(to))]))
