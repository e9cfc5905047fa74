"""The words of the report of a model that writes, in English."""

from __future__ import annotations

WRITING_ENGLISH: dict[str, str] = {
    "task.translate": "translation",
    "task.summarize": "summarization",
    "does.translate": "translates texts",
    "does.summarize": "sums up texts",
    "writing_lede": "A model of {parameters} parameters ({family}) that {does}.",
    "writing_quality": "On {rows} test texts that it did not learn from, it reaches {value} {score} "
    "(95% interval {low} to {high}).",
    "writing_chart": "{score} on the test texts",
    "writing_difference_above": "The best baseline, {name}, reaches {value} {score}. The difference of {gap} is more "
    "than chance: its 95% interval is {low} to {high}.",
    "writing_difference_below": "The best baseline, {name}, reaches {value} {score}, which is {gap} better, and more "
    "than chance: the 95% interval of the difference is {low} to {high}. On these texts the simpler method is better.",
    "writing_difference_chance": "The best baseline, {name}, reaches {value} {score}. The difference of {gap} may be "
    "chance: its 95% interval, {low} to {high}, includes zero.",
    "points": "{value} points",
    "writing_scores_caption": "Scores of the answers to {rows} test texts, written with beams: {beams}; with 95% "
    "bootstrap intervals over texts.",
    "writing_signature": "Signature of {score}: {signature}. A score from elsewhere compares only if it was computed "
    "in the same way.",
    "writing_unfinished": "Answers that were cut off, for the model had not ended them ([write] max_tokens): {count}.",
    "pairs_cut_none": "No token was cut: the {rows} texts fit into {max_tokens} tokens, and what is to be written into "
    "{max_target_tokens}.",
    "pairs_cut_some": "{cut_tokens} tokens of {cut_rows} of the {rows} pairs were cut: their texts are longer than "
    "{max_tokens} tokens, or what is to be written is longer than {max_target_tokens}.",
    "pairs_caption": "Pairs of texts by split",
    "max_target_tokens": "Longest text learned to write, tokens",
    "worst": "Its worst answers",
    "worst_caption": "The test texts whose answers are least like what they should be, the worst first.",
    "should_be": "Should be",
    "it_wrote": "It wrote",
    "baseline.copy": "the text as it is",
    "baseline.dictionary": "word by word, by a dictionary",
    "baseline.lead": "the first sentence",
    "baseline.textrank": "TextRank's sentence",
    "score.bleu": "BLEU",
    "score.chrf": "chrF2",
    "score.rouge": "ROUGE",
    "score.rouge1": "ROUGE-1",
    "score.rouge2": "ROUGE-2",
    "score.rougeL": "ROUGE-L",
    "score.length": "Length",
    "score.reference_length": "Length it should have",
    "score.coverage": "Copied share",
}
