"""The words of the report about adapters, in Chinese."""

from __future__ import annotations

ADAPTERS_CHINESE: dict[str, str] = {
    "adapters": "适配器（LoRA）",
    "adapters_of": "秩 {rank}，共 {matrices} 个矩阵",
    "trained_weights": "训练的参数",
    "trained_of": "{trained} 个，占全部的 {share}",
    "merging": "合并适配器后 logit 的最大差别",
}
