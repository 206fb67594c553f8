"""The live stream of a trained model, whatever its task."""

from collections.abc import Callable
from typing import Any

from unrolled.errors import UserError


def stream_of(task: str, model: Any, **options: Any) -> Any:
    """A stream of what the estimator of a task has loaded: an object with `feed`, `save` and `load`.

    Raises `UserError` for models that need whole records.
    """
    make = _STREAMS.get(task)
    if make is None:
        raise UserError(f"models that {task} have no live stream; give predict the whole records")
    return make(model, **options)


def _language(model: Any, **options: Any) -> Any:
    from unrolled.estimators.text_stream import TextStream

    return TextStream(model, **options)


def _forecast(model: Any) -> Any:
    from unrolled.tasks.forecast.stream import ForecastStream

    return ForecastStream(model)


def _records(model: Any) -> Any:
    from unrolled.tasks.labels.stream import RecordStream

    return RecordStream(model.loaded.model, model.loaded.recipe.inputs)


_STREAMS: dict[str, Callable[..., Any]] = {
    "language": _language,
    "forecast": _forecast,
    **dict.fromkeys(("classify", "regress", "tag", "transcribe"), _records),
}
