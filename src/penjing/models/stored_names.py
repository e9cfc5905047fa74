"""How the tensors of a network are named in weight files."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StoredNames:
    """How the tensors of a network are named in weight files.

    Attributes:
        backbone: prefix of the backbone's tensors.
        heads: prefixes of further tensors that a network of the same kind hands on.
        optional: prefixes of tensors of the backbone that another network's file may lack; they then start afresh.
        leftovers: regular expressions of tensors that hub files may hold and this network has no use for.
        elsewhere: prefix that the tensors of a backbone without one have in the files of other networks.
        aliases: regular expressions of further names under which hub files hold a tensor, and what stands in their
            place in its own name.
        copies: tensors that a file may lack because another, named here, has the same numbers.
        growing: tensors of the backbone that may have fewer rows in another network's file; those it lacks begin as
            its last row and what was there.
    """

    backbone: str
    heads: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    elsewhere: str = ""
    aliases: tuple[tuple[str, str], ...] = ()
    copies: tuple[tuple[str, str], ...] = ()
    growing: tuple[str, ...] = ()
