"""The words of the report about learning from a few labels, in Chinese."""

from __future__ import annotations

FEW_CHINESE: dict[str, str] = {
    "drawn": "训练用的数据按种子 {seed} 抽取，每个标签 {per_class} 条，抽自{of}。",
    "described": "另有配方中说明标签含义的文本：{of}。",
    "drawn_of": "“{label}” {count} 条",
    "removed.undrawn": "未抽中 {count} 条",
    "adapted": "适配方式",
    "adapted_by_head": "模型不变，只在其向量上拟合线性分类头",
    "adapted_by_contrast": "先对比学习 {steps} 步（{objective}），再在向量上拟合线性分类头",
    "contrast.supervised": "同一标签互为最近邻",
    "contrast.cosine": "成对余弦",
    "head_fitted": "分类头的参数",
    "head_fitted_to": "{weights} 个，用 {rows} 条数据做逻辑回归得到",
    "head_fitted_each": "{weights} 个，每个标签一个、共 {count} 个逻辑回归，用 {rows} 条数据得到",
    "head_strength": "回归的强度 C",
    "chosen_by.settings": "{strength}，由配方规定",
    "chosen_by.validation": "{strength}，用验证数据选定",
    "chosen_by.cross-validation": "{strength}，用交叉验证选定",
    "head_difference": "装入分类头后概率的最大差别",
    "network_alone": "单独的网络",
    "ngrams": "网络之外",
    "ngrams_beside": "另有 {count} 个至多 {length} 个词元的 n 元组（逻辑回归，C 为 {strength}），在每个得分中占 {share}"
    "，比例用验证数据选定",
    "ngrams_left_out": "无：在验证数据上，网络不带 n 元组更好",
}
