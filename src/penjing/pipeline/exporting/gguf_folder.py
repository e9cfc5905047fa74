"""A model folder made of a GGUF file: its numbers made whole, its tokenizer and template written out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tokenizers
import torch
from torch import nn

from penjing.errors import DataError
from penjing.files import write_json, write_text
from penjing.inference.generation import GENERATION_CONFIG
from penjing.models.weights import save_network
from penjing.pipeline.exporting.gguf_names import ARCHITECTURES
from penjing.pipeline.exporting.gguf_reader import open_gguf, read_tensors
from penjing.pipeline.exporting.gguf_tokenizer import CONTROL, NORMAL, PATTERNS, USER_DEFINED
from penjing.registry import load_registered
from penjing.text.chat_template import write_chat_template

_FAMILIES = {theirs: ours for ours, theirs in reversed(list(ARCHITECTURES.items()))}
_PER_FREQUENCY = "rope_freqs.weight"
_ENDS = (("eos_token_id", "eos"), ("bos_token_id", "bos"), ("pad_token_id", "padding"))


def read_fields(path: Path) -> dict[str, Any]:
    """Returns what a GGUF file says beside its tensors.

    Raises:
        DataError: the file is cut off, or no GGUF.
    """
    return {key: field.contents() for key, field in open_gguf(path).fields.items()}


def make_folder(path: Path, folder: Path) -> None:
    """Writes a model folder of a GGUF file.

    Raises:
        DataError: the file is of an architecture or a tokenizer that is not read here, or a tensor is missing.
    """
    fields = read_fields(path)
    theirs = str(fields.get("general.architecture"))
    if theirs not in _FAMILIES:
        raise DataError(
            f"the file is of the architecture {theirs}, and {', '.join(sorted(_FAMILIES))} are read",
            where=str(path),
            do="Choose another model.",
        )
    architecture = load_registered("models", _FAMILIES[theirs])
    config = architecture.config_from_dict(_shape(fields, theirs, path))
    tensors = read_tensors(path, config)
    network: nn.Module = architecture.language_model(config)
    _fill(network, tensors, path)
    ends = {
        key: fields[f"tokenizer.ggml.{ours}_token_id"]
        for key, ours in _ENDS
        if f"tokenizer.ggml.{ours}_token_id" in fields
    }
    document = {**architecture.config_to_dict(config, head="language"), **ends}
    save_network(folder, network, document)
    also = fields.get("tokenizer.ggml.eot_token_id")
    several = {} if also is None else {"eos_token_id": [ends["eos_token_id"], also]}
    write_json(folder / GENERATION_CONFIG, {**ends, **several})
    _write_tokenizer(fields, folder, path)


def _shape(fields: Mapping[str, Any], theirs: str, path: Path) -> dict[str, Any]:
    """Returns the network's numbers under our names."""
    try:
        heads = int(fields[f"{theirs}.attention.head_count"])
        dim = int(fields[f"{theirs}.embedding_length"])
        shape: dict[str, Any] = {
            "vocab_size": len(fields["tokenizer.ggml.tokens"]),
            "hidden_size": dim,
            "intermediate_size": int(fields[f"{theirs}.feed_forward_length"]),
            "num_hidden_layers": int(fields[f"{theirs}.block_count"]),
            "num_attention_heads": heads,
            "num_key_value_heads": int(fields.get(f"{theirs}.attention.head_count_kv", heads)),
            "head_dim": int(fields.get(f"{theirs}.attention.key_length", dim // heads)),
            "max_position_embeddings": int(fields[f"{theirs}.context_length"]),
            "rms_norm_eps": float(f"{fields[f'{theirs}.attention.layer_norm_rms_epsilon']:.6g}"),
            "rope_theta": float(fields.get(f"{theirs}.rope.freq_base", 10_000.0)),
        }
    except KeyError as error:
        raise DataError(f"it does not say {error}", where=str(path), do="Choose another file.") from error
    names = {tensor.name for tensor in open_gguf(path).tensors}
    scaling = fields.get(f"{theirs}.rope.scaling.type", "none")
    if scaling not in ("none", "linear") or _PER_FREQUENCY in names:
        raise DataError(
            "its rotary positions are slowed in a way that a GGUF file does not name",
            where=str(path),
            do="Take the model's folder from where it came from.",
        )
    if scaling == "linear":
        shape |= {"rope_type": "linear", "rope_factor": float(fields[f"{theirs}.rope.scaling.factor"])}
    shape["tie_word_embeddings"] = "output.weight" not in names
    if theirs == "llama":
        shape["attention_bias"] = "blk.0.attn_q.bias" in names
        shape["mlp_bias"] = "blk.0.ffn_up.bias" in names
    pad = fields.get("tokenizer.ggml.padding_token_id", fields.get("tokenizer.ggml.eos_token_id", 0))
    return {**shape, "pad_token_id": int(pad)}


@torch.no_grad()
def _fill(network: nn.Module, tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    wanted = {name: tensor for name, tensor in network.state_dict().items() if name in tensors or "lm_head" not in name}
    missing = sorted(set(wanted) - set(tensors))
    extra = sorted(set(tensors) - set(wanted))
    wrong = [name for name, tensor in wanted.items() if name in tensors and tensor.shape != tensors[name].shape]
    if missing or extra or wrong:
        raise DataError(
            f"the tensors do not fit the network: {', '.join([*missing, *extra, *wrong])[:300]}",
            where=str(path),
            do="Choose another file.",
        )
    for name, tensor in wanted.items():
        tensor.copy_(tensors[name])


def _write_tokenizer(fields: Mapping[str, Any], folder: Path, path: Path) -> None:
    """Writes ``tokenizer.json`` and ``tokenizer_config.json``, and the chat template."""
    kind, pre = fields.get("tokenizer.ggml.model"), fields.get("tokenizer.ggml.pre", "default")
    patterns = {name: pattern for pattern, name in PATTERNS.items()}
    if kind != "gpt2" or pre not in patterns:
        raise DataError(
            f"its tokenizer is of the kind {kind}, cut as {pre}, and byte-level BPE is read, cut as "
            f"{', '.join(patterns)}",
            where=str(path),
            do="Take the model's folder from where it came from.",
        )
    tokens, types = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]
    added = [
        {
            "id": i,
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": types[i] == CONTROL,
        }
        for i, token in enumerate(tokens)
        if types[i] in (CONTROL, USER_DEFINED)
    ]
    plain = {token: i for i, token in enumerate(tokens) if types[i] == NORMAL}
    merges = [merge.split(" ") for merge in fields["tokenizer.ggml.merges"]]
    begin = tokens[fields["tokenizer.ggml.bos_token_id"]] if fields.get("tokenizer.ggml.add_bos_token") else None
    document = _document(plain | {entry["content"]: entry["id"] for entry in added}, merges, added, pre, patterns[pre])
    document["post_processor"] = _begin(begin, fields) if begin else None
    backend = tokenizers.Tokenizer.from_str(json.dumps(document))
    write_text(folder / "tokenizer.json", backend.to_str(pretty=True))
    named = {
        key.removesuffix("_id"): tokens[fields[f"tokenizer.ggml.{ours}_token_id"]]
        for key, ours in _ENDS
        if f"tokenizer.ggml.{ours}_token_id" in fields
    }
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_input_names": ["input_ids", "attention_mask"]}
    write_json(folder / "tokenizer_config.json", {**config, **named, "clean_up_tokenization_spaces": False})
    if "tokenizer.chat_template" in fields:
        write_chat_template(folder, fields["tokenizer.chat_template"])


def _document(
    vocabulary: dict[str, int], merges: list[list[str]], added: list[dict[str, Any]], pre: str, pattern: str
) -> dict[str, Any]:
    spelling = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": pre == "gpt-2"}
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    cutter = spelling if pre == "gpt-2" else {"type": "Sequence", "pretokenizers": [split, spelling]}
    model = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": pre == "llama-bpe",
        "vocab": vocabulary,
        "merges": merges,
    }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": cutter,
        "post_processor": None,
        "decoder": {**spelling, "use_regex": True},
        "model": model,
    }


def _begin(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    mark = {"SpecialToken": {"id": name, "type_id": 0}}
    known = {name: {"id": name, "ids": [fields["tokenizer.ggml.bos_token_id"]], "tokens": [name]}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    pair = [mark, text, {"Sequence": {"id": "B", "type_id": 1}}]
    return {"type": "TemplateProcessing", "single": [mark, text], "pair": pair, "special_tokens": known}
