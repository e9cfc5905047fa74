"""A tokenizer that is cut as Qwen's are is read alike by Transformers, which reads every qwen2 so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from penjing.pipeline.exporting.texts import varied_texts
from penjing.text.qwen import cuts_as_qwen
from penjing.text.tokenizer import Tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings
from penjing.text.vocabulary import Cutting

SETTINGS = TokenizerSettings(kind="bpe", vocab_size=600, sentinels=4, reserved=2)


def train(cutting: Cutting, settings: TokenizerSettings = SETTINGS) -> Tokenizer:
    return train_tokenizer(
        [["The café costs 1990s 'S 'LL 12345, 你好 世界! " + text for text in varied_texts(3)]], settings, 0, cutting
    )


def test_transformers_reads_the_tokenizer_of_a_qwen_as_it_is(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    tokenizer = train("qwen").name_reserved(["<|user|>"])
    tokenizer.save(tmp_path)
    transformers.Qwen2Config(vocab_size=tokenizer.vocab_size).save_pretrained(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    texts = [*varied_texts(), "naïve cafe\u0301 <|user|> [SEP] <extra_id_0> 'S 12345"]
    ours = tokenizer.encode(texts)
    assert theirs(texts, add_special_tokens=False)["input_ids"] == ours
    assert [theirs.decode(ids) for ids in ours] == [tokenizer.decode(ids) for ids in ours]
    assert theirs("a").input_ids == [*tokenizer.prompt_start, *tokenizer.encode(["a"])[0], *tokenizer.prompt_end]


def test_rules_of_qwen_are_known_from_others() -> None:
    assert cuts_as_qwen(train("qwen").to_json())
    published = json.loads(train("qwen").to_json())
    published["pre_tokenizer"]["pretokenizers"][1]["trim_offsets"] = False  # as in the tokenizer.json of Qwen 2.5
    assert cuts_as_qwen(json.dumps(published))
    for settings in (SETTINGS, SETTINGS.model_copy(update={"guards": True}), TokenizerSettings(vocab_size=600)):
        assert not cuts_as_qwen(train("own", settings).to_json())
