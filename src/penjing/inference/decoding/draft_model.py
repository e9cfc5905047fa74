"""A small model supposes what a large one will write."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from penjing.errors import UsageError
from penjing.inference.decoding.blocks import BlockPool, Chain
from penjing.inference.decoding.rows import Rows, Stepper
from penjing.inference.decoding.sampler import NoTokenError, Sampler, SampleState
from penjing.text.tokenizer import Tokenizer

_DO = "Give a smaller model that was trained with the same tokenizer."
_TEXTS = 4  # whose keys and values are kept
_READ_AT_ONCE = 256  # tokens, while which no text goes on


@dataclass
class _Read:
    """What the small model has read of a text."""

    ids: list[int] = field(default_factory=list)
    chain: Chain = field(default_factory=Chain)


class DraftModel:
    """Draws as the large model would, with the random numbers of the text itself.

    Where both models find the same tokens likely, the same number draws the same token. The large model's text does
    not depend on it; see `penjing.inference.decoding.drafting.Drafter`.

    Args:
        stepper: of the small model; closed with this.
    """

    def __init__(self, stepper: Stepper) -> None:
        self._stepper, self._pool, self._sampler = stepper, BlockPool(stepper.blocks), Sampler()
        self._texts: OrderedDict[int, _Read] = OrderedDict()

    @property
    def vocab(self) -> int:
        """Entries of the vocabulary."""
        return self._stepper.vocab

    def propose(self, ids: Sequence[int], state: SampleState, most: int) -> list[int]:
        """Returns the tokens that may follow a text; see `Drafter`. None before a long one is read, part by part."""
        most = min(most, self._stepper.longest_row - len(ids))
        text = self._find(ids)
        drafted: list[int] = []
        for _ in range(most):
            pending = [*ids, *drafted][len(text.ids) :]
            logits = self._read(text, pending[:_READ_AT_ONCE])
            if logits is None or len(pending) > _READ_AT_ONCE:
                break
            try:
                (token,) = self._sampler.choose(logits, [state.ahead(drafted)[-1]])
            except NoTokenError:
                break
            drafted.append(token.id)
        return drafted

    def _read(self, text: _Read, ids: list[int]) -> Tensor | None:
        """Reads on in a text, and returns what may come after, [1, vocab]; None where there is no room."""
        if not self._pool.extend(text.chain, len(text.ids) + len(ids)):
            self._forget()
            return None
        logits = self._stepper.step(_rows(text, ids))
        text.ids += ids
        return logits

    def close(self) -> None:
        """Lets go of threads and memory."""
        self._forget()
        self._stepper.close()

    def _find(self, ids: Sequence[int]) -> _Read:
        """Returns what was read of a text, without the drafts that did not come true."""
        text = self._texts.pop(id(ids), None) or _Read()
        same = 0
        for known, token in zip(text.ids, ids[:-1], strict=False):  # the last is read again, for what follows it
            if known != token:
                break
            same += 1
        del text.ids[same:]
        self._texts[id(ids)] = text
        if len(self._texts) > _TEXTS:
            self._pool.release(self._texts.popitem(last=False)[1].chain)
        return text

    def _forget(self) -> None:
        for text in self._texts.values():
            self._pool.release(text.chain)
        self._texts.clear()


def _rows(text: _Read, pending: Sequence[int]) -> Rows:
    begin = len(text.ids)
    return Rows(
        np.array(pending, dtype=np.int32),
        np.arange(begin, begin + len(pending), dtype=np.int32),
        np.array([0, len(pending)], dtype=np.int32),
        np.array([text.chain.blocks], dtype=np.int32),
        np.array([len(pending) - 1], dtype=np.int32),
    )


def check_vocabulary(drafted: int, vocab: int) -> None:
    """Refuses a small model that does not count tokens as the large one does.

    Args:
        drafted: entries of the small model's vocabulary.
        vocab: of the large one's.

    Raises:
        UsageError: they differ.
    """
    if drafted != vocab:
        raise UsageError(f"the drafting model has {drafted:,} tokens, and the model {vocab:,}", do=_DO)


def check_tokens(drafter: Tokenizer, tokenizer: Tokenizer) -> None:
    """Refuses a small model that takes an id for another token than the large one does; marks may have other names.

    Raises:
        UsageError: there is such an id.
    """
    small, large = drafter.text_entries, tokenizer.text_entries
    if small != large:
        first = min(token_id for token_id in {*small, *large} if small.get(token_id) != large.get(token_id))
        ours, others = (f'"{found[first]}"' if first in found else "none" for found in (small, large))
        raise UsageError(f"the drafting model has other tokens: number {first} is {ours}, and {others} here", do=_DO)
