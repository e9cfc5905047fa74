"""Where a text becomes a prompt that the name of its label goes on with, perhaps after texts with their labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

from penjing.errors import DataError, RecipeError, SettingsError
from penjing.hashing import hash_json
from penjing.text.contractions import rejoin_contractions
from penjing.text.renderer import RENDERER_VERSION, Origin, Rendered, RendererSettings, leave_out
from penjing.text.tokenizer import Tokenizer

_TEXT, _LABEL = "{text}", "{label}"


class NameLayout(BaseModel):
    """How texts and the names of labels are laid out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: str = Field(
        description='text, then label: "{text}\\nSentiment: {label}"; it ends in {label}, whose name is what is scored'
    )
    words: dict[str, str] = Field({}, description="label → the name that is written for it; default: the label")
    examples: int = Field(0, ge=0, description="training rows before each text, as many of each label as of any other")
    by: Literal["similarity", "random"] = Field(
        "similarity", description="which: the most similar to the text, the most similar last; or drawn for each text"
    )
    separator: str = Field("\n\n", description="between two examples")

    @field_validator("template")
    @classmethod
    def _asks_for_a_label(cls, template: str) -> str:
        if template.count(_TEXT) != 1 or template.count(_LABEL) != 1:
            raise SettingsError("a template names {text} and {label} once each", "Write them so.")
        if not template.endswith(_LABEL):
            raise SettingsError("a template ends in {label}: its name is what a model goes on with", "Put it last.")
        return template


class Examples(NamedTuple):
    """Texts whose labels are known.

    Attributes:
        texts: [examples].
        classes: the number of the label of each, [examples].
    """

    texts: Sequence[str]
    classes: Sequence[int]


#: Texts, and which example each is itself or None → the numbers of examples for each, the most wanted first.
ChooseExamples = Callable[[Sequence[str], Sequence[int] | None], list[list[int]]]


@dataclass(frozen=True)
class NamePrompt:
    """A text as a prompt.

    Attributes:
        rendered: token ids, and how many of the text itself were cut.
        origins: where each token comes from; None for those of the template and of examples.
        examples: how many stand before the text.
        dropped: examples that were chosen, and for which there was no room.
        whole: token ids with nothing of the text cut.
    """

    rendered: Rendered
    origins: list[Origin | None]
    examples: int
    dropped: int
    whole: list[int]


@dataclass(frozen=True)
class _Parts:
    """The template as tokens.

    Attributes:
        before: of the template before the text.
        gap: spaces before the text, which are read with it, as a tokenizer reads both at once.
        between: of the template between text and name.
        names: of each label, to go on with after that.
        answered: between and name in one, as examples have them.
    """

    before: list[int]
    gap: str
    between: list[int]
    names: list[list[int]]
    answered: list[list[int]]
    separator: list[int]
    start: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)


class NameRenderer:
    """Lays texts out as prompts by a template; the candidates that go on are the names of labels.

    Template, text and name are cut into tokens as they would be at once: spaces go with what follows them, and a name
    with what stands before it in the template. A text that is too long is cut; examples for which there is no room are
    left out whole, the least wanted first.

    Args:
        tokenizer: cuts text into tokens.
        settings: longest prompt and name together, and where to cut; its template is not used.
        layout: the template, and the examples.
        labels: in the order of the candidates.
        reads_apart: whether the model reads the prompt whole before it writes (an encoder-decoder).
        examples: what is chosen from.
        choose: chooses; None where there are no examples.

    Raises:
        RecipeError: the names cannot be told apart, or a word is for no label, or the template fills the window.
    """

    columns = ("text",)

    def __init__(
        self,
        tokenizer: Tokenizer,
        settings: RendererSettings,
        layout: NameLayout,
        labels: Sequence[str],
        *,
        reads_apart: bool = False,
        examples: Examples | None = None,
        choose: ChooseExamples | None = None,
    ) -> None:
        self.tokenizer, self.settings, self.layout, self.labels = tokenizer, settings, layout, list(labels)
        self._reads_apart, self._examples, self._choose = reads_apart, examples or Examples((), ()), choose
        self.words = name_words(layout, labels)
        self._parts = _cut_template(tokenizer, layout, self.words, reads_apart=reads_apart)
        _check_names(tokenizer, self.words, self._parts.names)
        room = settings.max_tokens - self._fixed
        if room < 1:
            raise RecipeError(
                f"[render] max_tokens is {settings.max_tokens}, and template and names alone have {self._fixed} tokens",
                where="[names] template",
                do="Raise max_tokens, or shorten the template.",
            )

    @property
    def candidates(self) -> list[list[int]]:
        """The tokens of each label's name, to be scored after a prompt."""
        return self._parts.names

    @property
    def fingerprint(self) -> str:
        """The hash of all that decides which ids a text and a name become: tokenizer, layout, examples, version."""
        return hash_json(
            {
                "tokenizer": self.tokenizer.fingerprint,
                "settings": self.settings.model_dump(mode="json"),
                "layout": self.layout.model_dump(mode="json"),
                "labels": self.labels,
                "examples": [list(self._examples.texts), [int(number) for number in self._examples.classes]],
                "reads_apart": self._reads_apart,
                "version": RENDERER_VERSION,
            }
        )

    @property
    def _fixed(self) -> int:
        parts = self._parts
        longest = 0 if self._reads_apart else max(map(len, parts.names))
        return sum(map(len, (parts.start, parts.before, parts.between, parts.end))) + longest

    def render(self, rows: Sequence[Mapping[str, str]]) -> list[Rendered]:
        """Returns the prompt of each row, none of it learned."""
        return [prompt.rendered for prompt in self.lay_out([row["text"] for row in rows])]

    def render_empty(self, texts: Sequence[str], *, with_examples: bool) -> list[list[int]]:
        """Returns the prompts of texts that say nothing, to know how probable names are by themselves."""
        if with_examples:
            return [row.ids for row in self.render([{"text": text} for text in texts])]
        return [self._fill(text, ids, []).rendered.ids for text, ids in zip(texts, self._encode(texts), strict=True)]

    def locate(self, row: Mapping[str, str]) -> list[tuple[int, Origin | None]]:
        """Returns the tokens of a prompt, each with where in the text it comes from; None for all but the text."""
        [prompt] = self.lay_out([row["text"]])
        return list(zip(prompt.rendered.ids, prompt.origins, strict=True))

    def lay_out(self, texts: Sequence[str], own: Sequence[int] | None = None) -> list[NamePrompt]:
        """Returns the prompt of each text.

        Args:
            texts: what is asked about.
            own: which example each is itself, so that it does not stand before itself; None: they are none.
        """
        wanted: list[list[int]] = [[] for _ in texts]
        if self.layout.examples and self._choose is not None:
            wanted = self._choose(texts, own)
        used = sorted({number for row in wanted for number in row})
        shown = dict(zip(used, self._encode([self._examples.texts[number] for number in used]), strict=True))
        parts, classes = self._parts, self._examples.classes
        blocks = {
            number: [*parts.before, *ids, *parts.answered[classes[number]], *parts.separator]
            for number, ids in shown.items()
        }
        return [
            self._fill(text, ids, [blocks[number] for number in row])
            for text, ids, row in zip(texts, self._encode(texts), wanted, strict=True)
        ]

    def _fill(self, text: str, ids: list[int], blocks: list[list[int]]) -> NamePrompt:
        parts = self._parts
        room = self.settings.max_tokens - self._fixed
        excess = max(0, len(ids) - room)
        places: list[int] = leave_out(list(range(len(ids))), excess, self.settings.cut)
        room -= len(places)
        kept = []
        for block in blocks:
            if len(block) <= room:
                kept.append(block)
                room -= len(block)
        before = [*parts.start, *(token for block in reversed(kept) for token in block), *parts.before]
        after = [*parts.between, *parts.end]
        prompt = [*before, *(ids[place] for place in places), *after]
        origins = self._origins(text, len(ids))
        located = [*[None] * len(before), *(origins[place] for place in places), *[None] * len(after)]
        rendered = Rendered(prompt, [False] * len(prompt), excess)
        return NamePrompt(rendered, located, len(kept), len(blocks) - len(kept), [*before, *ids, *after])

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        read = [rejoin_contractions(text) for text in texts] if self.settings.rejoin else texts
        return self.tokenizer.encode([self._parts.gap + text for text in read])

    def _origins(self, text: str, count: int) -> list[Origin | None]:
        """Returns where the tokens of a text come from."""
        if self.settings.rejoin:
            return [None] * count
        gap = len(self._parts.gap)
        spans = (span for _, span in self.tokenizer.locate(self._parts.gap + text))
        return [Origin("text", max(0, start - gap), max(0, end - gap)) for start, end in spans]


def name_words(layout: NameLayout, labels: Sequence[str]) -> list[str]:
    """Returns the name of each label.

    Raises:
        RecipeError: a name is given for something that is no label, or is empty.
    """
    for label in layout.words:
        if label not in labels:
            raise RecipeError(
                f'words has a name for "{label}", which is no label: they are {", ".join(labels)}',
                where="[names] words",
                do="Correct it.",
            )
    words = [layout.words.get(label, label) for label in labels]
    for label, word in zip(labels, words, strict=True):
        if not word.strip():
            what = f'the name of "{label}" is empty'
            raise RecipeError(what, where="[names] words", do="Give a name of at least one character.")
    return words


def _cut_template(tokenizer: Tokenizer, layout: NameLayout, words: Sequence[str], *, reads_apart: bool) -> _Parts:
    before, _, rest = layout.template.partition(_TEXT)
    between = rest.removesuffix(_LABEL)
    start, separator = before.rstrip(), layout.separator
    first, apart = tokenizer.encode([start, separator])
    answered = tokenizer.encode([between + word for word in words])
    if reads_apart:
        [ahead], names = tokenizer.encode([between.rstrip()]), tokenizer.encode(list(words))
    else:
        border = min(_count_before(tokenizer, between, word) for word in words)
        while any(ids[:border] != answered[0][:border] for ids in answered):
            border -= 1
        ahead, names = answered[0][:border], [ids[border:] for ids in answered]
    gap = before[len(start) :]
    ends = tokenizer.prompt_end if reads_apart else []
    return _Parts(first, gap, ahead, names, answered, apart, tokenizer.prompt_start, ends)


def _count_before(tokenizer: Tokenizer, between: str, word: str) -> int:
    """Returns how many tokens of both together end before the name and the spaces that go with it."""
    border = len(between.rstrip())
    ends = [end for _, (_, end) in tokenizer.locate(between + word)]
    return next((place for place, end in enumerate(ends) if end > border), len(ends))


def _check_names(tokenizer: Tokenizer, words: Sequence[str], names: Sequence[Sequence[int]]) -> None:
    """Checks that names can be told apart by their tokens."""
    for number, (word, ids) in enumerate(zip(words, names, strict=True)):
        if not ids or (tokenizer.has_unknown and tokenizer.unknown_id in ids):
            raise RecipeError(
                f'the tokenizer has no tokens for the name "{word}"',
                where="[names] words",
                do="Give another name, or a tokenizer that reads every text, such as one of the kind bpe.",
            )
        for other in range(len(names)):
            if other != number and list(names[other][: len(ids)]) == list(ids):
                what = "the same as" if len(names[other]) == len(ids) else "the beginning of"
                raise RecipeError(
                    f'the name "{word}" is {what} "{words[other]}", so one would always be as likely or likelier',
                    where="[names] words",
                    do="Give names of which none begins another.",
                )


def check_examples(prompts: Sequence[NamePrompt], layout: NameLayout, max_tokens: int) -> None:
    """Refuses examples of which none ever stands in a prompt.

    Raises:
        DataError: there is room for none.
    """
    if layout.examples and prompts and not any(prompt.examples for prompt in prompts):
        raise DataError(
            f"no prompt has room for an example: [render] max_tokens is {max_tokens}",
            where="[names] examples",
            do="Raise max_tokens, or write examples = 0.",
        )
