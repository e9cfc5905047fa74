"""Tokenizers: trained here or loaded from a model folder; text to token ids, nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import tokenizers
from tokenizers import models, processors

from penjing.errors import DataError, ModelFolderError, UsageError
from penjing.files import read_json, write_json, write_text
from penjing.hashing import hash_json
from penjing.model_files import check_model_folder
from penjing.text.closing import decode_added, decode_text
from penjing.text.reservoir import draw_texts
from penjing.text.token_bytes import is_byte
from penjing.text.tokenizer_settings import END, MASK, PAD, START, UNKNOWN, TokenizerSettings
from penjing.text.vocabulary import Cutting, learn_vocabulary
from penjing.text.words import Span, WordSettings, prepare_words, words_to_read

_SENTINEL = "<extra_id_{}>"  # as T5's tokenizers call them
_RESERVED = "<|reserved_{}|>"
_WORDS_FILE_KEY = "penjing_words"


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
        self._names = names = dict(names or {})
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
    def reserved_ids(self) -> list[int]:
        """The ids of spare tokens that have no name yet, in order."""
        found: dict[str, int] = self._backend.get_vocab(with_added_tokens=True)
        prefix, suffix = _RESERVED.split("{}")
        return sorted(i for name, i in found.items() if name.startswith(prefix) and name.endswith(suffix))

    def name_reserved(self, names: Sequence[str]) -> Tokenizer:
        """Returns the tokenizer with names for its first spare tokens, such as ``<|user|>``; no id changes.

        Raises:
            UsageError: there are too few spare tokens, or a name is taken.
        """
        spare = self.reserved_ids
        if len(names) > len(spare):
            raise UsageError(
                f"{len(names)} tokens are to be named, and the tokenizer has {len(spare)} to spare",
                do="Train it with more: [tokenizer] reserved.",
            )
        taken = [name for name in names if self._backend.token_to_id(name) is not None]
        if taken or len(set(names)) < len(names):
            raise UsageError(f"the token {(taken or list(names))[0]} is there already", do="Choose other names.")
        given = {self.token(token_id): name for token_id, name in zip(spare, names, strict=False)}
        document = json.loads(self._backend.to_str())
        for token in document["added_tokens"]:
            token["content"] = given.get(token["content"], token["content"])
        return Tokenizer(tokenizers.Tokenizer.from_str(json.dumps(document)), self.words, self._names)

    @property
    def added_ids(self) -> frozenset[int]:
        """The ids that no text becomes: special tokens, sentinels, spare tokens."""
        return frozenset(self._backend.get_added_tokens_decoder()) | self.special_ids

    @property
    def text_entries(self) -> dict[int, str]:
        """The vocabulary without `added_ids`: what texts become, by id."""
        found: dict[str, int] = self._backend.get_vocab(with_added_tokens=True)
        left_out = self.added_ids
        return {token_id: entry for entry, token_id in found.items() if token_id not in left_out}

    def find_unreachable(self) -> list[int]:
        """Returns the ids of entries that their own text does not become, alone or after a letter or a sign.

        An entry that continues a word (WordPiece) counts as reachable where its text stays within one word; one of a
        part of a character, where the merges lead to it.
        """
        model, added = self._backend.model, self.added_ids
        prefix = model.continuing_subword_prefix if isinstance(model, models.WordPiece) else None
        doubtful: list[tuple[int, str]] = []
        unreachable = []
        for token_id in range(self.vocab_size):
            token = self._backend.id_to_token(token_id)
            if token is None or token_id in added:
                continue
            text = self.decode([token_id])
            if prefix and token.startswith(prefix) and token != prefix:
                if not self._is_one_word("a" + token.removeprefix(prefix)):
                    unreachable.append(token_id)
            elif "\ufffd" in text:
                if [piece.id for piece in model.tokenize(token)] != [token_id]:
                    unreachable.append(token_id)
            else:
                doubtful.append((token_id, text))
        for before in ("", "a", "."):
            encoded = self.encode([before + text for _, text in doubtful])
            wrong = [(ids[-1:] if before else ids) != [i] for ids, (i, _) in zip(encoded, doubtful, strict=True)]
            doubtful = [item for item, is_wrong in zip(doubtful, wrong, strict=True) if is_wrong]
        return sorted([*unreachable, *(token_id for token_id, _ in doubtful)])

    def _is_one_word(self, text: str) -> bool:
        """Whether a text stays as it is, and in one word, on the way to the model."""
        normalizer, pre_tokenizer = self._backend.normalizer, self._backend.pre_tokenizer
        normalized = normalizer.normalize_str(text) if normalizer else text
        words = pre_tokenizer.pre_tokenize_str(normalized) if pre_tokenizer else [(normalized, (0, 0))]
        return [word for word, _ in words] == [text]

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

    def encode_marked(self, text: str, shield: str) -> list[tuple[int, int]]:
        """Returns the token ids of a text in which special tokens count as such, each with where it begins.

        Args:
            text: for example a rendered dialogue.
            shield: a character that is no part of the text; what stands on both sides of it is read together, but as
                plain text where it would be a special token.
        """
        if self.words.is_plain and shield not in text:
            encoding = self._marking.encode(text, add_special_tokens=False)
            return [(token_id, start) for token_id, (start, _) in zip(encoding.ids, encoding.offsets, strict=True)]
        found: list[tuple[int, int]] = []
        position = 0
        for match in (*re.finditer("|".join(map(re.escape, self.marks)), text), None):
            end = len(text) if match is None else match.start()
            kept = [place for place in range(position, end) if text[place] != shield]
            plain = "".join(text[place] for place in kept)
            found += [(token_id, kept[min(start, len(kept) - 1)]) for token_id, (start, _) in self.locate(plain)]
            if match is not None:
                found.append((self.token_id(match[0]), match.start()))
                position = match.end()
        return found

    @property
    def marks(self) -> list[str]:
        """The special tokens as text, the longest first."""
        added = self._backend.get_added_tokens_decoder().values()
        return sorted((token.content for token in added if token.special), key=lambda text: (-len(text), text))

    def token_id(self, token: str) -> int:
        """Returns the id of a vocabulary entry, which must be there."""
        found = self._backend.token_to_id(token)
        assert found is not None
        return int(found)

    @cached_property
    def _marking(self) -> tokenizers.Tokenizer:
        """The same backend, which reads special tokens in a text as such."""
        backend = tokenizers.Tokenizer.from_str(self._backend.to_str())
        backend.encode_special_tokens = False
        return backend

    def decode(self, ids: list[int]) -> str:
        """Returns the text that the ids stand for, special tokens left out; see `penjing.text.closing`."""
        return decode_text(self._backend, ids)

    def added_text(self, token_id: int, before: str = "") -> str:
        """Returns what a token adds to a text ``before`` it, such as a space and a word; of a special one nothing."""
        known, text = self._word
        return decode_added(self._backend, [*known, token_id], text, before)

    @cached_property
    def _word(self) -> tuple[list[int], str]:
        """A token of letters and its text, if there is one; no byte, for a run of bytes is read together."""
        left_out = self.added_ids
        for token_id in range(self.vocab_size):
            is_read = token_id not in left_out and not is_byte(self.token(token_id))
            if is_read and (text := self.decode([token_id])).isalpha():
                return [token_id], text
        return [], ""

    def token(self, token_id: int) -> str:
        """Returns the vocabulary entry of an id."""
        return str(self._backend.id_to_token(token_id))

    def to_json(self) -> str:
        """Returns the rules of the backend, as ``tokenizer.json`` has them."""
        return str(self._backend.to_str())

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
    """Loads ``tokenizer.json`` from a model folder, ours or the hub's; or such a file by its own name.

    Raises:
        ModelFolderError: the file is missing or cannot be read.
    """
    path = folder if folder.is_file() else folder / "tokenizer.json"
    folder = path.parent
    if not path.is_file():
        check_model_folder(folder)
        raise ModelFolderError("there is no tokenizer.json", where=str(folder), do="Give a complete model folder.")
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


def load_fitting_tokenizer(folder: Path, entries: int) -> Tokenizer:
    """Loads a model's tokenizer, as `load_tokenizer`, which must not have more entries than the model.

    Raises:
        ModelFolderError: the file is missing or cannot be read, or is of another model.
    """
    tokenizer = load_tokenizer(folder)
    if tokenizer.vocab_size > entries:
        raise ModelFolderError(
            f"the tokenizer has {tokenizer.vocab_size:,} entries, and the model only {entries:,}",
            where=str(folder),
            do="Weights, config.json and tokenizer must be of one model; copy them together from where they came from.",
        )
    return tokenizer


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


def train_tokenizer(
    texts: Iterable[list[str]], settings: TokenizerSettings, seed: int = 0, cutting: Cutting = "own"
) -> Tokenizer:
    """Trains a vocabulary on batches of texts; the same texts give the same vocabulary.

    Byte-level BPE (Sennrich et al. 2016, arXiv 1508.07909), WordPiece (Schuster & Nakajima 2012), a byte-level unigram
    model (Kudo 2018, arXiv 1804.10959) or whole words by frequency. Of more text than ``sample_mb`` an even sample is
    learned from, so that memory does not grow with the texts.

    Args:
        texts: batches of texts.
        settings: what is made of them.
        seed: decides the sample.
        cutting: what texts are cut by before entries are made of them: the kind's own rules, or those of Qwen 2 in
            their place, for a byte-level BPE.

    Raises:
        DataError: there is no text to learn from.
    """
    drawn = draw_texts(texts, settings.sample_mb * 1e6, seed)
    if drawn.bytes == 0:
        raise DataError("there is no text to train a tokenizer on", do="Check [corpus] and [data].")
    backend = learn_vocabulary(_Prepared(drawn, settings.words), settings, cutting)
    backend.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}",
        pair=f"{START} $A {END} $B {END}",
        special_tokens=[(name, backend.token_to_id(name)) for name in (START, END)],
    )
    backend.add_special_tokens([_SENTINEL.format(number) for number in range(settings.sentinels or 0)])
    backend.add_special_tokens([_RESERVED.format(number) for number in range(settings.reserved)])
    return Tokenizer(backend, settings.words)


class _Prepared:
    """Batches of texts as the trainer should see them."""

    def __init__(self, batches: Iterable[list[str]], words: WordSettings) -> None:
        self._batches, self._words = batches, words

    def __iter__(self) -> Iterator[list[str]]:
        for batch in self._batches:
            yield batch if self._words.is_plain else [prepare_words(text, self._words) for text in batch]
