from __future__ import annotations

import numpy as np
import pytest

from penjing.explain.faithfulness import SHARES, deletion_scores
from penjing.explain.reading import read_text
from penjing.tasks.label_model import LabelModel


def test_deletion_scores_are_means_over_texts_without_the_words(model: LabelModel) -> None:
    words = ["a", "lovely", "film", "with", "a", "dull", "音乐"]
    text = " ".join(words)
    ranking = np.array([0.0, 5.0, 1.0, -1.0, 2.0, -5.0, 3.0])
    [(comprehensiveness, sufficiency)] = deletion_scores(model.engine, read_text(model.renderer, text), 1, [ranking])
    label = model.labels[1]
    whole = model.predict([text])[0].probabilities[label]
    without, only = [], []
    for share in SHARES:
        taken = set(np.argsort(-ranking)[: int(np.ceil(share * len(words)))])
        kept = " ".join(word for i, word in enumerate(words) if i not in taken)
        alone = " ".join(word for i, word in enumerate(words) if i in taken)
        answers = model.predict([kept, alone])
        without.append(whole - answers[0].probabilities[label])
        only.append(whole - answers[1].probabilities[label])
    assert comprehensiveness == pytest.approx(np.mean(without), abs=1e-5)
    assert sufficiency == pytest.approx(np.mean(only), abs=1e-5)


def test_words_beyond_the_window_have_no_rank(model: LabelModel) -> None:
    text = " ".join(["lovely"] * 20)
    reading = read_text(model.renderer, text)
    assert not reading.is_read.all()
    ranking = np.where(reading.is_read, 0.0, 9.0)
    [(first, _)] = deletion_scores(model.engine, reading, 1, [ranking])
    [(again, _)] = deletion_scores(model.engine, reading, 1, [np.zeros(20)])
    assert first == again
