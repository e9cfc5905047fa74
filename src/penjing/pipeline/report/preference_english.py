"""The words of the report of a model that learned from preferences, in English."""

from __future__ import annotations

PREFERENCE_ENGLISH: dict[str, str] = {
    "task.prefer": "preferences",
    "task.prefer_reply": "preferences in dialogues",
    "stage.reference": "Reference",
    "preference_lede": "A model of {parameters} parameters ({family}) that learned which of two answers is preferred.",
    "preference_quality": "Of {rows} test pairs that it did not learn from, it gives the preferred answer the higher "
    "reward in {value} (95% interval {low} to {high}).",
    "preference_chart": "{score} on the test pairs",
    "preference_difference_above": "The best baseline, {name}, is right about {value}. The difference of {gap} is more "
    "than chance: its 95% interval is {low} to {high}.",
    "preference_difference_below": "The best baseline, {name}, is right about {value}, which is {gap} better, and more "
    "than chance: the 95% interval of the difference is {low} to {high}. On these pairs the simpler method is better.",
    "preference_difference_chance": "The best baseline, {name}, is right about {value}. The difference of {gap} may be "
    "chance: its 95% interval, {low} to {high}, includes zero.",
    "preference_caption": "Scores on {rows} test pairs, with 95% bootstrap intervals over pairs.",
    "preference_note": "The reward of an answer is beta times what its log-probability has grown since the start; a "
    "pair is right where the preferred answer has the higher one. The model at the start has no reward, and is "
    "measured by log-probability. A tie counts one half.",
    "preference_change_note": "The last two are in nats a token: below 0, an answer is less likely than at the start. "
    "Often both fall, and the other answer further.",
    "preference_learned": "Learned by",
    "preference_loss": "{loss}, beta {beta}",
    "preference_smoothing": "Label smoothing",
    "preference_likelihood": "Weight of the likelihood",
    "preference_cut_none": "No token was cut.",
    "preference_cut_some": "{cut_tokens} tokens of prompts and answers were cut, in {rows} rows of tokens; there are "
    "two for each pair.",
    "preference_left_out": "Pairs from which nothing is learned, because what differs is cut or the prompt leaves no "
    "room: {count}.",
    "preference_pairs": "Pairs by split",
    "preference_worst": "Where it is most wrong",
    "preference_worst_caption": "The test pairs whose other answer has the highest reward above the preferred one.",
    "prompt": "Prompt",
    "was_preferred": "Was preferred",
    "it_prefers": "It prefers",
    "removed.equal": "{count} with two answers that are the same",
    "baseline.reference": "the model at the start",
    "baseline.longer": "the longer answer",
    "baseline.tfidf-difference": "TF-IDF of both, logistic regression",
    "score.preference_accuracy": "Preference accuracy",
    "score.likelihood_accuracy": "Accuracy by log-probability alone",
    "score.reward_margin": "Margin of rewards",
    "score.chosen_change": "Change of the preferred answer",
    "score.rejected_change": "Change of the other answer",
}
