"""One who waits for one text gets the same from the engine as token by token, also of a part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from penjing.inference.continuing import Continuing, Generation
from penjing.inference.decoding.engine import DecodingEngine
from penjing.inference.decoding.generating import load_fast_generator
from penjing.inference.decoding.loading import EngineSettings
from penjing.inference.generation import load_generator
from penjing.inference.sampling import SamplingSettings

GREEDY = SamplingSettings(30, 0.0)


@pytest.fixture(scope="module")
def both(writing_start: Callable[[str], Path]) -> Iterator[tuple[Continuing, Continuing, DecodingEngine]]:
    """A generator that reads token by token, one on an engine, and the engine."""
    folder = writing_start("llama")
    fast, engine = load_fast_generator(folder, EngineSettings(weights="fp32", threads=1, cache_mb=1))
    yield load_generator(folder, "cpu"), fast, engine
    engine.close()


def told(made: Generation) -> tuple[str, str, int, str]:
    return made.prompt, made.text, made.tokens, made.finish_reason


@pytest.mark.parametrize("prompt", ["eins", "zwei drei", "acht"])
def test_both_write_and_end_alike(both: tuple[Continuing, Continuing, DecodingEngine], prompt: str) -> None:
    plain, fast, _ = both
    whole = plain.generate(prompt, GREEDY)
    assert told(fast.generate(prompt, GREEDY)) == told(whole)
    assert "".join(fast.stream(prompt, GREEDY)) == whole.text
    stop = [whole.text[3:5]]
    stopped = plain.generate(prompt, GREEDY, stop)
    assert stopped.finish_reason == "stop"
    assert told(fast.generate(prompt, GREEDY, stop)) == told(stopped)
    end = frozenset(plain.tokenizer.encode([whole.text])[0][2:3])
    assert told(fast.ending_at(end).generate(prompt, GREEDY)) == told(plain.ending_at(end).generate(prompt, GREEDY))


def test_a_text_that_nobody_takes_any_more_is_given_up(both: tuple[Continuing, Continuing, DecodingEngine]) -> None:
    _, fast, engine = both
    pieces = fast.stream("eins", SamplingSettings(10_000, 0.0))
    next(pieces)
    pieces.close()
    assert fast.generate("zwei", SamplingSettings(1, 0.0)).tokens <= 1  # the engine looked at its texts since
    assert engine.stats().active == 0
