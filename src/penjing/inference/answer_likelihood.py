"""How probable texts are that an encoder-decoder writes, given what it reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from penjing.inference.likelihood import Likelihoods, score_targets
from penjing.models.interface import EncoderDecoderModel, LanguageModel
from penjing.progress import Progress, Silent, stop_if_asked
from penjing.text.batching import pad_rows, plan_by_length

_BATCH_TOKENS = 4096


class AnswerScorer:
    """Measures with an encoder-decoder: every token that is written is scored, given what is read and those before it.

    Args:
        network: reads and writes; dropout is switched off.
        pad_id: fills shorter rows.
    """

    def __init__(self, network: EncoderDecoderModel, pad_id: int) -> None:
        self._network, self._pad_id = network, pad_id
        cast("nn.Module", network).eval()

    @torch.inference_mode()
    def measure(
        self, pairs: Sequence[tuple[Sequence[int], Sequence[int]]], progress: Progress | None = None
    ) -> Likelihoods:
        """Returns how probable each text is.

        Args:
            pairs: token ids that are read, at least one, and that are written.
            progress: told how many tokens were scored.

        Raises:
            Interrupted: the user asked to stop.
        """
        progress = progress or Silent()
        sums = np.zeros(len(pairs))
        counts = np.array([len(written) for _, written in pairs], dtype=np.int64)
        lengths = np.array([len(read) + len(written) for read, written in pairs], dtype=np.int64)
        with progress.bar("scoring", float(counts.sum()), "tokens") as bar:
            for rows in plan_by_length(lengths, _BATCH_TOKENS, max_rows=_BATCH_TOKENS):
                stop_if_asked(progress)
                sums[rows] = self._sum([pairs[row] for row in rows]).cpu().numpy()
                bar.advance(float(counts[rows].sum()))
        return Likelihoods(sums, counts)

    def _sum(self, batch: list[tuple[Sequence[int], Sequence[int]]]) -> Tensor:
        """Returns the summed log-probabilities of each text, float64 [batch]."""
        network = self._network
        device = network.input_embeddings.weight.device
        read, mask = pad_rows([list(pair[0]) for pair in batch], self._pad_id)
        wanted, counted = pad_rows([list(pair[1]) for pair in batch], self._pad_id)
        begun = np.concatenate([np.full((len(batch), 1), network.decoder_start_id), wanted[:, :-1]], axis=1)
        ids, targets, shifted, scored = (
            torch.from_numpy(array).to(device) for array in (read, wanted, begun.astype(np.int64), counted)
        )
        real = None if mask.all() else torch.from_numpy(mask).to(device)
        hidden = network.decode(shifted, network.encode(ids, real), real)  # [batch, targets, dim]
        row, place = scored.nonzero(as_tuple=True)
        sums = torch.zeros(len(batch), dtype=torch.float64, device=device)
        found = score_targets(cast("LanguageModel", network), hidden[row, place], targets[row, place])
        return sums.index_add_(0, row, found)
