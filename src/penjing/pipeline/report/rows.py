"""What the reports of models say that were fine-tuned on rows: what was left out, what was cut, the tokenizer."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.pipeline.report.facts import AdapterFacts, DataCounts, Quantizing, TokenCounts
from penjing.pipeline.report.head_facts import HeadFacts, NgramFacts
from penjing.pipeline.report.wording import Wording


def removed_sentence(removed: Mapping[str, int], wording: Wording) -> str:
    """Returns how many rows were left out, and why; empty where nothing is known of it."""
    reasons = [
        wording.name("removed", reason, count=wording.count(count)) for reason, count in removed.items() if count
    ]
    if not reasons:
        return wording.say("removed_none") if removed else ""
    return wording.say("removed", reasons=wording.say("comma").join(reasons))


def cut_sentence(tokens: TokenCounts, wording: Wording) -> str:
    """Returns how many tokens were cut because texts are too long."""
    rows, most = wording.count(tokens.rows), wording.count(tokens.max_tokens)
    if not tokens.cut_tokens:
        return wording.say("cut_none", rows=rows, max_tokens=most)
    return wording.say(
        "cut_some",
        cut_tokens=wording.count(tokens.cut_tokens),
        cut_rows=wording.count(tokens.cut_rows),
        rows=rows,
        share=wording.percent(tokens.cut_rows / tokens.rows if tokens.rows else 0),
        max_tokens=most,
    )


def token_rows(tokens: TokenCounts, wording: Wording) -> list[tuple[str, str]]:
    """Returns what is said of the tokenizer and its tokens."""
    rows = [
        (wording.say("kind"), wording.name("kind", tokens.kind)),
        (wording.say("vocabulary"), wording.count(tokens.vocabulary)),
        (wording.say("max_tokens"), wording.count(tokens.max_tokens)),
    ]
    if tokens.pretraining_tokens is not None:
        rows.append((wording.say("pretraining_tokens"), wording.count(tokens.pretraining_tokens)))
    if tokens.unknown_share is not None:
        rows.append((wording.say("unknown_share"), wording.fine_percent(tokens.unknown_share)))
    return rows


def drawn_sentence(data: DataCounts, wording: Wording) -> str:
    """Returns which training rows were drawn, of how many, and what of the recipe stands beside; empty without both."""
    said = []
    if data.drawn is not None:
        per_class, of = wording.count(data.drawn.per_class), _count_labels(data.drawn.of, wording)
        said.append(wording.say("drawn", per_class=per_class, seed=data.drawn.seed, of=of))
    if data.described:
        said.append(wording.say("described", of=_count_labels(data.described, wording)))
    return wording.say("gap").join(said)


def _count_labels(counts: Mapping[str, int], wording: Wording) -> str:
    return wording.say("comma").join(
        wording.say("drawn_of", count=wording.count(count), label=label) for label, count in counts.items()
    )


def adapter_rows(lora: AdapterFacts | None, wording: Wording) -> list[tuple[str, str]]:
    """Returns what is said of adapters; nothing where all weights were trained."""
    if lora is None:
        return []
    trained, share = wording.count(lora.trained_parameters), wording.fine_percent(lora.trained_share)
    rows = [
        (wording.say("adapters"), wording.say("adapters_of", rank=lora.rank, matrices=lora.matrices)),
        (wording.say("trained_weights"), wording.say("trained_of", trained=trained, share=share)),
        (wording.say("merging"), wording.small(lora.merging.largest_difference)),
    ]
    if lora.base is not None and lora.quantizing is not None:
        rows.append((wording.say("quantized_base"), wording.say("quantized_base_of", base=lora.base)))
        rows.append((wording.say("quantizing"), _quantizing_sentence(lora.quantizing, wording)))
    return rows


def _quantizing_sentence(quantizing: Quantizing, wording: Wording) -> str:
    difference, both = wording.small(quantizing.largest_difference), quantizing.validation
    if both is None:
        return wording.say("quantizing_of", difference=difference)
    original, quantized = both.original.validation_loss, both.quantized.validation_loss
    return wording.say("quantizing_validation", difference=difference, original=original, quantized=quantized)


def head_rows(head: HeadFacts | None, wording: Wording) -> list[tuple[str, str]]:
    """Returns how a head was fitted; nothing where it was trained with the network."""
    if head is None:
        return []
    contrast = head.contrastive
    adapted = wording.say("adapted_by_head")
    if contrast is not None:
        objective = wording.name("contrast", contrast.objective)
        adapted = wording.say("adapted_by_contrast", steps=wording.count(contrast.steps), objective=objective)
    counts = {"weights": wording.count(head.fitted_parameters), "rows": wording.count(head.rows)}
    fitted = wording.say("head_fitted_to", **counts)
    if head.regressions is not None:
        fitted = wording.say("head_fitted_each", **counts, count=wording.count(head.regressions))
    return [
        (wording.say("adapted"), adapted),
        (wording.say("head_fitted"), fitted),
        (wording.say("head_strength"), wording.name("chosen_by", head.chosen_by, strength=f"{head.strength:g}")),
        (wording.say("head_difference"), wording.small(head.largest_difference)),
    ]


def ngram_rows(ngrams: NgramFacts | None, wording: Wording) -> list[tuple[str, str]]:
    """Returns what n-grams stand beside the network; nothing where none were asked for."""
    if ngrams is None:
        return []
    said = {
        "count": wording.count(ngrams.count),
        "length": wording.count(ngrams.length),
        "share": wording.percent(ngrams.share),
        "strength": f"{ngrams.strength:g}",
    }
    return [(wording.say("ngrams"), wording.say("ngrams_beside" if ngrams.share else "ngrams_left_out", **said))]
