"""A decoder as a GGUF file, as llama.cpp's own converter lays it out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from penjing.errors import MissingExtraError, UsageError
from penjing.files import read_json
from penjing.inference.generation import GENERATION_CONFIG
from penjing.models.llama_config import LlamaConfig
from penjing.models.rotary import Rotary, rotary_frequencies
from penjing.pipeline.exporting.gguf_names import ARCHITECTURES, gguf_name, to_pairs
from penjing.pipeline.exporting.gguf_tokenizer import GgufTokenizer
from penjing.pipeline.exporting.source import Source
from penjing.progress import Progress, stop_if_asked
from penjing.text.chat_template import read_chat_template

#: File types, by our name: llama.cpp's, and the type of the matrices; ``general.file_type`` is the number of the first.
TYPES: Mapping[str, tuple[str, str]] = {
    "f32": ("ALL_F32", "F32"),
    "f16": ("MOSTLY_F16", "F16"),
    "bf16": ("MOSTLY_BF16", "BF16"),
    "q8_0": ("MOSTLY_Q8_0", "Q8_0"),
    "q4_0": ("MOSTLY_Q4_0", "Q4_0"),
}
_BLOCK = 32  # weights that share a scale
_OF_WORDS = "Q8_0"  # the matrix that scores words, in a file of 4 bits: llama.cpp's own tool keeps it finer too


def gguf() -> Any:
    """Returns the package gguf.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import gguf as package
    except ImportError as error:
        raise MissingExtraError("gguf", "export", "Writing or reading GGUF") from error
    return package


def check_shape(source: Source, precision: str) -> None:
    """Refuses a network that llama.cpp computes otherwise.

    Raises:
        UsageError: it does.
    """
    config: Any = source.config
    narrow = [config.hidden_size, config.intermediate_size, config.num_attention_heads * config.width]
    faults = [
        (config.hidden_act != "silu", f"its activation is {config.hidden_act}, and llama.cpp computes silu"),
        (
            config.sliding_window is not None and config.sliding_window < config.max_position_embeddings,
            f"a token sees {config.sliding_window} tokens back, and in llama.cpp all",
        ),
        (
            config.model_type == "qwen3" and config.attention_bias,
            "its projections have biases, which llama.cpp does not read",
        ),
        (
            config.model_type == "qwen2" and config.num_attention_heads * config.width != config.hidden_size,
            f"{config.num_attention_heads} heads of {config.width} are not {config.hidden_size}, as llama.cpp expects",
        ),
        (
            TYPES[precision][1].startswith("Q") and any(width % _BLOCK for width in narrow),
            f"a matrix is {next((width for width in narrow if width % _BLOCK), 0)} wide, and {precision} shares scales "
            f"among {_BLOCK} weights of a row",
        ),
    ]
    for is_so, why in faults:
        if is_so:
            raise UsageError(
                f"this model cannot be a GGUF file of the type {precision}: {why}",
                where=str(source.folder),
                do="Choose another --type, such as f16." if "wide" in why else "Export it to transformers instead.",
            )


def write_gguf(source: Source, tokenizer: GgufTokenizer, precision: str, path: Path, progress: Progress) -> None:
    """Writes the file.

    Args:
        source: of the model.
        tokenizer: of the model.
        precision: one of `TYPES`.
        path: the file.
        progress: told how many tensors are written.

    Raises:
        Interrupted: the user asked to stop.
    """
    package, config = gguf(), source.config
    writer = package.GGUFWriter(path, ARCHITECTURES[config.model_type])
    _put_shape(writer, config, source, precision)
    _put_tokenizer(writer, tokenizer, source)
    _put_ends(writer, source)
    if config.rope_type == "llama3":
        plain = rotary_frequencies(Rotary(theta=config.rope_theta), config.width)
        slower = plain / rotary_frequencies(config.rotary, config.width)
        writer.add_tensor("rope_freqs.weight", slower.numpy())
    tensors = {name: tensor for name, tensor in source.network.state_dict().items() if _is_own(name, config)}
    with progress.bar("writing", len(tensors), "tensors") as bar:
        for name, tensor in tensors.items():
            stop_if_asked(progress)
            kind = type_of(name, tensor, precision, config)
            data = package.quants.quantize(_values(to_pairs(name, tensor, config)), package.GGMLQuantizationType[kind])
            writer.add_tensor(gguf_name(name), data, raw_dtype=package.GGMLQuantizationType[kind])
            bar.advance()
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def type_of(name: str, tensor: Tensor, precision: str, config: LlamaConfig) -> str:
    """Returns the type in which a tensor is written: vectors are whole."""
    kind = TYPES[precision][1]
    if tensor.ndim == 1:
        return "F32"
    scores_words = name.startswith("lm_head.") or (config.tie_word_embeddings and "embed_tokens" in name)
    return _OF_WORDS if kind == "Q4_0" and scores_words else kind


def _is_own(name: str, config: LlamaConfig) -> bool:
    return not (config.tie_word_embeddings and name.startswith("lm_head."))


def _values(tensor: Tensor) -> NDArray[np.float32]:
    values: NDArray[np.float32] = tensor.detach().to(torch.float32).contiguous().numpy()
    return values


def _put_shape(writer: Any, config: LlamaConfig, source: Source, precision: str) -> None:
    writer.add_type("model")
    writer.add_name(source.folder.resolve().name)
    writer.add_file_type(int(gguf().LlamaFileType[TYPES[precision][0]]))
    writer.add_quantization_version(gguf().GGML_QUANT_VERSION)
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.groups)
    writer.add_key_length(config.width)
    writer.add_value_length(config.width)
    writer.add_rope_dimension_count(config.width)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    if config.rope_type == "linear":
        writer.add_rope_scaling_type(gguf().RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(config.rope_factor)


def _put_tokenizer(writer: Any, tokenizer: GgufTokenizer, source: Source) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(tokenizer.pre)
    writer.add_token_list(list(tokenizer.tokens))
    writer.add_token_types(list(tokenizer.types))
    writer.add_token_merges(list(tokenizer.merges))
    writer.add_bos_token_id(source.tokenizer.start_id)
    writer.add_pad_token_id(source.tokenizer.pad_id)
    writer.add_add_bos_token(tokenizer.adds_begin)
    writer.add_add_eos_token(False)
    template = read_chat_template(source.folder)
    if template is not None:
        writer.add_chat_template(plain_template(template.source))


def plain_template(template: str) -> str:
    """Returns a chat template without the blocks ``generation``, which not every tool knows, and which print nothing.

    >>> plain_template("{%- generation -%}{{ m }}{%- endgeneration -%}")
    '{%- if true -%}{{ m }}{%- endif -%}'
    """
    for word, instead in (("generation", "if true"), ("endgeneration", "endif")):
        for left in ("", "-", "+"):
            for right in ("", "-", "+"):
                template = template.replace(f"{{%{left} {word} {right}%}}", f"{{%{left} {instead} {right}%}}")
    return template


def _put_ends(writer: Any, source: Source) -> None:
    """Writes which tokens end a text: the first, and further ones, such as that of a turn."""
    path = source.folder / GENERATION_CONFIG
    named = (read_json(path) if path.is_file() else source.values).get("eos_token_id")
    ends = [item for item in (named if isinstance(named, list) else [named]) if isinstance(item, int)]
    own = source.tokenizer.end_id
    writer.add_eos_token_id(own if own in ends or not ends else ends[0])
    further = [item for item in ends if item != own]
    if further and own in ends:
        writer.add_eot_token_id(further[0])
