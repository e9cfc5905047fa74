"""One dial: from a size, or a depth, follow width, heads, vocabulary, learning rate and batch, by written rules.

What a recipe names itself is left as it is. The rules, with their sources and what small sweeps say of them, are in
``docs/pretraining.md``:

- width: 64 for each layer of depth (Karpathy 2025, nanochat; near the flat optimum of Kaplan et al. 2020, arXiv
  2001.08361, section 3.1);
- heads: 64 wide each;
- vocabulary: 2,048 entries for each layer, up to the next power of two, from 4,096 to 65,536: larger models want larger
  vocabularies, though less than in proportion (Tao et al. 2024, arXiv 2407.13623);
- learning rate: that of the family at a width of 256, inversely with the width (Yang et al. 2022, arXiv 2203.03466);
  with Muon four times as high;
- schedule: ``wsd``, so that a run can be made longer or shorter afterwards (Hu et al. 2024, arXiv 2404.06395), unless
  patience ends it;
- of a ``t5`` besides: no dropout, as version 1.1 was pretrained;
- batch: 1,024 tokens for each layer, up to the next power of two, from 4,096: larger models, trained on more tokens,
  gain from larger batches (McCandlish et al. 2018, arXiv 1812.06162; Zhang et al. 2024, arXiv 2410.21676).
"""

from __future__ import annotations

from typing import Any

from penjing.errors import RecipeError
from penjing.pipeline.beginning import with_embedding_rates
from penjing.pipeline.recipe import SIZES, Recipe
from penjing.pipeline.start import architecture_of

_TUNED_DEPTH = 4  # the depth, and so the width, that the families' learning rates were chosen at
_MUON_RATE = 4  # Muon's learning rate, in AdamW's
_FEWEST_ENTRIES, _MOST_ENTRIES, _SMALLEST_BATCH = 4096, 65536, 4096


def turn_dial(recipe: Recipe) -> Recipe:
    """Returns the recipe with what ``[model] size`` and the family decide filled in where the recipe says nothing.

    Raises:
        RecipeError: there is a size, and a model to start from, which has its own.
    """
    return with_embedding_rates(recipe if recipe.model.size is None else _with_size(recipe, recipe.model.size))


def _with_size(recipe: Recipe, size: str | int) -> Recipe:
    if recipe.model.start is not None:
        raise RecipeError(
            "[model] has a size and a start, and the model it starts from has its own",
            where=recipe.name,
            do="Remove size, or start.",
        )
    depth = SIZES[size] if isinstance(size, str) else size
    architecture = architecture_of(recipe)
    shape = {**architecture.shape_of_depth(depth), **recipe.model.shape}
    filled: dict[str, Any] = {
        "model": recipe.model.model_copy(update={"shape": shape}),
        "tokenizer": _fill(recipe.tokenizer, vocab_size=vocabulary_of(depth)),
    }
    if recipe.pretrain is not None:
        rate = architecture.dial_rate * _TUNED_DEPTH / depth
        if recipe.pretrain.optimizer == "muon":
            rate *= _MUON_RATE
        schedule = recipe.pretrain.schedule if recipe.pretrain.patience else "wsd"
        settings = {"learning_rate": rate, "batch_tokens": batch_of(depth), "schedule": schedule}
        if architecture.dial_dropout is not None and "dropout_rate" not in recipe.model.shape:
            settings["dropout"] = architecture.dial_dropout
        filled["pretrain"] = _fill(recipe.pretrain, **settings)
    return recipe.model_copy(update=filled)


def vocabulary_of(depth: int) -> int:
    """Returns the entries of the tokenizer."""
    return min(_MOST_ENTRIES, max(_FEWEST_ENTRIES, _next_power(2048 * depth)))


def batch_of(depth: int) -> int:
    """Returns the tokens of a batch."""
    return max(_SMALLEST_BATCH, _next_power(1024 * depth))


def _next_power(number: int) -> int:
    return 1 << (number - 1).bit_length()


def _fill(section: Any, **values: Any) -> Any:
    """Returns a section with the values that it does not set itself."""
    return section.model_copy(update={k: v for k, v in values.items() if k not in section.model_fields_set})
