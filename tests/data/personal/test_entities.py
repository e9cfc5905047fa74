"""Models read what is in their script, whole, and name what they cannot do."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.data.personal.entities import EntityReader, cut, script_runs
from penjing.data.personal.spacy_model import SpacyRecognizer, model_files, model_folder, package_version
from penjing.errors import MissingExtraError, RecipeError

Sentences = Callable[[str, int, int], list[tuple[str, list[tuple[int, int, str]]]]]


def names(reader: EntityReader, text: str) -> list[tuple[str, str]]:
    return [(entity.kind, text[entity.start : entity.end]) for entity in reader.read([text])[0]]


def test_trained_recognizers_see_persons_and_places(recognizers: dict[str, Path], named_sentences: Sentences) -> None:
    reader = EntityReader({language: str(folder) for language, folder in recognizers.items()})
    for language in ("en", "zh"):
        sentences = named_sentences(language, 100, 7)
        read = reader.read([text for text, _ in sentences])
        right = [
            [(entity.start, entity.end) for entity in entities] == [(start, end) for start, end, _ in named]
            for entities, (_, named) in zip(read, sentences, strict=True)
        ]
        assert sum(right) >= 90, language


def test_each_part_of_a_text_is_read_by_the_model_of_its_script(recognizers: dict[str, Path]) -> None:
    text = "Ask Alice Baxter for the key.\n\n我的老师王建华退休了。\nAsk Alice Baxter for the key.\nСпросите Ивана.\n"
    english, chinese = ({language: str(recognizers[language])} for language in ("en", "zh"))
    alice, wang = ("person", "Alice Baxter"), ("person", "王建华")
    assert names(EntityReader(english | chinese), text) == [alice, wang, alice]
    assert names(EntityReader(english), text) == [alice, alice]
    assert names(EntityReader(chinese), text) == [wang]
    assert names(EntityReader(english), "我的老师王建华退休了。") == []


def test_of_two_models_of_one_script_the_language_decides(recognizers: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("py3langid")
    import spacy

    german = spacy.blank("de")
    german.add_pipe("ner").add_label("PER")
    german.initialize()
    german.to_disk(tmp_path / "de")  # it has learned nothing, and sees what is by chance
    reader = EntityReader({"en": str(recognizers["en"]), "de": str(tmp_path / "de")})
    assert reader._finders["Latin"].likeliest_wanted("Das Zimmer war sauber, und das Personal sprach Englisch.") == "de"
    assert names(reader, "Yesterday Alice Baxter talked about the budget, and it rained.") == [
        ("person", "Alice Baxter")
    ]


def test_long_texts_are_read_in_pieces_and_nothing_is_lost(
    recognizers: dict[str, Path], named_sentences: Sentences, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentences = [text for text, _ in named_sentences("en", 60, 3)]
    text = "\n\n".join(sentences)
    reader = EntityReader({"en": str(recognizers["en"])})
    alone = [text[e.start : e.end] for text, es in zip(sentences, reader.read(sentences), strict=True) for e in es]
    monkeypatch.setattr(reader._recognizers["en"], "longest", 120)
    assert all(len(text[start:end]) <= 120 for _, start, end in reader._parts(text))
    assert [name for _, name in names(reader, text)] == alone


def test_reading_many_texts_is_reading_each(recognizers: dict[str, Path], named_sentences: Sentences) -> None:
    texts = [text for language in ("en", "zh") for text, _ in named_sentences(language, 50, 5)]
    reader = EntityReader({language: str(folder) for language, folder in recognizers.items()})
    assert reader.read(texts) == [reader.read([text])[0] for text in texts]


@given(st.text(alphabet=st.sampled_from("aé 中。.\n1"), max_size=80), st.integers(1, 30))
def test_runs_and_pieces_are_in_order_and_leave_out_no_letter(text: str, longest: int) -> None:
    runs = list(script_runs(text))
    pieces = [piece for _, start, end in runs for piece in cut(text, start, end, longest)]
    assert "".join(text[start:end] for _, start, end in runs) == "".join(text[start:end] for start, end in pieces)
    assert all(0 < end - start <= longest for start, end in pieces)
    read = "".join(text[start:end] for start, end in pieces)
    assert [sign for sign in read if sign.isalpha()] == [sign for sign in text if sign.isalpha()]


def changed(folder: Path, to: Path, change: Callable[[Path], Any]) -> str:
    shutil.copytree(folder, to)
    change(to)
    return str(to)


def replace_in_config(old: str, new: str) -> Callable[[Path], Any]:
    def change(folder: Path) -> None:
        config = folder / "config.cfg"
        text = config.read_text(encoding="utf-8")
        assert old in text
        config.write_text(text.replace(old, new), encoding="utf-8")

    return change


def test_what_is_no_model_is_refused_with_what_to_do(recognizers: dict[str, Path], tmp_path: Path) -> None:
    import spacy

    with pytest.raises(RecipeError, match=r"nor a folder of that name.*python -m spacy download xx_no_model"):
        SpacyRecognizer("en", "xx_no_model")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecipeError, match=r"empty is no spaCy model: it has no config\.cfg"):
        SpacyRecognizer("en", str(tmp_path / "empty"))
    with pytest.raises(RecipeError, match=r"pytest is no spaCy model"):  # an installed package
        SpacyRecognizer("en", "pytest")
    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(RecipeError, match="has no entity recognizer"):
        SpacyRecognizer("en", str(tmp_path / "blank"))
    with pytest.raises(RecipeError, match="named as the model of zh, and reads en"):
        SpacyRecognizer("zh", str(recognizers["en"]))
    broken = changed(
        recognizers["en"], tmp_path / "broken", lambda folder: (folder / "ner" / "model").write_bytes(b"x")
    )
    with pytest.raises(RecipeError, match=r"broken cannot be loaded \(.+\)"):
        SpacyRecognizer("en", broken)
    unread = changed(recognizers["en"], tmp_path / "unread", lambda folder: (folder / "config.cfg").write_text("?"))
    with pytest.raises(RecipeError, match=r"no spaCy model that can be read \(.+\)"):
        SpacyRecognizer("en", unread)
    unknown = changed(
        recognizers["en"], tmp_path / "unknown", replace_in_config("spacy.HashEmbedCNN.v2", "acme.Encoder.v1")
    )
    with pytest.raises(RecipeError, match="unknown cannot be loaded"):
        SpacyRecognizer("en", unknown)
    with pytest.raises(RecipeError, match="rjieba reads Chinese, not en"):
        EntityReader({"en": "rjieba"})


def test_only_the_recognizer_and_what_it_listens_to_is_loaded(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy")
    from spacy.training import Example

    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec")
    listens = {"@architectures": "spacy.Tok2VecListener.v1", "width": 96, "upstream": "tok2vec"}
    nlp.add_pipe("ner", config={"model": {"tok2vec": listens}})
    nlp.add_pipe("tagger", config={"model": {"tok2vec": listens}})
    nlp.add_pipe("sentencizer")
    text, named = "Ask Alice for the key.", [(4, 9, "PERSON")]
    tags = {"entities": named, "tags": ["A", "B", "C", "D", "E", "F"]}
    examples = [Example.from_dict(nlp.make_doc(text), tags)]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(20):
        nlp.update(examples, sgd=optimizer)
    nlp.to_disk(tmp_path / "model")
    recognizer = SpacyRecognizer("en", str(tmp_path / "model"))
    assert recognizer._nlp.pipe_names == ["tok2vec", "ner"]
    assert recognizer.read([text]) == [[("person", 4, 9)]]


def test_a_folder_counts_by_its_files_and_a_package_by_its_version(recognizers: dict[str, Path]) -> None:
    folder = str(recognizers["en"])
    assert package_version(folder) is None
    assert {"config.cfg", "meta.json"} <= {file.name for file in model_files(folder)}
    assert json.loads((model_folder(folder) / "meta.json").read_text("utf-8"))["lang"] == "en"
    assert package_version("spacy") is not None
    assert model_files("spacy") == []


def test_without_spacy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(MissingExtraError, match=r"spacy.*penjing\[names\]"):
        SpacyRecognizer("en", "en_core_web_sm")
    monkeypatch.setitem(sys.modules, "rjieba", None)
    with pytest.raises(MissingExtraError, match=r"rjieba.*penjing\[zh\]"):
        EntityReader({"zh": "rjieba"})
