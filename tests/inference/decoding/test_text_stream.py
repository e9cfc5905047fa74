from __future__ import annotations

from collections.abc import Sequence

import pytest
import tokenizers
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from tokenizers import decoders, models, normalizers, pre_tokenizers

from penjing.errors import UsageError
from penjing.inference.decoding.text_stream import TextStream
from penjing.text.tokenizer import Tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

TEXTS = ["A gripping, beautifully shot film. 🎬🏳️‍🌈", "这部电影很好看,演员的表演非常出色。aaa abab", "end ends END"]
BYTES = train_tokenizer([TEXTS], TokenizerSettings(kind="bpe", vocab_size=330))
WORDS = train_tokenizer([TEXTS], TokenizerSettings(kind="wordpiece", vocab_size=300))
ALL_IDS = st.lists(st.integers(0, BYTES.vocab_size - 1), max_size=60)
STRINGS = st.lists(
    st.one_of(st.text("ab", min_size=1, max_size=5), st.sampled_from(["end", "电影", "。", "🎬", " "])), max_size=4
)


def metaspace() -> Tokenizer:
    pieces = ["▁", "▁the", "▁film", "s", "▁s", "."]
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((piece, -1.0) for piece in pieces)]
    backend = tokenizers.Tokenizer(models.Unigram(vocabulary, unk_id=2))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    backend.add_special_tokens(["<pad>", "</s>", "<unk>"])
    return Tokenizer(backend)


def bytes_to_fall_back_to() -> Tokenizer:
    """Returns a tokenizer in the layout of Llama 2: a character that has no entry is a run of bytes."""
    entries = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "a", "b", "é"]
    vocabulary = {entry: number for number, entry in enumerate(entries)}
    backend = tokenizers.Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>", byte_fallback=True))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    backend.add_special_tokens(["<unk>", "<s>", "</s>"])
    return Tokenizer(backend)


FALLBACK = bytes_to_fall_back_to()


def run(stream: TextStream, ids: Sequence[int]) -> list[str]:
    return [*(stream.put(token) for token in ids), stream.finish()]


def cut(text: str, stop: Sequence[str]) -> str:
    """Cuts at the stop string that is complete first; of those complete at once, at the longest."""
    for end in range(1, len(text) + 1):
        ended = [string for string in stop if text[:end].endswith(string)]
        if ended:
            return text[: end - max(map(len, ended))]
    return text


@profile(max_examples=400)
@given(ALL_IDS, STRINGS, ALL_IDS)
def test_pieces_join_to_the_text_up_to_the_first_stop_string(
    ids: list[int], stop: list[str], before: list[int]
) -> None:
    """Whatever the tokens are, also where their bytes are no text."""
    before = BYTES.encode([BYTES.decode(before)])[0]
    text = BYTES.decode([*before, *ids])[len(BYTES.decode(before)) :]
    stream = TextStream(BYTES, stop, before)
    pieces = run(stream, ids)
    assert "".join(pieces) == cut(text, stop)
    assert (stream.stopped_by is None) == (cut(text, stop) == text and not any(s in text for s in stop))


@profile(max_examples=300)
@given(st.text("ab", max_size=40), STRINGS)
def test_everything_that_is_certain_is_given_at_once(text: str, stop: list[str]) -> None:
    """After each character, all is given but what a stop string may begin with."""
    stream, given_text = TextStream(BYTES, stop), ""
    letters = [BYTES.encode([letter])[0][0] for letter in text]
    for read, letter in enumerate(letters, start=1):
        given_text += stream.put(letter)
        so_far = text[:read]
        if stream.stopped_by is not None:
            assert given_text == cut(so_far, stop)
            return
        held = max(
            (k for k in range(read + 1) if any(s[:k] == so_far[read - k :] for s in stop if k < len(s))), default=0
        )
        assert given_text == so_far[: read - held]


@profile(max_examples=200)
@given(st.lists(st.integers(0, 8), max_size=80))
def test_spaces_between_words_come_as_in_the_whole_text(ids: list[int]) -> None:
    tokenizer = metaspace()
    assert "".join(run(TextStream(tokenizer), ids)) == tokenizer.decode(ids)


@pytest.mark.parametrize("text", TEXTS)
def test_parts_of_words_are_joined(text: str) -> None:
    (ids,) = WORDS.encode([text])
    assert "".join(run(TextStream(WORDS), ids)) == WORDS.decode(ids)


@profile(max_examples=300)
@given(st.text("ab é中😀", min_size=1, max_size=12), st.text("ab é中😀", max_size=12))
def test_nothing_is_lost_where_a_run_of_bytes_begins_before_the_text(before: str, text: str) -> None:
    read, (ids,) = FALLBACK.encode([before])[0], FALLBACK.encode([before + text])
    pieces = run(TextStream(FALLBACK, (), read), ids[len(read) :])
    assert "".join(pieces) == text
    assert not any("\ufffd" in piece for piece in pieces)


def test_no_piece_ends_within_a_character() -> None:
    ids = [BYTES.encode([text])[0] for text in ("🎬🏳️‍🌈", "表演")]
    singles = [BYTES.token_id(letter) for letter in _byte_letters("龘🦄é")]
    for sequence in (*ids, singles):
        pieces = run(TextStream(BYTES), sequence)
        assert "".join(pieces) == BYTES.decode(sequence)
        assert not any("\ufffd" in piece for piece in pieces)


def _byte_letters(text: str) -> list[str]:
    """The letters that stand for bytes in a byte-level vocabulary."""
    (pair,) = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(text)
    return list(pair[0])


def test_stop_string_may_lie_across_tokens() -> None:
    (ids,) = BYTES.encode(["A film. 电影 ends here"])
    stream = TextStream(BYTES, ["影 en"])
    pieces = run(stream, ids)
    assert "".join(pieces) == "A film. 电"
    assert stream.stopped_by == "影 en"
    assert stream.put(ids[0]) == ""


def test_beginning_of_a_stop_string_is_given_when_the_text_ends() -> None:
    (ids,) = BYTES.encode(["the en"])
    pieces = run(TextStream(BYTES, ["end"]), ids)
    assert "".join(pieces) == "the en"
    assert pieces[-1] == "en"


def test_empty_stop_string_is_refused() -> None:
    with pytest.raises(UsageError, match="a stop string is empty"):
        TextStream(BYTES, ["end", ""])


@pytest.mark.parametrize("kind", ["text", "no text", "special tokens", "beginnings of a stop string"])
def test_time_is_linear_in_the_length(kind: str) -> None:
    """Ten times as many tokens are decoded in all; whatever they are, a token costs the same."""
    broken = BYTES.token_id(_byte_letters("é")[0])
    unit = {
        "text": BYTES.encode(["a film. "])[0],
        "no text": [broken],
        "special tokens": [BYTES.pad_id],
        "beginnings of a stop string": BYTES.encode(["a"])[0],
    }[kind]
    counting = _Counting(BYTES)

    def cost(tokens: int) -> int:
        counting.decoded = 0
        run(TextStream(counting, ["a" * 50 + "b"]), (unit * tokens)[:tokens])  # type: ignore[arg-type]
        return counting.decoded

    assert cost(20000) < 12 * cost(2000)


class _Counting:
    """A tokenizer that counts what it decodes."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer, self.decoded = tokenizer, 0

    def decode(self, ids: list[int]) -> str:
        self.decoded += len(ids)
        return self._tokenizer.decode(ids)
