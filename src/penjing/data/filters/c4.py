"""The filters of C4 that concern whole pages (Raffel et al. 2020, arXiv 1910.10683, section 2.2).

C4 also cuts single lines out of pages; that is not done here. Earlier printings of the paper ask for 5 sentences; its
present text and the program that made C4 (c4_utils.py of TensorFlow Datasets) for 3.
"""

from __future__ import annotations

from penjing.data.filters.filter import Filter, Rule

C4 = Filter(
    "c4",
    "Raffel et al. 2020, arXiv 1910.10683",
    (
        Rule("placeholder", lambda found: found.placeholder, high=0),
        Rule("braces", lambda found: found.braces, high=0),
        Rule("sentences", lambda found: found.sentences, 3),
    ),
)
