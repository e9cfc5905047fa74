"""The words of the report of a model that ranks items, in Chinese."""

from __future__ import annotations

RANKING_CHINESE: dict[str, str] = {
    "task.recommend": "推荐",
    "family.sasrec": "SASRec，用编号与文本",
    "family.two_tower": "双塔，只用文本",
    "ranking_lede": "一个有 {parameters} 参数的模型（{family}），根据用户有过的物品判断接下来是哪一件。",
    "ranking_quality": "向它问了 {rows} 位用户的最后一件物品（它没有学过），每次都把 {items} "
    "件物品中该用户还没有过的全部排序。对 {hits} 的用户，正确的那件排在前十；{score} 为 {value}（95% 区间 {low} 至 "
    "{high}）。",
    "ranking_chart": "对全部物品排序的 {score}",
    "ranking_difference_above": "最好的基线（{name}）的 {score} 为 {value}。{gap} 的差距并非偶然：其 95% 区间为 "
    "{low} 至 {high}。",
    "ranking_difference_below": "最好的基线（{name}）的 {score} 为 {value}，高出 {gap}，并非偶然：差距的 95% 区间为 "
    "{low} 至 {high}。对这些用户，更简单的方法更好。",
    "ranking_difference_chance": "最好的基线（{name}）的 {score} 为 {value}。{gap} 的差距可能出于偶然：其 95% "
    "区间（{low} 至 {high}）包含零。",
    "ranking_scores_caption": "为 {rows} 位用户排序的得分，附按用户自助重采样的 95% 区间。",
    "ranking_scores_note": "除用户已有过的以外，全部物品都参加排序；别处若只在抽样的物品中排序，数字会高得多，"
    "不能相比。覆盖率是排进某位用户前十的物品所占的比例。",
    "bands": "热门与冷门物品",
    "bands_note": "最热门、合占训练事件三分之一的物品，再占三分之一的，以及其余的；图中为最后一件属于该组的用户的 "
    "NDCG@10。",
    "band.head": "热门",
    "band.middle": "中间",
    "band.tail": "长尾",
    "band_note": "{rows} 位用户",
    "band_note_scores": "{note}；命中率@10 {hits}（{hits_in}），MRR {mrr}（{mrr_in}）",
    "cold": "新物品",
    "cold_caption": "{items} 件物品完全没有用于训练，只凭文本在彼此之间排序，问的是有过其中一件的 {rows} 位用户。"
    "“最热门”对它们一无所知，等同于随机；“事后的最热门”数的是后来谁有了它们，而这在事前无人知道。",
    "cold_difference_above": "基线“{name}”的 {score} 为 {value}。模型高出 {gap}，并非偶然：差距的 95% 区间为 {low} "
    "至 {high}。",
    "cold_difference_below": "基线“{name}”的 {score} 为 {value}。模型低 {gap}，并非偶然：差距的 95% 区间为 {low} 至 "
    "{high}。",
    "cold_difference_chance": "基线“{name}”的 {score} 为 {value}。{gap} 的差距可能出于偶然：其 95% 区间（{low} 至 "
    "{high}）包含零。",
    "users": "用户",
    "short_users": "不足三个事件、只用于学习的用户",
    "items": "物品",
    "ties": "与同一用户前一事件同时、按文件顺序排列的事件",
    "cold_items": "未用于训练的物品",
    "cold_events": "其事件",
    "max_items": "读入的最长历史（件）",
    "text_encoder": "文本编码器自带",
    "event_split.train": "用于学习的事件",
    "event_split.validation": "用于选择的用户：倒数第二个事件",
    "event_split.test": "用于测试的用户：最后一个事件",
    "events_caption": "各部分的事件",
    "counts_caption": "用户与物品",
    "no_event_removed": "没有剔除任何事件。",
    "items_removed_of": "物品表：",
    "items_cut": "测试历史中有 {cut_histories} 条超过 {max_items} 件，最早的共 {cut_items} 件没有读入；物品文本中有 "
    "{cut_texts} 条超过 {max_tokens} 个词元，截去共 {cut_tokens} 个词元。",
    "removed.unknown_items": "物品不在表中的 {count} 条",
    "removed.without_text": "物品没有文本的 {count} 条",
    "removed.repeats": "同一用户重复同一物品的 {count} 条",
    "questions": "部分用户",
    "rankings_caption": "从测试中抽取：历史的最后三件，接下来的那件及其在排序中的名次，以及排在最前的物品。",
    "the_history": "历史",
    "came_next": "接下来",
    "at_place": "名次",
    "ranked_first": "排在最前",
    "baseline.popular": "最热门",
    "baseline.item-knn": "常一起出现的物品（kNN）",
    "baseline.last-text": "与最后一件文本最像的",
    "baseline.popular-hindsight": "事后的最热门",
    "score.ndcg_10": "NDCG@10",
    "score.hit_rate_10": "命中率@10",
    "score.mrr": "MRR",
    "score.coverage_10": "覆盖率@10",
}
