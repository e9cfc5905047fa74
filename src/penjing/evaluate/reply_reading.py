"""How probable replies are after what was said, and how much more probable than after something else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penjing.data.keys import normalize_text
from penjing.errors import DataError
from penjing.evaluate.exchanges import Asked, Exchange
from penjing.evaluate.reply_cache import Cache, ReadReplies
from penjing.inference.choosing import measure_choice_tokens
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

    def read(self, asked: Asked, pool: Sequence[Exchange], seed: int, progress: Progress) -> ReadQuestions:
        """Reads each candidate of each question after what was said, and after what was said in other dialogues.

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
        found, columns, others = [], [], []
        with progress.bar("retrieval", work, "replies") as bar:
            usual = [self._read_after(exchange, texts, half, progress, bar.advance) for exchange in elsewhere]
            for exchange, question in zip(asked.exchanges, asked.questions, strict=True):
                longest = max(len(self._ids(text)) for text in question.candidates)
                found.append(self._read_after(exchange, question.candidates, longest, progress, bar.advance))
                theirs = set().union(*(owners[normalize_text(text)] for text in question.candidates))
                apart = [row for row, other in enumerate(elsewhere) if other.dialogue not in theirs]
                others.append(apart or list(range(len(elsewhere))))
                columns.append([places[text] for text in question.candidates])
        return ReadQuestions(found, usual, columns, others)

    @staticmethod
    def count_readings(questions: int, candidates: int, replies: int) -> int:
        """Returns how many replies `read` reads, at most.

        Args:
            questions: that are asked.
            candidates: of each.
            replies: of all dialogues.
        """
        return questions * candidates + _ELSEWHERE * min(questions * candidates, replies)

    def _read_after(
        self,
        exchange: Exchange,
        replies: Sequence[str],
        room: int,
        progress: Progress,
        advance: Callable[[float], None],
    ) -> ReadReplies:
        """Reads replies after what was said; ``room`` tokens are kept for them."""
        ids = [self._ids(text) for text in replies]
        tokenizer = self._model.renderer.tokenizer
        prompt = self._model.renderer.render_prompt(exchange.before, room).ids
        nats: list[Floats] = [np.empty(0)] * len(ids)
        by_length = np.argsort([len(tokens) for tokens in ids], kind="stable").tolist()
        for start in range(0, len(ids), _AT_ONCE):
            stop_if_asked(progress)
            some = by_length[start : start + _AT_ONCE]
            read = measure_choice_tokens(self._model.network, prompt, [ids[place] for place in some], tokenizer.pad_id)
            for place, measured in zip(some, read, strict=True):
                nats[place] = measured
            advance(len(some))
        starts = np.cumsum([0, *(len(tokens) for tokens in ids[:-1])])
        cached = Cache(prompt, tokenizer.added_ids).look_up([token for tokens in ids for token in tokens])
        return ReadReplies(np.concatenate(nats), cached, starts)

    def _ids(self, reply: str) -> list[int]:
        if reply not in self._replies:
            self._replies[reply] = self._model.renderer.render_reply(reply)
        return self._replies[reply]


@dataclass(frozen=True)
class ReadQuestions:
    """Candidates of questions that were read.

    Attributes:
        found: for each question its candidates, read after what was said.
        usual: for each of the other dialogues all different candidates, read after what was said there.
        columns: for each question the places of its candidates among these.
        others: for each question the other dialogues from which no candidate is; all, where there is none.
    """

    found: Sequence[ReadReplies]
    usual: Sequence[ReadReplies]
    columns: Sequence[Sequence[int]]
    others: Sequence[Sequence[int]]

    def rate(self, share: float = 0.0) -> list[Floats]:
        """Returns how much each candidate of each question has to do with what was said, [candidates] each.

        This is its log-probability after what was said, less the logarithm of its mean probability after what was said
        in other dialogues: their pointwise mutual information (Church & Hanks 1990), for which that mean stands for how
        probable the reply is whatever was said. Without it those replies are the best that would fit anywhere (Li et
        al. 2016, arXiv 1510.03055, section 3; Holtzman et al. 2021, arXiv 2104.08315, section 3).

        Args:
            share: of the cache in what is probable; see `penjing.evaluate.reply_cache`.
        """
        usual = np.stack([read.add_up(share) for read in self.usual])
        return [
            read.add_up(share) - _log_mean(usual[others][:, columns])
            for read, columns, others in zip(self.found, self.columns, self.others, strict=True)
        ]


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
