"""Settings of `unrolled train` for the tasks beside classify, compared on validation parts.

The rules that came of it are in `defaults.py` of each task. Test parts are left alone. A
candidate is a set of flags beside the defaults; "defaults" is what training without flags takes today. Candidates that
cost unlike much are compared after the same number of updates or of passes, which the table names. `--data` is a folder
with data sets in the sub-folders that the rows name; what is not there is left out, and what `examples/make_data.py`
makes up is always there. With `--write` scores are kept in results/tasks.json as they come, so that the table can be
made piece by piece with `--only` and `--candidates`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness.defaults import Candidates, DataSet, compare_on_validation
from harness.digits import joined_digits

TABLES: Candidates = {
    "defaults": {},
    "inception": {"family": "inception"},
    "inception, dropout 0.3": {"family": "inception", "dropout": 0.3},
    "convolution": {"family": "convolution"},
    "lstm": {"family": "lstm"},
}
SIGNALS: Candidates = {"defaults": {}, "gru": {"family": "gru"}, "convolution": {"family": "convolution"}}
WORDS: Candidates = {
    "defaults": {},
    "no spelling": {"spelling": False},
    "dropout 0.5": {"dropout": 0.5},
    "1,200 updates": {"max_steps": 1200},
}
VALUES: Candidates = {"defaults": {}, "gru": {"family": "gru"}, "one network": {"members": 1}}
SERIES: Candidates = {
    "defaults": {},
    "lstm": {"family": "lstm"},
    "transformer": {"family": "transformer"},
    "convolution": {"family": "convolution"},
    "channels mixed": {"channels": "mixed"},
    "dropout 0.2": {"dropout": 0.2},
}
PAIRS: Candidates = {
    "defaults": {},
    "gru": {"family": "gru"},
    "additive attention": {"attention": "additive"},
    "transformer": {"family": "transformer"},
    "rate 0.004": {"learning_rate": 0.004},
    "dropout 0.1": {"dropout": 0.1},
}
SPEECH: Candidates = {
    "defaults": {},
    "gru": {"family": "gru"},
    "inception": {"family": "inception"},
    "convolution": {"family": "convolution"},
}
TUNES: Candidates = {"defaults": {}, "gru": {"family": "gru"}, "transformer": {"family": "transformer"}}


def data_sets(folder: Path, made: Path) -> Iterator[DataSet]:
    """What could be there."""
    weather, words = folder / "forecast" / "seattle-weather.csv", folder / "tags" / "wnut17train.conll"
    yield DataSet("pendulum, made up", made / "pendulum.npz", "regress", "mse", VALUES, {"valid_fraction": 0.2})
    yield DataSet("heart, made up", made / "heart.hea", "tag", "f1", SIGNALS, {})
    yield DataSet("tunes, made up", made / "tunes.csv", "describe", "loss", TUNES, {})
    yield DataSet("demand, made up", made / "demand.csv", "forecast", "mse", SERIES, {})
    yield DataSet("Seattle weather", weather, "tag", "accuracy", TABLES, {"target": "weather", "test_fraction": 0.2})
    yield DataSet("WNUT 17", words, "tag", "span_f1", WORDS, {"valid": [str(words.with_name("emerging.dev.conll"))]})
    ett = {"context": 96, "horizon": 96, "parts": "8640,2880,2880", "max_epochs": 2.0}
    yield DataSet("ETTh1, 2 epochs", folder / "forecast" / "ETTh1.csv", "forecast", "mse", SERIES, ett)
    pairs = folder / "translation" / "tatoeba-eng-deu.tsv"
    yield DataSet("English to German, 2 epochs", pairs, "translate", "bleu", PAIRS, {"max_epochs": 2.0})
    joined = made / "joined"
    if (folder / "audio" / "fsdd").is_dir() and not joined.exists():
        joined_digits(folder / "audio" / "fsdd", joined)
    labels = {"labels": str(joined / "names.csv"), "max_steps": 500}
    yield DataSet("joined digits, 500 updates", joined / "train", "transcribe", "cer", SPEECH, labels)


if __name__ == "__main__":
    compare_on_validation("tasks", "Defaults of the other tasks", __doc__, data_sets, seeds=3)
