"""Fine-tuning with adapters, as ``[finetune.lora]`` asks for it: checked, begun, merged, and the merging proved."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from penjing.errors import RecipeError, TrainingError, nearest
from penjing.models.adapter import save_adapter
from penjing.models.config import Head
from penjing.models.device import choose_precision, to_device
from penjing.models.interface import Architecture
from penjing.models.lora import adaptable, adapter_names, adapters, choose
from penjing.models.quantized import count_whole
from penjing.models.weights import load_weights, names_of
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.start import architecture_of
from penjing.train.adapting import adapt, adapted_names, lora_shape
from penjing.train.batches import Batch
from penjing.train.frozen import count_trained, trained_parameters
from penjing.train.job import TrainingJob
from penjing.train.measuring import measure
from penjing.train.settings import LoraSettings

ADAPTER = "adapter"
_TOLERANCE = 1e-4  # of a logit, or of the largest one where that is above 1
_PROVED_ROWS = 64


def check_lora(recipe: Recipe, network: nn.Module) -> None:
    """Checks that the adapters fit a network, which may be without numbers.

    Raises:
        RecipeError: nothing was learned before that could stay, a target is not there, or a setting has no sense.
    """
    lora = recipe.finetune.adapters
    if lora is None:
        return
    where = f"{recipe.name}, [finetune.lora]"
    if recipe.model.start is None and recipe.pretrain is None:
        raise RecipeError(
            "adapters change a model that has learned already, and this one starts from nothing",
            where=where,
            do="Name a model in [model] start, add [pretrain], or remove [finetune.lora].",
        )
    if "embedding_rate" in recipe.finetune.model_fields_set and recipe.finetune.embedding_rate > 0:
        raise RecipeError(
            "[finetune] has an embedding_rate, and with adapters the embeddings stay as they are",
            where=where,
            do="Remove embedding_rate.",
        )
    matrices = adaptable(network)
    architecture = architecture_of(recipe)
    _check_targets(lora, architecture, list(matrices), where)
    names = adapted_names(network, lora, architecture.adapted)
    if not names:
        raise RecipeError(
            f"{architecture.name} names no layers to adapt"
            if lora.targets is None
            else "targets are in the head alone",
            where=where,
            do="Name linear layers of the network in targets.",
        )
    _check_sizes(lora, {name: matrices[name] for name in names}, where)
    if lora.base is not None and any(isinstance(module, nn.LSTM) for module in network.modules()):
        raise RecipeError(
            f'base is "{lora.base}", and an LSTM takes its matrices whole: held in few bits they would save nothing',
            where=where,
            do="Remove base.",
        )


def _check_sizes(lora: LoraSettings, chosen: dict[str, Tensor], where: str) -> None:
    for name, matrix in chosen.items():
        if lora.rank > min(matrix.shape):
            rows, columns = matrix.shape
            what = f"rank is {lora.rank}, and {name} is a matrix of {rows} by {columns}"
            raise RecipeError(what, where=where, do="Lower rank.")
        if lora.dropout and name.endswith("_l0"):
            raise RecipeError(
                f"dropout is {lora.dropout:g}, and an LSTM takes {name} whole: nothing can be dropped before it",
                where=where,
                do="Remove dropout here; that in [finetune] drops between layers.",
            )


def _check_targets(lora: LoraSettings, architecture: Architecture, names: list[str], where: str) -> None:
    for target in lora.targets or ():
        if choose(names, [target]):
            continue
        known = {*names, *(end for end in architecture.adapted if choose(names, [end]))}
        known |= {name.rpartition(".")[2] for name in names}
        raise RecipeError(
            f'targets has "{target}", and {architecture.name} has no linear layer of that name',
            where=where,
            do=nearest(target, known if "." in target else {name for name in known if "." not in name}),
        )


def adapt_network(
    recipe: Recipe, architecture: Architecture, network: nn.Module, fresh: Collection[str] | None
) -> None:
    """Gives adapters to a network where the recipe asks for them; else it is left as it is.

    Args:
        recipe: may have ``[finetune.lora]``.
        architecture: of the network.
        network: is changed in place.
        fresh: names of its parameters that hold nothing learned; None where that is not known yet: then those outside
            of the backbone, and those that a model to start from may lack.
    """
    lora = recipe.finetune.adapters
    if lora is not None:
        adapt(
            network, lora, architecture.adapted, _unlearned(network) if fresh is None else fresh, recipe.finetuning_seed
        )


def _unlearned(network: nn.Module) -> frozenset[str]:
    names = names_of(network)
    heads = (name for name, _ in network.named_parameters() if not name.startswith(names.backbone))
    optional = (name for name, _ in network.named_parameters() if names.optional and name.startswith(names.optional))
    return frozenset([*heads, *optional])


def describe_adapters(recipe: Recipe, network: nn.Module) -> dict[str, Any]:
    """Returns rank, scale and base of a network's adapters, and how much of it is trained.

    The share is of the weights of the network without adapters.
    """
    lora, own = recipe.finetune.adapters, adapter_names(network)
    assert lora is not None
    trained = count_trained(network)
    whole = count_whole(network) - sum(network.get_parameter(name).numel() for name in own)
    base = {} if lora.base is None else {"base": lora.base}
    return {
        "rank": lora.rank,
        "alpha": lora.alpha,
        "rank_stabilized": lora.rank_stabilized,
        "matrices": len(adapters(network)),
        "trained_parameters": trained,
        "trained_share": round(trained / whole, 6),
        **base,
    }


def trained_whole(network: nn.Module) -> dict[str, Tensor]:
    """Returns the numbers of what is trained beside the adapters, such as a head, by name."""
    own = adapter_names(network)
    return {name: p.detach().clone() for name, p in trained_parameters(network).items() if name not in own}


def write_adapter(
    recipe: Recipe, architecture: Architecture, config: Any, network: nn.Module, folder: Path, head: Head
) -> None:
    """Writes the adapters of a network, and its head, in PEFT's format."""
    assert recipe.finetune.adapters is not None
    of_text = "SEQ_2_SEQ_LM" if architecture.is_encoder_decoder else "CAUSAL_LM"
    task_type = {"language": of_text, "span": "QUESTION_ANS"}.get(head, "SEQ_CLS")
    is_of_hub = config.is_of_hub(head)
    save_adapter(folder, network, lora_shape(recipe.finetune.adapters), head=task_type, is_of_hub=is_of_hub)


class MergeProof:
    """Compares the scores of a network before and after its adapters are merged, in fp32.

    Args:
        job: what was trained; its network still has the adapters.
        score: network and batch → logits.
    """

    def __init__(self, job: TrainingJob, score: Callable[[nn.Module, Batch], Tensor]) -> None:
        rows = np.concatenate(job.batches.plan(0))[:_PROVED_ROWS]
        batch = job.batches.load(rows)
        device = next(job.network.parameters()).device
        ids, mask, written, types = to_device((batch.ids, batch.mask, batch.written, batch.token_types), device)
        assert ids is not None
        self._network = job.network
        self._batch = replace(batch, ids=ids, mask=mask, written=written, token_types=types)
        self._score_batch = score
        self._before, self._rows = self._score(), len(rows)

    @torch.no_grad()
    def _score(self) -> Tensor:
        return self._score_batch(self._network.eval(), self._batch).float()

    def check(self, folder: Path) -> dict[str, Any]:
        """Reads the merged weights back from a folder, into the network, and compares.

        Returns:
            How many rows were compared, the largest difference of a logit, and what is allowed.

        Raises:
            TrainingError: it is larger.
        """
        load_weights(self._network, folder)
        difference = float((self._score() - self._before).abs().max())
        allowed = _TOLERANCE * max(1.0, float(self._before.abs().max()))
        if not difference <= allowed:
            raise TrainingError(
                f"with the adapters merged a logit differs by {difference:.2g}, and {allowed:.2g} is allowed",
                where=str(folder),
                do="Train with a lower alpha or learning rate: the products have grown far beyond the matrices.",
            )
        return {"rows": self._rows, "largest_difference": difference, "allowed": allowed}

    def compare_base(
        self, job: TrainingJob, load_original: Callable[[], None], whole: Mapping[str, Tensor]
    ) -> dict[str, Any]:
        """Compares the merged network, whose base was quantized, with the same adapters on the base as it was.

        Afterwards the network holds the latter.

        Args:
            job: what was trained; its network is merged.
            load_original: puts the base as it was, and on it the adapters, into the network.
            whole: what was trained beside the adapters.

        Returns:
            How many rows were compared, the largest difference of a logit, and for both the figures of the validation
            rows; None where there are none.
        """
        merged, quantized = self._score(), self._figures(job)
        load_original()
        with torch.no_grad():
            for name, tensor in whole.items():
                self._network.get_parameter(name).copy_(tensor)
        difference = float((self._score() - merged).abs().max())
        return {
            "rows": self._rows,
            "largest_difference": difference,
            "validation": None if quantized is None else {"quantized": quantized, "original": self._figures(job)},
        }

    def _figures(self, job: TrainingJob) -> dict[str, float] | None:
        if job.validation is None:
            return None
        device = next(self._network.parameters()).device
        precision = choose_precision(job.settings.precision, device)
        return measure(self._network, job.objective, job.validation, device, precision, job.seed)
