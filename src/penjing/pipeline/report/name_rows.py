"""What a report says of labels that are answered by their names."""

from __future__ import annotations

from penjing.pipeline.report.name_facts import NameFacts
from penjing.pipeline.report.wording import Wording


def name_rows(names: NameFacts | None, wording: Wording) -> list[tuple[str, str]]:
    """Returns how labels are answered by their names; nothing where they are not."""
    if names is None:
        return []
    said = wording.say("comma").join(
        wording.say("name_of", label=label, word=word) for label, word in names.words.items()
    )
    rows = [
        (wording.say("names"), wording.say("names_of", names=said)),
        (wording.say("names_learned"), wording.name("names_learned", "yes" if names.train else "no")),
    ]
    if names.examples:
        count, wanted = wording.count(names.examples), names.shown + names.dropped
        dropped = wording.say("name_dropped_of", dropped=wording.count(names.dropped), wanted=wording.count(wanted))
        rows += [
            (wording.say("name_examples"), wording.name("name_examples", names.by, count=count)),
            (wording.say("name_dropped"), dropped),
        ]
    return [
        *rows,
        (wording.say("name_length"), wording.name("name_length", "yes" if names.by_length else "no")),
        (wording.say("name_prior"), wording.name("name_prior", names.prior)),
    ]
