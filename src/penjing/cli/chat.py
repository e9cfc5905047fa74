"""``penjing chat``: a dialogue with a model, on a terminal or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from penjing.cli.output import print_json, visible
from penjing.data.messages import Message, read_messages, take_apart, write_messages
from penjing.errors import DataError, PenjingError, UsageError, nearest
from penjing.files import write_text

if TYPE_CHECKING:
    from penjing.inference.dialogue import Replier
    from penjing.inference.sampling import SamplingSettings

HELP = """\
/undo          take back what you said last, with the reply to it
/reset         begin again; the system prompt stays
/system TEXT   tell the assistant something before the dialogue; without a text: show it
/save FILE     write the dialogue as a row of JSON lines, which can be learned from
/help          this list
/exit          end; Ctrl-D does so too
Ctrl-C stops a reply. To say something that begins with /, write // there.
"""
_STOPPED = "(stopped)"


def converse(folder: Path, system: str, max_tokens: int, temperature: float, top_p: float, seed: int) -> None:
    """Reads what the user says line by line, and shows each reply as it is written; all else is on standard error."""
    settings, talker = _load(folder, max_tokens, temperature, top_p, seed)
    session = Session(talker, settings, _system(system))
    _say(f"{folder}. /help shows what else can be done; Ctrl-D ends.")
    for line in _lines():
        try:
            if not session.take(line):
                return
        except PenjingError as error:
            _say(str(error))


def answer_messages(folder: Path, system: str, max_tokens: int, temperature: float, top_p: float, seed: int) -> None:
    """Reads messages from standard input, and prints them with the reply as one JSON document."""
    messages = _read_messages(_system(system))
    settings, talker = _load(folder, max_tokens, temperature, top_p, seed)
    reply = talker.reply(messages, settings)
    said = [*messages, Message("assistant", reply.text)]
    print_json({"messages": [message.to_dict() for message in said], "reply": asdict(reply), "seed": seed})


class Session:
    """A dialogue that goes on.

    Args:
        talker: replies.
        settings: how; each turn draws with a seed of its own, so that a turn taken back and said again is the same.
        system: the system prompt, or nothing.
    """

    def __init__(self, talker: Replier, settings: SamplingSettings, system: list[Message]) -> None:
        self._talker, self._settings = talker, settings
        self._system, self._turns = system, list[Message]()
        self._saved: set[Path] = set()
        self._commands: dict[str, Callable[[str], None]] = {
            "/undo": self._undo,
            "/reset": self._reset,
            "/system": self._tell,
            "/save": self._save,
            "/help": lambda rest: _say(HELP.rstrip()),
        }

    def take(self, line: str) -> bool:
        """Does what a line says, or replies to it; returns whether the dialogue goes on.

        Raises:
            PenjingError: it cannot be done; the dialogue stands as it was.
        """
        if line.startswith("/") and not line.startswith("//"):
            command, _, rest = line.partition(" ")
            if command in ("/exit", "/quit"):
                return False
            if command not in self._commands:
                raise UsageError(f"there is no command {command}", do=nearest(command, [*self._commands, "/exit"]))
            self._commands[command](rest.strip())
            return True
        self._reply(line.removeprefix("/") if line.startswith("//") else line)
        return True

    def _reply(self, text: str) -> None:
        messages = read_messages([message.to_dict() for message in [*self._messages, Message("user", text)]], "chat")
        settings = replace(self._settings, seed=self._settings.seed + len(self._turns) // 2)
        pieces: list[str] = []
        try:
            for piece in self._talker.stream(messages, settings):
                pieces.append(piece)
                sys.stdout.write(visible(piece))
                sys.stdout.flush()
        except KeyboardInterrupt:
            _say(f" {_STOPPED}")
        finally:
            if pieces:
                sys.stdout.write("\n")
                sys.stdout.flush()
        said = "".join(pieces)
        if said.strip():
            self._turns += [messages[-1], Message("assistant", said)]
        else:
            _say("The model said nothing; what you said is taken back.")

    @property
    def _messages(self) -> list[Message]:
        return [*self._system, *self._turns]

    def _undo(self, rest: str) -> None:
        if not self._turns:
            raise UsageError("nothing was said yet", do="Say something first.")
        taken = self._turns[-2]
        del self._turns[-2:]
        _say(f"Taken back: {visible(taken.content)}")

    def _reset(self, rest: str) -> None:
        self._turns.clear()
        _say("The dialogue begins again.")

    def _tell(self, rest: str) -> None:
        if rest:
            self._system = _system(rest)
        _say(f"System prompt: {visible(self._system[0].content) if self._system else 'none'}")

    def _save(self, rest: str) -> None:
        if not rest:
            raise UsageError("/save names no file", do="Write /save FILE, such as /save dialogue.jsonl.")
        if not self._turns:
            raise UsageError("nothing was said yet", do="Say something first.")
        path = Path(rest).expanduser()
        if path.exists() and path not in self._saved:
            raise UsageError("this file is there already", where=str(path), do="Choose another name.")
        try:
            write_text(path, f'{{"messages": {write_messages(self._messages)}}}\n')
        except OSError as error:
            raise UsageError(f"it cannot be written ({error.strerror})", where=rest, do="Check the path.") from error
        self._saved.add(path)
        _say(f"Saved: {path}, {len(self._messages)} messages")


def _load(
    folder: Path, max_tokens: int, temperature: float, top_p: float, seed: int
) -> tuple[SamplingSettings, Replier]:
    from penjing.inference.dialogue import load_replier
    from penjing.inference.sampling import SamplingSettings

    return SamplingSettings(max_tokens, temperature, top_p, seed), load_replier(folder)


def _system(text: str) -> list[Message]:
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise UsageError("the system prompt is not UTF-8", do="Save or type it as UTF-8.")
    return [Message("system", text)] if text.strip() else []


def _lines() -> Iterator[str]:
    """Yields what is typed, or the lines of standard input, without those that are empty."""
    if not sys.stdin.isatty():
        for line in sys.stdin:
            if line.strip():
                yield line.strip()
        return
    with suppress(ImportError):
        import readline  # noqa: F401 - lets input() edit lines and remember them
    while True:
        try:
            line = input("> ").strip()
        except EOFError:
            _say("")
            return
        except KeyboardInterrupt:
            _say("\nCtrl-D or /exit ends.")
            continue
        if line:
            yield line


def _read_messages(system: list[Message]) -> list[Message]:
    """Returns the messages on standard input; a system prompt of the call takes the place of theirs."""
    where = "standard input"
    try:
        values = json.loads(sys.stdin.buffer.read())
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"this is no JSON ({error})", where=where, do='Write [{"role": "user", "content": "…"}].'
        ) from error
    messages = read_messages(values.get("messages") if isinstance(values, dict) else values, where)
    if messages[-1].role != "user":
        raise DataError("the assistant spoke last", where=where, do="End with what the user says.")
    dialogue = take_apart(messages)
    return [*(system or dialogue.system), *messages[len(dialogue.system) :]]


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
