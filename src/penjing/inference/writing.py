"""Continues many texts, or answers them, in batches; each text is the one that it would be alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from penjing.errors import UsageError
from penjing.inference.drawing import DrawnSearch, seed_of
from penjing.inference.generation import find_room
from penjing.inference.sampling import SamplingSettings
from penjing.inference.search import BeamSearch, Ended, GreedySearch, Search, Step, Texts, begin_texts
from penjing.inference.writing_settings import WritingSettings
from penjing.models.cache import Memory
from penjing.models.interface import EncoderDecoderModel, GeneratingModel
from penjing.progress import Bar, Progress, Silent, stop_if_asked
from penjing.text.batching import pad_rows, plan_by_length

MAX_WAITS = 32  # tokens of a decoder's prompt that are read one by one while other rows of its batch write already
READ_AT_ONCE = 4096  # tokens of all prompts of a batch, where a network has no positions, which bound how long they are
_DONE_SHARE = 0.25  # of a batch; when so many texts are complete, the others go on in a smaller one


@dataclass(frozen=True)
class Written:
    """A text that a model wrote.

    Attributes:
        ids: its tokens, without the one that ended it.
        score: the summed log-probability of its tokens, in nats, and of the one that ended it where one did.
        finish_reason: ``stop``: the model ended the text; ``length``: there was room for no more.
    """

    ids: list[int]
    score: float
    finish_reason: Literal["stop", "length"]


class Request(NamedTuple):
    """A text that is to be written.

    Attributes:
        number: what it is called.
        prompt: token ids, at least one.
        room: most tokens.
    """

    number: int
    prompt: Sequence[int]
    room: int


class Writer:
    """Writes texts with a language model, in the precision of its weights.

    A decoder goes on where each prompt ends; an encoder-decoder reads it whole and writes another text. What stands in
    the same batch changes nothing but the rounding of sums: a text is another only where two tokens are as likely.

    Args:
        network: the model; dropout is switched off.
        end_ids: any of these ends a text.
        pad_id: fills shorter rows.
    """

    def __init__(self, network: GeneratingModel, end_ids: frozenset[int], pad_id: int) -> None:
        self._network, self._end_ids, self._pad_id = network, end_ids, pad_id
        cast("nn.Module", network).eval()

    @torch.inference_mode()
    def write(
        self, prompts: Sequence[Sequence[int]], settings: WritingSettings, progress: Progress | None = None
    ) -> list[Written]:
        """Returns what is written to each prompt, in the order given.

        Args:
            prompts: token ids, at least one each, with the special tokens that the model wants around them.
            settings: how texts are written.
            progress: told how many are complete.

        Raises:
            UsageError: a prompt has no token, or leaves no room in the model's positions.
            Interrupted: the user asked to stop.
        """
        progress = progress or Silent()
        rooms = [self._find_room(row, prompt, settings.max_tokens) for row, prompt in enumerate(prompts)]
        lengths = np.array([len(prompt) for prompt in prompts], dtype=np.int64)
        written: dict[int, Written] = {}
        with progress.bar("writing", float(len(prompts)), "texts") as bar:
            for rows in plan_by_length(
                lengths, settings.batch_tokens // settings.beams, max_rows=len(prompts), max_spread=self._max_spread
            ):
                batch = [Request(int(row), prompts[row], rooms[row]) for row in rows]
                for ended in self._write_batch(batch, settings, progress, bar):
                    reason: Literal["stop", "length"] = "stop" if len(ended.ids) < rooms[ended.text] else "length"
                    written[ended.text] = Written(ended.ids, ended.score, reason)
        return [written[row] for row in range(len(prompts))]

    def _find_room(self, row: int, prompt: Sequence[int], wanted: int) -> int:
        where = f"row {row + 1}"
        if not prompt:
            raise UsageError("the prompt has no tokens", where=where, do="Give at least one, or drop the row.")
        return find_room(self._network, len(prompt), wanted, where=where)

    @property
    def _max_spread(self) -> int | None:
        return None if isinstance(self._network, EncoderDecoderModel) else MAX_WAITS

    def _write_batch(
        self, requests: list[Request], settings: WritingSettings, progress: Progress, bar: Bar
    ) -> Iterator[Ended]:
        """Yields each text when it is complete."""
        batch = Batch(self._network, requests, settings, self._end_ids, self._pad_id)
        while batch.texts:
            stop_if_asked(progress)
            step = batch.step()
            yield from step.ended
            bar.advance(len(step.ended))


class Batch:
    """Texts that are written together, one token each at a time; before that, long prompts are read part by part.

    Args:
        network: writes; dropout is off.
        requests: a text each, with numbers of its own.
        settings: how all are written; the room of each is its request's.
        end_ids: any of these ends a text.
        pad_id: fills shorter rows.
        seeds: of each text, where tokens are drawn; None: those that follow from their prompts and the settings' seed.

    Attributes:
        texts: how many are not complete.
    """

    @torch.inference_mode()
    def __init__(
        self,
        network: GeneratingModel,
        requests: list[Request],
        settings: WritingSettings,
        end_ids: frozenset[int],
        pad_id: int,
        seeds: Sequence[int] | None = None,
    ) -> None:
        self._network = network
        self._memory, new, texts = _begin(network, requests, end_ids, pad_id)
        self._search = _choose_search(
            texts, settings, seeds or [seed_of(row.prompt, settings.seed) for row in requests]
        )
        self._rows = self.texts = len(requests)
        self._beams = settings.beams
        at_once = new.shape[1] if network.longest_row else max(1, READ_AT_ONCE // self._rows)
        self._unread = list(torch.split(new, at_once, dim=1))  # [rows, time] each
        self._hidden: Tensor  # [rows, dim], once all of it is read

    def give_up(self, text: int) -> None:
        """Goes on no more with a text that is not complete."""
        self._search.give_up(text)
        self.texts -= 1

    @torch.inference_mode()
    def step(self) -> Step:
        """Chooses the next token of each text, and reads it; or reads a part of the prompts, and no text goes on."""
        if self._unread:
            self._read_on()
        if self._unread:
            return Step(self._unread[0][:, 0], None, [])
        step = self._search.step(self._network.score(self._hidden))
        self.texts -= len(step.ended)
        if not self.texts:
            return step
        if step.sources is not None:
            self._memory.reorder(step.sources)
        ids = step.ids
        if self.texts <= (1 - _DONE_SHARE) * self._rows:
            kept, self._rows = self._search.shrink(), self.texts
            self._memory.keep(kept)
            ids = ids[kept]
        self._hidden = self._network.read(ids[:, None], self._memory)[:, -1]
        return step

    def _read_on(self) -> None:
        """Reads the next part of the prompts."""
        hidden = self._network.read(self._unread.pop(0), self._memory)
        if self._unread:
            return
        self._hidden = hidden[:, -1]
        if self._beams > 1:
            self._memory.repeat(self._beams)
            self._hidden = self._hidden.repeat_interleave(self._beams, dim=0)


def _begin(
    network: GeneratingModel, requests: list[Request], end_ids: frozenset[int], pad_id: int
) -> tuple[Memory, Tensor, Texts]:
    """Returns the memory of a batch, what is read first, and its texts, of which nothing is written."""
    device = next(cast("nn.Module", network).parameters()).device
    numbers, prompts, rooms = (list(part) for part in zip(*requests, strict=True))
    if isinstance(network, EncoderDecoderModel):
        ids, mask = pad_rows(prompts, pad_id)
        real = None if mask.all() else torch.from_numpy(mask).to(device)
        memory, new = network.start(torch.from_numpy(ids).to(device), max(rooms), real)
        waiting: list[Sequence[int]] = [[] for _ in requests]
    else:
        shortest = min(map(len, prompts))
        waiting = [prompt[shortest:] for prompt in prompts]
        room = max(len(ids) + room for ids, room in zip(waiting, rooms, strict=True))
        memory, new = network.start(torch.tensor([prompt[:shortest] for prompt in prompts], device=device), room)
    return memory, new, begin_texts(numbers, rooms, waiting, end_ids, device)


def _choose_search(texts: Texts, settings: WritingSettings, seeds: Sequence[int]) -> Search:
    repeats = settings.no_repeat_ngram_size
    if settings.temperature:
        drawn = SamplingSettings(
            settings.max_tokens, settings.temperature, settings.top_p, settings.seed, no_repeat_ngram_size=repeats
        )
        return DrawnSearch(texts, drawn, seeds)
    if settings.beams == 1:
        return GreedySearch(texts, repeats)
    return BeamSearch(texts, settings.beams, settings.length_penalty, repeats)
