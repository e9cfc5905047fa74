"""What is done with personal data in texts: counted, masked, replaced by surrogates, or dropped with the text."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Literal

from penjing.data.personal.entities import Entity, EntityReader
from penjing.data.personal.finding import Finding, find_personal, load_detectors

Action = Literal["report", "mask", "surrogate", "drop"]
_SURROGATE_DIGITS = 10
_SEVEN_DIGITS = "1234567"


def mask(text: str, findings: Sequence[Finding]) -> str:
    """Returns a text with a typed placeholder for each finding: ``<EMAIL>``."""
    return _replace(text, findings, [f"<{finding.kind.upper()}>" for finding in findings])


def replace_by_surrogates(text: str, findings: Sequence[Finding], key: bytes) -> str:
    """Returns a text with a surrogate for each finding: ``<EMAIL:3f9a61c07b>``.

    The same value gets the same surrogate, however it is written and in whatever text, as long as the key is the same.
    It is a keyed hash (HMAC-SHA-256, RFC 2104): who has not the key can neither go back nor try values out.

    Args:
        text: the text.
        findings: in it, in order.
        key: secret, 16 bytes at least.
    """
    return _replace(text, findings, [f"<{finding.kind.upper()}:{_digest(finding, key)}>" for finding in findings])


def _digest(finding: Finding, key: bytes) -> str:
    said = f"{finding.kind}\0{finding.value}".encode()
    return hmac.new(key, said, sha256).hexdigest()[:_SURROGATE_DIGITS]


def _replace(text: str, findings: Sequence[Finding], by: Sequence[str]) -> str:
    parts, end = [], 0
    for finding, replacement in zip(findings, by, strict=True):
        parts += [text[end : finding.start], replacement]
        end = finding.end
    return "".join([*parts, text[end:]])


class Protector:
    """Finds personal data in texts and does with it what is asked for.

    Args:
        action: ``report`` counts, ``mask`` and ``surrogate`` replace; ``drop`` masks, and the caller drops the text.
        kinds: what is looked for, in the order of their claims.
        regions: countries whose telephone numbers are known without their +.
        key: of the surrogates; needed for those only.
        models: name of the model for each language, where a kind is found with the help of one.

    Raises:
        MissingExtraError: a package is not installed.
        RecipeError: a model is none.
        UsageError: a kind, a region or a language is not known.
    """

    def __init__(
        self,
        action: Action,
        kinds: Sequence[str],
        regions: Sequence[str],
        key: bytes | None = None,
        models: Mapping[str, str] | None = None,
    ) -> None:
        self.action, self._detectors, self._regions, self._key = action, load_detectors(kinds), regions, key
        find_personal(_SEVEN_DIGITS, self._detectors, regions)  # a wrong region is said before any text is read
        self._reader = EntityReader(models) if models else None
        self.found: Counter[str] = Counter()

    def protect(self, texts: Sequence[str]) -> list[tuple[str, str | None]]:
        """Returns each text as it may be kept, and the kind of the first finding, if there is one.

        A model reads many texts together in less time than one after the other.
        """
        seen: Sequence[Sequence[Entity]] = [()] * len(texts) if self._reader is None else self._reader.read(texts)
        return [self._protect(text, entities) for text, entities in zip(texts, seen, strict=True)]

    def _protect(self, text: str, entities: Sequence[Entity]) -> tuple[str, str | None]:
        findings = find_personal(text, self._detectors, self._regions, entities)
        if not findings:
            return text, None
        self.found.update(finding.kind for finding in findings)
        if self.action in ("mask", "drop"):
            text = mask(text, findings)
        elif self.action == "surrogate":
            assert self._key is not None
            text = replace_by_surrogates(text, findings, self._key)
        return text, findings[0].kind

    def take_found(self) -> Counter[str]:
        """Returns the pieces found since this was asked last, by kind."""
        found, self.found = self.found, Counter()
        return found
