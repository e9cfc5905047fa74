"""How a server is set up: what it serves, to whom, and how much of it at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from penjing.errors import UsageError
from penjing.serve.tls import Certificate

if TYPE_CHECKING:
    from penjing.tasks.quickening import Encoders  # brings torch

Weights = Literal["bf16", "int8", "int4", "fp32"]
WEIGHTS: tuple[Weights, ...] = ("bf16", "int8", "int4", "fp32")


@dataclass(frozen=True)
class Limits:
    """What a server takes on.

    Attributes:
        body_bytes: largest body of a request.
        json_depth: how deep lists and objects may lie in one another in a body.
        prompt_tokens: longest prompt, or text that is answered; None: as long as the model reads.
        read_tokens: most tokens that one request about rows has a model read: those of all of them, and again for each
            time that a row is read.
        output_tokens: most tokens of an answer, of each choice.
        choices: most answers to one request (``n``, and prompts in a list).
        rows: most texts in one request that asks about several.
        requests_a_minute: for each key, or each address where there are no keys; None: any number.
        burst: how many of them may come at once; None: those of six seconds.
        at_once_a_key: requests of one key that are worked on at once; None: any number.
        at_once: requests that are worked on or wait; one more is told to come again later.
        request_s: time for an answer, from the first byte of the body.
        body_s: time for a body to come in.
        header_s: time for a request's line and headers to come in, also on a connection that is kept open.
        connections: most open connections.
        drain_s: time that accepted requests are given when the server is asked to stop.
    """

    body_bytes: int = 4 << 20
    json_depth: int = 64
    prompt_tokens: int | None = None
    read_tokens: int = 1 << 21
    output_tokens: int = 4096
    choices: int = 16
    rows: int = 1024
    requests_a_minute: float | None = None
    burst: int | None = None
    at_once_a_key: int | None = None
    at_once: int = 256
    request_s: float = 300.0
    body_s: float = 30.0
    header_s: float = 15.0
    connections: int = 12_000
    drain_s: float = 30.0


@dataclass(frozen=True)
class ServeSettings:
    """All of it.

    Attributes:
        folders: model folders by the names that clients call them.
        documents: folders of documents that questions can be put to, by name.
        host: address it listens on; where there are no keys, one of this machine alone.
        port: 0 takes one that is free.
        keys: file of the keys; None: whoever reaches the server may use it.
        certificate: for TLS; None: plain HTTP is spoken.
        weights: how a text-writing model keeps its weights.
        encoders: precision in which classifiers multiply; fp32: their answers are those of the command line.
        threads: for computing; None: PyTorch's own choice.
        cache_mb: memory for keys and values of each text-writing model, in MB.
        draft: what supposes the next tokens, which are checked: the folder of a smaller model, or ``lookup``: what
            followed the same tokens before; None: nothing.
        idle_s: a model that nobody asked for so long is unloaded; None: never.
        origins: pages that may call the server from a browser (CORS), ``*`` for all.
        hosts: more names by which the server may be called where there are no keys.
        log_texts: whether what is asked, the beginning of its body, stands in the log.
        limits: how much it takes on.
    """

    folders: Mapping[str, Path] = field(default_factory=dict)
    documents: Mapping[str, Path] = field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = 8000
    keys: Path | None = None
    certificate: Certificate | None = None
    weights: Weights = "bf16"
    encoders: Encoders = "fp32"
    threads: int | None = None
    cache_mb: int = 1024
    draft: Path | Literal["lookup"] | None = None
    idle_s: float | None = None
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    log_texts: bool = False
    limits: Limits = field(default_factory=Limits)

    @property
    def scheme(self) -> str:
        """What addresses begin with."""
        return "http" if self.certificate is None else "https"

    @property
    def all_folders(self) -> dict[str, Path]:
        """Folders of models and of documents by the names that clients call them; a model's name comes first."""
        return {**self.documents, **self.folders}

    def __post_init__(self) -> None:
        if not self.folders:
            raise UsageError("there is no model to serve", do="Name at least one model folder.")
        if self.weights not in WEIGHTS:
            raise UsageError(
                f'weights cannot be "{self.weights}"', where="--weights", do=f"Use one of {', '.join(WEIGHTS)}."
            )
        if self.encoders not in ("fp32", "bf16"):
            raise UsageError(f'encoders cannot be "{self.encoders}"', where="--encoders", do="Use fp32 or bf16.")
        if self.certificate is not None:
            self.certificate.check()
        if self.keys is None and not is_loopback(self.host):
            raise UsageError(
                f"without keys the server would answer whoever reaches {self.host}",
                where="--host",
                do="Make a key (penjing serve key create --keys FILE) and give --keys FILE, or listen on 127.0.0.1.",
            )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
