"""Which texts to ask about next: those the answers so far say least of, no two of a batch alike.

Uncertain is what has a small margin, the gap between the two likeliest labels (Scheffer, Decomain & Wrobel 2001). Of
the most uncertain texts, k-means takes a batch: one from each cluster, the one nearest to its center, uncertain texts
weighing more (Zhdanov 2019, arXiv 1901.05954). Of the first answers a model learns too little to be asked: until there
are twenty, and two labels among them, all texts count as equally uncertain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from penjing.data.labels.model import fit_classes, weigh_terms

#: How many texts are chosen with the same knowledge.
BATCH = 10

_FIRST = 20  # answers before which no model is asked
_CANDIDATES_A_QUESTION = 10
_MOST_CLUSTERED = 4000  # texts; of more, an even draw is clustered
_DIRECTIONS = 200  # of a text's place among the others
_MOST_TERMS = 30_000

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class TextSpace:
    """Texts as a model sees them.

    Attributes:
        features: weights of their terms and their places, [texts, terms + directions]. With few answers most terms
            have never been seen; the places say which unseen ones are used like seen ones.
        places: coordinates of each, near for texts that speak of the same, [texts, directions].
    """

    features: csr_matrix
    places: Floats


def map_texts(texts: Sequence[str], seed: int) -> TextSpace | None:
    """Returns the space of texts: TF-IDF, and its leading directions (latent semantic analysis).

    Args:
        texts: [texts].
        seed: decides the directions.

    Returns:
        None where no text has a word or character to count.
    """
    weights = weigh_terms(texts, _MOST_TERMS)
    if weights is None:
        return None
    from sklearn.decomposition import TruncatedSVD
    from sklearn.preprocessing import normalize

    directions = min(_DIRECTIONS, min(weights.shape) - 1)
    if directions < 2:
        return TextSpace(weights, np.zeros((len(texts), 1)))
    places = np.asarray(normalize(TruncatedSVD(directions, random_state=seed).fit_transform(weights)), dtype=np.float64)
    return TextSpace(csr_matrix(hstack([weights, places])), places)


def fit_answers(space: TextSpace, answers: Mapping[int, int]) -> Any:
    """Returns a model of answers, two different ones at least; the same whatever their order."""
    texts = sorted(answers)
    classes = np.array([answers[text] for text in texts], dtype=np.int64)
    return fit_classes(space.features[texts], classes, is_balanced=True)


def choose_batch(space: TextSpace, answers: Mapping[int, int], waiting: Ints, seed: int, size: int = BATCH) -> Ints:
    """Returns the texts to ask about next, the most uncertain first, [size].

    Args:
        space: all texts.
        answers: class of each text that has one.
        waiting: the texts that can be asked about, [waiting].
        seed: decides what is drawn; with the same answers, the same texts are chosen.
        size: how many are wanted.
    """
    if len(waiting) <= 1:
        return waiting[:size]
    draw = np.random.default_rng((seed, len(answers)))
    margins = _margins(space, answers, waiting)
    if margins is None:
        chosen = waiting if len(waiting) <= _MOST_CLUSTERED else draw.choice(waiting, _MOST_CLUSTERED, replace=False)
        return _one_of_each(space.places[chosen], np.ones(len(chosen)), chosen, size, draw)
    order = np.argsort(margins, kind="stable")[: size * _CANDIDATES_A_QUESTION]
    batch = _one_of_each(space.places[waiting[order]], 1.0 - margins[order], waiting[order], size, draw)
    margin_of = dict(zip(waiting.tolist(), margins.tolist(), strict=True))
    return np.array(sorted(batch.tolist(), key=lambda text: margin_of[text]), dtype=np.int64)


def _margins(space: TextSpace, answers: Mapping[int, int], waiting: Ints) -> Floats | None:
    """Returns the gap between the two likeliest labels of each text, [waiting]; None before enough answers."""
    if len(answers) < _FIRST or len(set(answers.values())) < 2:
        return None
    model = fit_answers(space, answers)
    chances = np.sort(model.predict_proba(space.features[waiting]), axis=1)
    return np.asarray(chances[:, -1] - chances[:, -2], dtype=np.float64)


def _one_of_each(places: Floats, weights: Floats, texts: Ints, size: int, draw: np.random.Generator) -> Ints:
    """Returns the text nearest to the center of each of ``size`` clusters, the largest cluster first."""
    if len(texts) <= size:
        return texts
    from sklearn.cluster import KMeans

    clusters = KMeans(size, n_init=1, random_state=int(draw.integers(2**31))).fit(places, sample_weight=weights + 1e-3)
    gaps = ((places - clusters.cluster_centers_[clusters.labels_]) ** 2).sum(axis=1)
    nearest = np.lexsort((gaps, clusters.labels_))
    first = nearest[np.unique(clusters.labels_[nearest], return_index=True)[1]]
    sizes = np.bincount(clusters.labels_, minlength=size)[clusters.labels_[first]]
    chosen = texts[first[np.argsort(-sizes, kind="stable")]]
    left = np.setdiff1d(texts, chosen)  # of texts that are all the same there are fewer clusters than asked for
    return np.concatenate([chosen, left[: size - len(chosen)]])
