"""Declares the derived importance beside the stated one."""

from __future__ import annotations

_DERIVED = (
    *("scope_type", "scope", "experience", "outcome", "since", "until", "n", "correlation", "beta"),
    *("weight", "weight_low", "weight_high", "share", "r_squared", "penalty", "reward"),
    *("asymmetry_low", "asymmetry_high", "effect", "as_of"),
)
DERIVED_IMPORTANCE = f"""
CREATE VIEW derived_importance AS
SELECT {", ".join(f"w.{name}" for name in _DERIVED)},
       coalesce(r.importance, e.importance) AS importance,
       coalesce(r.importance_n, 0) AS importance_n,
       e.is_hygiene
FROM importance_weight w
JOIN experience e USING (experience)
LEFT JOIN rolling_satisfaction r ON r.horizon = '90d'
     AND (r.scope_type, r.scope, r.experience) = (w.scope_type, w.scope, w.experience)
"""
IMPORTANCE_VIEWS = (("derived_importance", DERIVED_IMPORTANCE),)
IMPORTANCE_COMMENTS: dict[str, tuple[str, dict[str, str]]] = {
    "derived_importance": (
        (
            "How much ratings matter for the outcome, as answers of the last twelve months say,"
            " beside the stated importance / 推导重要度"
        ),
        {
            "scope_type": "all, site or segment / 范围类型",
            "scope": "the site or segment; '' for all / 范围",
            "experience": "a rating / 体验项",
            "outcome": "the rating that it is to explain / 结果指标",
            "since": "first month / 起始月份",
            "until": "last month / 截止月份",
            "n": "callbacks: the fewest of any two ratings / 样本数",
            "correlation": "with the outcome / 相关系数",
            "beta": "standardised coefficient; changes its sign at random / 标准化系数",
            "weight": "share of the outcome's variance that it explains / 相对权重",
            "weight_low": "lower end of its 95 % interval / 95%置信下限",
            "weight_high": "upper end of its 95 % interval / 95%置信上限",
            "share": "the weight as a share of all weights / 占比",
            "r_squared": "what all ratings explain together / 可解释比例",
            "penalty": "points that a low score adds to the outcome, mostly negative / 惩罚",
            "reward": "points that a high score adds to the outcome / 奖励",
            "asymmetry_low": "lower end of the interval of penalty + reward / 下限",
            "asymmetry_high": "upper end of the interval of penalty + reward / 上限",
            "effect": (
                "hygiene if the interval lies below 0, motivator if above, else both; NULL if too"
                " few scored low, between or high / 效应"
            ),
            "as_of": "when it was derived / 计算时间",
            "importance": (
                "the stated importance of 90 days, or else the catalogue's / 声明重要度"
            ),
            "importance_n": "how many stated it; 0 if nobody did / 有重要度的样本数",
            "is_hygiene": "whether the catalogue takes it for a hygiene factor / 保健因素",
        },
    ),
}
