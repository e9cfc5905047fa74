"""Writes many texts at once: requests join and leave between steps, and long prompts are read in parts."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from penjing.errors import PenjingError, UsageError
from penjing.inference.decoding.blocks import BlockPool
from penjing.inference.decoding.drafting import Drafter
from penjing.inference.decoding.interface import EngineLimits, Ticket
from penjing.inference.decoding.loop import EngineLoop, check_prompt, tell_end
from penjing.inference.decoding.request import DecodeRequest, EngineStats, FinishReason, Sink, Token
from penjing.inference.decoding.rows import BLOCK, Stepper
from penjing.inference.decoding.sampler import NoTokenError, Sampler
from penjing.inference.decoding.text import Branch, Part, Text, lay_out
from penjing.inference.sampling_settings import check_bias
from penjing.inference.search import Ended, Step


class DecodingEngine(EngineLoop[Text]):
    """Writes texts on a thread of its own.

    With the compiled stepper a text is the same to the bit whatever is written beside it, however its prompt is cut,
    and whether its beginning was known from before. Where there is no room for keys and values of all, the text that
    came last waits, and is read again later.

    Args:
        stepper: computes; closed with the engine.
        limits: how much is done at once.
        drafter: supposes what comes next; texts stay the same. None: nothing is supposed.
    """

    def __init__(self, stepper: Stepper, limits: EngineLimits | None = None, drafter: Drafter | None = None) -> None:
        self._stepper, self._limits, self._drafter = stepper, limits or EngineLimits(), drafter
        super().__init__("decoding", self._limits.waiting)
        self._pool, self._sampler = BlockPool(stepper.blocks), Sampler()
        self._active: list[Text] = []  # by arrival
        self._prompt_tokens = self._cached_tokens = self._written_tokens = 0
        self._begin()

    @property
    def longest_row(self) -> int:
        """Tokens that a text can have, its prompt counted."""
        return min(self._stepper.longest_row, self._stepper.blocks * BLOCK)

    @property
    def vocab(self) -> int:
        """Entries of the vocabulary."""
        return self._stepper.vocab

    def submit(self, request: DecodeRequest, sink: Sink) -> Ticket:
        """Takes a request; may be called on any thread.

        Raises:
            UsageError: the prompt is empty or leaves no room, or an id in it or in the bias is not in the vocabulary.
            EngineFullError: too many requests wait.
            EngineClosedError: the engine takes no more.
        """
        return self._take(Text(request, sink, self._find_room(request)))

    def stats(self) -> EngineStats:
        """Returns what is done now, and was done."""
        return EngineStats(
            len(self._active),
            len(self._waiting),
            self._prompt_tokens,
            self._cached_tokens,
            self._written_tokens,
            self._pool.total,
            self._pool.used,
        )

    def close(self, drain_s: float = 0.0) -> None:
        """Completes what it has, and ends; see `WritingEngine`."""
        super().close(drain_s)
        self._stepper.close()
        if self._drafter is not None:
            self._drafter.close()

    def _find_room(self, request: DecodeRequest) -> int:
        count = len(request.prompt)
        check_prompt(request.prompt, self.vocab)
        if count >= self.longest_row:
            raise UsageError(
                f"the prompt has {count:,} tokens, and there is room for {self.longest_row:,} with what is written",
                do="Shorten the prompt.",
            )
        check_bias(request.settings, self.vocab)
        room = min(request.settings.max_tokens, self.longest_row - count)
        return room if request.beams == 1 else min(room, self._find_room_of_beams(request))

    def _find_room_of_beams(self, request: DecodeRequest) -> int:
        """Returns how long a text can get where each beam has blocks of its own after those that the prompt fills."""
        full, begun = divmod(len(request.prompt), BLOCK)
        room = (self._pool.total - full) // request.beams * BLOCK - begun
        if room < 1:
            what = f"there is no room for {request.beams} beams after a prompt of {len(request.prompt):,} tokens"
            raise UsageError(what, do="Ask for fewer beams, shorten the prompt, or give keys and values more memory.")
        return room

    def _open(self) -> Sequence[Text]:
        return self._active

    def _turn(self) -> None:
        self._admit()
        if self._active:
            self._step()

    def _admit(self) -> None:
        """Lets those that wait begin, while there is room for their prompts beside what is written already."""
        while self._waiting:
            text = self._waiting[0]
            rows = sum(other.request.beams for other in self._active)
            if self._active and rows + text.request.beams > self._limits.texts:
                return
            branch = text.branch
            branch.chain = self._pool.match(branch.ids)
            needed = -(-(len(branch.ids) + 1) // BLOCK) - len(branch.chain.blocks) + text.request.beams - 1
            if self._active and needed + rows > self._pool.spare:
                self._pool.release(branch.chain)
                return
            self._waiting.popleft()
            branch.read = len(branch.chain.blocks) * BLOCK
            self._cached_tokens += branch.read
            self._active.append(text)

    def _step(self) -> None:
        """Reads the next tokens of all texts, and chooses those that come after."""
        parts = self._plan()
        if not parts:
            return
        logits = self._stepper.step(lay_out(parts))
        scored: dict[Text, int] = {}  # to the first row of its logits
        place = 0
        for part in parts:
            text, branch, count = part
            if wanted := part.scored:
                scored.setdefault(text, place)
                place += wanted
            self._prompt_tokens += count if branch.pending > 1 else 0
            branch.read += count
            self._pool.know(branch.chain, branch.ids, branch.read)
        self._choose(logits, [(text, row) for text, row in scored.items() if not text.is_searched])
        for text, row in scored.items():
            if text.is_searched and text in self._active:  # it may have had to make room for another
                self._search(text, logits[row : row + len(text.branches)])

    def _plan(self) -> list[Part]:
        """Returns how many tokens of which texts are read now; there is room for them and for their drafts."""
        writing, reading = list[Text](), list[Text]()
        for text in self._active:
            (writing if text.pending == 1 else reading).append(text)
        rows = sum(text.request.beams for text in self._active)
        drafts = self._limits.drafts if rows <= self._limits.drafting_texts else 0
        room = self._limits.prompt_rows * (1 if writing else 2)
        parts: list[Part] = []
        for text in [*writing, *reading]:
            pending = text.pending
            count = min(pending, room) if pending > 1 else 1
            if not count or text not in self._active:  # it had to make room
                continue
            if not text.is_searched:
                text.branch.drafts = self._draft(text, drafts) if pending == 1 and drafts else []
            if not all(self._make_room(text, branch, count) for branch in text.branches):
                continue
            room -= count if pending > 1 else 0
            parts += [Part(text, branch, count) for branch in text.branches]
        return [part for part in parts if part.text in self._active]

    def _draft(self, text: Text, most: int) -> list[int]:
        left = text.room - text.written - 1  # beside the token that is chosen anyway
        if self._drafter is None or text.request.constraint is not None or left < 1:
            return []
        most = min(text.pace.choose(text.written, most), left)
        drafts = self._drafter.propose(text.branch.ids, text.state, most) if most else []
        text.pace.supposed = len(drafts)
        return drafts

    def _make_room(self, text: Text, branch: Branch, count: int) -> bool:
        """Lets a branch have blocks for more tokens; texts that came later may have to wait for that."""
        tokens = branch.read + count + len(branch.drafts)
        while not self._pool.extend(branch.chain, tokens):
            if not self._make_way(text):
                return False
        return True

    def _make_way(self, text: Text) -> bool:
        """Lets the text that came last wait, for the sake of another; returns whether it is another."""
        last = self._active[-1]
        if last is text and len(self._active) == 1:
            self._finish(text, "length")
            return False
        self._active.pop()
        self._release(last)
        last.forget()
        self._waiting.appendleft(last)
        return last is not text

    def _search(self, text: Text, logits: Tensor) -> None:
        """Lets a search go on, by what may come after each of its branches, [branches, vocab]."""
        if not logits.amax(dim=-1).isfinite().all():
            self._finish(text, "error", NoTokenError([0]))
            return
        step = text.search(logits)
        if step.ended:
            self._give(text, step.ended[0])
        else:
            self._fork(text, step)

    def _fork(self, text: Text, step: Step) -> None:
        """Lets each beam go on from the branch that it continues."""
        assert step.sources is not None
        sources = step.sources.tolist() if len(text.branches) > 1 else [0] * len(step.ids)  # all beams begin alike
        for number in set(range(len(text.branches))) - set(sources):
            self._pool.release(text.branches[number].chain)
        fewest = len(sources) - len(set(sources)) if text.branch.read % BLOCK else 0
        while self._pool.spare < fewest:
            if not self._make_way(text):
                return
        if copied := text.fork(self._pool, sources, step.ids.tolist()):
            self._stepper.copy(list(copied.values()), list(copied))

    def _give(self, text: Text, found: Ended) -> None:
        """Gives the whole of a text that was searched for."""
        try:
            for token in found.ids:
                text.sink.put(Token(token))
        except RuntimeError:  # who asked is gone
            self._finish(text, "cancelled")
            return
        self._written_tokens += len(found.ids)
        self._finish(text, "stop" if len(found.ids) < text.room else "length")

    def _choose(self, logits: Tensor, scored: Sequence[tuple[Text, int]]) -> None:
        """Chooses the next token of each text, and goes on with it while what was supposed comes true.

        Args:
            logits: [rows, vocab].
            scored: each text with its first row.
        """
        depth = 0
        while scored:
            chosen = self._sample(logits, scored)
            going: list[tuple[Text, int]] = []
            for (text, row), token in zip(scored, chosen, strict=True):
                branch = text.branch
                if token is None or not self._grow(text, token) or depth >= len(branch.drafts):
                    continue
                if branch.drafts[depth] == token.id:
                    branch.read += 1  # it was read as a draft
                    going.append((text, row + 1))
            scored, depth = going, depth + 1

    def _sample(self, logits: Tensor, scored: Sequence[tuple[Text, int]]) -> list[Token | None]:
        """Returns the next token of each text; None for those for which there is none, which have failed."""
        texts, rows = [text for text, _ in scored], [row for _, row in scored]
        changes = any(text.state.changes_logits for text in texts)
        picked = logits[rows] if changes or len(rows) < len(logits) else logits
        try:
            return list(self._sampler.choose(picked, [text.state for text in texts]))
        except NoTokenError as error:
            bad = set(error.rows)
            for row in bad:
                self._finish(texts[row], "error", error)
            good = [row for row in range(len(texts)) if row not in bad]
            found = dict(zip(good, self._sample(logits, [scored[row] for row in good]), strict=True)) if good else {}
            return [found.get(row) for row in range(len(texts))]

    def _grow(self, text: Text, token: Token) -> bool:
        """Adds a token to a text; returns whether the text goes on."""
        if token.id in text.request.end_ids:
            self._finish(text, "stop")
            return False
        try:
            text.state.accept(token.id)
        except PenjingError as error:  # its grammar leads no further; the others go on
            self._finish(text, "error", NoTokenError([0], error.what))
            return False
        text.branch.ids.append(token.id)
        self._written_tokens += 1
        try:
            text.sink.put(token)
        except RuntimeError:  # who asked is gone
            self._finish(text, "cancelled")
            return False
        if text.written == text.room:
            self._finish(text, "length")
            return False
        return True

    def _release(self, text: Text) -> None:
        for branch in text.branches:
            self._pool.release(branch.chain)

    def _finish(self, text: Text, reason: FinishReason, error: Exception | None = None) -> None:
        self._release(text)
        if text in self._active:
            self._active.remove(text)
        tell_end(text, reason, error)
