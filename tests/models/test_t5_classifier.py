from __future__ import annotations

from pathlib import Path

import pytest
import torch
import transformers
from tests.models.test_t5 import (
    KINDS,
    LOSSES,
    MASK,
    V11,
    make_ids,
    make_ours,
    make_theirs,
    scramble,
)
from torch import Tensor

from penjing.models.t5 import T5, T5ForSequenceClassification, T5Model, initialize
from penjing.models.weights import load_backbone, load_weights, read_config, save_network


def make_rows() -> Tensor:
    """Rows that end with the end token 1, padded with 0 on the right; as many of them in each, as the hub asks."""
    ids = make_ids() * MASK
    ids[[0, 1, 2], [29, 16, 0]] = 1
    return ids


@pytest.mark.parametrize("kind", list(KINDS))
@torch.no_grad()
def test_classifier_of_the_hub_gives_the_same_logits(tmp_path: Path, kind: str) -> None:
    theirs = make_theirs(kind, transformers.T5ForSequenceClassification, num_labels=5)
    theirs.save_pretrained(tmp_path)
    ours = T5.classifier(T5.config_from_dict(read_config(tmp_path)), 5).eval()
    load_weights(ours, tmp_path)
    ids = make_rows()
    expected = theirs(ids, attention_mask=MASK.long()).logits
    torch.testing.assert_close(ours(ids, MASK), expected, **LOSSES)
    torch.testing.assert_close(ours(None, MASK, inputs_embeds=ours.input_embeddings(ids)), expected, **LOSSES)
    torch.testing.assert_close(ours(ids[:1]), expected[:1], **LOSSES)


@torch.no_grad()
def test_classifier_reads_the_last_end_token_else_the_last_real_one(tmp_path: Path) -> None:
    theirs = make_theirs("v1.1", transformers.T5ForSequenceClassification)
    theirs.save_pretrained(tmp_path)
    ours = T5.classifier(T5.config_from_dict(read_config(tmp_path)), 2).eval()
    load_weights(ours, tmp_path)
    ids = make_ids(1, 8)
    ids[0, [2, 5]] = 1  # the second is the last, and not the end of the row
    torch.testing.assert_close(ours(ids), theirs(ids).logits, **LOSSES)
    ids = torch.arange(10, 18)[None]
    theirs.config.eos_token_id = 14  # the last real one of five
    mask = torch.arange(8)[None] < 5
    torch.testing.assert_close(ours(ids, mask), theirs(ids, attention_mask=mask.long()).logits, **LOSSES)


@torch.no_grad()
def test_our_classifier_loads_into_transformers_with_nothing_missing_or_left_over(tmp_path: Path) -> None:
    ours = T5ForSequenceClassification(V11, 3).eval()
    initialize(ours, V11, 0)
    scramble(ours)
    save_network(tmp_path, ours, V11.to_dict(head="classifier", labels=["a", "b", "c"]))
    theirs, report = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report.values())
    ids = make_rows()
    torch.testing.assert_close(ours(ids, MASK), theirs.eval()(ids, attention_mask=MASK.long()).logits, **LOSSES)


@torch.no_grad()
def test_classifier_starts_from_the_language_model_and_that_from_the_classifier(tmp_path: Path) -> None:
    ours = make_ours(V11)
    save_network(tmp_path / "lm", ours, V11.to_dict())
    classifier = T5ForSequenceClassification(V11, 2).eval()
    initialize(classifier, V11, 1)
    transfer = load_backbone(classifier, tmp_path / "lm")
    assert transfer.fresh == tuple(f"classification_head.{n}" for n in ("dense.weight", "dense.bias", *OUTPUT))
    assert transfer.left == ("transformer.lm_head.weight",)
    ids, written = make_ids(), make_ids(time=9, seed=3)
    expected = ours.decode(written, ours.encode(ids, MASK), MASK)
    torch.testing.assert_close(classifier.backbone(ids, MASK, written), expected, atol=0, rtol=0)

    save_network(tmp_path / "classifier", classifier, V11.to_dict(head="classifier", labels=["a", "b"]))
    again = make_ours(V11, 2)
    transfer = load_backbone(again, tmp_path / "classifier")
    assert transfer.fresh == ("lm_head.weight",)
    assert set(transfer.left) == {f"classification_head.{n}" for n in ("dense.weight", "dense.bias", *OUTPUT)}
    torch.testing.assert_close(again.decode(written, again.encode(ids, MASK), MASK), expected, atol=0, rtol=0)

    onward = make_ours(V11, 3)
    assert load_backbone(onward, tmp_path / "lm").fresh == ()
    assert torch.equal(onward.lm_head.weight, ours.lm_head.weight)


OUTPUT = ("out_proj.weight", "out_proj.bias")


@torch.no_grad()
def test_model_without_a_head_is_read_from_a_language_model(tmp_path: Path) -> None:
    theirs = make_theirs("v1.1")
    theirs.save_pretrained(tmp_path)
    ours = T5Model(V11)
    load_weights(ours.eval(), tmp_path)
    ids, written = make_ids(), make_ids(time=9, seed=3)
    expected = theirs(ids, decoder_input_ids=written, output_hidden_states=True).encoder_last_hidden_state
    torch.testing.assert_close(ours.encode(ids), expected, **LOSSES)
