"""What a network makes of the recipe's prompts as it learns: continued, filled in, or restored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from penjing.errors import UsageError
from penjing.inference.generation import TextGenerator, generate_tokens
from penjing.inference.sampling import SamplingSettings
from penjing.models.interface import GeneratingModel
from penjing.pipeline.recipe import Recipe, has_data
from penjing.text.tokenizer import Tokenizer
from penjing.train.batches import Batch
from penjing.train.objectives.denoising import DenoisingObjective
from penjing.train.settings import PretrainSettings

_SAMPLE_TOKENS = 40


class Sampler(ABC):
    """Lets a network write.

    Attributes:
        prompts: as they are shown, with what was hidden of them.
    """

    prompts: list[str]

    @abstractmethod
    def __call__(self, network: nn.Module) -> list[str]:
        """Returns what a network writes to each prompt; it is in the mode of evaluation then."""


class Continuing(Sampler):
    """Prompts are continued."""

    def __init__(self, prompts: Sequence[str], tokenizer: Tokenizer, seed: int) -> None:
        self.prompts, self._tokenizer, self._settings = list(prompts), tokenizer, _drawn(seed)

    def __call__(self, network: nn.Module) -> list[str]:
        generator = TextGenerator(_writer(network), self._tokenizer, frozenset({self._tokenizer.end_id}))
        return [generator.generate(prompt, self._settings).text for prompt in self.prompts]


class OneSpan:
    """What the objective always has written: the sentinel of a span, then a token of it at least.

    Args:
        sentinel: its id.
        no_text: ids that a span does not begin with.
        vocab_size: how many ids there are.
    """

    def __init__(self, sentinel: int, no_text: frozenset[int], vocab_size: int) -> None:
        only = np.zeros(vocab_size, dtype=np.bool_)
        only[sentinel] = True
        text = np.ones(vocab_size, dtype=np.bool_)
        text[[sentinel, *no_text]] = False
        self._next = [text, only]

    def allowed(self) -> NDArray[np.bool_] | None:
        """Returns which tokens may come next, [vocab]; None: all."""
        return self._next[-1] if self._next else None

    def accept(self, token: int) -> None:
        """Takes in the token that came."""
        if self._next:
            self._next.pop()


class FillingIn(Sampler):
    """Prompts end with a hidden span, as windows of the objective do, and that is written."""

    def __init__(self, prompts: Sequence[str], tokenizer: Tokenizer, seed: int) -> None:
        hidden, *others = tokenizer.sentinel_ids
        self.prompts = [f"{prompt} {tokenizer.token(hidden)}" for prompt in prompts]
        start, end = tokenizer.prompt_start, tokenizer.end_id
        self._read = [[*start, *ids, hidden, end] for ids in tokenizer.encode(list(prompts))]
        self._hidden, self._ends = hidden, frozenset({end, *others})
        self._tokenizer, self._settings = tokenizer, _drawn(seed)

    def __call__(self, network: nn.Module) -> list[str]:
        model = _writer(network)
        return [
            self._tokenizer.decode(
                [*generate_tokens(model, ids, self._ends, _SAMPLE_TOKENS + 1, self._settings, self._one_span())]
            )
            for ids in self._read
        ]

    def _one_span(self) -> OneSpan:
        return OneSpan(self._hidden, self._tokenizer.added_ids, self._tokenizer.vocab_size)


class Restoring(Sampler):
    """Prompts are damaged, the same way each time, and written whole again, by the likeliest token each."""

    def __init__(self, prompts: Sequence[str], tokenizer: Tokenizer, objective: DenoisingObjective, seed: int) -> None:
        self._tokenizer, self._read, self._rooms = tokenizer, list[list[int]](), list[int]()
        generator = torch.Generator().manual_seed(seed)
        for ids in tokenizer.encode(list(prompts)):
            whole = torch.tensor([[*tokenizer.prompt_start, *ids, tokenizer.end_id]])
            read = objective.prepare(Batch(whole, None, None), generator, 0.0).tensors[0]
            assert read is not None
            self._read.append(read[0].tolist())
            self._rooms.append(whole.shape[1])
        self.prompts = [self._show(ids) for ids in self._read]

    def _show(self, ids: list[int]) -> str:
        """Returns what is left of a prompt, with the name of the mask in its places."""
        mask, pieces = self._tokenizer.mask_id, list[list[int]]([[]])
        for token in ids:
            if token == mask:
                pieces.append([])
            else:
                pieces[-1].append(token)
        texts = [self._tokenizer.decode(piece).strip() for piece in pieces]
        return f" {self._tokenizer.token(mask)} ".join(texts).strip()

    def __call__(self, network: nn.Module) -> list[str]:
        model, ends = _writer(network), frozenset({self._tokenizer.end_id})
        likeliest = SamplingSettings(_SAMPLE_TOKENS, temperature=0.0)
        pairs = zip(self._read, self._rooms, strict=True)
        return [self._tokenizer.decode([*generate_tokens(model, ids, ends, room, likeliest)]) for ids, room in pairs]


def build_sampler(
    recipe: Recipe, settings: PretrainSettings, objective: object, tokenizer: Tokenizer
) -> Sampler | None:
    """Returns what lets a network write to the recipe's prompts; None where there are none, or it does not write.

    Args:
        recipe: with ``[report] examples``.
        settings: of its pretraining.
        objective: what is learned.
        tokenizer: cuts prompts into tokens.
    """
    prompts, seed = recipe.report.examples, recipe.seed
    if not prompts or has_data(recipe):
        return None
    if settings.objective == "causal":
        return Continuing(prompts, tokenizer, seed)
    if settings.objective == "span":
        return FillingIn(prompts, tokenizer, seed)
    return Restoring(prompts, tokenizer, objective, seed) if isinstance(objective, DenoisingObjective) else None


def check_prompts(prompts: Sequence[str], tokenizer: Tokenizer, longest: int | None) -> None:
    """Refuses prompts that leave no room in the model's positions.

    Raises:
        UsageError: one does not.
    """
    for prompt, ids in zip(prompts, tokenizer.encode(list(prompts)), strict=True):
        if longest is not None and len(ids) + 2 > longest:
            raise UsageError(
                f'[report] examples has a prompt of {len(ids)} tokens ("{prompt[:40]}"), '
                f"and the model has {longest} positions",
                do="Shorten it.",
            )


def _drawn(seed: int) -> SamplingSettings:
    return SamplingSettings(_SAMPLE_TOKENS, temperature=0.8, top_p=0.95, seed=seed)


def _writer(network: nn.Module) -> GeneratingModel:
    network.eval()
    assert isinstance(network, GeneratingModel)
    return network
