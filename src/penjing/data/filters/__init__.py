"""Filters of quality, one published recipe a file."""

from penjing.data.filters.filter import Filter, Rule, Verdict, judge_texts, load_filter

__all__ = ["Filter", "Rule", "Verdict", "judge_texts", "load_filter"]
