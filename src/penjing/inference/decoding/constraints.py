"""Texts that keep to a regular expression or to a JSON schema, token by token."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from penjing.errors import MissingExtraError, PenjingError, UsageError
from penjing.inference.decoding.grammar_trial import CostlyGrammarError, GrammarTrial, read_grammar
from penjing.inference.decoding.interface import EngineFullError
from penjing.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

#: Grammars that are read, or wait for that.
MOST_READ = 15
_KEPT = 64  # grammars that are ready for the next text, or known to be none
_LONGEST = 100_000  # characters of an expression or a schema
# As Python's json.dumps lays JSON out. Were all space allowed, a model could write spaces without end.
_LAYOUT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


class GrammarConstraint:
    """Holds one text to a grammar; a `penjing.inference.decoding.request.Constraint`.

    Args:
        matcher: of the grammar, at the beginning of the text.
        vocab_size: of the tokenizer.
    """

    def __init__(self, matcher: LLMatcher, vocab_size: int) -> None:
        self._matcher, self._vocab_size = matcher, vocab_size

    def allowed(self) -> NDArray[np.bool_]:
        """Returns which tokens may come next, [vocab]; those that end a text, where it may end.

        Raises:
            PenjingError: the grammar is too large to be followed here.
        """
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        if self._matcher.is_error():
            raise PenjingError(
                f"the grammar cannot be followed ({_first_line(self._matcher.get_error())})",
                do="Make the expression or the schema simpler.",
            )
        return np.unpackbits(bits, count=self._vocab_size, bitorder="little").view(np.bool_)

    def accept(self, token: int) -> None:
        """Takes in the token that came.

        Raises:
            PenjingError: it is not allowed, or the grammar is too large to be followed further: then the token was
                among those that are allowed all the same.
        """
        if not self._matcher.consume_token(token):
            raise PenjingError(
                f"the grammar does not go on after the token {token} ({_first_line(self._matcher.get_error())})",
                do="Make the expression or the schema simpler.",
            )

    @property
    def may_end(self) -> bool:
        """Whether the text is complete as it is."""
        return bool(self._matcher.is_accepting())


class ConstraintMaker:
    """Makes constraints for the texts of a model; for any number of threads.

    It follows the bytes that tokens stand for, with llguidance: a grammar is made once, and the tokens that it allows
    are found in a prefix tree of the vocabulary.

    Args:
        tokenizer: the model's; one of bytes, or of pieces of text.
        end_ids: tokens that end a text; they are allowed where the grammar may end.
        tries: whether a process of its own reads each grammar first, so that none takes long: for those of others.
    """

    def __init__(self, tokenizer: Tokenizer, end_ids: frozenset[int], *, tries: bool = False) -> None:
        self._tokenizer, self._end_ids, self._tries = tokenizer, end_ids, tries
        self._vocabulary: LLTokenizer | None = None
        self._trial: GrammarTrial | None = None
        self._ready: OrderedDict[str, LLMatcher | UsageError] = OrderedDict()
        self._kept, self._making, self._places = Lock(), Lock(), BoundedSemaphore(MOST_READ)

    def regex(self, pattern: str) -> GrammarConstraint:
        """Returns a constraint to texts that a regular expression matches from beginning to end.

        Args:
            pattern: in the language of Rust's regex, without look-around and anchors.

        Raises:
            UsageError: it is none, or too large, or the tokenizer cannot be held to it.
            EngineFullError: too many are being read.
            MissingExtraError: llguidance is not installed.
        """
        _check_size(pattern, "regular expression")
        return self._make(_library().LLMatcher.grammar_from_regex(pattern), "this regular expression cannot be kept to")

    def json_schema(self, schema: Mapping[str, Any]) -> GrammarConstraint:
        """Returns a constraint to JSON by a schema, laid out as Python's ``json.dumps`` does, members in their order.

        Args:
            schema: JSON Schema; a part that cannot be kept to is refused.

        Raises:
            UsageError: it is none, or too large, or has a part that cannot be kept to, or the tokenizer cannot be held
                to it.
            EngineFullError: too many are being read.
            MissingExtraError: llguidance is not installed.
        """
        try:
            text = json.dumps(schema, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise UsageError(f"the schema is no JSON ({error})", do="Give a JSON schema.") from error
        _check_size(text, "schema")

        try:
            grammar = _library().LLMatcher.grammar_from_json_schema(text, overrides=_LAYOUT)
        except ValueError as error:
            raise UsageError(f"this JSON schema cannot be kept to ({error})", do="Correct it.") from error
        return self._make(grammar, "this JSON schema cannot be kept to")

    def json_object(self) -> GrammarConstraint:
        """Returns a constraint to any JSON object; see `json_schema`."""
        return self.json_schema({"type": "object"})

    def _make(self, grammar: str, wrong: str) -> GrammarConstraint:
        known = self._find(grammar)
        if known is None:
            if not self._places.acquire(blocking=False):
                raise EngineFullError(f"{MOST_READ} expressions and schemas are being read", do="Ask again in a while.")
            try:
                with self._making:  # one after the other; those that are known need not wait
                    known = self._find(grammar) or self._prepare(grammar, wrong)
                    self._keep(grammar, known)
            finally:
                self._places.release()
        if isinstance(known, UsageError):
            raise type(known)(known.what, do=known.do)
        return GrammarConstraint(known.deep_copy(), self._tokenizer.vocab_size)

    def _find(self, grammar: str) -> LLMatcher | UsageError | None:
        """Returns a matcher at the beginning of a text, or why there is none; None: the grammar is new."""
        with self._kept:
            if grammar in self._ready:
                self._ready.move_to_end(grammar)
            return self._ready.get(grammar)

    def _keep(self, grammar: str, known: LLMatcher | UsageError) -> None:
        with self._kept:
            self._ready[grammar] = known
            if len(self._ready) > _KEPT:
                self._ready.popitem(last=False)

    def _prepare(self, grammar: str, wrong: str) -> LLMatcher | UsageError:
        """Returns a matcher at the beginning of a text, or why there is none and will be none.

        Raises:
            UsageError: the tokenizer cannot be held to any, or the grammar could not be read now.
            PenjingError: grammars cannot be tried.
        """
        _library()
        if self._vocabulary is None:
            self._vocabulary = _read_vocabulary(self._tokenizer, self._end_ids)
            self._trial = GrammarTrial(self._tokenizer.to_json(), self._end_ids) if self._tries else None
        try:
            if self._trial is not None:
                self._trial.check(grammar)
        except CostlyGrammarError as error:
            return error
        matcher, fault = read_grammar(self._vocabulary, grammar)
        if fault:
            return UsageError(f"{wrong} ({_first_line(fault)})", do="Correct it, make it simpler, or leave that out.")
        made: LLMatcher = matcher
        return made


def _library() -> Any:
    try:
        import llguidance
    except ImportError as error:
        raise MissingExtraError("llguidance", "serve", "output by a schema or an expression") from error
    return llguidance


def _read_vocabulary(tokenizer: Tokenizer, end_ids: frozenset[int]) -> LLTokenizer:
    try:
        made: LLTokenizer = _library().LLTokenizer(tokenizer.to_json(), eos_token=sorted(end_ids))
    except ValueError as error:
        raise UsageError(
            "the tokenizer of this model does not say which bytes its tokens are, so that its texts cannot be held to "
            f"a schema or an expression ({_first_line(str(error))})",
            do="Leave the schema or the expression out, or use a model whose tokenizer is of the kind bpe or unigram.",
        ) from error
    return made


def _check_size(text: str, name: str) -> None:
    if len(text) > _LONGEST:
        raise UsageError(f"the {name} has {len(text):,} characters", do=f"Give at most {_LONGEST:,}.")


def _first_line(message: str) -> str:
    """Returns what a message of the library says, without the picture of the place below it."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    errors = [line.removeprefix("error:").strip() for line in lines if line.startswith("error:")]
    return (errors or lines or ["no reason is given"])[0][:300]
