"""The command ``penjing serve`` and its keys; `penjing.cli.main` registers them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.core import TyperGroup

from penjing.cli import serve_options as options
from penjing.cli.options import Json

if TYPE_CHECKING:
    from penjing.serve.settings import Limits
    from penjing.tasks.quickening import Encoders

_KEY = "key"
_MODELS = "models"


class _ServeGroup(TyperGroup):
    """``penjing serve key …`` is a command of its own; all else after ``penjing serve`` is about models."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        if args[:1] == [_KEY]:
            return super().make_context(info_name, args, parent, **extra)
        return self.commands[_MODELS].make_context(info_name, args, parent, **extra)


serve = typer.Typer(cls=_ServeGroup, help="Serve models over HTTP; serve key: keys for those who may use them.")


@serve.command(_MODELS, hidden=True, epilog="Keys are made, listed and revoked by: penjing serve key --help")
def serve_models(
    models: options.Models,
    documents: options.Documents = None,
    host: options.Host = "127.0.0.1",
    port: options.Port = 8000,
    keys: options.Keys = None,
    tls_cert: options.TlsCert = None,
    tls_key: options.TlsKey = None,
    weights: options.Weights = "bf16",
    encoders: options.Encoders = "fp32",
    threads: options.Threads = None,
    cache_mb: options.CacheMb = 1024,
    draft: options.Draft = None,
    idle: options.Idle = None,
    origins: options.Origins = None,
    hosts: options.Hosts = None,
    log_texts: options.LogTexts = False,
    max_body: options.MaxBody = 4 << 20,
    max_prompt: options.MaxPrompt = None,
    max_read: options.MaxRead = 1 << 21,
    max_output: options.MaxOutput = 4096,
    rate: options.Rate = None,
    at_once_a_key: options.AtOnceAKey = None,
    at_once: options.AtOnce = 256,
    timeout: options.Timeout = 300,
    engine: options.Engine = "local",
    replicas: options.Replicas = 1,
    ray_address: options.RayAddress = None,
    header_s: options.HeaderSeconds = 15,
    drain: options.Drain = 30,
) -> None:
    """Serve models over HTTP, through the routes that OpenAI's clients speak."""
    from penjing.cli.serve import serve_models as serve
    from penjing.serve.documents import name_documents
    from penjing.serve.names import name_draft, name_models
    from penjing.serve.settings import ServeSettings, Weights
    from penjing.serve.tls import name_certificate

    settings = ServeSettings(
        name_models(models),
        documents=name_documents(documents or []),
        host=host,
        port=port,
        keys=keys,
        certificate=name_certificate(tls_cert, tls_key),
        weights=cast(Weights, weights),
        encoders=cast("Encoders", encoders),
        threads=threads,
        cache_mb=cache_mb,
        draft=name_draft(draft),
        idle_s=idle,
        origins=tuple(origins or ()),
        hosts=tuple(hosts or ()),
        log_texts=log_texts,
        limits=_limits(
            max_body, max_prompt, max_read, max_output, rate, at_once_a_key, at_once, timeout, header_s, drain
        ),
    )
    serve(settings, engine, replicas, ray_address)


def _limits(
    body: int,
    prompt: int | None,
    read: int,
    output: int,
    rate: float | None,
    at_once_a_key: int | None,
    at_once: int,
    request_s: float,
    header_s: float,
    drain_s: float,
) -> Limits:
    from penjing.serve.settings import Limits

    return Limits(
        body_bytes=body,
        prompt_tokens=prompt,
        read_tokens=read,
        output_tokens=output,
        requests_a_minute=rate,
        at_once_a_key=at_once_a_key,
        at_once=at_once,
        request_s=request_s,
        header_s=header_s,
        drain_s=drain_s,
    )


key = typer.Typer(help="Keys of those who may use a server; the file holds salted hashes alone.", no_args_is_help=True)
KeyFile = Annotated[Path, typer.Option("--keys", help="File of the keys.")]


@key.command("create")
def create(
    keys: KeyFile = Path("penjing-keys.json"),
    name: Annotated[str, typer.Option("--name", help="Whose it is.")] = "",
    as_json: Json = False,
) -> None:
    """Make a key, and print it; it is shown once."""
    from penjing.cli.serve_keys import make_key

    make_key(keys, name, as_json=as_json)


@key.command("list")
def show(keys: KeyFile = Path("penjing-keys.json"), as_json: Json = False) -> None:
    """List the keys of a file: id, when each was made, and whose it is."""
    from penjing.cli.serve_keys import list_keys

    list_keys(keys, as_json=as_json)


@key.command("revoke")
def revoke(
    which: Annotated[str, typer.Argument(help="The id of a key, or its name.", metavar="KEY")],
    keys: KeyFile = Path("penjing-keys.json"),
    as_json: Json = False,
) -> None:
    """Take a key out of a file; running servers refuse it within seconds."""
    from penjing.cli.serve_keys import drop_key

    drop_key(keys, which, as_json=as_json)


serve.add_typer(key, name=_KEY)
