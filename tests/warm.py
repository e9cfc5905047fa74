"""The real command line in real processes that need not import torch again: each is a fork of one that has.

Most of what a short command takes is imports. A process that has made them, and computed nothing, waits for calls on a
socket; a child of it gets the caller's files, folder and environment, and does what ``python -m penjing`` does. What
depends on how a process begins (its memory, its limits, its imports, a signal at the start) is tested with processes of
its own.
"""

from __future__ import annotations

import array
import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

_IMPORTS = (
    "torch",
    "sklearn.linear_model",
    "penjing.cli.main",
    "penjing.cli.run",
    "penjing.cli.plan",
    "penjing.cli.predict",
    "penjing.cli.evaluate",
    "penjing.pipeline.run",
    "penjing.tasks.loading",
    "penjing.inference.generation",
    "penjing.train.trainer",
)
# Of the extras, and made where they are installed: none of them starts a thread.
_FURTHER_IMPORTS = (
    "bm25s",
    "captum.attr",
    "gensim.models",
    "optuna",
    "rjieba",
    "sacrebleu",
    "llguidance",
    "uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "penjing.cli.serve",
)
_TIMEOUT_S = 120.0


class WarmChild:
    """A call that goes on, as a `subprocess.Popen` is one: its output and error are pipes.

    Attributes:
        pid: of the process.
        returncode: its exit code, or minus the signal that ended it; None as long as it is not known to have ended.
        stdout: what it writes.
        stderr: what it says.
    """

    def __init__(self, caller: socket.socket, args: Sequence[str], stdout: IO[str], stderr: IO[str]) -> None:
        self.args = list(args)
        self._caller = caller
        self._answers = caller.makefile("r")
        self.pid = int(self._answers.readline())
        self.returncode: int | None = None
        self.stdout = stdout
        self.stderr = stderr

    def poll(self) -> int | None:
        """Returns the exit code, or None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Returns the exit code when it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not after so many seconds.
        """
        if self.returncode is None:
            if not select.select([self._caller], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = int(self._answers.readline())
            self._answers.close()
            self._caller.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Sends it a signal, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Asks it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float = _TIMEOUT_S) -> tuple[str, str]:
        """Returns the rest of what it writes and says, when it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not after so many seconds.
        """
        ends = time.monotonic() + timeout
        read: dict[str, str] = {}
        streams = {name: stream for name in ("stdout", "stderr") if not (stream := getattr(self, name)).closed}
        readers = [
            threading.Thread(target=lambda n=name, s=stream: read.update({n: s.read()}), daemon=True)
            for name, stream in streams.items()
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(max(0.0, ends - time.monotonic()))
        self.wait(max(0.0, ends - time.monotonic()))
        for reader in readers:
            reader.join()
        for stream in streams.values():
            stream.close()
        return read.get("stdout", ""), read.get("stderr", "")


class WarmProcess:
    """A process that forks.

    Attributes:
        environment: that it has, and with it those libraries that read theirs when they are imported.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self._folder = tempfile.TemporaryDirectory()
        self._path = str(Path(self._folder.name) / "calls")
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def run(
        self, args: Sequence[str], cwd: Path, environment: Mapping[str, str], stdin: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """Runs ``penjing`` with arguments to its end.

        Raises:
            subprocess.TimeoutExpired: it took more than two minutes; it is killed.
        """
        self._start()
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write(stdin)
            given.seek(0)
            call = {"args": list(args), "cwd": str(cwd), "environment": dict(environment)}
            code = self._ask(call, [given.fileno(), out.fileno(), err.fileno()])
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(["penjing", *args], code, out.read(), err.read())

    def start(
        self, args: Sequence[str], cwd: Path, environment: Mapping[str, str], log: IO[str] | None = None
    ) -> WarmChild:
        """Starts ``penjing`` with arguments, and nothing on its standard input; what it says may go into a log."""
        self._start()
        (out, into_out), (err, into_err) = os.pipe(), os.pipe()
        call = {"args": list(args), "cwd": str(cwd), "environment": dict(environment)}
        with open(os.devnull, "rb") as given:
            caller = self._send(call, [given.fileno(), into_out, log.fileno() if log else into_err])
        os.close(into_out)
        os.close(into_err)
        return WarmChild(caller, args, open(out, encoding="utf-8"), open(err, encoding="utf-8"))

    def _ask(self, call: Mapping[str, Any], files: Sequence[int]) -> int:
        with self._send(call, files) as caller:
            caller.settimeout(_TIMEOUT_S)
            answers = caller.makefile("r")
            child = int(answers.readline())
            try:
                return int(answers.readline())
            except TimeoutError as error:
                os.kill(child, 9)
                raise subprocess.TimeoutExpired(list(call["args"]), _TIMEOUT_S) from error

    def _send(self, call: Mapping[str, Any], files: Sequence[int]) -> socket.socket:
        """Returns a connection on which the process of the call and then its exit code come, a line each."""
        caller = socket.socket(socket.AF_UNIX)
        caller.connect(self._path)
        caller.sendmsg([b"f"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))])
        caller.sendall(json.dumps(call).encode() + b"\n")
        return caller

    def _start(self) -> None:
        with self._lock:
            if self._process is not None:
                return
            command = [sys.executable, __file__, self._path]
            self._process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE)
            atexit.register(self.close)
            assert self._process.stdout is not None
            assert self._process.stdout.readline() == b"ready\n"

    def close(self) -> None:
        """Ends the process; what it forked is not waited for."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()


@cache
def warm_process() -> WarmProcess:
    """Returns the one of this test process, with one thread."""
    return WarmProcess({**os.environ, "OMP_NUM_THREADS": "1"})


def serve(path: str) -> None:
    """Imports, then forks for each call, for ever."""
    import importlib

    for name in _IMPORTS:
        importlib.import_module(name)
    for name in _FURTHER_IMPORTS:
        with suppress(ImportError):
            importlib.import_module(name)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    print("ready", flush=True)
    while True:
        caller, _ = listener.accept()
        if os.fork() == 0:  # a child that waits for its own: so calls are served side by side, without threads
            listener.close()
            os._exit(_serve_call(caller))
        caller.close()
        _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _serve_call(caller: socket.socket) -> int:
    _, ancillary, _, _ = caller.recvmsg(1, socket.CMSG_SPACE(12))
    files = array.array("i")
    files.frombytes(ancillary[0][2])
    call = json.loads(caller.makefile("r").readline())
    child = os.fork()
    if child == 0:
        caller.close()
        os._exit(_become(call, files))
    for file in files:  # pipes end when the child does
        os.close(file)
    caller.sendall(f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    caller.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    return 0


def _become(call: Mapping[str, Any], files: Sequence[int]) -> int:
    """Does what ``python -m penjing`` does, and returns its exit code."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(call["cwd"])
    os.environ.clear()
    os.environ.update(call["environment"])
    sys.path[0] = call["cwd"]
    sys.argv = ["penjing", *call["args"]]
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115 - to the end
    try:
        from penjing.cli.main import main

        main()
        code: Any = 0
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - shown as an interpreter shows it
        import traceback

        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return int(code or 0)


if __name__ == "__main__":
    serve(sys.argv[1])
