"""Span denoising: write what was hidden, span by span (Raffel et al. 2020, arXiv 1910.10683, section 3.1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from penjing.errors import UsageError
from penjing.train.batches import Batch
from penjing.train.cross_entropy import ScorePiece, output_cross_entropy
from penjing.train.objective import LanguageObjective, Prepared, count_tokens

if TYPE_CHECKING:
    from penjing.models.interface import EncoderDecoderModel


class SpanObjective(LanguageObjective):
    """Spans of a window are hidden, a sentinel in the place of each; the decoder writes sentinels and what they hide.

    In every window the same number of tokens is hidden, in the same number of spans, so that shapes stay fixed. A
    window begins with what is read, and ends with a hidden span.

    Args:
        hidden_rate: share of the tokens that is hidden.
        span_tokens: their mean length.
        sentinel_ids: stand for the first span, the second …
        end_id: ends what is read and what is written.
        start_id: the decoder reads it first.
    """

    def __init__(
        self, hidden_rate: float, span_tokens: float, sentinel_ids: list[int], end_id: int, start_id: int
    ) -> None:
        self._hidden_rate, self._span_tokens = hidden_rate, span_tokens
        self._sentinels, self._end_id, self._start_id = torch.tensor(sentinel_ids), end_id, start_id

    def prepare(self, batch: Batch, generator: torch.Generator, done: float) -> Prepared:
        ids = batch.ids  # [batch, time]
        rows, time = ids.shape
        hidden, spans = self._hide(time)
        if spans > len(self._sentinels):
            raise UsageError(
                f"a window of {time} tokens has {spans} hidden spans, the tokenizer {len(self._sentinels)} sentinels",
                do="Lower pretrain.window_tokens or mask_rate, or raise pretrain.span_tokens or tokenizer.sentinels.",
            )
        is_hidden, number = _choose_spans(rows, time, hidden, spans, generator)
        begins = is_hidden & ~is_hidden.roll(1, dims=1)  # a window never begins with a hidden token
        read = torch.where(begins, self._sentinels[number], ids)[~is_hidden | begins].view(rows, -1)
        before = begins.roll(-1, dims=1)  # the last token that is read before a span: its place is the sentinel's
        written = torch.where(before, self._sentinels[number], ids)[is_hidden | before].view(rows, -1)
        end = ids.new_full((rows, 1), self._end_id)
        read, written = torch.cat([read, end], dim=1), torch.cat([written, end], dim=1)
        tensors: tuple[Tensor, ...] = (read, shift_right(written, self._start_id), written)
        if (own := batch.documents) is not None:
            of_read = own[~is_hidden | begins].view(rows, -1)
            # A sentinel that is written is of the document that its span begins in.
            of_written = torch.where(before, own.roll(-1, dims=1), own)[is_hidden | before].view(rows, -1)
            # The end that is read is of the last document; the decoder reads the start first, then all but the end.
            tensors += (torch.cat([of_read, own[:, -1:]], dim=1), torch.cat([of_written[:, :1], of_written], dim=1))
        return Prepared(tensors, written.numel(), count_tokens(batch))

    def count_guessed(self, counts: NDArray[np.float64], window: int) -> NDArray[np.float64]:
        hidden, spans = self._hide(window)
        windows = counts.sum() / window
        guessed = counts * (hidden / window)
        guessed[self._sentinels[:spans].numpy()] += windows
        guessed[self._end_id] += windows
        return guessed

    def _hide(self, window: int) -> tuple[int, int]:
        """Returns how many tokens of a window are hidden, and in how many spans."""
        hidden = min(window - 1, max(1, round(self._hidden_rate * window)))
        return hidden, min(hidden, window - hidden, max(1, round(hidden / self._span_tokens)))

    def loss(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        return writing_loss(self.score_piece, network, *tensors)


def _choose_spans(rows: int, time: int, hidden: int, spans: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Returns which tokens are hidden, bool [rows, time], and the number of the span that each is of or before."""
    kept_lengths = _random_lengths(rows, time - hidden, spans, generator)
    hidden_lengths = _random_lengths(rows, hidden, spans, generator)
    ends = torch.stack([kept_lengths, hidden_lengths], dim=2).flatten(1).cumsum(dim=1)  # [rows, 2 * spans]
    piece = torch.searchsorted(ends, torch.arange(time).expand(rows, time).contiguous(), right=True)
    return piece % 2 == 1, piece // 2


def _random_lengths(rows: int, total: int, parts: int, generator: torch.Generator) -> Tensor:
    """Returns lengths of at least 1 that add up to ``total``, all such equally likely, int64 [rows, parts]."""
    places = torch.rand((rows, total - 1), generator=generator).argsort(dim=1)[:, : parts - 1].sort(dim=1).values + 1
    first, last = torch.zeros((rows, 1), dtype=torch.int64), torch.full((rows, 1), total)
    return torch.cat([first, places, last], dim=1).diff(dim=1)


def shift_right(written: Tensor, start_id: int) -> Tensor:
    """Returns what a decoder reads to write ids [rows, time]: the start token, then all but the last."""
    return torch.cat([written.new_full((len(written), 1), start_id), written[:, :-1]], dim=1)


def writing_loss(score: ScorePiece, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
    """Returns the summed loss of an encoder-decoder and its right guesses.

    Args:
        score: of `output_cross_entropy`.
        network: an `EncoderDecoderModel`.
        tensors: what the encoder reads, what the decoder reads, and what it should write, int64 [batch, …]; and where
            tokens see their own documents alone, the numbers of those that the first two are of.
    """
    read, shifted, written, *documents = cast("tuple[Tensor, ...]", tensors)
    model = cast("EncoderDecoderModel", network)
    of_read, of_shifted = documents or (None, None)
    across = None if of_read is None or of_shifted is None else (of_shifted, of_read)
    hidden = model.decode(shifted, model.encode(read, documents=of_read), documents=across)  # [batch, time, dim]
    return output_cross_entropy(model.output_layer(hidden.flatten(0, 1)), written.flatten(), score)
