"""The words of the report of a model that ranks items, in English."""

from __future__ import annotations

RANKING_ENGLISH: dict[str, str] = {
    "task.recommend": "recommendation",
    "family.sasrec": "SASRec, over ids and texts",
    "family.two_tower": "two towers, over texts",
    "ranking_lede": "A model of {parameters} parameters ({family}) that says which item comes next after those that "
    "a user had.",
    "ranking_quality": "It was asked for the last item of {rows} users, which it had not learned from, and ranked "
    "all those of {items} items that the user had not had yet. For {hits} of the users the right one is among the "
    "first ten; {score} is {value} (95% interval {low} to {high}).",
    "ranking_chart": "{score}, all items ranked",
    "ranking_difference_above": "The best baseline, {name}, reaches {score} {value}. The difference of {gap} is more "
    "than chance: its 95% interval is {low} to {high}.",
    "ranking_difference_below": "The best baseline, {name}, reaches {score} {value}, which is {gap} better, and more "
    "than chance: the 95% interval of the difference is {low} to {high}. For these users the simpler method is "
    "better.",
    "ranking_difference_chance": "The best baseline, {name}, reaches {score} {value}. The difference of {gap} may be "
    "chance: its 95% interval, {low} to {high}, includes zero.",
    "ranking_scores_caption": "Scores of the rankings for {rows} users, with 95% bootstrap intervals over users.",
    "ranking_scores_note": "All items are ranked but those that the user had already; figures from elsewhere that "
    "rank the right item among a sample of others are much higher and do not compare. Coverage is the share of the "
    "items that are among the first ten for somebody.",
    "bands": "Popular and rare items",
    "bands_note": "The most popular items that make up a third of the training events, those that make up the next, "
    "and all others; NDCG@10 for the users whose last item is one of them.",
    "band.head": "Head",
    "band.middle": "Middle",
    "band.tail": "Tail",
    "band_note": "{rows} users",
    "band_note_scores": "{note}; hit rate@10 {hits} ({hits_in}), MRR {mrr} ({mrr_in})",
    "cold": "New items",
    "cold_caption": "{items} items were kept out of training altogether, and are ranked among each other by their "
    "texts, for {rows} users who had one of them. Most popular knows nothing of them, and gives what chance does; "
    "in hindsight it counts who came to have them, which nobody knows beforehand.",
    "cold_difference_above": "The baseline “{name}” reaches {score} {value}. The model is better by {gap}, which is "
    "more than chance: the 95% interval of the difference is {low} to {high}.",
    "cold_difference_below": "The baseline “{name}” reaches {score} {value}. The model is worse by {gap}, which is "
    "more than chance: the 95% interval of the difference is {low} to {high}.",
    "cold_difference_chance": "The baseline “{name}” reaches {score} {value}. The difference of {gap} may be chance: "
    "its 95% interval, {low} to {high}, includes zero.",
    "users": "Users",
    "short_users": "Users with fewer than three events, only learned from",
    "items": "Items",
    "ties": "Events at the time of the user's one before, left in the order of the file",
    "cold_items": "Items kept out of training",
    "cold_events": "Events of those",
    "max_items": "Longest history read, items",
    "text_encoder": "that of the text encoder",
    "event_split.train": "Events learned from",
    "event_split.validation": "Users asked to choose by: the last event but one",
    "event_split.test": "Users asked to test: the last event",
    "events_caption": "Events by what they are for",
    "counts_caption": "Users and items",
    "no_event_removed": "No event was left out.",
    "items_removed_of": "Of the table of items:",
    "items_cut": "Of {cut_histories} test histories longer than {max_items} items the {cut_items} oldest items are "
    "not read; of {cut_texts} texts of items longer than {max_tokens} tokens, {cut_tokens} tokens.",
    "removed.unknown_items": "{count} of items that are not in the table",
    "removed.without_text": "{count} of items without text",
    "removed.repeats": "{count} that repeat an item of the same user",
    "questions": "Some of the users",
    "rankings_caption": "Drawn from the test: the last three items of a history, what came next and at which place "
    "it stands in the ranking, and what stands first.",
    "the_history": "History",
    "came_next": "Came next",
    "at_place": "Place",
    "ranked_first": "Ranked first",
    "baseline.popular": "most popular",
    "baseline.item-knn": "items had together (kNN)",
    "baseline.last-text": "most like the last item's text",
    "baseline.popular-hindsight": "most popular, in hindsight",
    "score.ndcg_10": "NDCG@10",
    "score.hit_rate_10": "Hit rate@10",
    "score.mrr": "MRR",
    "score.coverage_10": "Coverage@10",
}
