"""The columns of a table that some settings need: those that are named, and others by what they are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from penjing.data.column_names import named as called_so
from penjing.data.labels.schema import Column
from penjing.pipeline.starting.looking import choose_column
from penjing.pipeline.starting.naming import MissingColumnError, option_of


def find_columns(
    columns: Sequence[Column],
    keys: Sequence[str],
    named: Mapping[str, str],
    address: str,
    roles: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Returns the columns of some settings: those that are named, and of the others those called so.

    Args:
        columns: of a table.
        keys: settings of ``[data]``.
        named: setting → column; those of other settings are not taken either.
        address: of the table.
        roles: setting → role of `penjing.data.column_names.COLUMN_NAMES`, where it is called otherwise.

    Raises:
        UsageError: a column is not there, or none is called so.
    """
    left = [column.name for column in columns if column.name not in named.values()]
    found = {}
    for key in keys:
        likely = called_so(left, roles.get(key, key))
        if key in named:
            found[key] = choose_column(columns, named[key], key, address)
        elif likely:
            found[key] = likely[0]
        else:
            role = roles.get(key, key)
            raise MissingColumnError(
                f"no column is called {role}, or like one; its columns are {', '.join(c.name for c in columns[:20])}",
                where=address,
                do=f"Name it with {option_of(key)}, or call it {role}.",
            )
    return found
