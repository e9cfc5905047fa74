"""The baselines of questions: the sentence and the clause with most words of the question."""

from __future__ import annotations

from penjing.tasks.baselines.answers import fit_overlap_clause, fit_overlap_sentence, split_clauses

TEXT = "北京是中国的首都。上海，又称沪，人口最多，位于东部。广州在南方。"


def test_the_sentence_and_the_clause_most_like_the_question_are_given() -> None:
    assert fit_overlap_sentence([]).answer(["上海位于哪里？"], [TEXT]) == ["上海，又称沪，人口最多，位于东部。"]
    assert fit_overlap_clause([]).answer(["哪里人口最多？"], [TEXT]) == ["人口最多"]
    assert fit_overlap_sentence([]).answer(["Who left?"], ["She came. He left early. He left."]) == ["He left."]


def test_every_clause_is_a_part_of_the_text() -> None:
    assert all(clause in TEXT for clause in split_clauses(TEXT))


def test_a_text_without_sentences_is_given_whole() -> None:
    assert fit_overlap_clause([]).answer(["?"], [",,"]) == [",,"]
