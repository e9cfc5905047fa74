from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penjing.inference.decoding.lookup import PromptLookup

LETTERS = st.lists(st.integers(0, 3), max_size=60)


def expected(ids: list[int], most: int, longest: int, shortest: int) -> list[int]:
    """Scans everything."""
    for length in range(longest, shortest - 1, -1):
        for end in range(len(ids) - 1, length - 1, -1):
            if length <= len(ids) and ids[end - length : end] == ids[len(ids) - length :]:
                return ids[end : end + most]
    return []


@given(LETTERS, LETTERS, st.integers(1, 8), st.integers(1, 3), st.integers(0, 3))
def test_what_followed_the_longest_run_at_its_latest_place_is_proposed(
    prompt: list[int], more: list[int], most: int, shortest: int, beside: int
) -> None:
    """At each length of a text that grows, as a scan of all of it finds."""
    lookup, ids = PromptLookup(shortest + beside, shortest), list(prompt)
    for token in [None, *more]:
        if token is not None:
            ids.append(token)
        assert lookup.propose(ids, None, most) == expected(ids, most, shortest + beside, shortest)


@given(st.lists(LETTERS, min_size=2, max_size=12), st.data())
def test_texts_are_kept_apart(prompts: list[list[int]], data: st.DataObject) -> None:
    lookup, texts = PromptLookup(3, 1), [list(prompt) for prompt in prompts]
    for _ in range(30):
        text = data.draw(st.sampled_from(texts))
        assert lookup.propose(text, None, 5) == expected(text, 5, 3, 1)
        text.append(data.draw(st.integers(0, 3)))


def test_text_that_was_taken_back_is_read_again() -> None:
    lookup, ids = PromptLookup(2, 1), [1, 2, 3, 1, 2]
    assert lookup.propose(ids, None, 3) == [3, 1, 2]
    del ids[2:]
    ids += [9, 8, 1, 2]
    assert lookup.propose(ids, None, 3) == [9, 8, 1]
    lookup.close()
    assert lookup.propose([1, 2, 7], None, 3) == []


def test_step_of_a_long_text_costs_no_scan_of_it() -> None:
    class Counted(list[int]):
        taken = 0

        def __getitem__(self, key: object) -> object:  # type: ignore[override]
            found = super().__getitem__(key)  # type: ignore[index]
            Counted.taken += len(found) if isinstance(found, list) else 1
            return found

    ids = Counted(range(20000))
    lookup = PromptLookup()
    lookup.propose(ids, None, 5)
    Counted.taken = 0
    for token in range(100):
        ids.append(token)
        lookup.propose(ids, None, 5)
    assert Counted.taken < 100 * 60
