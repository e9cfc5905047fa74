"""``penjing chat``: a dialogue with a model, on a terminal or as JSON."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from penjing.cli.chat_input import Said, history_file, lines_of_pipe, lines_of_terminal, read_said
from penjing.cli.output import print_json, visible
from penjing.data.messages import Message, read_asked, read_consecutive, split_exchanges, write_messages
from penjing.errors import DataError, PenjingError, UsageError, nearest
from penjing.files import write_text

if TYPE_CHECKING:
    from penjing.inference.dialogue import Replier, Reply
    from penjing.inference.native.packing import Weights
    from penjing.inference.sampling_settings import SamplingSettings

HELP = """\
/undo          take back what you said last, with the reply to it
/regenerate    take back the last reply, and hear another one
/reset         begin again; the system prompt stays
/system TEXT   tell the assistant something before the dialogue; without a text: show it
/save FILE     write the dialogue as a row of JSON lines, which can be learned from
/load FILE     go on with a dialogue that was saved
/help          this list
/exit          end; Ctrl-D does so too
A line that ends in \\ goes on in the next; \"\"\" begins and ends several lines; what is pasted stays together.
Ctrl-C stops a reply. To say something that begins with /, write // there.
"""
_STOPPED = "(stopped)"
_OTHER_REPLY = 1_000_003  # between the seeds of replies to the same words; no other turn has them
_MOST_BYTES = 64 << 20  # of a dialogue that is loaded


@dataclass(frozen=True)
class ChatCall:
    """What ``penjing chat`` is asked for.

    Attributes:
        folder: of the decoder.
        system: what the assistant is told before the dialogue.
        settings: how replies are written.
        weights: how the engine holds them; None: no engine, and the folder's own precision.
        verbose: a line after each reply says how many tokens it has, and how fast they came.
        remembers: whether lines are kept for the next session.
    """

    folder: Path
    system: str
    settings: SamplingSettings
    weights: Weights | None = None
    verbose: bool = False
    remembers: bool = True


def converse(call: ChatCall) -> None:
    """Reads what the user says, and shows each reply as it is written; all else is on standard error."""
    system = _system(call.system)
    with _loaded(call) as talker:
        session = Session(talker, call.settings, system, verbose=call.verbose)
        _say(f"{call.folder}. /help shows what else can be done; Ctrl-D ends.")
        is_typed = sys.stdin.isatty()
        if not is_typed:
            _converse(session, read_said(lines_of_pipe))
            return
        reader = lines_of_terminal(history_file() if call.remembers else None)
        with session.taking_interrupts():
            _converse(session, read_said(session.waiting_in(reader), _say))


def _converse(session: Session, all_said: Iterator[Said]) -> None:
    for said in all_said:
        try:
            if not session.take(said.text, is_line=said.is_line):
                return
        except PenjingError as error:
            _say(str(error))


def answer_messages(call: ChatCall) -> None:
    """Reads messages from standard input, and prints them with the reply as one JSON document."""
    messages = _read_messages(_system(call.system))
    with _loaded(call) as talker:
        reply = talker.reply(messages, call.settings)
    said = [*messages, Message("assistant", reply.text)]
    document = {"messages": [message.to_dict() for message in said], "reply": asdict(reply)}
    print_json(document | {"seed": call.settings.seed})


class Session:
    """A dialogue that goes on.

    Args:
        talker: replies.
        settings: how; each turn draws with a seed of its own, so that a turn taken back and said again is the same.
        system: the system prompt, or nothing.
        verbose: whether a line after each reply says how many tokens it has, and how fast they came.
    """

    def __init__(
        self, talker: Replier, settings: SamplingSettings, system: list[Message], *, verbose: bool = False
    ) -> None:
        self._talker, self._settings, self._verbose = talker, settings, verbose
        self._system, self._turns = system, list[Message]()
        self._attempts: list[int] = []  # of each turn, how many other replies were heard before this one
        self._saved: set[Path] = set()
        self._can_stop = False
        self._commands: dict[str, Callable[[str], None]] = {
            "/undo": self._undo,
            "/regenerate": self._regenerate,
            "/reset": self._reset,
            "/system": self._tell,
            "/save": self._save,
            "/load": self._load,
            "/help": lambda rest: _say(HELP.rstrip()),
        }

    @contextmanager
    def taking_interrupts(self) -> Iterator[None]:
        """Lets Ctrl-C stop a reply or what is being typed, once, and nothing else: no second one ends the program."""

        def stop(number: int, frame: FrameType | None) -> None:
            if self._can_stop:
                self._can_stop = False
                raise KeyboardInterrupt

        before = signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def waiting_in(self, reader: Callable[[str], str]) -> Callable[[str], str]:
        """Returns a reader of lines that Ctrl-C stops."""

        def read(prompt: str) -> str:
            self._can_stop = True
            try:
                return reader(prompt)
            finally:
                self._can_stop = False

        return read

    def take(self, said: str, *, is_line: bool = True) -> bool:
        """Does what a line says, or replies to it; returns whether the dialogue goes on.

        Args:
            said: by the user.
            is_line: whether it may be a command.

        Raises:
            PenjingError: it cannot be done; the dialogue stands as it was.
        """
        if is_line and said.startswith("/") and not said.startswith("//"):
            command, _, rest = said.partition(" ")
            if command in ("/exit", "/quit"):
                return False
            if command not in self._commands:
                raise UsageError(f"there is no command {command}", do=nearest(command, [*self._commands, "/exit"]))
            self._commands[command](rest.strip())
            return True
        text = said.removeprefix("/") if is_line and said.startswith("//") else said
        messages = read_asked([message.to_dict() for message in [*self._messages, Message("user", text)]], "chat")
        if not self._reply(messages):
            _say("The model said nothing; what you said is taken back.")
        return True

    def _reply(self, messages: list[Message], attempt: int = 0) -> bool:
        """Replies to messages, and goes on with what was said; returns whether anything was."""
        turn = len(split_exchanges(messages[len(self._system) :])) - 1
        settings = replace(self._settings, seed=(self._settings.seed + turn + attempt * _OTHER_REPLY) % 2**63)
        pieces: list[str] = []
        reply: Reply | None = None
        began = time.perf_counter()
        stream = self._talker.stream(messages, settings)
        try:
            self._can_stop = True
            while True:
                try:
                    pieces.append(next(stream))
                except StopIteration as end:
                    reply = end.value
                    break
                sys.stdout.write(visible(pieces[-1]))
                sys.stdout.flush()
            self._can_stop = False
        except KeyboardInterrupt:
            _say(f" {_STOPPED}")
        finally:
            self._can_stop = False
            stream.close()
            if pieces:
                sys.stdout.write("\n")
                sys.stdout.flush()
        said = "".join(pieces)
        if not said.strip():
            return False
        self._turns = [*messages[len(self._system) :], Message("assistant", said)]
        self._attempts = [*self._attempts[:turn], attempt]
        if self._verbose:
            _say(_describe(reply, time.perf_counter() - began))
        return True

    @property
    def _messages(self) -> list[Message]:
        return [*self._system, *self._turns]

    def _undo(self, rest: str) -> None:
        self._need_turns()
        taken = split_exchanges(self._turns)[-1]
        del self._turns[-len(taken) :], self._attempts[-1]
        for message in taken:
            if message.role == "user":
                _say(f"Taken back: {visible(message.content)}")

    def _regenerate(self, rest: str) -> None:
        self._need_turns()
        self._attempts[-1] += 1
        replied = sum(message.role == "assistant" for message in split_exchanges(self._turns)[-1])
        if not self._reply(self._messages[:-replied], self._attempts[-1]):
            _say("The model said nothing; the last reply stays.")

    def _reset(self, rest: str) -> None:
        self._turns, self._attempts = [], []
        _say("The dialogue begins again.")

    def _tell(self, rest: str) -> None:
        if rest:
            self._system = _system(rest)
        _say(f"System prompt: {visible(self._system[0].content) if self._system else 'none'}")

    def _save(self, rest: str) -> None:
        if not rest:
            raise UsageError("/save names no file", do="Write /save FILE, such as /save dialogue.jsonl.")
        self._need_turns()
        path = Path(rest).expanduser()
        if path.exists() and path not in self._saved:
            raise UsageError("this file is there already", where=str(path), do="Choose another name.")
        try:
            write_text(path, f'{{"messages": {write_messages(self._messages)}}}\n')
        except OSError as error:
            raise UsageError(f"it cannot be written ({error.strerror})", where=rest, do="Check the path.") from error
        self._saved.add(path)
        _say(f"Saved: {path}, {len(self._messages)} messages")

    def _load(self, rest: str) -> None:
        if not rest:
            raise UsageError("/load names no file", do="Write /load FILE, such as /load dialogue.jsonl.")
        path = Path(rest).expanduser()
        system, turns = _part_system(read_dialogue(path))
        exchanges = split_exchanges(turns)
        asked = exchanges.pop() if exchanges[-1][-1].role == "user" else []
        self._system = system or self._system
        self._turns = turns[: len(turns) - len(asked)]
        self._attempts = [0] * len(exchanges)
        self._saved.add(path)
        _say(f"Loaded: {path}, {len(self._messages)} messages")
        for message in asked:
            _say(f"Not replied to, and left out: {visible(message.content)}")

    def _need_turns(self) -> None:
        if not self._turns:
            raise UsageError("nothing was said yet", do="Say something first.")


def read_dialogue(path: Path) -> list[Message]:
    """Returns the messages of a file with one dialogue, as ``/save`` writes it, or a list of messages alone.

    Raises:
        UsageError: the file cannot be read, or is none.
        DataError: the messages cannot be used.
    """
    do = "Give a file that /save has written."
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"the file is larger than {_MOST_BYTES >> 20} MB", where=str(path), do=do)
        rows = [line for line in path.read_text(encoding="utf-8-sig").split("\n") if line.strip()]
        values = json.loads(rows[0] if len(rows) == 1 else "\n".join(rows))
    except OSError as error:
        raise UsageError(f"it cannot be read ({error.strerror})", where=str(path), do="Check the path.") from error
    except (ValueError, RecursionError, IndexError) as error:
        raise UsageError("this is not one dialogue in JSON", where=str(path), do=do) from error
    return read_consecutive(values.get("messages") if isinstance(values, dict) else values, str(path))


def _describe(reply: Reply | None, seconds: float) -> str:
    """Returns a line about a reply; nothing is known of the tokens of one that was stopped."""
    if reply is None:
        return f"[stopped after {seconds:.1f} s]"
    speed = f"{reply.tokens / reply.seconds:.1f}" if reply.seconds > 0 else "–"
    parts = [f"{reply.tokens} token{'' if reply.tokens == 1 else 's'}", f"{speed} tokens/s", f"{reply.seconds:.1f} s"]
    if reply.finish_reason == "length":
        parts.append("cut at --max-tokens")
    if reply.dropped:
        parts.append(f"{reply.dropped} oldest exchanges not read")
    return f"[{', '.join(parts)}]"


@contextmanager
def _loaded(call: ChatCall) -> Iterator[Replier]:
    """Gives what replies: the engine where weights are named, else what reads token by token."""
    if call.weights is None:
        from penjing.inference.dialogue import load_replier

        yield load_replier(call.folder)
        return
    from penjing.inference.decoding.generating import load_fast_replier
    from penjing.inference.decoding.loading import EngineSettings

    talker, engine = load_fast_replier(call.folder, EngineSettings(weights=call.weights))
    try:
        yield talker
    finally:
        engine.close()


def _system(text: str) -> list[Message]:
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise UsageError("the system prompt is not UTF-8", do="Save or type it as UTF-8.")
    return [Message("system", text)] if text.strip() else []


def _read_messages(system: list[Message]) -> list[Message]:
    """Returns the messages on standard input; a system prompt of the call takes the place of theirs."""
    where = "standard input"
    try:
        values = json.loads(sys.stdin.buffer.read())
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"this is no JSON ({error})", where=where, do='Write [{"role": "user", "content": "…"}].'
        ) from error
    own, turns = _part_system(read_asked(values.get("messages") if isinstance(values, dict) else values, where))
    return [*(system or own), *turns]


def _part_system(messages: list[Message]) -> tuple[list[Message], list[Message]]:
    """Returns the system prompt, or nothing, and the messages after it."""
    begin = 1 if messages[0].role == "system" else 0
    return messages[:begin], messages[begin:]


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
