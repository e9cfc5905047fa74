"""A folder of documents is indexed once, asked, and answers say where they stand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from penjing.cli.answer import DocumentCall, show_cited_answers
from penjing.data.question_rows import Question
from penjing.errors import MissingExtraError, UsageError
from penjing.evaluate.documents import evaluate_documents, recall_scores
from penjing.files import write_json
from penjing.pipeline.run import RunResult
from penjing.progress import Silent
from penjing.tasks import passage_index
from penjing.tasks.answer_model import AnswerModel
from penjing.tasks.document_answers import DocumentReader
from penjing.tasks.loading import load_as
from penjing.tasks.passage_index import Passage, index_folder, read_document_text

pytest.importorskip("bm25s")
NUMBERS = ("one", "two", "three", "four", "five", "six")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    documents = tmp_path / "documents"
    (documents / "more").mkdir(parents=True)
    for number, word in enumerate(NUMBERS):
        text = f"Plot scene.\n\nItem item{number} film {word} scene plot.\n"
        (documents / ("more" if number % 2 else "") / f"{number}.txt").write_text(text, encoding="utf-8")
    (documents / "table.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    return documents


def test_an_answer_is_cited_by_file_and_characters(question_run: RunResult, folder: Path) -> None:
    reader = DocumentReader(load_as(AnswerModel, question_run.model, "cpu"), index_folder(folder, Silent()))
    for number, word in enumerate(NUMBERS):
        first = reader.answer(f"how many item{number}?")[0]
        assert (first.answer, Path(first.file).name) == (word, f"{number}.txt")
        text = read_document_text(folder / first.file)
        assert text[first.start : first.end] == word
        assert text[first.passage_start :].startswith(first.passage)
        assert first.passage_rank == 1
        assert 0 < first.probability <= 1


def test_the_index_is_made_again_only_when_a_document_changes(folder: Path) -> None:
    assert index_folder(folder, Silent()).is_fresh
    assert not index_folder(folder, Silent()).is_fresh
    (folder / "0.txt").write_text("Another thing.", encoding="utf-8")
    again = index_folder(folder, Silent())
    assert again.is_fresh
    assert "Another thing." in {passage.text for passage in again.passages}
    (folder.parent / "documents.index" / "index.json").write_text("{", encoding="utf-8")
    assert index_folder(folder, Silent()).is_fresh
    (folder.parent / "documents.index" / "passages.parquet").write_bytes(b"PAR1")
    assert index_folder(folder, Silent()).is_fresh
    assert not index_folder(folder, Silent()).is_fresh


def test_vectors_are_searched_beside_words(small_bert_run: RunResult, folder: Path) -> None:
    index = index_folder(folder, Silent(), encoder=small_bert_run.model)
    assert index.retriever.vectors is not None
    assert len(index.retriever.vectors) == len(index.passages)
    assert not index_folder(folder, Silent(), encoder=small_bert_run.model).is_fresh
    assert index_folder(folder, Silent()).is_fresh
    assert "item3" in index.search("item3", 1)[0].text


def test_the_index_is_made_again_when_the_encoder_pools_otherwise(
    small_bert_run: RunResult, folder: Path, tmp_path: Path
) -> None:
    encoder = tmp_path / "encoder"
    shutil.copytree(small_bert_run.model, encoder)
    means = index_folder(folder, Silent(), encoder=encoder).retriever.vectors
    kinds = {"": "Transformer", "1_Pooling": "Pooling"}
    write_json(encoder / "modules.json", [{"type": kind, "path": path} for path, kind in kinds.items()])
    (encoder / "1_Pooling").mkdir()
    write_json(encoder / "1_Pooling" / "config.json", {"pooling_mode": "cls"})
    again = index_folder(folder, Silent(), encoder=encoder)
    assert again.is_fresh
    assert means is not None
    assert again.retriever.vectors is not None
    assert not np.allclose(again.retriever.vectors, means)


def test_a_document_that_cannot_be_read_is_left_out_with_why(folder: Path) -> None:
    (folder / "empty.txt").write_text(" ", encoding="utf-8")
    index = index_folder(folder, Silent())
    assert set(index.left_out) == {"empty.txt"}
    assert index_folder(folder, Silent()).left_out == index.left_out


def test_recall_counts_passages_that_hold_a_reference(question_run: RunResult, folder: Path) -> None:
    reader = DocumentReader(load_as(AnswerModel, question_run.model, "cpu"), index_folder(folder, Silent()), 3)
    asked = [Question("", f"how many item{n}?", (word,), (-1,), str(n)) for n, word in enumerate(NUMBERS)]
    lost = Question("", "how many item0?", ("nowhere",), (-1,), "x")
    measured = evaluate_documents(reader, [*asked, lost], resamples=100, seed=0, progress=Silent())
    assert measured["rows"] == 7
    assert measured["scores"]["recall_at_1"]["value"] == pytest.approx(6 / 7)
    assert measured["scores"]["recall_at_20"]["value"] == pytest.approx(6 / 7)
    assert measured["scores"]["exact_match"]["value"] == pytest.approx(6 / 7)


@pytest.mark.parametrize(
    ("text", "answer", "is_held"),
    [
        ("It is often so.", "ten", False),
        ("Founded in 1066, it stood.", "10", False),
        ("The Eiffel Tower's iron", "eiffel tower", True),
        ("首都是北京。", "北 京", True),
        ("ＡＢＣ公司成立于1998年", "abc", True),
        ("成立于1998年", "98年", False),
        ("so :-) it was", ":-)", False),
    ],
)
def test_a_passage_holds_an_answer_in_whole_words(text: str, answer: str, is_held: bool) -> None:
    passage = Passage("a.txt", 0, len(text), text)
    found = recall_scores([[passage]], [Question("", "?", (answer,), (-1,), "a")])
    assert found["recall_at_1"]["value"] == is_held


def test_the_command_prints_one_document(
    question_run: RunResult, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = DocumentCall(folder, None, folder.parent / "kept", 5)
    show_cited_answers(question_run.model, call, "how many item4?", 1, as_json=True)
    (found,) = json.loads(capsys.readouterr().out)["answers"]
    assert (found["answer"], found["file"]) == ("five", "4.txt")
    assert (folder.parent / "kept" / "index.json").is_file()
    show_cited_answers(question_run.model, call, "how many item4?", 1, as_json=False)
    assert "4.txt, characters" in capsys.readouterr().out


def test_wrong_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        index_folder(tmp_path / "none", Silent())
    (tmp_path / "a.csv").write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no document"):
        index_folder(tmp_path, Silent())


def test_a_document_whose_reader_is_installed_later_is_read_then(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "empty.txt").write_text(" ", encoding="utf-8")

    def read(file: Path) -> str:
        if file.name == "0.txt":
            raise MissingExtraError("pypdf", "documents", "Reading it")
        return read_document_text(file)

    with monkeypatch.context() as patch:
        patch.setattr(passage_index, "read_document_text", read)
        assert set(index_folder(folder, Silent()).left_out) == {"0.txt", "empty.txt"}
        assert not index_folder(folder, Silent()).is_fresh
    record = folder.parent / "documents.index" / "index.json"
    of_before = {key: value for key, value in json.loads(record.read_text()).items() if key != "lacking"}
    for is_old in (False, True):
        with monkeypatch.context() as patch:
            patch.setattr(passage_index, "read_document_text", read)
            index_folder(folder, Silent())
        if is_old:
            record.write_text(json.dumps(of_before), encoding="utf-8")
        again = index_folder(folder, Silent())
        assert (again.is_fresh, set(again.left_out)) == (True, {"empty.txt"})
        assert "0.txt" in {passage.file for passage in again.passages}
        assert not index_folder(folder, Silent()).is_fresh
        (folder / "more" / "1.txt").write_text(f"Another, {is_old}.", encoding="utf-8")
