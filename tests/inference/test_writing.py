from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch.nn import functional as F

from penjing.errors import Interrupted, UsageError
from penjing.inference.generation import generate_tokens
from penjing.inference.sampling import SamplingSettings
from penjing.inference.writing import Writer, Written
from penjing.inference.writing_settings import WritingSettings
from penjing.models.interface import EncoderDecoderModel
from penjing.models.llama import LLAMA, MISTRAL
from penjing.models.lstm import LSTM
from penjing.models.t5 import T5
from penjing.models.weights import save_network
from penjing.progress import Silent, SilentBar

VOCABULARY, PAD, END, ROOM = 61, 0, 1, 14
LLAMA_SHAPE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 48,
    "initializer_range": 0.4,
}
FAMILIES: dict[str, tuple[Any, dict[str, Any]]] = {
    "llama": (LLAMA, LLAMA_SHAPE),
    "mistral": (MISTRAL, {**LLAMA_SHAPE, "sliding_window": 5}),
    "lstm": (LSTM, {"embedding_size": 16, "hidden_size": 24, "num_hidden_layers": 2, "initializer_range": 1.0}),
    "t5": (T5, {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4, "tie_word_embeddings": False}),
}


@cache
def make(family: str) -> Any:
    """Random weights, and an end token that is likely enough to come up."""
    architecture, shape = FAMILIES[family]
    config = architecture.config_from_dict({**shape, "vocab_size": VOCABULARY, "pad_token_id": PAD})
    network = architecture.language_model(config).eval()
    architecture.initialize(network, config, 0)
    with torch.no_grad():
        if family == "t5":
            network.lm_head.weight[END] *= 3
            for block in network.decoder.block:  # else every prompt has the same answer
                for part in (block.layer[0].SelfAttention, block.layer[1].EncDecAttention):
                    part.q.weight.mul_(3)
                    part.o.weight.mul_(3)
        elif family == "lstm":
            network.decoder.bias[END] = 2.0
        else:
            network.lm_head.weight[END] *= 2
    return network


def make_prompts(count: int = 24, longest: int = 30, seed: int = 0) -> list[list[int]]:
    """Of many lengths, in no order."""
    rng = random.Random(seed)
    return [rng.choices(range(2, VOCABULARY), k=rng.randint(1, longest)) for _ in range(count)]


def write(family: str, prompts: list[list[int]], **settings: Any) -> list[Written]:
    chosen = WritingSettings(**{"max_tokens": ROOM, **settings})
    return Writer(make(family), frozenset({END}), PAD).write(prompts, chosen)


def score_of(network: Any, prompt: list[int], ids: list[int]) -> float:
    """The log-probability of what was written, read at once."""
    with torch.no_grad():
        if isinstance(network, EncoderDecoderModel):
            read = torch.tensor([[network.decoder_start_id, *ids[:-1]]])
            logits = network.score(network.decode(read, network.encode(torch.tensor([prompt]))))[0]
        else:
            hidden = network.encode(torch.tensor([[*prompt, *ids[:-1]]]))
            width = 24 if hidden.shape[-1] == 48 else hidden.shape[-1]  # of an LSTM's two directions the first
            logits = network.score(hidden[0, len(prompt) - 1 :, :width])
        return -float(F.cross_entropy(logits.double(), torch.tensor(ids), reduction="sum"))


every_family = pytest.mark.parametrize("family", list(FAMILIES))


@every_family
def test_greedy_texts_are_those_written_one_by_one(family: str) -> None:
    prompts, settings = make_prompts(), SamplingSettings(ROOM, temperature=0)
    alone = [list(generate_tokens(make(family), prompt, frozenset({END}), ROOM, settings)) for prompt in prompts]
    written = write(family, prompts)
    assert [text.ids for text in written] == alone
    assert [text.finish_reason for text in written] == ["stop" if len(ids) < ROOM else "length" for ids in alone]
    assert len({len(ids) for ids in alone}) > 4  # they end at many places
    assert {text.finish_reason for text in written} == {"stop", "length"}


@every_family
@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("batch_tokens", [1, 100, 10_000])
def test_texts_are_the_same_in_any_batch_and_order(family: str, beams: int, batch_tokens: int) -> None:
    prompts = make_prompts()
    expected = write(family, prompts, beams=beams)
    order = random.Random(1).sample(range(len(prompts)), len(prompts))
    found = write(family, [prompts[place] for place in order], beams=beams, batch_tokens=batch_tokens)
    assert [text.ids for text in found] == [expected[place].ids for place in order]
    scores = [expected[place].score for place in order]
    assert [text.score for text in found] == pytest.approx(scores, abs=1e-4)


@every_family
@pytest.mark.parametrize("beams", [1, 4])
def test_score_is_the_log_probability_of_the_text_read_at_once(family: str, beams: int) -> None:
    prompts = make_prompts()
    for prompt, text in zip(prompts, write(family, prompts, beams=beams), strict=True):
        ids = [*text.ids, END] if text.finish_reason == "stop" else text.ids
        assert text.score == pytest.approx(score_of(make(family), prompt, ids), abs=1e-4)


@every_family
def test_beams_find_likelier_texts(family: str) -> None:
    """A beam may lose the greedy text for one that is worse in the end; with these weights none does."""
    prompts = make_prompts()
    greedy, found = write(family, prompts), write(family, prompts, beams=4, length_penalty=0.0)
    gains = [ours.score - theirs.score for ours, theirs in zip(found, greedy, strict=True)]
    assert min(gains) > -1e-4
    assert sum(gain > 1e-3 for gain in gains) > 4


def generate(theirs: Any, prompts: list[list[int]], ends: list[int], **options: Any) -> list[list[int]]:
    """What Transformers writes, padded: an encoder-decoder's prompts on the right, a decoder's on the left."""
    longest = max(map(len, prompts))
    pads = [[PAD] * (longest - len(prompt)) for prompt in prompts]
    is_answer = theirs.config.is_encoder_decoder
    rows = [[*prompt, *pad] if is_answer else [*pad, *prompt] for prompt, pad in zip(prompts, pads, strict=True)]
    ids = torch.tensor(rows)  # no prompt has the padding's token
    made = theirs.generate(
        ids,
        attention_mask=(ids != PAD).long(),
        max_new_tokens=ROOM,
        do_sample=False,
        early_stopping=False,
        eos_token_id=ends,
        pad_token_id=PAD,
        **options,
    )
    texts = made[:, 1 if is_answer else longest :].tolist()
    return [text[: next((at for at, token in enumerate(text) if token in ends), ROOM)] for text in texts]


@pytest.mark.parametrize("family", ["t5", "llama"])
@pytest.mark.parametrize("ends", [[END], [END, 7, 8]], ids=["one end", "three ends"])
@pytest.mark.parametrize(
    "options",
    [{"beams": 1}, {"beams": 4}, {"beams": 4, "length_penalty": 0.6}, {"beams": 3, "length_penalty": -0.5}],
    ids=["greedy", "beams", "penalty 0.6", "negative penalty"],
)
def test_texts_are_those_of_transformers(tmp_path: Path, family: str, ends: list[int], options: dict[str, Any]) -> None:
    network, prompts = make(family), make_prompts(32)
    save_network(tmp_path, network, FAMILIES[family][0].config_to_dict(network.config, head="language"))
    theirs = (
        transformers.AutoModelForSeq2SeqLM if family == "t5" else transformers.AutoModelForCausalLM
    ).from_pretrained(tmp_path)
    written = Writer(network, frozenset(ends), PAD).write(prompts, WritingSettings(max_tokens=ROOM, **options))
    named = {"num_beams": options["beams"], "length_penalty": options.get("length_penalty", 1.0)}
    if options["beams"] == 1:
        del named["length_penalty"]
    assert [text.ids for text in written] == generate(theirs, prompts, ends, **named)
    assert len({len(text.ids) for text in written}) > 3


class WrittenOnce(transformers.LogitsProcessor):
    """Transformers' rule on what was written after a prompt of so many tokens."""

    def __init__(self, size: int, prompt_tokens: int) -> None:
        self._rule, self._from = transformers.NoRepeatNGramLogitsProcessor(size), prompt_tokens

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        forbidden: torch.Tensor = self._rule(ids[:, self._from :], scores)
        return forbidden


@pytest.mark.parametrize("family", ["t5", "llama"])
@pytest.mark.parametrize("beams", [1, 4])
@pytest.mark.parametrize("size", [1, 2])
def test_runs_that_come_once_are_those_of_transformers(tmp_path: Path, family: str, beams: int, size: int) -> None:
    network, prompts = make(family), make_prompts(32)
    save_network(tmp_path, network, FAMILIES[family][0].config_to_dict(network.config, head="language"))
    is_t5 = family == "t5"
    auto = transformers.AutoModelForSeq2SeqLM if is_t5 else transformers.AutoModelForCausalLM
    written = write(family, prompts, beams=beams, no_repeat_ngram_size=size)
    rule = {"logits_processor": [WrittenOnce(size, 1 if is_t5 else max(map(len, prompts)))]}
    assert [text.ids for text in written] == generate(
        auto.from_pretrained(tmp_path), prompts, [END], num_beams=beams, **rule
    )
    assert sum(mine.ids != plain.ids for mine, plain in zip(written, write(family, prompts, beams=beams), strict=True))


@every_family
@pytest.mark.parametrize("how", [{}, {"beams": 4}, {"temperature": 0.7}], ids=str)
def test_no_token_comes_twice_in_a_text_but_those_of_its_prompt_may(family: str, how: dict[str, Any]) -> None:
    prompts = make_prompts(40)
    written = write(family, prompts, no_repeat_ngram_size=1, **how)
    assert all(len(set(text.ids)) == len(text.ids) for text in written)
    assert any(len(set(text.ids)) < len(text.ids) for text in write(family, prompts, **how))
    assert any(set(text.ids) & set(prompt) for text, prompt in zip(written, prompts, strict=True))


@every_family
def test_texts_without_repeats_are_those_written_one_by_one(family: str) -> None:
    prompts, settings = make_prompts(), SamplingSettings(ROOM, temperature=0, no_repeat_ngram_size=2)
    alone = [list(generate_tokens(make(family), prompt, frozenset({END}), ROOM, settings)) for prompt in prompts]
    assert [text.ids for text in write(family, prompts, no_repeat_ngram_size=2)] == alone


def test_text_may_be_empty() -> None:
    network = make("t5")
    for beams in (1, 4):
        likely = next(generate_tokens(network, [5, 6], frozenset(), 1, SamplingSettings(1, temperature=0)))
        settings = WritingSettings(beams=beams, length_penalty=0.0)
        (text,) = Writer(network, frozenset({likely}), PAD).write([[5, 6]], settings)
        assert (text.ids, text.finish_reason) == ([], "stop")
        assert text.score == pytest.approx(score_of(network, [5, 6], [likely]), abs=1e-4)


@every_family
@pytest.mark.parametrize("beams", [1, 4])
def test_text_without_an_end_has_as_many_tokens_as_were_asked_for(family: str, beams: int) -> None:
    settings = WritingSettings(max_tokens=9, beams=beams)
    for text in Writer(make(family), frozenset(), PAD).write(make_prompts(5), settings):
        assert (len(text.ids), text.finish_reason) == (9, "length")


@pytest.mark.parametrize("beams", [1, 3])
def test_decoder_writes_up_to_its_last_position(beams: int) -> None:
    prompts = make_prompts(6, longest=47)
    written = Writer(make("llama"), frozenset(), PAD).write(prompts, WritingSettings(max_tokens=100, beams=beams))
    assert [len(text.ids) for text in written] == [48 - len(prompt) for prompt in prompts]
    assert {text.finish_reason for text in written} == {"length"}


def test_more_beams_than_tokens_find_the_likeliest_text_of_all() -> None:
    """With beams for every beginning the search is exhaustive."""
    architecture, shape = FAMILIES["lstm"]
    config = architecture.config_from_dict({**shape, "vocab_size": 4, "pad_token_id": PAD})
    network = architecture.language_model(config).eval()
    architecture.initialize(network, config, 0)
    settings = WritingSettings(max_tokens=3, beams=64, length_penalty=0.0)
    (text,) = Writer(network, frozenset({END}), PAD).write([[2, 3]], settings)
    others = [0, 2, 3]
    whole = [[END], *([a, END] for a in others), *([a, b, c] for a in others for b in others for c in range(4))]
    best = max(whole, key=lambda ids: score_of(network, [2, 3], ids))
    assert (text.ids if text.finish_reason == "length" else [*text.ids, END]) == best


def test_no_prompt_gives_no_text_and_one_prompt_one() -> None:
    prompts = make_prompts(3)
    assert write("t5", []) == []
    assert write("llama", prompts[:1])[0].ids == write("llama", prompts)[0].ids


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        ([[5], [6] * 48], r"row 2: the prompt has 48 tokens, and the model has 48 positions\. Shorten the prompt"),
        ([[5], [6], []], r"row 3: the prompt has no tokens"),
    ],
)
def test_prompt_that_cannot_be_read_is_refused_by_its_row(prompts: list[list[int]], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        write("llama", prompts)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_tokens": 0}, "max_tokens is 0"),
        ({"beams": 0}, "beams is 0"),
        ({"length_penalty": float("nan")}, "length_penalty is nan"),
        ({"batch_tokens": 0}, "batch_tokens is 0"),
        ({"no_repeat_ngram_size": -1}, "no_repeat_ngram_size is -1"),
    ],
)
def test_impossible_settings_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        WritingSettings(**values)


class Watcher(Silent, SilentBar):
    """Counts what is complete, and asks to stop after so many texts."""

    def __init__(self, most: float = float("inf")) -> None:
        self.done, self.most = 0.0, most

    def bar(self, name: str, total: float | None = None, unit: str = "rows") -> Watcher:
        return self

    def __enter__(self) -> Watcher:
        return self

    def advance(self, amount: float = 1) -> None:
        self.done += amount

    def should_stop(self) -> bool:
        return self.done >= self.most


@pytest.mark.parametrize("beams", [1, 4])
def test_progress_counts_every_text_and_can_stop_the_work(beams: int) -> None:
    writer, settings = Writer(make("lstm"), frozenset({END}), PAD), WritingSettings(ROOM, beams)
    watcher = Watcher()
    writer.write(make_prompts(), settings, watcher)
    assert watcher.done == 24
    with pytest.raises(Interrupted):
        writer.write(make_prompts(), settings, Watcher(most=3))


@pytest.mark.parametrize("beams", [1, 4])
def test_batch_shrinks_when_many_of_its_texts_are_complete(monkeypatch: pytest.MonkeyPatch, beams: int) -> None:
    network, rows = make("t5"), []
    read: Callable[..., Any] = network.read
    monkeypatch.setattr(network, "read", lambda ids, memory: rows.append(len(ids)) or read(ids, memory))
    settings = WritingSettings(ROOM, beams, batch_tokens=10_000)
    written = Writer(network, frozenset({END}), PAD).write(make_prompts(40), settings)
    assert rows[0] == 40
    assert all(after <= before for before, after in pairwise(rows[1:]))
    assert rows[-1] <= 0.75 * beams * 40
    assert len({text.finish_reason for text in written}) == 2
