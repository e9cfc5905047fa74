"""Finds the best span of a text for a question, over all windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from penjing.progress import Progress, Silent, stop_if_asked
from penjing.text.batching import pad_rows, plan_by_length
from penjing.text.question_renderer import RenderedQuestion, Window
from penjing.text.segments import MatchMarks, token_types

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FoundSpan:
    """The best span for a question.

    Attributes:
        start: its first character in the text.
        end: one past its last; the same as ``start`` where the text has no tokens.
        margin: its logits less those of "not in the text".
        probability: its share of all spans that could be the answer.
        share: its share where "not in the text" is one more of them.
        null_share: the share of "not in the text" there.
    """

    start: int
    end: int
    margin: float
    probability: float
    share: float
    null_share: float


class Extractor:
    """Scores windows with a network, in fp32, and finds spans.

    Args:
        network: a `penjing.models.interface.SpanScorer`.
        pad_id: fills shorter rows.
        marks: as the network has learned to read text and question; see `penjing.text.segments.token_types`.
        batch_tokens: most tokens in a batch, padding included.
    """

    def __init__(
        self, network: nn.Module, pad_id: int, marks: MatchMarks | None = None, batch_tokens: int = 8192
    ) -> None:
        self.network = network.eval()
        self._pad_id, self._batch_tokens, self._marks = pad_id, batch_tokens, marks
        self.device = next(network.parameters()).device

    def find(
        self, questions: Sequence[RenderedQuestion], max_answer_tokens: int, progress: Progress | None = None
    ) -> list[FoundSpan]:
        """Returns the best span of each question: its first and last token have the highest sum of logits.

        A span never begins or ends in the question, never ends before it begins, and lies in one window.

        Args:
            questions: with their windows.
            max_answer_tokens: longest span.
            progress: told how many windows are read.

        Raises:
            Interrupted: the user asked to stop.
        """
        windows = [window for question in questions for window in question.windows]
        scores = self.score(windows, progress or Silent())
        found, first = [], 0
        for question in questions:
            last = first + len(question.windows)
            found.append(_choose(question.windows, scores[first:last], max_answer_tokens))
            first = last
        return found

    @torch.inference_mode()
    def score(self, windows: Sequence[Window], progress: Progress) -> list[Floats]:
        """Returns the logits of each window's tokens, [time, 2] each, in the order given."""
        lengths = np.array([len(window.ids) for window in windows], dtype=np.int64)
        scores: list[Floats] = [np.empty((0, 2))] * len(windows)
        with progress.bar("windows", len(windows), "windows") as bar:
            for rows in plan_by_length(lengths, self._batch_tokens, max_rows=max(1, len(windows))):
                stop_if_asked(progress)
                ids, mask = pad_rows([windows[row].ids for row in rows], self._pad_id)
                starts = np.array([windows[row].text_start for row in rows])
                padding = None if mask.all() else torch.from_numpy(mask).to(self.device)
                arrays = ids, token_types(ids, starts, mask, self._marks)
                given, segments = (torch.from_numpy(array).to(self.device) for array in arrays)
                logits = self.network(given, padding, token_type_ids=segments).double().cpu().numpy()
                for place, row in enumerate(rows):
                    scores[row] = logits[place, : lengths[row]]
                bar.advance(len(rows))
        return scores


def best_span(starts: Floats, ends: Floats, longest: int) -> tuple[int, int, float, float]:
    """Returns the first and the last token of the best span, its score, and the log of the sum over all spans.

    The score of a span is the logit of its first token as a start and that of its last as an end (Devlin et al. 2019,
    section 4.2); the sum is of the exponentials of scores.

    Args:
        starts: logits, [tokens].
        ends: logits, [tokens].
        longest: tokens in a span.
    """
    reach = min(longest, len(ends))
    padded = np.concatenate([ends, np.full(reach - 1, -np.inf)])
    scores = starts[:, None] + np.lib.stride_tricks.sliding_window_view(padded, reach)  # [tokens, lengths]
    first, more = np.unravel_index(int(scores.argmax()), scores.shape)
    best = float(scores[first, more])
    return int(first), int(first + more), best, best + float(np.log(np.exp(scores - best).sum()))


def _choose(windows: Sequence[Window], scores: Sequence[Floats], longest: int) -> FoundSpan:
    nulls = [float(logits[0].sum()) for logits in scores]
    null = min(nulls)  # it is not there if it is in no window
    best, where, total = -np.inf, (0, 0), -np.inf
    for window, logits in zip(windows, scores, strict=True):
        count = len(window.spans)
        if not count:
            continue
        text = logits[window.text_start : window.text_start + count]
        first, last, score, of_all = best_span(text[:, 0], text[:, 1], longest)
        total = np.logaddexp(total, of_all)
        if score > best:
            best, where = score, window.characters(window.text_start + first, window.text_start + last)
    if best == -np.inf:
        return FoundSpan(0, 0, -np.inf, 0.0, 0.0, 1.0)
    own = -np.inf  # the same span may lie in two windows
    for window, logits in zip(windows, scores, strict=True):
        first, last = window.find(*where)
        if first and last - first < longest and window.characters(first, last) == where:
            own = np.logaddexp(own, logits[first, 0] + logits[last, 1])
    with_null = np.logaddexp(total, null)
    shares = (float(np.exp(value)) for value in (own - total, own - with_null, null - with_null))
    return FoundSpan(*where, best - null, *shares)
