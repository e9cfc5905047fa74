"""``penjing serve``: models over HTTP."""

from __future__ import annotations

from penjing.cli.output import log_console
from penjing.errors import UsageError
from penjing.serve.ray_replicas import run_replicas
from penjing.serve.run import open_log, run_server
from penjing.serve.settings import ServeSettings


def serve_models(settings: ServeSettings, engine: str, replicas: int, ray_address: str | None) -> None:
    """Serves models until it is told to end; says on standard error where.

    Raises:
        UsageError: there is no such engine, or what is asked for is for the other one.
    """
    if engine not in ("local", "ray"):
        raise UsageError(f'there is no engine "{engine}"', where="--engine", do="Use local or ray.")
    if engine == "local" and (replicas > 1 or ray_address is not None):
        raise UsageError("--replicas and --ray-address are for the engine ray", do="Add --engine ray.")
    open_log()
    console = log_console()
    names = ", ".join(settings.folders)

    def say(address: str) -> None:
        console.print(f"Serving {names} at {address}", soft_wrap=True)

    if engine == "local":
        run_server(settings, say)
    else:
        run_replicas(settings, replicas, ray_address, say)
