"""How probable replies are after what was said, and how much more probable than after something else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from penjing.data.keys import normalize_text
from penjing.errors import DataError
from penjing.evaluate.exchanges import Asked, Exchange
from penjing.inference.choosing import measure_choices
from penjing.inference.likelihood import CausalScorer
from penjing.progress import Progress, stop_if_asked
from penjing.tasks.dialogue_model import DialogueModel

Floats = NDArray[np.float64]
_ELSEWHERE = 16  # other dialogues after whose words a reply is measured too
_AT_ONCE = 32  # replies of about the same length that are read after one prompt


class ReplyReader:
    """Reads replies with a model; tokens of a reply are looked up once.

    Args:
        model: reads.
    """

    def __init__(self, model: DialogueModel) -> None:
        self._model, self._replies = model, dict[str, list[int]]()

    def surprise(self, exchanges: Sequence[Exchange], progress: Progress) -> list[tuple[Exchange, float, int]]:
        """Returns the exchanges that fit into the window, each with the nats and tokens of its reply, its end included.

        Raises:
            DataError: none fits.
            Interrupted: the user asked to stop.
        """
        texts: list[list[int]] = []
        found: list[tuple[Exchange, int, int, int]] = []  # its text, where its reply begins in it, and its tokens
        for exchange in exchanges:
            stop_if_asked(progress)
            reply = self._ids(exchange.reply)
            try:
                prompt = self._model.renderer.render_prompt(exchange.before, len(reply)).ids
            except DataError:
                continue
            goes_on = texts and prompt[: len(texts[-1])] == texts[-1]
            if goes_on:  # what is read for this reply begins with all that is read for the last one
                texts.pop()
            texts.append([*prompt, *reply])
            found.append((exchange, len(texts) - 1, len(prompt), len(reply)))
        if not found:
            raise DataError(
                "no reply fits into the model's window with what it replies to",
                do="Give shorter dialogues, or train with a larger [render] max_tokens.",
            )
        scorer = CausalScorer(self._model.network, self._model.renderer.tokenizer.pad_id)
        nats = scorer.measure_tokens(texts, progress)
        return [
            (exchange, -float(nats[text][begin - 1 : begin - 1 + tokens].sum()), tokens)
            for exchange, text, begin, tokens in found
        ]

    def is_askable(self, exchange: Exchange) -> bool:
        """Whether a reply, and what it replies to, fit into half a window each: then any candidate does."""
        half = self._model.renderer.max_tokens // 2
        try:
            self._model.renderer.render_prompt(exchange.before, half)
        except DataError:
            return False
        return len(self._ids(exchange.reply)) <= half

    def rate(self, asked: Asked, pool: Sequence[Exchange], seed: int, progress: Progress) -> list[Floats]:
        """Returns how much each candidate of each question has to do with what was said.

        This is its log-probability after what was said, less the logarithm of its mean probability after what was said
        in other dialogues, from which no candidate is, where there are such: their pointwise mutual information (Church
        & Hanks 1990), for which that mean stands for how probable the reply is whatever was said. Without it those
        replies are the best that would fit anywhere (Li et al. 2016, arXiv 1510.03055, section 3; Holtzman et al. 2021,
        arXiv 2104.08315, section 3).

        Args:
            asked: the questions.
            pool: exchanges of which the other dialogues are drawn; the candidates are replies of theirs.
            seed: of the draw.
            progress: told how many replies are read.

        Raises:
            Interrupted: the user asked to stop.
        """
        owners, half = _list_owners(pool), self._model.renderer.max_tokens // 2
        texts = list(dict.fromkeys(text for question in asked.questions for text in question.candidates))
        places = {text: place for place, text in enumerate(texts)}
        elsewhere = _draw_elsewhere(pool, seed)
        work = sum(len(question.candidates) for question in asked.questions) + len(texts) * len(elsewhere)
        with progress.bar("retrieval", work, "replies") as bar:
            usual = np.zeros((len(elsewhere), len(texts)))
            for row, exchange in enumerate(elsewhere):
                for some in self._plan(texts):
                    stop_if_asked(progress)
                    usual[row, some] = self._measure(exchange, [texts[place] for place in some], half)
                    bar.advance(len(some))
            rated = []
            for exchange, question in zip(asked.exchanges, asked.questions, strict=True):
                stop_if_asked(progress)
                longest = max(len(self._ids(text)) for text in question.candidates)
                found = self._measure(exchange, question.candidates, longest)
                theirs = set().union(*(owners[normalize_text(text)] for text in question.candidates))
                others = [row for row, other in enumerate(elsewhere) if other.dialogue not in theirs]
                columns = [places[text] for text in question.candidates]
                rated.append(found - _log_mean(usual[others or range(len(elsewhere))][:, columns]))
                bar.advance(len(question.candidates))
        return rated

    @staticmethod
    def count_readings(questions: int, candidates: int, replies: int) -> int:
        """Returns how many replies `rate` reads, at most.

        Args:
            questions: that are asked.
            candidates: of each.
            replies: of all dialogues.
        """
        return questions * candidates + _ELSEWHERE * min(questions * candidates, replies)

    def _plan(self, texts: Sequence[str]) -> Iterator[NDArray[np.int64]]:
        """Yields the places of texts of about the same length."""
        by_length = np.argsort([len(self._ids(text)) for text in texts], kind="stable")
        for start in range(0, len(texts), _AT_ONCE):
            yield by_length[start : start + _AT_ONCE]

    def _measure(self, exchange: Exchange, replies: Sequence[str], room: int) -> Floats:
        """Returns the log-probability of each reply after what was said, in nats; ``room`` is kept for replies."""
        ids = [self._ids(text) for text in replies]
        prompt = self._model.renderer.render_prompt(exchange.before, room).ids
        pad_id = self._model.renderer.tokenizer.pad_id
        measured: Floats = measure_choices(self._model.network, [prompt], ids, pad_id)[0]
        return measured

    def _ids(self, reply: str) -> list[int]:
        if reply not in self._replies:
            self._replies[reply] = self._model.renderer.render_reply(reply)
        return self._replies[reply]


def _log_mean(logarithms: Floats) -> Floats:
    """Returns the logarithm of the mean, over the rows, of what these are the logarithms of."""
    found: Floats = np.logaddexp.reduce(logarithms, axis=0) - np.log(len(logarithms))
    return found


def _list_owners(pool: Sequence[Exchange]) -> dict[str, set[int]]:
    """Returns the dialogues that each reply is of, by its letters and digits."""
    owners: dict[str, set[int]] = {}
    for exchange in pool:
        owners.setdefault(normalize_text(exchange.reply), set()).add(exchange.dialogue)
    return owners


def _draw_elsewhere(pool: Sequence[Exchange], seed: int) -> list[Exchange]:
    """Returns exchanges of different dialogues."""
    found: dict[int, Exchange] = {}
    for place in np.random.default_rng(seed).permutation(len(pool)).tolist():
        found.setdefault(pool[place].dialogue, pool[place])
        if len(found) == _ELSEWHERE:
            break
    return list(found.values())
