"""Items of a catalog, found by what somebody types."""

from __future__ import annotations

from penjing.data.histories import Catalog


def find_items(catalog: Catalog, typed: str, most: int) -> list[dict[str, str]]:
    """Returns items whose id is what was typed, or whose text holds each word of it; where it begins so, first.

    Args:
        catalog: of the model.
        typed: perhaps nothing, and then the first items are returned.
        most: how many.
    """
    whole = typed.strip().lower()
    wanted = whole.split()
    found: list[tuple[int, int]] = []
    for place, (item, text) in enumerate(zip(catalog.ids, catalog.texts, strict=True)):
        lowered = text.lower()
        if item.lower() == whole:
            found.append((0, place))
        elif all(word in lowered for word in wanted):
            found.append((1 if lowered.startswith(whole) else 2, place))
    return [{"id": catalog.ids[place], "text": catalog.texts[place]} for _, place in sorted(found)[:most]]
