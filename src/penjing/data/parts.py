"""Prepared texts on disk, in parts that are finished one by one: a build that was killed goes on after the last."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pyarrow as pa
from pydantic import TypeAdapter

from penjing.data.cleaning import DROPPED_SCHEMA, Tally
from penjing.data.intake import Reached
from penjing.data.preparing import Prepared
from penjing.data.sources.faults import Fault
from penjing.data.storing import Spool
from penjing.files import write_text
from penjing.sitting import Sitting


@dataclass(frozen=True)
class Done:
    """What is done with the last text of a part.

    Attributes:
        reached: how far the reading of files was.
        training: how many batches of labelled texts were done.
    """

    reached: Reached
    training: int = 0


@dataclass(frozen=True)
class Part:
    """What is known of a finished part.

    Attributes:
        origin: what decides the texts, as a hash.
        done: where the next one goes on.
        faults: those of the reading that came since the part before.
        tally: what was counted from the first part to this one.
        seconds: that it took from the first part to this one, over all sittings.
        energy_j: that the processors used meanwhile; None where that is not known.
    """

    origin: str
    done: Done
    faults: list[Fault]
    tally: Tally
    seconds: float
    energy_j: float | None


_PART = TypeAdapter(Part)


class PreparedParts:
    """Prepared texts, written once and read again as often as needed.

    A part is finished when its record is written; what a killed process has left behind the last finished one is
    removed, and so is everything if it was made of something else.

    Args:
        folder: where the parts are; made if it is not there.
        origin: what decides the texts, as a hash: files, settings, versions.
        every_s: seconds after which a part is finished.
        schema: the columns of the texts.

    Attributes:
        done: what was done when this began; None: nothing.
        tally: what was counted over all texts.
        faults: those of the reading, of all finished parts.
        sitting: counts time and energy, over all sittings.
    """

    def __init__(self, folder: Path, origin: str, every_s: float, schema: pa.Schema) -> None:
        folder.mkdir(exist_ok=True)
        self._schemas = {"kept": schema, "dropped": DROPPED_SCHEMA}
        self._folder, self._origin, self._every_s = folder, origin, every_s
        parts = self._finished()
        self._number = len(parts)
        self._remove_unfinished()
        self.done, self.tally, self.sitting = None, Tally(), Sitting(0, 0)
        if parts:
            last = parts[-1]
            self.done, self.tally, self.sitting = last.done, last.tally, Sitting(last.seconds, last.energy_j)
        self.faults = [fault for part in parts for fault in part.faults]
        self._open: _OpenPart | None = None

    def add(self, prepared: Prepared, done: Done, faults: list[Fault]) -> None:
        """Adds prepared texts; the part that they are in is finished if it was begun long enough ago.

        Args:
            prepared: the texts, and what was dropped.
            done: where the next ones go on.
            faults: of the reading, up to ``done`` at least.
        """
        if self._open is None:
            self._open = _OpenPart(self._spool("kept", self._number), self._spool("dropped", self._number))
        self.tally.add(prepared.tally)
        self._open.write(prepared, done)
        if time.monotonic() - self._open.began >= self._every_s:
            self.finish(faults)

    def finish(self, faults: list[Fault]) -> None:
        """Finishes the part that was begun, if one was; what was added is safe then.

        Args:
            faults: as for `add`.
        """
        if self._open is None:
            return
        done = self._open.close()
        self._open = None
        known = done.reached.border.faults.kept
        part = Part(
            self._origin,
            done,
            faults[len(self.faults) : known],
            self.tally,
            self.sitting.seconds,
            self.sitting.energy_j,
        )
        self.faults += part.faults
        write_text(self._record(self._number), _PART.dump_json(part).decode())
        self._number += 1

    def __enter__(self) -> PreparedParts:
        return self

    def __exit__(self, *error: object) -> None:
        """Gives up the part that was begun, if there is one."""
        if self._open is not None:
            self._open.abandon()

    def kept(self) -> Iterator[pa.RecordBatch]:
        """Yields the texts that are kept, of all finished parts, in batches."""
        yield from self._read("kept")

    def dropped(self) -> Iterator[pa.RecordBatch]:
        """Yields what was dropped, in batches by `DROPPED_SCHEMA`."""
        yield from self._read("dropped")

    def _read(self, what: str) -> Iterator[pa.RecordBatch]:
        for number in range(self._number):
            yield from self._spool(what, number).read()

    def _spool(self, what: str, number: int) -> Spool:
        return Spool(self._folder / f"{number:06}.{what}.arrow", self._schemas[what])

    def _record(self, number: int) -> Path:
        return self._folder / f"{number:06}.json"

    def _finished(self) -> list[Part]:
        parts = []
        for number in count():
            files = self._record(number), self._spool("kept", number).path, self._spool("dropped", number).path
            if not all(file.is_file() for file in files):
                break
            parts.append(_PART.validate_json(files[0].read_bytes()))
        return parts if all(part.origin == self._origin for part in parts) else []

    def _remove_unfinished(self) -> None:
        for file in self._folder.iterdir():
            name = file.name.partition(".")[0]
            if not (name.isdigit() and int(name) < self._number):
                file.unlink()


class _OpenPart:
    """A part that is written.

    Args:
        kept: takes texts.
        dropped: takes what was dropped.

    Attributes:
        began: when it was begun, by the monotonic clock.
    """

    def __init__(self, kept: Spool, dropped: Spool) -> None:
        self.began = time.monotonic()
        self._stack, self._spools = ExitStack(), (kept, dropped)
        self._keep, self._drop = (self._stack.enter_context(spool.writing()) for spool in self._spools)

    def write(self, prepared: Prepared, done: Done) -> None:
        """Adds texts."""
        self._keep(prepared.kept.columns)
        self._drop(prepared.dropped.columns)
        self._done = done

    def close(self) -> Done:
        """Ends the files, waits until they are on the disk, and returns what is done with the last text."""
        self._stack.close()
        for spool in self._spools:
            with spool.path.open("rb") as file:
                os.fsync(file.fileno())
        return self._done

    def abandon(self) -> None:
        """Closes the files, even on a full disk."""
        with suppress(OSError):
            self._stack.close()
