"""A language model loaded from its folder, ours or the hub's, to be measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from penjing.errors import ModelFolderError
from penjing.inference.learned import NOTHING_KNOWN, Learned
from penjing.inference.likelihood import Scorer
from penjing.inference.scorers import build_scorer
from penjing.models.device import choose_device
from penjing.models.interface import open_config
from penjing.models.weights import CONFIG, load_weights, read_config
from penjing.text.renderer import Renderer, RendererSettings
from penjing.text.tokenizer import Tokenizer, load_fitting_tokenizer


@dataclass(frozen=True)
class MeasurableModel:
    """A language model with its tokenizer.

    Attributes:
        family: name of its architecture.
        tokenizer: the one it was trained with.
        scorer: says how probable token ids are.
    """

    family: str
    tokenizer: Tokenizer
    scorer: Scorer

    def render(self, texts: list[str]) -> list[list[int]]:
        """Returns each text as pretraining lays it out: a start token, its tokens, an end token."""
        renderer = Renderer(self.tokenizer, RendererSettings())
        return [rendered.ids for rendered in renderer.render_documents(texts)]


def load_language_model(folder: Path, learned: Learned = NOTHING_KNOWN, device: str = "auto") -> MeasurableModel:
    """Loads a language model from its folder.

    Args:
        folder: as `penjing` or the hub's tools write it.
        learned: what is known of its training.
        device: where it computes: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.

    Raises:
        ModelFolderError: a file is missing or broken, or this is not a language model.
        UsageError: there is no such device.
    """
    values = read_config(folder)
    architecture, config = open_config(values, folder / CONFIG)
    written = config.class_name("language")
    named = values.get("architectures") or [written]
    if written not in named:
        raise ModelFolderError(
            f"this is a {', '.join(named)}, not a language model",
            where=str(folder),
            do=f"Give the folder of a {written}, as pretraining writes it.",
        )
    network = architecture.language_model(config)
    load_weights(network, folder)
    network.to(choose_device(device))
    tokenizer = load_fitting_tokenizer(folder, config.vocab_size)
    scorer = build_scorer(architecture, network.eval(), config, tokenizer, learned)
    return MeasurableModel(architecture.name, tokenizer, scorer)
