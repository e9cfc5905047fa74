"""Several tasks for one model, told apart by their templates (Raffel et al. 2020, arXiv 1910.10683)."""

from __future__ import annotations

from penjing.tasks.task import MultiTask

MULTI = MultiTask(name="multi")
