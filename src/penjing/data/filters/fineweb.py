"""The filters that FineWeb adds (Penedo et al. 2024, arXiv 2406.17557, section 3.5)."""

from __future__ import annotations

from math import nextafter

from penjing.data.filters.filter import Filter, Rule

FINEWEB = Filter(
    "fineweb",
    "Penedo et al. 2024, arXiv 2406.17557",
    (
        # The paper refuses at 0.12, 0.1 and 0.67, too; datatrove only beyond them, and repeated lines from 0.01 on.
        Rule("punctuated_lines", lambda found: found.punctuated_lines, nextafter(0.12, 1)),
        Rule("line_characters", lambda found: found.repeated("line_characters"), high=nextafter(0.1, 0)),
        Rule("short_lines", lambda found: found.short_lines, high=nextafter(0.67, 0)),
    ),
)
