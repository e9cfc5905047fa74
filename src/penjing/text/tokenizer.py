"""Tokenizers: trained here or loaded from a model folder; text to token ids, nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, overload

import tokenizers
from pydantic import BaseModel, ConfigDict, Field, model_validator
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers

from penjing.errors import DataError, ModelFolderError
from penjing.files import read_json, write_json, write_text
from penjing.hashing import hash_json
from penjing.text.wordpiece import train_wordpiece
from penjing.text.words import Span, WordSettings, prepare_words, words_to_read

Kind = Literal["wordpiece", "bpe", "word"]
PAD, UNKNOWN, START, END, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
_SPECIAL = [PAD, UNKNOWN, START, END, MASK]
_SENTINEL = "<extra_id_{}>"  # as T5's tokenizers call them
_TAG = r"</?[A-Za-z][^<>]{0,200}>"
_WORDS_FILE_KEY = "penjing_words"


FEWEST_ENTRIES = 300  # all bytes, the special tokens, and a few pieces


class TokenizerSettings(BaseModel):
    """How the vocabulary is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind = Field("wordpiece", description="wordpiece, bpe (byte-level) or word")
    vocab_size: int = Field(
        8192, ge=FEWEST_ENTRIES, le=1_000_000, description="entries, the five special tokens included"
    )
    lowercase: bool = Field(True, description="lower-case the text first (not for bpe)")
    strip_tags: bool = Field(False, description="read tags such as <br /> as a space")
    min_frequency: int = Field(2, ge=1, description="a piece rarer than this gets no entry")
    sentinels: int | None = Field(
        None, ge=0, le=1000, description="tokens for hidden spans; default: 100 with the objective span, else none"
    )
    words: WordSettings = Field(WordSettings(), description="what happens before a word-level vocabulary")

    @model_validator(mode="after")
    def _leaves_entries(self) -> TokenizerSettings:
        if self.vocab_size - (self.sentinels or 0) < FEWEST_ENTRIES:
            raise ValueError(
                f"vocab_size {self.vocab_size} leaves fewer than {FEWEST_ENTRIES} entries beside {self.sentinels} "
                "sentinels"
            )
        return self


class Tokenizer:
    """A vocabulary and the rules that cut a text into its entries.

    Args:
        backend: the tokenizer of the package ``tokenizers``.
        words: what happens to a text before the backend sees it.
        names: special tokens by role, as ``tokenizer_config.json`` has them, where they are not called as usual. A
            decoder's tokenizer may have an end token alone, which then begins a text and fills up rows too.

    Raises:
        ModelFolderError: there is no token that ends a text.
    """

    def __init__(
        self, backend: tokenizers.Tokenizer, words: WordSettings | None = None, names: Mapping[str, str] | None = None
    ) -> None:
        backend.no_padding()
        backend.no_truncation()
        backend.encode_special_tokens = True  # "[SEP]" in a user's text is five characters, not a command
        self._backend = backend
        self.words = words or WordSettings()
        self.vocab_size = backend.get_vocab_size(with_added_tokens=True)
        names = names or {}
        end = self._find(names.get("sep_token"), names.get("eos_token"), END, "</s>")
        if end is None:
            raise ModelFolderError(
                "the tokenizer has no token that ends a text",
                do="Name it in tokenizer_config.json, as eos_token or sep_token.",
            )
        self.end_id = end
        self.start_id = self._find(names.get("cls_token"), names.get("bos_token"), START, "<s>", default=end)
        self.pad_id = self._find(names.get("pad_token"), PAD, "<pad>", default=end)
        self.unknown_id = self._find(names.get("unk_token"), UNKNOWN, "<unk>", default=self.pad_id)
        self.mask_id = self._find(names.get("mask_token"), MASK, "<mask>", default=self.unknown_id)

    @overload
    def _find(self, *names: str | None, default: int) -> int: ...

    @overload
    def _find(self, *names: str | None) -> int | None: ...

    def _find(self, *names: str | None, default: int | None = None) -> int | None:
        """Returns the id of the first of the names that the vocabulary has."""
        ids = (self._backend.token_to_id(name) for name in names if name is not None)
        return next((int(token_id) for token_id in ids if token_id is not None), default)

    @property
    def special_ids(self) -> frozenset[int]:
        """The ids that stand for no text."""
        return frozenset({self.pad_id, self.unknown_id, self.start_id, self.end_id, self.mask_id})

    @property
    def sentinel_ids(self) -> list[int]:
        """The ids that stand for hidden spans, in order; none in most tokenizers."""
        ids: list[int] = []
        while (token_id := self._backend.token_to_id(_SENTINEL.format(len(ids)))) is not None:
            ids.append(int(token_id))
        return ids

    @property
    def has_unknown(self) -> bool:
        """Whether there is a token for what the vocabulary lacks; one of bytes lacks nothing."""
        return self.unknown_id not in (self.start_id, self.end_id, self.pad_id)

    @property
    def prompt_start(self) -> list[int]:
        """The special tokens that come before a text which is to be continued."""
        ids = list(self._backend.encode("", add_special_tokens=True).ids)
        while ids and ids[-1] == self.end_id:
            ids.pop()
        return ids

    @property
    def prompt_end(self) -> list[int]:
        """The special tokens that come after a text which is read whole."""
        return list(self._backend.encode("", add_special_tokens=True).ids)[len(self.prompt_start) :]

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Returns the token ids of each text, without special tokens."""
        if not self.words.is_plain:
            texts = [prepare_words(text, self.words) for text in texts]
        encodings = self._backend.encode_batch_fast(texts, add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def locate(self, text: str) -> list[tuple[int, Span]]:
        """Returns the token ids of a text, as `encode` does, each with the characters of the text it stands for.

        A token of a part of a character stands for the whole character.
        """
        read = words_to_read(text, self.words)
        prepared = " ".join(text[start:end] for start, end in read)
        encoding = self._backend.encode(prepared, add_special_tokens=False)
        # Where each character of the prepared text stands in the text; a space between two words, where the next does.
        origin = [i for start, end in read for i in (*range(start, end), end)]
        return [
            (token_id, (origin[start], origin[end - 1] + 1 if end > start else origin[start]))
            for token_id, (start, end) in zip(encoding.ids, encoding.offsets, strict=True)
        ]

    def decode(self, ids: list[int]) -> str:
        """Returns the text that the ids stand for; special tokens are left out."""
        return str(self._backend.decode(ids, skip_special_tokens=True))

    def token(self, token_id: int) -> str:
        """Returns the vocabulary entry of an id."""
        return str(self._backend.id_to_token(token_id))

    @property
    def fingerprint(self) -> str:
        """The hash of everything that decides which ids a text becomes."""
        rules = json.loads(self._backend.to_str())
        return hash_json({"rules": rules, "words": self.words.model_dump(mode="json")})

    def save(self, folder: Path) -> None:
        """Writes ``tokenizer.json`` and ``tokenizer_config.json`` in the layout of the hub."""
        write_text(folder / "tokenizer.json", self._backend.to_str(pretty=True))
        config: dict[str, Any] = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_input_names": ["input_ids", "attention_mask"],
            "pad_token": self.token(self.pad_id),
            "unk_token": self.token(self.unknown_id),
            "bos_token": self.token(self.start_id),
            "eos_token": self.token(self.end_id),
            "cls_token": self.token(self.start_id),
            "sep_token": self.token(self.end_id),
            "mask_token": self.token(self.mask_id),
            "clean_up_tokenization_spaces": False,
            "split_special_tokens": True,
        }
        if not self.words.is_plain:
            config[_WORDS_FILE_KEY] = self.words.model_dump(mode="json")
        write_json(folder / "tokenizer_config.json", config)


def load_tokenizer(folder: Path) -> Tokenizer:
    """Loads ``tokenizer.json`` from a model folder, ours or the hub's.

    Raises:
        ModelFolderError: the file is missing or cannot be read.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise ModelFolderError(
            "there is no tokenizer.json", where=str(folder), do="Give a complete model folder, or train it again."
        )
    try:
        backend = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:
        raise ModelFolderError(
            f"the tokenizer cannot be read ({error})", where=str(path), do="Copy the file again from its origin."
        ) from error
    words, names = _read_config(folder / "tokenizer_config.json")
    try:
        return Tokenizer(backend, words, names)
    except ModelFolderError as error:
        raise ModelFolderError(error.what, where=str(folder), do=error.do) from None


def _read_config(path: Path) -> tuple[WordSettings, dict[str, str]]:
    """Returns what happens before the backend, and the special tokens by role."""
    if not path.is_file():
        return WordSettings(), {}
    try:
        values = read_json(path)
        words = WordSettings.model_validate(values.get(_WORDS_FILE_KEY, {}))
        named = {key: value for key, value in values.items() if key.endswith("_token")}
    except (ValueError, AttributeError) as error:  # no JSON, no object, or not our settings
        raise ModelFolderError(
            "this is not the config of a tokenizer", where=str(path), do="Copy the file again from its origin."
        ) from error
    contents = {key: value.get("content") if isinstance(value, dict) else value for key, value in named.items()}
    return words, {key: value for key, value in contents.items() if isinstance(value, str)}


def train_tokenizer(texts: Iterable[list[str]], settings: TokenizerSettings) -> Tokenizer:
    """Trains a vocabulary on batches of texts; the same texts give the same vocabulary.

    Byte-level BPE (Sennrich et al. 2016, arXiv 1508.07909), WordPiece (Schuster & Nakajima 2012) or whole words by
    frequency.

    Args:
        texts: batches of texts, which can be read more than once.
        settings: what is made of them.

    Raises:
        DataError: there is no text to learn from.
    """
    backend, trainer = _blank_tokenizer(settings)
    seen = _Counted(texts, settings.words)
    if trainer is None:
        backend = train_wordpiece(backend, seen, _SPECIAL, _trained_size(settings), settings.min_frequency)
    else:
        backend.train_from_iterator(iter(seen), trainer=trainer)
    if seen.characters == 0:
        raise DataError("there is no text to train a tokenizer on", do="Check [corpus] and [data].")
    backend.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}",
        pair=f"{START} $A {END} $B {END}",
        special_tokens=[(name, backend.token_to_id(name)) for name in (START, END)],
    )
    backend.add_special_tokens([_SENTINEL.format(number) for number in range(settings.sentinels or 0)])
    return Tokenizer(backend, settings.words)


class _Counted:
    """Batches of texts, prepared for the trainer, with the characters counted."""

    def __init__(self, batches: Iterable[list[str]], words: WordSettings) -> None:
        self._batches, self._words, self.characters = batches, words, 0

    def __iter__(self) -> Iterator[list[str]]:
        for batch in self._batches:
            self.characters += sum(len(text) for text in batch)
            yield batch if self._words.is_plain else [prepare_words(text, self._words) for text in batch]


def _trained_size(settings: TokenizerSettings) -> int:
    """Returns the entries that are trained; the sentinels come after them."""
    return settings.vocab_size - (settings.sentinels or 0)


def _blank_tokenizer(settings: TokenizerSettings) -> tuple[tokenizers.Tokenizer, Any]:
    common: dict[str, Any] = {
        "vocab_size": _trained_size(settings),
        "min_frequency": settings.min_frequency,
        "special_tokens": _SPECIAL,
        "show_progress": False,
    }
    tags = [normalizers.Replace(Regex(_TAG), " ")] if settings.strip_tags else []
    if settings.kind == "bpe":
        backend = tokenizers.Tokenizer(models.BPE())
        backend.normalizer = normalizers.Sequence(tags)
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        return backend, trainers.BpeTrainer(initial_alphabet=alphabet, **common)
    if settings.kind == "wordpiece":
        backend = tokenizers.Tokenizer(models.WordPiece(unk_token=UNKNOWN, max_input_chars_per_word=100))
        backend.normalizer = normalizers.Sequence([*tags, normalizers.BertNormalizer(lowercase=settings.lowercase)])
        backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        backend.decoder = decoders.WordPiece(cleanup=False)
        return backend, None
    backend = tokenizers.Tokenizer(models.WordLevel(unk_token=UNKNOWN))
    lowercase = [normalizers.Lowercase()] if settings.lowercase else []
    backend.normalizer = normalizers.Sequence([*tags, normalizers.NFC(), *lowercase])
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return backend, trainers.WordLevelTrainer(**common)
