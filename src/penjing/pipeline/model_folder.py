"""What a model folder says beside the weights, so that other tools read it as Penjing does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from penjing.files import write_json
from penjing.inference.generation import GENERATION_CONFIG
from penjing.models.config import Head
from penjing.models.interface import Architecture
from penjing.models.weights import save_network
from penjing.text.tokenizer import Tokenizer


def write_network(
    folder: Path,
    network: nn.Module,
    architecture: Architecture,
    config: Any,
    tokenizer: Tokenizer,
    *,
    head: Head,
    labels: Sequence[str] = (),
) -> None:
    """Writes config, weights and tokenizer; where there is a decoder also which tokens begin and end a text.

    Where padding has no token of its own, the config of a decoder's classifier names none: those of the hub take the
    last token that is not padding for the last of the row, and would stop before the end token.
    """
    document = architecture.config_to_dict(config, head=head, labels=labels)
    if architecture.writes_text:
        ends = {"eos_token_id": tokenizer.end_id}
        if architecture.is_encoder_decoder:
            ends["decoder_start_token_id"] = document["decoder_start_token_id"]
        else:
            ends["bos_token_id"] = tokenizer.start_id
        has_none = head == "classifier" and not architecture.is_encoder_decoder and tokenizer.pad_id == tokenizer.end_id
        document |= {**ends, "pad_token_id": None if has_none else tokenizer.pad_id}
        if head == "language":
            write_json(folder / GENERATION_CONFIG, {**ends, "pad_token_id": tokenizer.pad_id})
    save_network(folder, network, document)
    tokenizer.save(folder)
