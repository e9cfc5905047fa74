"""The options of ``penjing serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Models = Annotated[
    list[str], typer.Argument(help="Model folders, also as NAME=FOLDER.", metavar="MODEL...", show_default=False)
]
Documents = Annotated[
    list[str] | None,
    typer.Option("--documents", help="A folder that questions can be put to, also as NAME=FOLDER."),
]
Host = Annotated[str, typer.Option("--host", help="Address to listen on; without keys, of this machine.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes one that is free.")]
Keys = Annotated[Path | None, typer.Option("--keys", help="File of the keys (penjing serve key).")]
TlsCert = Annotated[Path | None, typer.Option("--tls-cert", help="Certificate in PEM: HTTPS is spoken.")]
TlsKey = Annotated[Path | None, typer.Option("--tls-key", help="Its key, where that is another file.")]
Weights = Annotated[str, typer.Option("--weights", help="Of models that write: bf16, int8, int4 or fp32.")]
Encoders = Annotated[str, typer.Option("--encoders", help="Products of classifiers: fp32, or bf16, which is faster.")]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="For computing (default: all cores).")]
CacheMb = Annotated[int, typer.Option("--cache-mb", min=1, help="Memory for what models have read.")]
Draft = Annotated[str | None, typer.Option("--draft", help="Folder of a smaller model that runs ahead, or lookup.")]
Idle = Annotated[
    float | None, typer.Option("--unload-after", min=1, help="Seconds after which an idle model is unloaded.")
]
Origins = Annotated[
    list[str] | None, typer.Option("--cors", help="A page's origin that may call from a browser; * for all.")
]
Hosts = Annotated[
    list[str] | None, typer.Option("--allow-host", help="One more name that the server may be called by.")
]
LogTexts = Annotated[bool, typer.Option("--log-text", help="Write what is asked into the log.")]
MaxBody = Annotated[int, typer.Option("--max-body", min=1000, help="Largest request in bytes.")]
MaxPrompt = Annotated[int | None, typer.Option("--max-prompt", min=1, help="Longest prompt or text in tokens.")]
MaxRead = Annotated[int, typer.Option("--max-read", min=1, help="Tokens that a request about rows has read.")]
MaxOutput = Annotated[int, typer.Option("--max-output", min=1, help="Longest answer in tokens.")]
Rate = Annotated[float | None, typer.Option("--rate", min=0.01, help="Requests a minute of a key, or of an address.")]
AtOnceAKey = Annotated[
    int | None, typer.Option("--concurrent", min=1, help="Requests of a key, or an address, at once.")
]
AtOnce = Annotated[int, typer.Option("--most-waiting", min=1, help="Requests at once; more get 429.")]
Timeout = Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds that an answer may take.")]
Engine = Annotated[str, typer.Option("--engine", help="Where it runs: local or ray.")]
Replicas = Annotated[int, typer.Option("--replicas", min=1, help="Copies of the server, on ray.")]
RayAddress = Annotated[
    str | None, typer.Option("--ray-address", help="Of a running Ray cluster (default: a local one is started).")
]
HeaderSeconds = Annotated[
    float, typer.Option("--header-timeout", min=0.1, help="Seconds that a silent connection is kept.")
]
Drain = Annotated[float, typer.Option("--drain", min=0, help="Seconds for accepted requests at the end.")]
