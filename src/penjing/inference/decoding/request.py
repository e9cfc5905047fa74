"""What is asked of the decoding engine, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from penjing.errors import UsageError
from penjing.inference.sampling import SamplingSettings

FinishReason = Literal["stop", "length", "cancelled", "error"]


class Constraint(Protocol):
    """What a text may be, such as a grammar; it follows one text token by token."""

    def allowed(self) -> NDArray[np.bool_] | None:
        """Returns which tokens may come next, [vocab]; None: all."""

    def accept(self, token: int) -> None:
        """Takes in the token that came."""


@dataclass(frozen=True)
class DecodeRequest:
    """A text that is to be written.

    Attributes:
        prompt: token ids, at least one.
        settings: how tokens are chosen, and how many at most.
        end_ids: any of these ends the text; it is not given out.
        logprobs: how many of the likeliest tokens are told at each place, beside the one that was chosen; None: no
            log-probabilities at all.
        constraint: what the text may be; of this request alone.
        beams: how many beginnings are kept in a search for the likeliest text, which is given when it is complete; see
            `penjing.inference.search.BeamSearch`. 1: tokens are chosen one by one.
        length_penalty: of that search.

    Raises:
        UsageError: there are beams, and the settings, log-probabilities or a constraint ask for something else than the
            likeliest text.
    """

    prompt: tuple[int, ...]
    settings: SamplingSettings
    end_ids: frozenset[int]
    logprobs: int | None = None
    constraint: Constraint | None = None
    beams: int = 1
    length_penalty: float = 1.0

    def __post_init__(self) -> None:
        settings = self.settings
        is_plain = settings.is_greedy and not settings.changes_logits
        if self.beams < 1:
            raise UsageError(f"beams is {self.beams}", do="Give 1, for tokens one by one, or more.")
        if self.beams > 1 and not (is_plain and self.logprobs is None and self.constraint is None):
            raise UsageError(
                "a search with beams has no temperature, penalties, log-probabilities or constraint",
                do="Leave those out, or ask for one beam.",
            )


class Token(NamedTuple):
    """A token that was written.

    Attributes:
        id: its number.
        logprob: its log-probability in nats, by the model's own distribution (temperature 1, nothing cut); 0 where it
            was not asked for.
        top: the likeliest tokens at its place with theirs, likeliest first.
    """

    id: int
    logprob: float = 0.0
    top: tuple[tuple[int, float], ...] = ()


class Sink(Protocol):
    """Takes what is written; called on the engine's thread, and must return at once."""

    def put(self, token: Token) -> None:
        """Takes the next token."""

    def finish(self, reason: FinishReason, error: Exception | None = None) -> None:
        """The text is complete; nothing comes after.

        Args:
            reason: ``stop``: an end token came; ``length``: there is room for no more; ``cancelled``: nobody wants it;
                ``error``: it could not be written.
            error: what happened, where that is the reason.
        """


@dataclass(frozen=True)
class EngineStats:
    """What an engine does now, and has done.

    Attributes:
        active: texts that are being written.
        waiting: requests that wait for their turn.
        prompt_tokens: tokens of prompts that were read.
        cached_tokens: of prompts that were known from before, and not read again.
        written_tokens: tokens that were written.
        blocks: blocks of keys and values that there is room for.
        blocks_used: those that texts hold now.
    """

    active: int
    waiting: int
    prompt_tokens: int
    cached_tokens: int
    written_tokens: int
    blocks: int
    blocks_used: int
