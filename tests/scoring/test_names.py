import pytest

from unrolled.scoring.names import metric_in_words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("accuracy", "accuracy"),
        ("balanced_accuracy", "balanced accuracy"),
        ("macro_f1", "macro F1"),
        ("roc_auc", "ROC AUC"),
        ("r2", "R2"),
        ("chrf", "chrF"),
        ("quantile_loss", "quantile loss"),
    ],
)
def test_metrics_are_called_as_in_the_field(name: str, words: str) -> None:
    assert metric_in_words(name) == words
