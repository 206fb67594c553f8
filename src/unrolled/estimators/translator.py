"""Translation for Python, as in scikit-learn: texts in, texts out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unrolled.data.readers.read_like_training import reopen
from unrolled.data.records import Notes
from unrolled.errors import UserError
from unrolled.estimators.alone import alone
from unrolled.estimators.base import TrainedEstimator
from unrolled.estimators.intake import TEXTS, check_data, taken_in
from unrolled.estimators.paths import is_path, paths_of
from unrolled.estimators.settings import configs
from unrolled.tasks.translate.beam import check_search
from unrolled.tasks.translate.data import opened_pairs
from unrolled.tasks.translate.load import LoadedTranslation, load_translation
from unrolled.tasks.translate.source_texts import read_source_texts
from unrolled.tasks.translate.translate import ALPHA, BEAMS, judge_translations, translate_texts
from unrolled.untrusted import short


class Translator(TrainedEstimator):
    """A text for each text, such as its translation: learned from pairs.

    X and y are lists of texts, one pair per place; or X is the path of a file of pairs that `unrolled train` reads, and
    y is left out. Pairs with the same source are never on both sides of the split for validation.

    The main settings: `attention` (multiplicative, additive or none), `family` (lstm, gru, rnn or transformer),
    `vocabulary` (bpe, char, word or byte), `share_vocabulary` and `context`, the tokens of the longest text.
    """

    _task = "translate"

    @alone()
    def fit(self, X: Any, y: Any = None) -> "Translator":
        """Train. Raises `UserError` as `unrolled train` does."""
        data, model, train = configs(self)
        if is_path(X):
            check_data(X, "X", TEXTS)
            if y is not None:
                raise UserError(f"{X} is a path, whose pairs bring their targets; leave y out")
            files, opened = paths_of(X), None
        else:
            files, opened = [], opened_pairs(_pairs(X, y))
        self._train(files, opened, data, model, train)
        return self

    def predict(self, X: Any, *, beams: int = BEAMS, length_penalty: float = ALPHA) -> list[str]:
        """The translation of each text of a list, of each line of a file or of a column of a table."""
        loaded: LoadedTranslation = self._model
        check_search(beams, length_penalty)
        if is_path(X):
            _, sources = read_source_texts(paths_of(X), loaded.encoding.source_field, Notes())
        else:
            sources = iter(_texts(X, "X"))
        return [translation.text for translation in translate_texts(loaded, sources, beams=beams, alpha=length_penalty)]

    def score(self, X: Any, y: Any = None) -> float:
        """Corpus BLEU over 100, from 0 to 1 (so that, as in scikit-learn, 1 is perfect)."""
        return float(self.evaluate(X, y)["metrics"]["bleu"]["value"]) / 100

    def evaluate(self, X: Any, y: Any = None) -> dict[str, Any]:
        """BLEU and chrF from 0 to 100 with their signatures and intervals, beside those of the source copied."""
        loaded: LoadedTranslation = self._model
        if is_path(X):
            source = reopen(paths_of(X), loaded.recipe, Notes(), labelled=True)
            fields = loaded.encoding.source_field, loaded.encoding.target_field
            pairs = [(record.values[fields[0]], record.values[fields[1]]) for record in source]
        else:
            pairs = _pairs(X, y)
        translations = [translation.text for translation in translate_texts(loaded, [source for source, _ in pairs])]
        return judge_translations(pairs, translations)

    def _load(self, folder: Path) -> LoadedTranslation:
        return load_translation(folder)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        return tags


def _pairs(X: Any, y: Any) -> list[tuple[str, str]]:
    if y is None:
        raise UserError("y is missing; give the text for each text of X, unless X is the path of a file of pairs")
    sources, targets = _texts(X, "X"), _texts(y, "y")
    if len(sources) != len(targets):
        raise UserError(f"X has {len(sources):,} texts and y has {len(targets):,}; there must be one for each")
    return list(zip(sources, targets, strict=True))


def _texts(X: Any, name: str) -> list[str]:
    """The texts of a list, an array or a column."""
    if isinstance(X, str):
        raise UserError(f"{name} is a single text; {TEXTS}")
    check_data(X, name, TEXTS)
    with taken_in(name, TEXTS):
        values: Sequence[Any] = X.tolist() if hasattr(X, "tolist") else list(X)
    for number, value in enumerate(values):
        if not isinstance(value, str):
            raise UserError(f"{name}[{number}] is {short(value)}, expected a text; give a list of str")
    return list(values)
