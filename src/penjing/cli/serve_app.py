"""The command ``penjing serve`` and its keys; `penjing.cli.main` registers them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from penjing.cli.options import Json

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
    models: Annotated[
        list[str], typer.Argument(help="Model folders, also as NAME=FOLDER.", metavar="MODEL...", show_default=False)
    ],
    documents: Annotated[
        list[str] | None,
        typer.Option("--documents", help="A folder that questions can be put to, also as NAME=FOLDER."),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on; without keys, of this machine.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes one that is free.")] = 8000,
    keys: Annotated[Path | None, typer.Option("--keys", help="File of the keys (penjing serve key).")] = None,
    weights: Annotated[str, typer.Option("--weights", help="Of models that write: bf16, int8, int4 or fp32.")] = "bf16",
    encoders: Annotated[
        str, typer.Option("--encoders", help="Products of classifiers: fp32, or bf16, which is faster.")
    ] = "fp32",
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="For computing (default: all cores).")] = None,
    cache_mb: Annotated[int, typer.Option("--cache-mb", min=1, help="Memory for what models have read.")] = 1024,
    draft: Annotated[
        str | None, typer.Option("--draft", help="Folder of a smaller model that runs ahead, or lookup.")
    ] = None,
    idle: Annotated[
        float | None, typer.Option("--unload-after", min=1, help="Seconds after which an idle model is unloaded.")
    ] = None,
    origins: Annotated[
        list[str] | None, typer.Option("--cors", help="A page's origin that may call from a browser; * for all.")
    ] = None,
    hosts: Annotated[
        list[str] | None, typer.Option("--allow-host", help="One more name that the server may be called by.")
    ] = None,
    log_texts: Annotated[bool, typer.Option("--log-text", help="Write what is asked into the log.")] = False,
    max_body: Annotated[int, typer.Option("--max-body", min=1000, help="Largest request in bytes.")] = 4 << 20,
    max_prompt: Annotated[int | None, typer.Option("--max-prompt", min=1, help="Longest prompt in tokens.")] = None,
    max_output: Annotated[int, typer.Option("--max-output", min=1, help="Longest answer in tokens.")] = 4096,
    rate: Annotated[
        float | None, typer.Option("--rate", min=0.01, help="Requests a minute of a key, or of an address.")
    ] = None,
    at_once_a_key: Annotated[
        int | None, typer.Option("--concurrent", min=1, help="Requests of a key, or an address, at once.")
    ] = None,
    at_once: Annotated[int, typer.Option("--most-waiting", min=1, help="Requests at once; more get 429.")] = 256,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds that an answer may take.")] = 300,
    engine: Annotated[str, typer.Option("--engine", help="Where it runs: local or ray.")] = "local",
    replicas: Annotated[int, typer.Option("--replicas", min=1, help="Copies of the server, on ray.")] = 1,
    ray_address: Annotated[
        str | None, typer.Option("--ray-address", help="Of a running Ray cluster (default: a local one is started).")
    ] = None,
    header_s: Annotated[
        float, typer.Option("--header-timeout", min=0.1, help="Seconds that a silent connection is kept.")
    ] = 15,
    drain: Annotated[float, typer.Option("--drain", min=0, help="Seconds for accepted requests at the end.")] = 30,
) -> None:
    """Serve models over HTTP, through the routes that OpenAI's clients speak."""
    from penjing.cli.serve import serve_models as serve
    from penjing.serve.documents import name_documents
    from penjing.serve.names import name_draft, name_models
    from penjing.serve.settings import Encoders, Limits, ServeSettings, Weights

    limits = Limits(
        body_bytes=max_body,
        prompt_tokens=max_prompt,
        output_tokens=max_output,
        requests_a_minute=rate,
        at_once_a_key=at_once_a_key,
        at_once=at_once,
        request_s=timeout,
        header_s=header_s,
        drain_s=drain,
    )
    settings = ServeSettings(
        name_models(models),
        documents=name_documents(documents or []),
        host=host,
        port=port,
        keys=keys,
        weights=cast(Weights, weights),
        encoders=cast(Encoders, encoders),
        threads=threads,
        cache_mb=cache_mb,
        draft=name_draft(draft),
        idle_s=idle,
        origins=tuple(origins or ()),
        hosts=tuple(hosts or ()),
        log_texts=log_texts,
        limits=limits,
    )
    serve(settings, engine, replicas, ray_address)


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
