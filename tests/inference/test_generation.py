from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tokenizers
import torch
import transformers
from tokenizers import decoders, models, pre_tokenizers, processors, trainers

from penjing.errors import ModelFolderError, UsageError
from penjing.files import write_json
from penjing.inference.generation import generate_tokens, load_generator
from penjing.inference.sampling import SamplingSettings
from penjing.models.interface import Architecture
from penjing.models.llama import LLAMA
from penjing.models.lstm import LSTM
from penjing.models.t5 import T5
from penjing.models.weights import save_network
from penjing.text.tokenizer import Tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

TEXTS = ["A gripping, beautifully shot film.", "The plot drags for hours.", "这部电影很好看,演员的表演非常出色。🎬"]
GREEDY = SamplingSettings(max_tokens=12, temperature=0)
SHAPES: dict[str, dict[str, Any]] = {
    "llama": {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 48,
        "max_position_embeddings": 40,
        "initializer_range": 0.3,
    },
    "lstm": {"embedding_size": 16, "hidden_size": 24, "num_hidden_layers": 2, "initializer_range": 1.0},
    "t5": {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4, "tie_word_embeddings": False},
}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer([TEXTS], TokenizerSettings(kind="bpe", vocab_size=300))


def save(folder: Path, architecture: Architecture, tokenizer: Tokenizer) -> Any:
    values = {**SHAPES[architecture.name], "vocab_size": tokenizer.vocab_size, "pad_token_id": tokenizer.pad_id}
    config = architecture.config_from_dict(values)
    network = architecture.language_model(config).eval()
    architecture.initialize(network, config, 0)
    save_network(folder, network, architecture.config_to_dict(config, head="language"))
    tokenizer.save(folder)
    return network


def test_greedy_continuation_is_that_of_transformers(tmp_path: Path, tokenizer: Tokenizer) -> None:
    save(tmp_path, LLAMA, tokenizer)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    prompt = [tokenizer.start_id, *tokenizer.encode(["The plot"])[0]]
    expected = theirs.generate(
        torch.tensor([prompt]), max_new_tokens=12, do_sample=False, eos_token_id=tokenizer.end_id
    )[0].tolist()
    made = load_generator(tmp_path).generate("The plot", GREEDY)
    assert made.tokens == len(expected) - len(prompt)
    assert made.text == tokenizer.decode(expected)[len("The plot") :]


def test_answer_of_an_encoder_decoder_is_that_of_transformers(tmp_path: Path, tokenizer: Tokenizer) -> None:
    """Its prompt is what the folder's own tokenizer makes of it, end token included."""
    save(tmp_path, T5, tokenizer)
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path)
    prompt = transformers.AutoTokenizer.from_pretrained(tmp_path)("The plot", return_tensors="pt")["input_ids"]
    assert prompt[0, -1] == tokenizer.end_id
    expected = theirs.generate(prompt, max_new_tokens=12, do_sample=False, eos_token_id=tokenizer.end_id)[0].tolist()
    generator = load_generator(tmp_path)
    made = generator.generate("The plot", GREEDY)
    assert not generator.continues
    assert made.tokens == len(expected) - 1 > 3
    assert made.text == tokenizer.decode(expected)
    assert "".join(generator.stream("The plot", GREEDY)) == made.text


def test_any_of_the_end_tokens_of_the_folder_ends_a_text(tmp_path: Path, tokenizer: Tokenizer) -> None:
    network = save(tmp_path, LLAMA, tokenizer)
    prompt = [tokenizer.start_id, *tokenizer.encode(["The plot"])[0]]
    first, second = list(generate_tokens(network, prompt, frozenset(), 2, GREEDY))
    assert first != second
    write_json(tmp_path / "generation_config.json", {"eos_token_id": [second, 5]})
    made = load_generator(tmp_path).generate("The plot", GREEDY)
    assert (made.tokens, made.finish_reason) == (1, "stop")


@pytest.mark.parametrize("file", ["config.json", "generation_config.json"])
@pytest.mark.parametrize("end", [99_999, -1, "x", [2, True]])
def test_an_end_token_that_the_model_does_not_have_is_refused(
    tmp_path: Path, tokenizer: Tokenizer, file: str, end: Any
) -> None:
    save(tmp_path, LLAMA, tokenizer)
    known = json.loads((tmp_path / file).read_text("utf-8")) if (tmp_path / file).is_file() else {}
    (tmp_path / "generation_config.json").unlink(missing_ok=True)
    write_json(tmp_path / file, {**known, "eos_token_id": end})
    with pytest.raises(ModelFolderError, match="eos_token_id is") as refused:
        load_generator(tmp_path)
    assert str(tmp_path / file) in str(refused.value)


@pytest.mark.parametrize("architecture", [LLAMA, LSTM], ids=lambda kind: kind.name)
@torch.no_grad()
def test_each_token_is_the_likeliest_after_all_before_it(
    tmp_path: Path, architecture: Architecture, tokenizer: Tokenizer
) -> None:
    """With a cache as without: every continuation is scored again from its beginning."""
    network = save(tmp_path, architecture, tokenizer)
    ids = [tokenizer.start_id, *tokenizer.encode(["A gripping"])[0]]
    for token in generate_tokens(network, list(ids), frozenset({tokenizer.end_id}), 12, GREEDY):
        hidden = network.encode(torch.tensor([ids]))[:, -1]
        width = 24 if architecture is LSTM else hidden.shape[-1]  # of an LSTM's two directions the first
        assert token == network.score(hidden[:, :width])[0].argmax()
        ids.append(token)
    assert len(ids) > 6


@pytest.mark.parametrize("architecture", [LLAMA, LSTM, T5], ids=lambda kind: kind.name)
def test_seed_decides_the_text(tmp_path: Path, architecture: Architecture, tokenizer: Tokenizer) -> None:
    save(tmp_path, architecture, tokenizer)
    generator = load_generator(tmp_path)
    first, again, other = (generator.generate("The", SamplingSettings(30, seed=seed)).text for seed in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize("seed", range(5))
def test_pieces_join_to_the_text_and_hold_whole_characters(tmp_path: Path, tokenizer: Tokenizer, seed: int) -> None:
    save(tmp_path, LLAMA, tokenizer)
    generator, settings = load_generator(tmp_path), SamplingSettings(30, temperature=0.3, seed=seed)
    pieces = list(generator.stream("这部电影", settings))
    assert "".join(pieces) == generator.generate("这部电影", settings).text
    assert not any(piece.endswith("\ufffd") for piece in pieces[:-1])


def test_text_ends_with_the_end_token_or_when_there_is_no_room(tmp_path: Path, tokenizer: Tokenizer) -> None:
    network = save(tmp_path, LLAMA, tokenizer)
    generator = load_generator(tmp_path)
    long = generator.generate("The plot", SamplingSettings(1000, temperature=0))
    assert long.finish_reason == "length"
    assert long.tokens == 40 - 1 - len(tokenizer.encode(["The plot"])[0])
    first = next(generate_tokens(network, [tokenizer.start_id], frozenset(), 1, GREEDY))
    assert list(generate_tokens(network, [tokenizer.start_id], frozenset({first}), 1, GREEDY)) == []


def test_prompt_that_fills_the_positions_is_refused(tmp_path: Path, tokenizer: Tokenizer) -> None:
    save(tmp_path, LLAMA, tokenizer)
    with pytest.raises(UsageError, match="and the model has 40 positions"):
        load_generator(tmp_path).generate("film " * 40, GREEDY)


def test_empty_prompt_begins_a_text(tmp_path: Path, tokenizer: Tokenizer) -> None:
    save(tmp_path, LLAMA, tokenizer)
    assert load_generator(tmp_path).generate("", GREEDY).tokens > 0


def test_folder_of_the_hub_whose_tokenizer_has_an_end_token_alone(tmp_path: Path) -> None:
    """As Qwen's: no token for start, padding, mask or the unknown, and its own name for the end."""
    backend = tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    backend.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=300, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet)
    )
    backend.save(str(tmp_path / "tokenizer.json"))
    write_json(tmp_path / "tokenizer_config.json", {"eos_token": {"content": "<|endoftext|>"}, "bos_token": None})
    shape = {**SHAPES["llama"], "vocab_size": 300, "head_dim": 8, "eos_token_id": 0}
    torch.manual_seed(0)
    theirs = transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**shape)).eval()
    theirs.save_pretrained(tmp_path)
    prompt = backend.encode("The plot").ids
    expected = theirs.generate(torch.tensor([prompt]), max_new_tokens=12, do_sample=False)[0].tolist()
    made = load_generator(tmp_path).generate("The plot", GREEDY)
    assert "The plot" + made.text == backend.decode(expected)


def test_folder_of_a_t5_of_the_hub_answers_as_there(tmp_path: Path) -> None:
    """Its tokenizer has the pieces of a unigram model, tokens for end and padding, and none for the start."""
    # Written down, for a trained unigram model is another one each time.
    letters = sorted(set("".join(TEXTS)) - {" "})
    pieces = ["▁", "▁The", "▁film", "ing", "ed", *letters][:61]
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((piece, -1.0 / len(piece)) for piece in pieces)]
    backend = tokenizers.Tokenizer(models.Unigram(vocabulary, unk_id=2))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    backend.add_special_tokens(["<pad>", "</s>", "<unk>"])
    backend.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    fast.save_pretrained(tmp_path)
    torch.manual_seed(0)
    shape = {**SHAPES["t5"], "vocab_size": 64, "decoder_start_token_id": 0, "feed_forward_proj": "gated-gelu"}
    theirs = transformers.T5ForConditionalGeneration(transformers.T5Config(**shape)).eval()
    with torch.no_grad():
        theirs.lm_head.weight = torch.nn.Parameter(torch.randn(64, 32))
    theirs.save_pretrained(tmp_path)
    prompt = fast("The plot drags.", return_tensors="pt")["input_ids"]
    expected = theirs.generate(prompt, max_new_tokens=12, do_sample=False)[0]
    made = load_generator(tmp_path).generate("The plot drags.", GREEDY)
    assert made.tokens > 3
    assert made.text == fast.decode(expected, skip_special_tokens=True)


def test_tokenizer_of_a_larger_model_is_refused(tmp_path: Path, tokenizer: Tokenizer) -> None:
    save(tmp_path, LLAMA, tokenizer)
    larger = train_tokenizer([[*TEXTS, *TEXTS]], TokenizerSettings(kind="bpe", vocab_size=310))
    assert larger.vocab_size > tokenizer.vocab_size
    larger.save(tmp_path)
    with pytest.raises(ModelFolderError, match=f"has {larger.vocab_size} entries, and the model only"):
        load_generator(tmp_path)


def test_model_that_does_not_continue_texts_is_refused(tmp_path: Path, tokenizer: Tokenizer) -> None:
    config = LLAMA.config_from_dict({**SHAPES["llama"], "vocab_size": tokenizer.vocab_size})
    save_network(tmp_path, LLAMA.classifier(config, 2), LLAMA.config_to_dict(config, head="classifier"))
    tokenizer.save(tmp_path)
    with pytest.raises(ModelFolderError, match="LlamaForSequenceClassification, which does not continue texts"):
        load_generator(tmp_path)
