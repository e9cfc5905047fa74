from __future__ import annotations

import json
import math
import multiprocessing
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from penjing.errors import DiskFullError, ModelFolderError
from penjing.files import remove_leftovers
from penjing.models import weights
from penjing.models.bert import BertForMaskedLM, BertForSequenceClassification, BertModel, initialize
from penjing.models.bert_config import BertConfig
from penjing.models.lstm import LstmForCausalLM, LstmForSequenceClassification
from penjing.models.lstm import initialize as initialize_lstm
from penjing.models.lstm_config import LstmConfig
from penjing.models.weights import load_backbone, load_weights, read_config, save_network

SHAPE: dict[str, Any] = {
    "vocab_size": 40,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "max_position_embeddings": 10,
}
CONFIG = BertConfig(**SHAPE)
FILE = "model.safetensors"


def make(builder: Any = BertForMaskedLM, seed: int = 0, config: BertConfig = CONFIG) -> Any:
    network = builder(config)
    initialize(network, config, seed)
    return network


def make_classifier(config: BertConfig = CONFIG, seed: int = 5) -> Any:
    return make(lambda config: BertForSequenceClassification(config, 3), seed, config)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound folder of a masked language model."""
    save_network(tmp_path / "model", make(), CONFIG.to_dict())
    return tmp_path / "model"


def edit(folder: Path, change: Any) -> None:
    """Lets ``change`` alter the stored tensors."""
    tensors = load_file(folder / FILE)
    change(tensors)
    save_file(tensors, folder / FILE, metadata={"format": "pt"})


def assert_same(one: nn.Module, other: nn.Module, prefix: str = "") -> None:
    theirs = other.state_dict()
    for name, tensor in one.state_dict().items():
        if name.startswith(prefix):
            assert torch.equal(tensor, theirs[name]), name


def test_weights_come_back_to_the_bit(folder: Path) -> None:
    network = make(seed=9)
    load_weights(network, folder)
    assert_same(network, make())
    with safe_open(folder / FILE, framework="pt") as opened:
        assert opened.metadata() == {"format": "pt"}


def test_tied_tensors_are_stored_once_and_load(tmp_path: Path) -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.scores = nn.Embedding(5, 3), nn.Linear(3, 5, bias=False)
            self.scores.weight = self.words.weight

    save_network(tmp_path, Tied(), {"model_type": "tied"})
    assert set(load_file(tmp_path / FILE)) == {"words.weight"}
    network = Tied()
    load_weights(network, tmp_path)
    assert torch.equal(network.scores.weight, load_file(tmp_path / FILE)["words.weight"])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_precisions_on_disk_become_that_of_the_network(folder: Path, dtype: torch.dtype) -> None:
    edit(folder, lambda tensors: tensors.update({name: value.to(dtype) for name, value in tensors.items()}))
    network = make(seed=9)
    load_weights(network, folder)
    expected = make().to(dtype).float()
    assert_same(network, expected)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


@pytest.mark.parametrize("by_us", [True, False], ids=["ours", "the hub's"])
def test_shards_load_as_one_file(tmp_path: Path, by_us: bool) -> None:
    if by_us:
        save_network(tmp_path, make(), CONFIG.to_dict())
        save_network(tmp_path, make(), CONFIG.to_dict(), shard_bytes=2000)
        theirs, loading = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
        assert not any(loading.values())
    else:
        theirs = transformers.BertForMaskedLM(transformers.BertConfig(**SHAPE))
        theirs.save_pretrained(tmp_path, max_shard_size="2KB")
    assert not (tmp_path / FILE).exists()
    assert len(list(tmp_path.glob("model-*-of-*.safetensors"))) > 2
    network = make(seed=9)
    load_weights(network, tmp_path)
    assert_same(network, theirs)


def test_old_names_of_normalizations_are_known(folder: Path) -> None:
    def rename(tensors: dict[str, torch.Tensor]) -> None:
        for name in [name for name in tensors if "LayerNorm" in name]:
            old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
            tensors[old] = tensors.pop(name)

    edit(folder, rename)
    network = make(seed=9)
    load_weights(network, folder)
    assert_same(network, make())


def test_release_of_the_paper_loads_into_the_masked_model(tmp_path: Path) -> None:
    theirs = transformers.BertForPreTraining(transformers.BertConfig(**SHAPE))
    theirs.save_pretrained(tmp_path)
    network = make()
    load_weights(network, tmp_path)
    assert_same(network, theirs)


def test_every_tensor_that_does_not_fit_is_named_and_nothing_is_changed(folder: Path) -> None:
    def spoil(tensors: dict[str, torch.Tensor]) -> None:
        for layer in range(2):
            del tensors[f"bert.encoder.layer.{layer}.output.dense.bias"]
        tensors["bert.encoder.layer.0.adapter.weight"] = torch.zeros(1)
        tensors["cls.predictions.bias"] = torch.zeros(41)
        tensors["bert.embeddings.LayerNorm.bias"] = torch.zeros(8, dtype=torch.int8)

    edit(folder, spoil)
    network = make(seed=9)
    with pytest.raises(ModelFolderError) as caught:
        load_weights(network, folder)
    paragraph = str(caught.value)
    for part in (
        f"{folder}: the weights do not fit the network; of its",
        "2 missing (bert.encoder.layer.0-1.output.dense.bias)",
        "1 left over (bert.encoder.layer.0.adapter.weight)",
        "1 of another shape (cls.predictions.bias is [41] there and [40] here)",
        "1 of a format that is not read (bert.embeddings.LayerNorm.bias is stored as I8)",
        "copy them together",
    ):
        assert part in paragraph
    assert "\n" not in paragraph
    assert_same(network, make(seed=9))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("load", [load_weights, load_backbone])
def test_weight_that_is_no_finite_number_is_refused_by_name(folder: Path, load: Any, value: float) -> None:
    name = "bert.encoder.layer.1.output.dense.weight"
    edit(folder, lambda tensors: tensors[name].view(-1)[-1].fill_(value))
    with pytest.raises(ModelFolderError, match=f"tensor {name} holds something that is not a number"):
        load(make(seed=1), folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pkl"])
def test_folder_of_pickles_is_refused_with_how_to_convert(folder: Path, name: str) -> None:
    (folder / FILE).unlink()
    torch.save({}, folder / name)
    with pytest.raises(ModelFolderError, match=rf"{name}, and a pickle is never opened.*save_pretrained"):
        load_weights(make(), folder)


@pytest.mark.parametrize("is_zip", [True, False])
def test_pickle_under_another_name_is_refused(folder: Path, is_zip: bool) -> None:
    torch.save({}, folder / FILE, _use_new_zipfile_serialization=is_zip)
    with pytest.raises(ModelFolderError, match="a pickle under another name"):
        load_weights(make(), folder)


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_file_that_is_cut_off_is_refused(folder: Path, kept: int) -> None:
    whole = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(whole[:kept])
    network = make(seed=9)
    with pytest.raises(ModelFolderError, match=r"model\.safetensors: the file is cut off or not safetensors"):
        load_weights(network, folder)
    assert_same(network, make(seed=9))


def test_pointer_left_by_git_is_refused_with_what_to_run(folder: Path) -> None:
    (folder / FILE).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 90868376\n")
    with pytest.raises(ModelFolderError, match="git lfs pull"):
        load_weights(make(), folder)


def test_folder_without_weights_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / FILE).unlink()
    with pytest.raises(ModelFolderError, match=r"there is no model\.safetensors"):
        load_weights(make(), folder)
    for read in (read_config, lambda path: load_weights(make(), path)):
        with pytest.raises(ModelFolderError, match="there is no such folder"):
            read(tmp_path / "nowhere")


def test_missing_shards_and_spoiled_indexes_are_refused(tmp_path: Path) -> None:
    save_network(tmp_path, make(), CONFIG.to_dict(), shard_bytes=2000)
    next(iter(sorted(tmp_path.glob("model-00002*")))).unlink()
    with pytest.raises(ModelFolderError, match=r"1 of \d+ shards are missing: model-00002"):
        load_weights(make(), tmp_path)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "../secret.safetensors"}}))
    with pytest.raises(ModelFolderError, match="files outside its folder"):
        load_weights(make(), tmp_path)
    for broken in ("{", "[]", '{"weight_map": []}', '{"weight_map": {"a": 1}}'):
        index.write_text(broken)
        with pytest.raises(ModelFolderError, match=r"not an index of shards"):
            load_weights(make(), tmp_path)


@pytest.mark.parametrize(
    ("text", "paragraph"),
    [
        (None, r"there is no config\.json"),
        ("{", r"config\.json: this is not JSON"),
        ("[]", "model_type is missing"),
        ("{}", "model_type is missing"),
    ],
)
def test_config_that_cannot_be_read_is_refused(folder: Path, text: str | None, paragraph: str) -> None:
    path = folder / "config.json"
    path.unlink() if text is None else path.write_text(text)
    for read in (read_config, lambda path: load_backbone(make_classifier(), path)):
        with pytest.raises(ModelFolderError, match=paragraph):
            read(folder)


def test_full_disk_is_said_and_leaves_the_old_weights(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder / FILE).read_bytes()

    def fill(values: Any, path: Path, metadata: Any) -> None:
        Path(path).write_bytes(b"half")
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(weights, "save_file", fill)
    with pytest.raises(DiskFullError, match=r"model\.safetensors: the disk is full"):
        save_network(folder, make(seed=9), CONFIG.to_dict())
    assert (folder / FILE).read_bytes() == before
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", FILE]


def write_much(path: Path) -> None:
    """What a child process does."""
    weights.write_tensors(path, {"weight": torch.ones(40_000_000)})


def is_begun(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size > 0
    except FileNotFoundError:  # it has been renamed
        return False


def kill_while_it_writes(folder: Path) -> bool:
    """Kills a process that writes tensors; returns False if it was done before."""
    process = multiprocessing.get_context("spawn").Process(target=write_much, args=(folder / FILE,))
    process.start()
    while process.is_alive() and not any(map(is_begun, folder.rglob("*"))):
        time.sleep(0.0005)
    process.kill()
    process.join()
    return not (folder / FILE).exists()


def test_process_killed_while_it_writes_tensors_leaves_nothing_that_counts(tmp_path: Path) -> None:
    tried = (folder for folder in map(tmp_path.joinpath, map(str, range(20))) if kill_while_it_writes(folder))
    folder = next(tried, None)
    assert folder is not None, "each process was done before it could be killed"
    assert [*folder.iterdir()]
    remove_leftovers(folder)
    assert not [*folder.iterdir()]


def test_classifier_starts_from_the_masked_model_with_a_new_pooler(folder: Path) -> None:
    network = make_classifier()
    transfer = load_backbone(network, folder)
    assert transfer.fresh == (
        "bert.pooler.dense.weight",
        "bert.pooler.dense.bias",
        "classifier.weight",
        "classifier.bias",
    )
    assert all(name.startswith("cls.predictions.") for name in transfer.left)
    assert set(transfer.taken) == {name for name, _ in make().named_parameters() if name.startswith("bert.")}
    pretrained = make().state_dict()
    for name in transfer.taken:
        assert torch.equal(network.state_dict()[name], pretrained[name])
    for name in transfer.fresh:
        assert torch.equal(network.state_dict()[name], make_classifier().state_dict()[name])


def test_classifier_starts_from_a_bare_encoder_with_its_pooler(tmp_path: Path) -> None:
    encoder = make(BertModel, seed=1)
    save_network(tmp_path, encoder, CONFIG.to_dict(head="backbone"))
    network = make_classifier()
    assert load_backbone(network, tmp_path).fresh == ("classifier.weight", "classifier.bias")
    assert_same(network.bert, encoder)


def test_language_model_goes_on_with_its_head(folder: Path) -> None:
    network = make(seed=9)
    assert load_backbone(network, folder).fresh == ()
    assert_same(network, make())


def test_head_of_another_classifier_is_left(tmp_path: Path) -> None:
    save_network(tmp_path, make_classifier(seed=1), CONFIG.to_dict(head="classifier", labels=["a", "b", "c"]))
    network = make_classifier(seed=2)
    transfer = load_backbone(network, tmp_path)
    assert transfer.left == ("classifier.bias", "classifier.weight")
    assert torch.equal(network.classifier.weight, make_classifier(seed=2).classifier.weight)


def test_backbone_of_another_vocabulary_or_depth_is_refused(folder: Path) -> None:
    other = make_classifier(BertConfig(**{**SHAPE, "vocab_size": 44, "num_hidden_layers": 3}))
    with pytest.raises(ModelFolderError) as caught:
        load_backbone(other, folder)
    assert "bert.embeddings.word_embeddings.weight is [40, 8] there and [44, 8] here" in str(caught.value)
    assert "16 missing (bert.encoder.layer.2.attention.output.LayerNorm.bias" in str(caught.value)


def test_backbone_of_another_architecture_is_refused(folder: Path) -> None:
    network = LstmForSequenceClassification(LstmConfig(vocab_size=40), 2)
    with pytest.raises(ModelFolderError, match='type "bert", and the network to start is of the type "lstm"'):
        load_backbone(network, folder)


@pytest.mark.parametrize("more", [{}, {"tie_embeddings": False}, {"bidirectional": False}])
def test_both_directions_of_a_language_model_carry_over_into_the_classifier(tmp_path: Path, more: Any) -> None:
    config = LstmConfig(vocab_size=40, embedding_size=6, hidden_size=8, num_hidden_layers=2, **more)
    language_model, network = LstmForCausalLM(config), LstmForSequenceClassification(config, 2)
    initialize_lstm(language_model, config, 0)
    initialize_lstm(network, config, 1)
    save_network(tmp_path, language_model, config.to_dict())
    transfer = load_backbone(network, tmp_path)
    assert transfer.fresh == ("classifier.weight", "classifier.bias")
    assert_same(network.lstm, language_model.lstm)
    again = LstmForCausalLM(config)
    load_weights(again, tmp_path)
    assert_same(again, language_model)
    assert math.isfinite(sum(parameter.sum().item() for parameter in again.parameters()))
