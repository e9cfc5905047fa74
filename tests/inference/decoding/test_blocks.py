"""Blocks are shared out, found again by their tokens, and never lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penjing.inference.decoding.blocks import BlockPool, Chain
from penjing.inference.decoding.rows import BLOCK


def read(pool: BlockPool, ids: list[int]) -> Chain:
    chain = pool.match(ids)
    assert pool.extend(chain, len(ids))
    pool.know(chain, ids, len(ids))
    return chain


def test_shared_beginning_is_found_again() -> None:
    pool = BlockPool(10)
    first = read(pool, [*range(2 * BLOCK), 7])
    second = pool.match([*range(2 * BLOCK), 8])
    assert second.blocks == first.blocks[:2]
    assert pool.used == 3


def test_same_tokens_after_others_are_not_taken_for_the_same() -> None:
    pool = BlockPool(10)
    read(pool, [1] * BLOCK + [2] * BLOCK)
    assert pool.match([3] * BLOCK + [2] * BLOCK + [0]).blocks == []


def test_a_token_is_always_left_to_compute() -> None:
    pool = BlockPool(10)
    ids = [1] * (2 * BLOCK)
    read(pool, ids)
    assert len(pool.match(ids).blocks) == 1


def test_longest_unused_goes_first() -> None:
    pool = BlockPool(4)
    for number in (1, 2):
        pool.release(read(pool, [number] * (2 * BLOCK)))
    pool.release(read(pool, [1] * (2 * BLOCK)))
    chain = read(pool, [3] * BLOCK)
    assert len(pool.match([1] * (2 * BLOCK)).blocks) == 1
    assert pool.match([2] * (2 * BLOCK)).blocks
    assert chain.blocks


def test_full_pool_says_so() -> None:
    pool = BlockPool(2)
    chain = Chain()
    assert not pool.extend(chain, 3 * BLOCK)
    assert len(chain.blocks) == 2
    pool.release(chain)
    assert pool.spare == 2


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 70), st.booleans()), max_size=40))
def test_no_block_is_lost_or_held_by_strangers(texts: list[tuple[int, int, bool]]) -> None:
    pool = BlockPool(12)
    held: list[tuple[Chain, list[int]]] = []
    content: dict[int, tuple[int, ...]] = {}  # what was written into each block, with all before it
    for kind, length, keeps in texts:
        ids = [kind] * (length // 2) + [9] * (length - length // 2)
        chain = pool.match(ids)
        for place, block in enumerate(chain.blocks):
            assert content[block] == tuple(ids[: (place + 1) * BLOCK])
        known = len(chain.blocks)
        if pool.extend(chain, length):
            for place, block in enumerate(chain.blocks[known:], start=known):
                content[block] = tuple(ids[: (place + 1) * BLOCK])
            pool.know(chain, ids, length)
        if keeps and len(held) < 2:
            held.append((chain, ids))
        else:
            pool.release(chain)
        used = {block for other, _ in held for block in other.blocks}
        assert pool.used == len(used)
        for other, tokens in held:
            for place, block in enumerate(other.blocks[: len(tokens) // BLOCK]):
                assert content[block] == tuple(tokens[: (place + 1) * BLOCK])
    for chain, _ in held:
        pool.release(chain)
    assert pool.spare == 12
