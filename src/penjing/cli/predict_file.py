"""``penjing predict --file … --out …``: answers of any number of rows, in a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from penjing import __version__
from penjing.cli.output import log_console, print_json
from penjing.cli.predict import check_sentences
from penjing.cli.progress import TerminalBar, TerminalProgress
from penjing.data.question_rows import QuestionReader
from penjing.data.question_settings import QuestionData
from penjing.data.reading import files_of_one_split
from penjing.data.rows import RowReader, RowRules
from penjing.data.sources import FaultLog, Layout
from penjing.data.sources.encodings import UTF8
from penjing.errors import DataError, UsageError
from penjing.tasks.bulk import BadRows, BulkOutput, Row, answer_into
from penjing.tasks.bulk_files import check_name

BAD: tuple[Literal["stop", "list"], ...] = ("stop", "list")
_EVERY_S = 30.0  # between lines about progress, where there is no terminal
#: Rows that are answered before they are written down: of what takes long, few.
_CHUNK_ROWS = {"label": 4096, "rank": 4096, "set": 4096, "text": 128, "reply": 128, "continuation": 128}
_OTHER_CHUNK_ROWS = 512


@dataclass(frozen=True)
class FileCall:
    """What is asked.

    Attributes:
        model: its folder.
        file: of rows.
        out: the file that is made.
        column: of texts; None: ``text``, or ``context`` of questions.
        kind: what the model answers with; ``sentences``: labels of each sentence.
        part: which task of a model of several.
        top: items, of a model that ranks them.
        bad: ``stop`` at a row that cannot be read, or ``list`` it and go on.
        encoding: of text files; None: UTF-8, auto: found by how the bytes look.
    """

    model: Path
    file: Path
    out: Path
    kind: str
    column: str | None = None
    part: str | None = None
    top: int | None = None
    bad: str = "stop"
    encoding: str | None = None


def predict_into(call: FileCall, *, as_json: bool) -> None:
    """Answers the rows of a file into another, or goes on with that.

    Raises:
        UsageError: the call is wrong, or the output is of another one.
        DataError: a row cannot be read, and the call says to stop there; or there is none.
        Interrupted: the user asked to stop; the same call goes on.
    """
    check_name(call.out)
    if call.kind == "sentences":
        check_sentences(call.model)
    if call.bad not in BAD:
        raise UsageError(f"--bad is {call.bad}", do=f"Give one of {', '.join(BAD)}.")
    files = files_of_one_split(str(call.file))
    progress = TerminalProgress(log_console())
    began = time.monotonic()
    output = BulkOutput(call.out, _made(call, files))
    try:
        bad = BadRows(output.bad) if call.bad == "list" else None
        if output.rows:
            progress.say(f"Going on after {output.rows:,} rows.")
        with progress.stopping_on_signals(), progress.bar("rows", _size(files), "bytes") as bar:
            teller = _Teller(progress, bar, output.rows, _size(files))
            rows = _at_least_one(_read(call, files, bad, teller.read), call.file, bad, output.bad)
            chunk_rows = _CHUNK_ROWS.get(call.kind, _OTHER_CHUNK_ROWS)
            done = answer_into(output, rows, lambda: _load(call), chunk_rows, progress, teller.tell)
    finally:
        output.close()
    _say_result(call, output, done, bad, time.monotonic() - began, as_json=as_json)


def _say_result(
    call: FileCall, output: BulkOutput, done: int, bad: FaultLog | None, seconds: float, *, as_json: bool
) -> None:
    missing = bad.count if bad is not None else 0
    if as_json:
        listed = str(output.bad) if missing else None
        print_json({"out": str(call.out), "rows": done, "bad": missing, "bad_rows": listed, "seconds": seconds})
        return
    more = f"; {missing:,} that cannot be read are in {output.bad}" if missing else ""
    sys.stderr.write(f"{call.out}: {done:,} rows{more}\n")


class _Teller:
    """Tells how far the work is: on a terminal by a bar, else by a line now and then.

    Args:
        progress: where.
        bar: that moves.
        before: rows that were answered before.
        size: bytes to be read.
    """

    def __init__(self, progress: TerminalProgress, bar: TerminalBar, before: int, size: float) -> None:
        self._progress, self._bar, self._before, self._size = progress, bar, before, size
        self._began = self._last = time.monotonic()
        self._bytes = 0.0
        self._skipped: float | None = None  # bytes of rows that were answered before

    def read(self, consumed: int) -> None:
        """So many bytes more were read."""
        self._bytes += consumed
        self._bar.advance(consumed)

    def tell(self, done: int) -> None:
        """So many rows are answered."""
        now = time.monotonic()
        rate = (done - self._before) / max(now - self._began, 1e-9)
        self._bar.note(f"{done:,} rows · {rate:,.0f} rows/s")
        if self._skipped is None:
            self._skipped = self._bytes * self._before / max(done, 1)
        if now - self._last >= _EVERY_S:
            self._last = now
            left_s = time_left(now - self._began, self._bytes - self._skipped, self._size - self._skipped)
            left = "" if left_s is None else f", about {left_s / 60:.0f} min left"
            self._progress.say(f"{done:,} rows, {rate:,.0f} rows/s{left}")


def time_left(seconds: float, done: float, size: float) -> float | None:
    """Returns about how many seconds work takes still; None where nothing tells.

    Args:
        seconds: that it took so far, in this sitting.
        done: how much of it was done in this sitting.
        size: how much there was to be done.
    """
    return max(size - done, 0.0) / done * seconds if done > 0 and size > 0 else None


def _read(call: FileCall, files: list[Path], bad: FaultLog | None, read: Callable[[int], None]) -> Iterator[Row]:
    """Yields the rows of files, and tells how many bytes were read."""
    if call.kind == "span":
        settings = QuestionData(
            path=str(call.file), absent="keep", text=call.column or "context", encoding=call.encoding or UTF8
        )
        reader = QuestionReader(settings, with_answers=False, log=bad)
        for file in files:
            for item in reader.read(file):
                yield Row(item.source, item.row, (item.question, item.text))
            read(file.stat().st_size)
        return
    rows = RowReader(RowRules(call.column or "text", layout=Layout(encoding=call.encoding, log=bad)))
    for some in rows.read(files):
        read(some.consumed)
        for number, text in zip(some.rows, some.texts, strict=True):
            yield Row(some.file.name, number, text.split("\t") if call.kind == "items" else text)


def _at_least_one(rows: Iterator[Row], file: Path, bad: FaultLog | None, listed: Path) -> Iterator[Row]:
    first = next(rows, None)
    if first is None and bad is not None and bad.count:
        raise DataError("nothing of it can be read", where=str(file), do=f"Why stands in {listed}.")
    if first is None:
        raise DataError("there is no row", where=str(file), do="Put rows into it, or name another file.")
    yield first
    yield from rows


def _load(call: FileCall) -> Callable[[list[Any]], Iterable[Any]]:
    """Loads the model, and returns what answers rows."""
    from penjing.tasks.by_sentence import predict_sentences
    from penjing.tasks.item_model import ItemModel
    from penjing.tasks.loading import load_as, load_model, load_part

    if call.kind == "items":
        items, top = load_as(ItemModel, call.model), call.top
        return lambda rows: items.predict(rows) if top is None else items.predict(rows, top=top)
    if call.kind == "sentences":
        labels = load_model(call.model)
        return lambda rows: predict_sentences(labels, rows)
    model: Any = load_part(call.model, call.part)
    if call.kind == "span":
        return lambda rows: model.answer([question for question, _ in rows], [text for _, text in rows])
    return lambda rows: model.predict(rows)


def _made(call: FileCall, files: list[Path]) -> dict[str, Any]:
    """Returns what decides the answers, by names, sizes and times of files."""
    model = sorted(path for path in call.model.iterdir() if path.is_file())
    return {
        "version": __version__,
        "model": [_mark(path) for path in model],
        "files": [_mark(path) for path in files],
        "options": [call.kind, call.column, call.part, call.top, *([call.encoding] if call.encoding else [])],
    }


def _mark(path: Path) -> list[str | int]:
    status = path.stat()
    return [path.name, status.st_size, status.st_mtime_ns]


def _size(files: list[Path]) -> float:
    return float(sum(path.stat().st_size for path in files))
