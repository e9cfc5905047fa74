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
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

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
_TIMEOUT_S = 120.0


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

    def _ask(self, call: Mapping[str, Any], files: Sequence[int]) -> int:
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(self._path)
            caller.sendmsg([b"f"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))])
            caller.sendall(json.dumps(call).encode() + b"\n")
            caller.settimeout(_TIMEOUT_S)
            answers = caller.makefile("r")
            child = int(answers.readline())
            try:
                return int(answers.readline())
            except TimeoutError as error:
                os.kill(child, 9)
                raise subprocess.TimeoutExpired(list(call["args"]), _TIMEOUT_S) from error

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
