from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import pre_tokenizers

from penjing.text.token_bytes import is_byte, part_bytes


@given(st.text())
def test_what_byte_level_tokenizers_write_is_read_back(text: str) -> None:
    pieces = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(text)
    assert part_bytes("".join(piece for piece, _ in pieces)) == text.encode("utf-8", "replace")


@pytest.mark.parametrize(("entry", "expected"), [("<0xE4>", b"\xe4"), ("<0x00>", b"\0"), ("▁the", None), ("中", None)])
def test_bytes_to_fall_back_to_are_read_by_their_names(entry: str, expected: bytes | None) -> None:
    assert part_bytes(entry) == expected
    assert is_byte(entry) == (expected is not None)
