"""What a model folder says beside the weights, so that other tools read it as Penjing does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from penjing.files import write_json
from penjing.inference.generation import GENERATION_CONFIG
from penjing.models.config import Head
from penjing.models.interface import Architecture
from penjing.models.weights import save_network
from penjing.pipeline.kinds.kind import Outputs
from penjing.text.tokenizer import Tokenizer

_WORDS = Outputs()


def write_network(
    folder: Path,
    network: nn.Module,
    architecture: Architecture,
    config: Any,
    tokenizer: Tokenizer,
    *,
    head: Head,
    outputs: Outputs = _WORDS,
) -> None:
    """Writes config, weights and tokenizer; where there is a decoder also which tokens begin and end a text.

    Where padding has no token of its own, the config of a decoder's classifier names none: those of the hub take the
    last token that is not padding for the last of the row, and would stop before the end token.
    """
    document = architecture.config_to_dict(config, head=head, labels=outputs.names)
    if outputs.problem_type is not None:
        document["problem_type"] = outputs.problem_type
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
