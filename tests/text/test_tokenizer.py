from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from penjing.errors import DataError, ModelFolderError, UsageError
from penjing.text.tokenizer import Tokenizer, load_tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings
from penjing.text.words import WordSettings

KINDS = ["wordpiece", "bpe", "unigram", "word"]
TEXTS = [
    "This movie is terrible, and not funny at all.",
    "A gripping, funny and moving film!",
    "酒店的服务态度非常好，房间也很干净。",
    "I can't say it was good; it wasn't bad either. 😀",
] * 5


def trained(kind: str, **changes: object) -> Tokenizer:
    return train_tokenizer([TEXTS], TokenizerSettings(kind=kind, vocab_size=600, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_saved_tokenizer_gives_the_same_ids_and_fingerprint(kind: str, tmp_path: Path) -> None:
    tokenizer = trained(kind)
    tokenizer.save(tmp_path)
    loaded = load_tokenizer(tmp_path)
    assert loaded.encode(TEXTS) == tokenizer.encode(TEXTS)
    assert loaded.fingerprint == tokenizer.fingerprint


@pytest.mark.parametrize("kind", KINDS)
def test_transformers_reads_the_folder_and_gives_the_rendered_ids(kind: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    tokenizer = trained(kind)
    tokenizer.save(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for text, ids in zip(TEXTS, tokenizer.encode(TEXTS), strict=True):
        assert theirs(text)["input_ids"] == [tokenizer.start_id, *ids, tokenizer.end_id]


@pytest.mark.parametrize("kind", KINDS)
def test_special_tokens_in_a_text_are_read_as_plain_text(kind: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    tokenizer = trained(kind)
    texts = ["a [SEP] film [MASK]", "[CLS]", "[UNK][PAD]"]
    commands = tokenizer.special_ids - {tokenizer.unknown_id}
    assert not commands & {token for ids in tokenizer.encode(texts) for token in ids}
    tokenizer.save(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert [theirs(text, add_special_tokens=False)["input_ids"] for text in texts] == tokenizer.encode(texts)


@pytest.mark.parametrize("guards", [False, True])
@pytest.mark.parametrize("kind", ["bpe", "unigram"])
@given(st.one_of(st.text(), st.text(st.sampled_from("ab 12中文，é\u0301\u200d<>[]|\n▁Ġ😀"))))
@settings(max_examples=150)
@example("[UNK]")
@example("<extra_id_0><|reserved_0|>")
def test_tokenizers_of_bytes_lose_no_character(kind: str, guards: bool, text: str) -> None:
    tokenizer = OF_BYTES[kind, guards]
    assert tokenizer.decode(tokenizer.encode([text])[0]) == text


OF_BYTES = {
    (kind, guards): trained(kind, guards=guards, sentinels=2, reserved=2)
    for kind in ("bpe", "unigram")
    for guards in (False, True)
}


def test_word_level_path_segments_chinese_and_drops_stop_words(tmp_path: Path) -> None:
    pytest.importorskip("rjieba")
    pytest.importorskip("stopwordsiso")
    tokenizer = trained("word", words=WordSettings(segment=True, stop_words=("en", "zh")), min_frequency=1)
    words = [tokenizer.token(i) for i in tokenizer.encode(["This movie is not good. 酒店的服务态度非常好"])[0]]
    assert "not" in words
    assert "is" not in words
    assert "服务态度" in words or "服务" in words
    assert "的" not in words
    tokenizer.save(tmp_path)
    assert load_tokenizer(tmp_path).encode(TEXTS) == tokenizer.encode(TEXTS)


def test_changed_vocabulary_changes_the_fingerprint() -> None:
    assert trained("wordpiece").fingerprint != trained("wordpiece", lowercase=False).fingerprint


def test_no_text_is_refused() -> None:
    with pytest.raises(DataError, match="no text"):
        train_tokenizer([[""]], TokenizerSettings())


def test_missing_and_broken_tokenizer_are_refused_with_the_path(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="there is no model in this folder"):
        load_tokenizer(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelFolderError, match=r"there is no tokenizer\.json"):
        load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ModelFolderError, match=r"tokenizer\.json"):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_same_texts_give_the_same_vocabulary_in_every_process(kind: str) -> None:
    script = f"""
from penjing.text.tokenizer import train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings
texts = [f"unwatchable film {{n}}: {{'好看' * (n % 3)}} rewatching it {{n * 7}} times" for n in range(300)]
print(train_tokenizer([texts], TokenizerSettings(kind={kind!r}, vocab_size=400)).fingerprint)
"""
    runs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True) for _ in range(3)
    ]
    assert len({run.stdout for run in runs}) == 1


def test_wordpiece_cuts_words_into_pieces_and_keeps_chinese_characters_apart() -> None:
    texts = ["unwatchable watchable unwatched", "很好看的电影"] * 20
    tokenizer = train_tokenizer([texts], TokenizerSettings(kind="wordpiece", vocab_size=300))
    assert len(tokenizer.special_ids) == 5
    (ids,) = tokenizer.encode(["很好看 watchable"])
    pieces = [tokenizer.token(token) for token in ids]
    assert pieces[:3] == ["很", "好", "看"]
    assert "".join(piece.removeprefix("##") for piece in pieces[3:]) == "watchable"
    assert "##好" not in {tokenizer.token(token) for token in range(tokenizer.vocab_size)}


@pytest.mark.parametrize("kind", KINDS)
@given(st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("ab, 中文好é e\u0301 <br>😀"))))
@settings(max_examples=60)
def test_located_tokens_are_the_encoded_ones_and_lie_in_the_text_in_order(kind: str, text: str) -> None:
    tokenizer = LOCATING[kind]
    located = tokenizer.locate(text)
    assert [token_id for token_id, _ in located] == tokenizer.encode([text])[0]
    places = [span for _, span in located]
    assert all(0 <= start <= end <= len(text) for start, end in places)
    assert places == sorted(places)


LOCATING = {kind: trained(kind, strip_tags=True) for kind in KINDS}


def test_tokens_are_located_in_the_text_as_it_was_given() -> None:
    tokenizer = LOCATING["wordpiece"]
    text = "FUNNY<br />and 好 moving!"
    assert [text[start:end] for _, (start, end) in tokenizer.locate(text)] == ["FUNNY", "and", "好", "moving", "!"]


def test_tokens_are_located_through_segmentation_and_stop_words() -> None:
    pytest.importorskip("rjieba")
    pytest.importorskip("stopwordsiso")
    tokenizer = trained("word", words=WordSettings(segment=True, stop_words=("en", "zh")))
    text = "the 酒店的服务 is  good，房间"
    located = tokenizer.locate(text)
    assert [token_id for token_id, _ in located] == tokenizer.encode([text])[0]
    assert [text[start:end] for _, (start, end) in located] == ["酒店", "服务", "房间"]


def test_characters_are_read_alone_and_in_pairs_and_located_in_the_text(tmp_path: Path) -> None:
    tokenizer = trained("word", words=WordSettings(grams=2))
    text = "a film 酒店很好。"
    located = tokenizer.locate(text)
    read = [text[start:end] for _, (start, end) in located]
    assert read == ["a", "film", "酒", "酒店", "店", "店很", "很", "很好", "好", "。"]
    assert [token_id for token_id, _ in located] == tokenizer.encode([text])[0]
    assert located[5][0] == tokenizer.unknown_id  # 店很 is in no text
    tokenizer.save(tmp_path)
    assert load_tokenizer(tmp_path).encode([text]) == tokenizer.encode([text])


def test_two_ways_to_cut_chinese_and_pairs_that_would_be_cut_again_are_refused() -> None:
    with pytest.raises(ValueError, match="Leave one out"):
        WordSettings(segment=True, grams=2)
    with pytest.raises(ValueError, match="for the kind word, and this is bpe"):
        TokenizerSettings(kind="bpe", words=WordSettings(grams=2))


def test_a_setting_that_is_not_used_changes_no_fingerprint_of_models_that_were_trained_before_it() -> None:
    assert WordSettings(segment=True).model_dump(mode="json") == {"segment": True, "stop_words": []}
    assert WordSettings(grams=2).model_dump() == {"segment": False, "grams": 2, "stop_words": ()}
    assert WordSettings.model_validate(WordSettings(grams=2).model_dump()) == WordSettings(grams=2)


@pytest.mark.parametrize("kind", KINDS)
def test_spare_tokens_come_last_and_move_no_other_id(kind: str, tmp_path: Path) -> None:
    plain, spare = (
        train_tokenizer([TEXTS], TokenizerSettings.model_validate({"kind": kind, "vocab_size": size, **more}))
        for size, more in ((400, {}), (404, {"reserved": 4}))
    )
    assert spare.encode(TEXTS) == plain.encode(TEXTS)
    assert spare.reserved_ids == list(range(plain.vocab_size, plain.vocab_size + 4))
    assert spare.encode(["<|reserved_0|>"]) == plain.encode(["<|reserved_0|>"])
    spare.save(tmp_path)
    assert load_tokenizer(tmp_path).reserved_ids == spare.reserved_ids


def test_spare_tokens_are_named_later_and_keep_their_ids(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    tokenizer = trained("bpe", reserved=3)
    named = tokenizer.name_reserved(["<|user|>", "<|assistant|>"])
    assert named.vocab_size == tokenizer.vocab_size
    assert [named.token(number) for number in tokenizer.reserved_ids] == ["<|user|>", "<|assistant|>", "<|reserved_2|>"]
    assert named.reserved_ids == tokenizer.reserved_ids[2:]
    assert named.encode([*TEXTS, "<|user|>"]) == tokenizer.encode([*TEXTS, "<|user|>"])
    assert named.fingerprint != tokenizer.fingerprint
    named.save(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert theirs.convert_tokens_to_ids("<|assistant|>") == tokenizer.reserved_ids[1]


@pytest.mark.parametrize(
    ("names", "said"), [(["a", "b", "c"], "3 tokens are to be named"), (["[SEP]"], "there already"), (["a", "a"], "a")]
)
def test_names_that_cannot_be_given_are_refused(names: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        trained("bpe", reserved=2).name_reserved(names)
