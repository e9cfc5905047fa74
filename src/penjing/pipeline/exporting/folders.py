"""What lies in a model folder beside weights and config, copied."""

from __future__ import annotations

import shutil
from pathlib import Path

from penjing.models.stored import INDEX
from penjing.models.weights import CONFIG
from penjing.tasks.card import CARD
from penjing.text.chat_template import settle_chat_template


def copy_rest(source: Path, folder: Path) -> None:
    """Copies all of a model folder but weights, config and card: tokenizer, templates, settings, tables.

    The chat template then stands in both places where tools look for it.

    Raises:
        ModelFolderError: the chat template cannot be read.
    """
    for file in sorted(source.iterdir()):
        if file.name in (CONFIG, CARD, INDEX, "parity.json") or file.suffix in (".safetensors", ".gguf"):
            continue
        if file.name.startswith("."):
            continue
        if file.is_dir():
            shutil.copytree(file, folder / file.name)
        else:
            shutil.copy2(file, folder / file.name)
    settle_chat_template(folder)
