"""The live stream of a trained model, whatever its task."""

from collections.abc import Callable
from typing import Any


def stream_of(task: str, model: Any, **options: Any) -> Any:
    """A stream of what the estimator of a task has loaded: an object with `feed`, `save` and `load`.

    Raises `UserError` for models that need whole records.
    """
    return _STREAMS[task](model, **options)


def _language(model: Any, **options: Any) -> Any:
    from unrolled.estimators.text_stream import TextStream

    return TextStream(model, **options)


def _forecast(model: Any) -> Any:
    from unrolled.tasks.forecast.stream import ForecastStream

    return ForecastStream(model)


def _records(model: Any) -> Any:
    from unrolled.tasks.labels.stream import RecordStream

    return RecordStream(model.loaded.model, model.loaded.recipe.inputs)


def _translate(model: Any) -> Any:
    from unrolled.tasks.translate.stream import write
    from unrolled.tasks.written_stream import WrittenStream

    return WrittenStream(model.network, lambda request: write(model, request), '{"source": "..."}')


def _describe(model: Any, *, seed: int = 0) -> Any:
    from unrolled.tasks.describe.stream import write
    from unrolled.tasks.written_stream import WrittenStream

    return WrittenStream(model.network, lambda request: write(model, request, seed=seed), '{"condition": "..."}')


_STREAMS: dict[str, Callable[..., Any]] = {
    "language": _language,
    "forecast": _forecast,
    "translate": _translate,
    "describe": _describe,
    **dict.fromkeys(("classify", "regress", "tag", "transcribe"), _records),
}
