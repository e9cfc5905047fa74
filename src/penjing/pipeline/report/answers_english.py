"""The words of the report of a model that finds answers, in English."""

from __future__ import annotations

ANSWERS_ENGLISH: dict[str, str] = {
    "task.answer": "question answering",
    "answers_lede": "A model of {parameters} parameters ({family}) that answers questions with a part of a text.",
    "written_answers_lede": "A model of {parameters} parameters ({family}) that reads a question and a text, and "
    "writes the answer.",
    "written_template": "What is read: “{template}”.",
    "written_not_learned": "Questions whose answer is not in what is read of their text, so that they are not learned: "
    "{count}.",
    "written_beams": "Answers were written with beams: {beams}. Their words need not stand in the text.",
    "written_refused": "Of the questions {unanswerable} have no answer in their text, and to {refused} the model wrote "
    "none.",
    "answers_quality": "On {rows} test questions about documents that it did not learn from, its answers reach an F1 "
    "of {value} (95% interval {low} to {high}); {exact} are exactly right.",
    "answers_chart": "{score} on the test questions",
    "answers_scores_caption": "Scores of the answers to {rows} test questions, with 95% bootstrap intervals over "
    "documents.",
    "answer_rules.squad": "By the rules of SQuAD: lower case, without punctuation and articles; F1 counts words in "
    "common. The best of several references counts.",
    "answer_rules.cmrc2018": "By the rules of CMRC 2018: characters, without punctuation; F1 counts the longest run in "
    "common. The best of several references counts.",
    "answers_refused": "Of the questions {unanswerable} have no answer in their text, and {refused} were left "
    "unanswered: a question is answered if its best span outweighs “not in the text” by more than {threshold}, which "
    "scored best on the validation questions or was set.",
    "answers_windows": "{rows} questions were read with their texts in {windows} windows of up to {max_tokens} tokens; "
    "windows of one text overlap, and no text was cut.",
    "answers_cut": "{cut_tokens} tokens of {rows} windows' questions were cut, for those are too long.",
    "answers_exact_chart": "Fine-tuning: answers exactly found",
    "answers_by_steps": "share of the validation windows in which both ends are right, by step",
    "questions_caption": "Questions by split",
    "questions_of": "{rows} on {documents} documents",
    "references_caption": "What was found of the answers",
    "reference.unanswerable": "questions that their text does not answer",
    "reference.absent": "questions whose answer is not in their text",
    "reference.byte_offsets": "references at a byte in place of a character, put right",
    "reference.moved": "references that stand elsewhere, put right",
    "reference.several_places": "references that occur several times, the first taken",
    "reference.apart": "references that are not in their text, for the scores alone",
    "reference.off_borders": "answers that begin or end within a token",
    "answers_worst": "Its worst answers",
    "answers_worst_caption": "The test questions whose answers are least like their references, the most confident "
    "first. Underlined: the reference; colored: the answer.",
    "no_answer": "(no answer)",
    "or": " / ",
    "question": "Question",
    "in_text": "In its text",
    "it_said": "It said",
    "baseline.overlap-sentence": "the sentence most like the question",
    "baseline.overlap-clause": "the clause most like the question",
    "score.exact_match": "Exact match",
    "score.answerable_f1": "F1, answerable",
    "score.answerable_exact_match": "Exact match, answerable",
    "score.unanswerable_exact_match": "Unanswerable, left so",
}
