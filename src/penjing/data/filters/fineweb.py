"""The filters that FineWeb adds (Penedo et al. 2024, arXiv 2406.17557, section 3.5)."""

from __future__ import annotations

from penjing.data.filters.filter import Filter, Rule

FINEWEB = Filter(
    "fineweb",
    "Penedo et al. 2024, arXiv 2406.17557",
    (
        Rule("punctuated_lines", lambda found: found.punctuated_lines, 0.12),
        Rule("line_characters", lambda found: found.repeated("line_characters"), high=0.1),
        Rule("short_lines", lambda found: found.short_lines, high=0.67),
    ),
)
