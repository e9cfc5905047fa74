"""How probable sequences of token ids are under a model that guesses a token from both sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from penjing.inference.likelihood import BATCH_TOKENS, Likelihoods, score_targets
from penjing.models.interface import EncoderDecoderModel, LanguageModel
from penjing.progress import Progress, Silent, stop_if_asked
from penjing.text.batching import pad_rows, plan_by_length


class MaskedScorer:
    """Measures with a model that guesses hidden tokens: pseudo-log-likelihood (Salazar et al. 2020, arXiv 1910.14659).

    Each token in turn is replaced by the mask and guessed from all others; of a sequence that is longer than the
    model's positions, from the window of which it is the middle. Special tokens are not scored, but the one that stands
    for an unknown word is: a sentence is not likelier for a word that the vocabulary lacks.

    Args:
        network: guesses hidden tokens; dropout is switched off.
        longest: its positions.
        mask_id: hides a token.
        pad_id: fills shorter rows.
        unscored_ids: never guessed.
        batch_tokens: most tokens in a batch.
    """

    reads_both_sides = True

    def __init__(
        self,
        network: LanguageModel,
        *,
        longest: int,
        mask_id: int,
        pad_id: int,
        unscored_ids: frozenset[int],
        batch_tokens: int = BATCH_TOKENS,
    ) -> None:
        self._network, self.longest = network, longest
        self._mask_id, self._pad_id, self._batch_tokens = mask_id, pad_id, batch_tokens
        self._unscored = np.array(sorted(unscored_ids), dtype=np.int64)
        cast("nn.Module", network).eval()

    @torch.inference_mode()
    def measure(self, sequences: Sequence[Sequence[int]], progress: Progress | None = None) -> Likelihoods:
        """Returns the pseudo-log-likelihood of each sequence; it takes as many readings as there are tokens."""
        progress = progress or Silent()
        arrays = [np.asarray(ids, dtype=np.int64) for ids in sequences]
        places = [np.flatnonzero(~np.isin(ids, self._unscored)) for ids in arrays]
        counts = np.array([len(found) for found in places], dtype=np.int64)
        owners = np.repeat(np.arange(len(arrays)), counts)  # a copy of its sequence for each token scored
        place = np.concatenate([np.empty(0, dtype=np.int64), *places])
        lengths = np.array([min(len(ids), self.longest) for ids in arrays], dtype=np.int64)[owners]
        sums = np.zeros(len(arrays))
        with progress.bar("scoring", float(len(owners)), "tokens") as bar:
            for rows in plan_by_length(lengths, self._batch_tokens, max_rows=self._batch_tokens):
                stop_if_asked(progress)
                guessed = self._guess([arrays[owner] for owner in owners[rows]], place[rows])
                np.add.at(sums, owners[rows], guessed)
                bar.advance(len(rows))
        return Likelihoods(sums, counts)

    def _guess(self, rows: list[NDArray[np.int64]], places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns the log-probability of the token at one place of each row, [batch]."""
        begins = [
            min(max(0, place - self.longest // 2), max(0, len(ids) - self.longest))
            for ids, place in zip(rows, places.tolist(), strict=True)
        ]
        windows = [ids[begin : begin + self.longest] for ids, begin in zip(rows, begins, strict=True)]
        given, mask = pad_rows(windows, self._pad_id)
        row, place = np.arange(len(rows)), places - np.array(begins)
        wanted = given[row, place]
        given[row, place] = self._mask_id
        device = self._network.input_embeddings.weight.device
        ids, targets, real = (torch.from_numpy(array).to(device) for array in (given, wanted, mask))
        hidden = self._states(ids, None if mask.all() else real, torch.from_numpy(place).to(device))
        return score_targets(self._network, hidden, targets).cpu().numpy()

    def _states(self, ids: Tensor, real: Tensor | None, place: Tensor) -> Tensor:
        """Returns what guesses the hidden token of each row, [batch, dim]; ``place`` is where it is, [batch]."""
        hidden = self._network.encode(ids, real)
        return hidden[torch.arange(len(place), device=place.device), place]


class SpanScorer(MaskedScorer):
    """Measures with a model that writes hidden spans, in the same way: each token in turn is a span of its own."""

    def _states(self, ids: Tensor, real: Tensor | None, place: Tensor) -> Tensor:
        model = cast("EncoderDecoderModel", self._network)
        begun = torch.tensor([[model.decoder_start_id, self._mask_id]], device=ids.device).expand(len(ids), 2)
        return model.decode(begun, model.encode(ids, real), real)[:, 1]


class DenoisingScorer(MaskedScorer):
    """Measures with a model that restores damaged texts: each token in turn is hidden from its encoder, and guessed.

    The decoder has written the tokens before it, as in training, so that a token is guessed from all others.
    """

    def _states(self, ids: Tensor, real: Tensor | None, place: Tensor) -> Tensor:
        model = cast("EncoderDecoderModel", self._network)
        start = torch.full((len(ids), 1), model.decoder_start_id, device=ids.device)
        written = torch.cat([start, ids[:, : int(place.max())]], dim=1)  # the hidden one itself is not among them
        hidden = model.decode(written, model.encode(ids, real), real)
        return hidden[torch.arange(len(place), device=place.device), place]
