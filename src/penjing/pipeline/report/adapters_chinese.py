"""The words of the report about adapters, in Chinese."""

from __future__ import annotations

ADAPTERS_CHINESE: dict[str, str] = {
    "adapters": "适配器（LoRA）",
    "adapters_of": "秩 {rank}，共 {matrices} 个矩阵",
    "trained_weights": "训练的参数",
    "trained_of": "{trained} 个，占全部的 {share}",
    "merging": "合并适配器后 logit 的最大差别",
    "quantized_base": "底座",
    "quantized_base_of": "矩阵以 {base} 存放；发布的就是计算时所用的数值",
    "quantizing": "适配器换到未量化的底座上",
    "quantizing_of": "logit 最多相差 {difference}",
    "quantizing_validation": "logit 最多相差 {difference}；验证集损失 {original:.4f}，量化后 {quantized:.4f}",
}
