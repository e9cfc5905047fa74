"""How probable each of several continuations is after prompts, which are read once; a model chooses by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from penjing.errors import UsageError
from penjing.models.cache import Memory
from penjing.models.interface import EncoderDecoderModel, GeneratingModel, Network
from penjing.progress import Progress, Silent, stop_if_asked
from penjing.text.batching import pad_rows, plan_by_length

_BATCH_TOKENS = 4096
_LOGITS_AT_ONCE = 1 << 22  # 16 MB in fp32
_MAX_SPREAD = 8  # tokens by which prompts of a batch differ, where each is read once for several continuations
Floats = NDArray[np.float64]


class AnsweringModel(Network, GeneratingModel, Protocol):
    """A language model that goes on with a text, or answers one."""


class Continuations:
    """Token ids that may follow a prompt, put together where they begin alike.

    Guessing a token takes what stands before it, its stem. Stems that begin others are read with them: after one
    prompt ``[5]``, ``[7, 1]`` and ``[7, 2, 3]`` take one row that reads ``[7, 2]``.

    Args:
        candidates: token ids, at least one each.

    Raises:
        UsageError: there is none, or one has no token.

    Attributes:
        rows: what is read after a prompt, each in a row of its own.
        lengths: tokens of each candidate, [candidates].
        steps: for each candidate the numbers of its tokens among the different guesses.
    """

    def __init__(self, candidates: Sequence[Sequence[int]]) -> None:
        if not candidates or not all(candidates):
            raise UsageError("there is nothing to choose from", do="Give continuations of at least one token each.")
        stems = sorted({tuple(ids[:-1]) for ids in candidates}, reverse=True)
        rows: list[tuple[int, ...]] = []
        for stem in stems:  # those that go on come before their beginning
            if not rows or rows[-1][: len(stem)] != stem:
                rows.append(stem)
        self.rows = rows
        self.lengths = np.array([len(ids) for ids in candidates], dtype=np.int64)
        places: dict[tuple[int, ...], int] = {}
        edges: dict[tuple[int, int], int] = {}
        self.steps: list[list[int]] = []
        for ids in candidates:
            stems_of = [places.setdefault(tuple(ids[:depth]), len(places)) for depth in range(len(ids))]
            guesses = zip(stems_of, map(int, ids), strict=True)
            self.steps.append([edges.setdefault(guess, len(edges)) for guess in guesses])
        self._places = [(self._row_of(stem), len(stem)) for stem in places]
        self._edges = torch.tensor(list(edges), dtype=torch.int64)  # [edges, 2]: place, token
        self._members = torch.zeros(len(edges), len(candidates), dtype=torch.float64)
        for number, steps in enumerate(self.steps):
            self._members[steps, number] = 1.0

    @property
    def longest(self) -> int:
        """Most tokens of a candidate."""
        return int(self.lengths.max())

    def _row_of(self, stem: tuple[int, ...]) -> int:
        return next(number for number, row in enumerate(self.rows) if row[: len(stem)] == stem)

    def locate(self, tails: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Returns row and column of each state that guesses a token, int64 [prompts, places] each.

        Args:
            tails: tokens of each prompt that are read with the rows, the last token before them having column 0.
        """
        rows = [[prompt * len(self.rows) + row for row, _ in self._places] for prompt in range(len(tails))]
        columns = [[tail + depth for _, depth in self._places] for tail in tails]
        return torch.tensor(rows), torch.tensor(columns)

    def guess(self, network: AnsweringModel, hidden: Tensor) -> Tensor:
        """Returns the log-probability of each guess, float64 [prompts, guesses], of states [prompts, places]."""
        place, token = self._edges.to(hidden.device).unbind(dim=1)
        step = max(1, _LOGITS_AT_ONCE // (network.input_embeddings.num_embeddings * hidden.shape[1]))
        parts = []
        for start in range(0, len(hidden), step):
            logits = network.score(hidden[start : start + step]).float()  # [step, places, vocab]
            parts.append((logits[:, place, token] - logits.logsumexp(dim=-1)[:, place]).double())
        return torch.cat(parts)

    def add_up(self, guessed: Tensor) -> Tensor:
        """Returns the log-probability of each candidate, float64 [prompts, candidates]; ``guessed`` is of `guess`."""
        return guessed @ self._members.to(guessed.device)


class _Prompt(NamedTuple):
    """Prompts of a batch that were read as far as all of them go."""

    memory: Memory
    state: Tensor  # of the last token that was read, [prompts, 1, dim]
    tails: list[Sequence[int]]  # what is left of each


@torch.inference_mode()
def measure_choices(
    network: AnsweringModel,
    prompts: Sequence[Sequence[int]],
    candidates: Sequence[Sequence[int]],
    pad_id: int,
    *,
    batch_tokens: int = _BATCH_TOKENS,
    progress: Progress | None = None,
) -> Floats:
    """Returns the log-probability of each candidate after each prompt, in nats, [prompts, candidates].

    It is summed over the tokens of a candidate, and the same as if prompt and candidate were read at once. A decoder
    goes on where the prompt ends; an encoder-decoder reads it whole, and answers.

    Args:
        network: the model; dropout is switched off.
        prompts: token ids, at least one each, with the special tokens that the model wants around them.
        candidates: token ids, at least one each.
        pad_id: fills shorter rows.
        batch_tokens: most tokens in a batch.
        progress: told how many prompts are done.

    Raises:
        UsageError: a prompt or a candidate has no token, or both are longer than the model's positions.
        Interrupted: the user asked to stop.
    """
    progress, choices = progress or Silent(), Continuations(candidates)
    cast("nn.Module", network).eval()
    _check_fit(network, prompts, choices)
    lengths = np.array([len(prompt) for prompt in prompts], dtype=np.int64)
    found = np.zeros((len(prompts), len(candidates)))
    is_split = len(choices.rows) > 1 and not isinstance(network, EncoderDecoderModel)
    most = max(1, batch_tokens // (len(choices.rows) * choices.longest))
    with progress.bar("choosing", float(len(prompts)), "prompts") as bar:
        for rows in plan_by_length(lengths, batch_tokens, max_rows=most, max_spread=_MAX_SPREAD if is_split else None):
            stop_if_asked(progress)
            guessed = _guess(network, [prompts[row] for row in rows], choices, pad_id)
            found[rows] = choices.add_up(guessed).cpu().numpy()
            bar.advance(len(rows))
    return found


@torch.inference_mode()
def measure_choice_tokens(
    network: AnsweringModel, prompt: Sequence[int], candidates: Sequence[Sequence[int]], pad_id: int
) -> list[Floats]:
    """Returns the log-probability of each token of each candidate after a prompt, in nats: for each, [its tokens].

    Args:
        network: the model; dropout is switched off.
        prompt: token ids, at least one.
        candidates: token ids, at least one each.
        pad_id: fills shorter rows.

    Raises:
        UsageError: as `measure_choices`.
    """
    choices = Continuations(candidates)
    cast("nn.Module", network).eval()
    _check_fit(network, [prompt], choices)
    guessed = _guess(network, [prompt], choices, pad_id)[0].cpu().numpy()
    return [guessed[steps] for steps in choices.steps]


def _check_fit(network: AnsweringModel, prompts: Sequence[Sequence[int]], choices: Continuations) -> None:
    limit = None if isinstance(network, EncoderDecoderModel) else network.longest_row
    for row, prompt in enumerate(prompts):
        if not prompt:
            raise UsageError("the prompt has no tokens", where=f"row {row + 1}", do="Give at least one.")
        if limit is not None and len(prompt) + choices.longest - 1 > limit:
            raise UsageError(
                f"the prompt has {len(prompt)} tokens, and with {choices.longest} of the longest answer it does not "
                f"fit into the model's {limit} positions",
                where=f"row {row + 1}",
                do="Shorten it.",
            )


def _guess(network: AnsweringModel, prompts: list[Sequence[int]], choices: Continuations, pad_id: int) -> Tensor:
    """Returns the log-probability of each guess in a batch, float64 [prompts, guesses]."""
    device = network.input_embeddings.weight.device
    begun = _begin(network, prompts, choices, pad_id, device)
    times = len(choices.rows)
    hidden = begun.state.repeat_interleave(times, dim=0)  # [prompts * rows, 1, dim]
    ids, _ = pad_rows([[*tail, *row] for tail in begun.tails for row in choices.rows], pad_id)
    if ids.shape[1]:
        if times > 1:
            begun.memory.repeat(times)
        # Padding is on the right, where no token that counts looks at it.
        hidden = torch.cat([hidden, network.read(torch.from_numpy(ids).to(device), begun.memory)], dim=1)
    rows, columns = choices.locate([len(tail) for tail in begun.tails])
    return choices.guess(network, hidden[rows.to(device), columns.to(device)])


def _begin(
    network: AnsweringModel, prompts: list[Sequence[int]], choices: Continuations, pad_id: int, device: torch.device
) -> _Prompt:
    if isinstance(network, EncoderDecoderModel):
        ids, mask = pad_rows([list(prompt) for prompt in prompts], pad_id)
        real = None if mask.all() else torch.from_numpy(mask).to(device)
        memory, new = network.start(torch.from_numpy(ids).to(device), choices.longest, real)
        return _Prompt(memory, network.read(new, memory), [[] for _ in prompts])
    shortest = min(map(len, prompts))
    tails = [prompt[shortest:] for prompt in prompts]
    first = torch.tensor([list(prompt[:shortest]) for prompt in prompts], device=device)
    memory, new = network.start(first, max(map(len, tails)) + choices.longest)
    return _Prompt(memory, network.read(new, memory)[:, -1:], tails)


class ChoosingEngine:
    """Scores labels by their names: those that a prompt goes on with are the likelier.

    Args:
        network: a language model that writes.
        candidates: the token ids of each label's name.
        pad_id: fills shorter rows.
        by_length: whether the mean log-probability of a token counts, and not the sum.
        without_text: prompts that say nothing; how probable the names are after them is taken off.
    """

    def __init__(
        self,
        network: AnsweringModel,
        candidates: Sequence[Sequence[int]],
        pad_id: int,
        *,
        by_length: bool = False,
        without_text: Sequence[Sequence[int]] = (),
    ) -> None:
        self.network = cast("nn.Module", network).eval()
        self.device = network.input_embeddings.weight.device
        self._candidates, self._pad_id, self._by_length = candidates, pad_id, by_length
        self._prior = self._measure(without_text) if without_text else None

    def score(self, sequences: Sequence[Sequence[int]]) -> Floats:
        """Returns a logit of each label for each prompt, [prompts, labels], in the order given."""
        measured = self._measure(sequences)
        return measured if self._prior is None else subtract_prior(measured, self._prior)

    def _measure(self, prompts: Sequence[Sequence[int]]) -> Floats:
        measured = measure_choices(cast("AnsweringModel", self.network), prompts, self._candidates, self._pad_id)
        if not self._by_length:
            return measured
        return average_by_length(measured, np.array([len(ids) for ids in self._candidates]))


def average_by_length(log_probabilities: Floats, lengths: NDArray[np.int64]) -> Floats:
    """Returns the mean log-probability of a token, [prompts, candidates], so that a long answer is not the less likely.

    Args:
        log_probabilities: summed, [prompts, candidates].
        lengths: tokens of each candidate, [candidates].
    """
    return log_probabilities / lengths


def subtract_prior(log_probabilities: Floats, without_text: Floats) -> Floats:
    """Returns how much more probable each candidate is for what the prompt says, [prompts, candidates].

    With one prompt that says nothing it is domain-conditional pointwise mutual information (Holtzman et al. 2021,
    arXiv 2104.08315, section 3); with several, whose shares are averaged, contextual calibration (Zhao
    et al. 2021, arXiv 2102.09690, section 5). Both differ from the papers by a number that all candidates share.

    Args:
        log_probabilities: after the prompts, [prompts, candidates].
        without_text: after prompts that say nothing, [..., empty prompts, candidates]; more dimensions, where each
            prompt has empty prompts of its own, come first.
    """
    shares = without_text - np.logaddexp.reduce(without_text, axis=-1, keepdims=True)
    prior = np.logaddexp.reduce(shares, axis=-2) - np.log(without_text.shape[-2])
    return np.asarray(log_probabilities - prior, dtype=np.float64)
