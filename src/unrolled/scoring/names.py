"""How metrics are called where people read."""

_SHORT = {name.lower(): name for name in ("F1", "ROC", "AUC", "MSE", "MAE", "MASE", "R2", "CER", "WER", "BLEU", "chrF")}


def metric_in_words(name: str) -> str:
    """`roc_auc` as "ROC AUC", `span_f1` as "span F1", `coverage_80` as "coverage 80"."""
    return " ".join(_SHORT.get(part, part) for part in name.split("_"))
