"""The words of the report of a model that replies, in English."""

from __future__ import annotations

DIALOGUE_ENGLISH: dict[str, str] = {
    "task.chat": "dialogue",
    "dialogue_lede": "A model of {parameters} parameters ({family}) that replies in dialogues.",
    "dialogue_quality": "Among {candidates} replies from test dialogues it finds the one that was given in {value} of "
    "the cases (95% interval {low} to {high}); guessing finds {chance}.",
    "dialogue_quality_cached": "Among {candidates} replies from test dialogues it finds the one that was given in "
    "{value} of the cases (95% interval {low} to {high}), helped by a cache of what was said; guessing finds {chance}.",
    "dialogue_chart": "Right reply found among {candidates}",
    "dialogue_difference_above": "The best baseline, {name}, finds {value}. The difference of {points} points is more "
    "than chance: its 95% interval is {low} to {high}.",
    "dialogue_difference_below": "The best baseline, {name}, finds {value}, which is {points} points more, and more "
    "than chance: the 95% interval of the difference is {low} to {high}. In these dialogues the simpler method finds "
    "more replies; it cannot write any.",
    "dialogue_difference_chance": "The best baseline, {name}, finds {value}. The difference of {points} points may be "
    "chance: its 95% interval, {low} to {high}, includes zero.",
    "replies_caption": "{questions} replies looked for among {candidates} each; perplexity and bits per byte of {rows} "
    "replies of {dialogues} test dialogues; with 95% bootstrap intervals over dialogues.",
    "replies_note": "The model finds a reply by its log-probability after what was said, less the mean of those after "
    "what was said in other dialogues; candidates are drawn from other test dialogues, and where several are rated "
    "alike a question counts in part. Perplexities compare only with the same tokenizer.",
    "replies_cached": "Where replies are looked for, the model is helped by a cache: words that were said before are "
    "taken to be likelier, the more the later they were said. The share of the cache, {share}, was best on validation "
    "dialogues. Writing and perplexities do without it.",
    "replies_cached_teacher": "The teacher is helped by a cache of what was said too, by the share that was best "
    "for it on validation dialogues.",
    "replies_left_out": "Replies that do not fit into the window with what they reply to, and were not measured: "
    "{count}.",
    "windows_whole": "Every dialogue fits into the window of {max_tokens} tokens.",
    "windows_cut": "Dialogues that are longer than the window of {max_tokens} tokens are read in several, {rows} in "
    "all: the oldest exchanges are left out whole, the system prompt never.",
    "windows_left_out": "Replies that do not fit with what they reply to are not learned: {count}.",
    "other_sides": "Replies of either side are learned: training dialogues that came a second time, from their second "
    "message on, with the sides exchanged: {count}.",
    "other_sides_left_out": "Those that did not, because a reply there is one of validation or test: {count}.",
    "dialogues_caption": "Dialogues by split",
    "exchanges_caption": "Replies by split",
    "removed.broken": "dialogues that break the rules: {count}",
    "worst_choices": "Its worst choices",
    "worst_choices_caption": "Where it rated another reply furthest above the one that was given.",
    "said_before": "Said before",
    "was_given": "Was given",
    "it_chose": "It chose",
    "baseline.frequent": "most frequent reply",
    "baseline.bm25": "BM25",
    "score.retrieval_accuracy": "Right reply found",
    "score.retrieval_accuracy_alone": "Right reply found, without the cache",
}
