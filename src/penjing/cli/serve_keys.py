"""``penjing serve key``: the keys of those who may use a server."""

from __future__ import annotations

from pathlib import Path

from penjing.cli.output import log_console, print_json, result_console, visible
from penjing.cli.tables import fact_table
from penjing.serve.keys import create_key, read_keys, revoke_key


def make_key(path: Path, name: str, *, as_json: bool) -> None:
    """Makes a key and prints it, once."""
    key, entry = create_key(path, name)
    if as_json:
        print_json({"key": key, "id": entry.id, "name": entry.name, "created": entry.created, "file": str(path)})
        return
    log_console().print(f"This is shown once; {path} holds its hash alone.")
    result_console().print(key, soft_wrap=True)


def list_keys(path: Path, *, as_json: bool) -> None:
    """Shows whose keys there are."""
    entries = read_keys(path)
    if as_json:
        print_json([{"id": entry.id, "name": entry.name, "created": entry.created} for entry in entries])
        return
    result_console().print(fact_table([(entry.id, f"{entry.created}  {visible(entry.name)}") for entry in entries]))


def drop_key(path: Path, key: str, *, as_json: bool) -> None:
    """Takes a key out of the file."""
    entry = revoke_key(path, key)
    if as_json:
        print_json({"revoked": entry.id, "name": entry.name})
        return
    result_console().print(f"Revoked {entry.id} ({visible(entry.name)}).")
