"""Steps of a decoder computed by PyTorch: where there is no compiler, on a GPU, and to compare with."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from penjing.inference.decoding.rows import BLOCK, Rows
from penjing.models.llama import LlamaForCausalLM


class PagedCache:
    """The keys and values of one text, in blocks that many share; see `penjing.models.cache.LayerCache`.

    Args:
        keys: of all, [layers, heads, blocks * BLOCK, dim].
        values: likewise.
        table: the blocks of this text, int64 [blocks].
        length: tokens that it has read.
    """

    def __init__(self, keys: Tensor, values: Tensor, table: Tensor, length: int) -> None:
        self._keys, self._values, self.length = keys, values, length
        self._places = (table[:, None] * BLOCK + torch.arange(BLOCK, device=table.device)).flatten()

    def put(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Adds what a layer made of new tokens; see `penjing.models.cache.KeyValueCache.put`."""
        end = self.length + keys.shape[2]
        new, all_of_it = self._places[self.length : end], self._places[:end]
        self._keys[layer][:, new], self._values[layer][:, new] = keys[0], values[0]
        return self._keys[layer][None, :, all_of_it], self._values[layer][None, :, all_of_it]

    def advance(self, count: int) -> None:
        """Counts new tokens as read."""
        self.length += count


class TorchStepper:
    """Computes steps text by text.

    Args:
        network: in the precision and on the device of its weights.
        blocks: of keys and values that there is room for, `BLOCK` tokens each.
    """

    def __init__(self, network: LlamaForCausalLM, blocks: int) -> None:
        config, weight = network.config, network.input_embeddings.weight
        self._network = network.eval()
        shape = (config.num_hidden_layers, config.groups, blocks * BLOCK, config.width)
        self._keys, self._values = (torch.zeros(shape, dtype=weight.dtype, device=weight.device) for _ in range(2))
        self.vocab, self.blocks, self.longest_row = config.vocab_size, blocks, config.max_position_embeddings

    @torch.inference_mode()
    def step(self, rows: Rows) -> Tensor:
        """Reads tokens and returns the logits that are wanted; see `Stepper`."""
        device = self._keys.device
        states = []
        for text, (begin, end) in enumerate(zip(rows.begins[:-1], rows.begins[1:], strict=True)):
            table = torch.from_numpy(rows.tables[text]).long().to(device)
            cache = PagedCache(self._keys, self._values, table, int(rows.positions[begin]))
            ids = torch.from_numpy(rows.ids[begin:end]).long()[None].to(device)
            states.append(self._network.model(ids, cache=cache)[0])
        wanted = torch.cat(states)[torch.from_numpy(rows.wanted).long().to(device)]
        return self._network.score(wanted).float().cpu()

    def copy(self, sources: Sequence[int], targets: Sequence[int]) -> None:
        """Copies blocks; see `Stepper`."""
        for kept in (self._keys, self._values):
            blocks = kept.view(*kept.shape[:2], self.blocks, BLOCK, kept.shape[-1])
            blocks[:, :, list(targets)] = blocks[:, :, list(sources)]

    def close(self) -> None:
        """Lets go of the memory."""
        self._keys = self._values = torch.empty(0)
