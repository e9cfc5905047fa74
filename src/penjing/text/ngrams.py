"""N-grams of token ids with weights: a linear model of which of them a row has.

Wang & Manning 2012 ("Baselines and bigrams: simple, good sentiment and topic classification", ACL): each n-gram that a
row has counts as much as it is commoner in rows of a label than in the others, by the logarithm of the ratio of the
two shares; a logistic regression weighs that. Rows are brought to the length 1, which they leave out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from penjing.errors import ModelFolderError
from penjing.hashing import hash_file

NGRAMS = "ngrams.safetensors"
Keys = NDArray[np.int64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class NgramRule:
    """What counts as an n-gram.

    Attributes:
        length: most tokens in one.
        vocab_size: token ids are smaller.
        marks: ids that are no words, such as those that a template sets around a text; what holds one is no n-gram.
    """

    length: int
    vocab_size: int
    marks: frozenset[int]


class Occurrences(NamedTuple):
    """The n-grams of a row, as often as they stand there.

    Attributes:
        keys: a number for each n-gram, [occurrences].
        starts: where in the row it begins, [occurrences].
        sizes: how many tokens it has, [occurrences].
    """

    keys: Keys
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]


def find_ngrams(sequence: Sequence[int] | NDArray[Any], rule: NgramRule) -> Occurrences:
    """Returns the n-grams of a row of token ids."""
    ids = np.asarray(sequence, dtype=np.int64)
    is_word = ~np.isin(ids, np.fromiter(rule.marks, dtype=np.int64, count=len(rule.marks)))
    keys, starts, sizes = [], [], []
    key, whole = np.zeros(len(ids), dtype=np.int64), np.ones(len(ids), dtype=bool)
    for size in range(1, rule.length + 1):
        rest = max(len(ids) - size + 1, 0)
        key = key[:rest] * (rule.vocab_size + 1) + ids[size - 1 :] + 1
        whole = whole[:rest] & is_word[size - 1 :]
        keys.append(key[whole])
        starts.append(np.flatnonzero(whole))
        sizes.append(np.full(int(whole.sum()), size, dtype=np.int64))
    return Occurrences(np.concatenate(keys), np.concatenate(starts), np.concatenate(sizes))


def which_ngrams(sequences: Collection[Sequence[int] | NDArray[Any]], rule: NgramRule) -> list[Keys]:
    """Returns the different n-grams of each row."""
    return [np.unique(find_ngrams(sequence, rule).keys) for sequence in sequences]


def presence(rows: Sequence[Keys], known: Keys) -> Any:
    """Returns which of the known n-grams, sorted, each row has: a SciPy array of ones, [rows, known]."""
    from scipy.sparse import csr_array

    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    asked = np.concatenate([*rows, np.empty(0, dtype=np.int64)])
    places = np.searchsorted(known, asked).clip(max=max(len(known) - 1, 0))
    is_known = known[places] == asked if len(known) else np.zeros(len(asked), dtype=bool)
    row_of = np.repeat(np.arange(len(rows)), lengths)
    ends = np.concatenate([[0], np.cumsum(np.bincount(row_of[is_known], minlength=len(rows)))])
    return csr_array((np.ones(int(is_known.sum())), places[is_known], ends), shape=(len(rows), len(known)))


@dataclass(frozen=True)
class NgramTable:
    """A linear model over n-grams.

    Attributes:
        rule: what counts as one.
        keys: the n-grams that are known, sorted, [ngrams].
        ratios: how much commoner each is in rows of a label, in nats, [ngrams, columns]; of two labels one column, for
            the second.
        weights: of the regression, [ngrams, columns].
        bias: of the regression, [columns].
    """

    rule: NgramRule
    keys: Keys
    ratios: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: Numbers

    @cached_property
    def _summed(self) -> tuple[Numbers, Numbers]:
        ratios = self.ratios.astype(np.float64)
        return ratios * self.weights, ratios**2

    @property
    def biases(self) -> Numbers:
        """The logit of each label for a row without any n-gram, [labels]."""
        return np.asarray(spread(self.bias[None])[0], dtype=np.float64)

    def score(self, sequences: Sequence[Sequence[int] | NDArray[Any]]) -> Numbers:
        """Returns a logit of each label for each row of token ids, [rows, labels]."""
        return self.score_keys(which_ngrams(sequences, self.rule))

    def score_keys(self, rows: Sequence[Keys]) -> Numbers:
        """Returns a logit of each label for rows of different n-grams, [rows, labels]."""
        has = presence(rows, self.keys)
        products, squares = self._summed
        return spread((has @ products) / _lengths(has @ squares) + self.bias)

    def divide(self, sequence: Sequence[int]) -> Numbers:
        """Returns what each token of a row adds to the logit of each label, [tokens, labels].

        What an n-gram adds is divided evenly among the places where it stands, and among its tokens; together they are
        the logits of the row less those of one without any n-gram.
        """
        found = find_ngrams(sequence, self.rule)
        different, which, counts = np.unique(found.keys, return_inverse=True, return_counts=True)
        has = presence([different], self.keys)
        products, squares = self._summed
        adds = np.zeros((len(different), products.shape[1]))
        is_known = np.isin(different, self.keys)
        adds[is_known] = products[has.indices] / _lengths(has @ squares)
        result = np.zeros((len(sequence), products.shape[1]))
        shares = adds[which] / (counts[which] * found.sizes)[:, None]  # of each occurrence, for one token
        for size in range(1, self.rule.length + 1):
            of_size = found.sizes == size
            for place in range(size):
                np.add.at(result, found.starts[of_size] + place, shares[of_size])
        return spread(result)


def spread(columns: Numbers) -> Numbers:
    """Returns a logit of each label, [rows, labels]: of two labels there is one column, for the second."""
    return columns if columns.shape[1] > 1 else np.concatenate([-columns, columns], axis=1) / 2


def mix(network: Numbers, ngrams: Numbers, share: float) -> Numbers:
    """Returns the logits of both together, [rows, labels]."""
    return np.asarray((1.0 - share) * network + share * ngrams, dtype=np.float64)


def _lengths(squares: Numbers) -> Numbers:
    """Returns the lengths of rows, [rows, columns]; 1 of a row without any n-gram, which adds nothing."""
    return np.asarray(np.where(squares > 0, np.sqrt(squares), 1.0), dtype=np.float64)


def write_table(table: NgramTable, folder: Path) -> str:
    """Writes a table into a model folder, and returns the hash of its file."""
    from safetensors.numpy import save_file

    rule = table.rule
    tensors: dict[str, NDArray[Any]] = {
        "keys": table.keys,
        "ratios": table.ratios,
        "weights": table.weights,
        "bias": table.bias,
        "marks": np.array(sorted(rule.marks), dtype=np.int64),
        "rule": np.array([rule.length, rule.vocab_size], dtype=np.int64),
    }
    save_file(tensors, folder / NGRAMS)
    return hash_file(folder / NGRAMS)


def read_table(folder: Path, wanted: str) -> NgramTable:
    """Reads the table of a model folder.

    Args:
        folder: of the model.
        wanted: hash of the file.

    Raises:
        ModelFolderError: the file is missing, or is not the one that training wrote.
    """
    from safetensors.numpy import load_file

    path = folder / NGRAMS
    if not path.is_file() or hash_file(path) != wanted:
        raise ModelFolderError(
            "the n-grams beside the network are not those of the training" if path.is_file() else "there is no file",
            where=str(path),
            do="Copy the folder again, as training wrote it.",
        )
    found = load_file(path)
    length, vocab_size = found["rule"].tolist()
    rule = NgramRule(length, vocab_size, frozenset(found["marks"].tolist()))
    return NgramTable(rule, found["keys"], found["ratios"], found["weights"], found["bias"])
