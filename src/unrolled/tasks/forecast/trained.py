"""A trained model that forecasts: what verbs and estimators need of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from unrolled.data.records import Notes
from unrolled.errors import UserError
from unrolled.tasks.forecast.files import Windows, own_parts, read_series, windows_of
from unrolled.tasks.forecast.load import load_forecast
from unrolled.tasks.forecast.network import ForecastNetwork
from unrolled.tasks.forecast.pictures import PICTURES, picture, table, tiles
from unrolled.tasks.forecast.predict import predictions
from unrolled.tasks.forecast.scores import ForecastJudgement, judge_forecasts
from unrolled.tasks.predictions import Predictions
from unrolled.tasks.task import Figures, Judgement, Part, Prepared, Samples

if TYPE_CHECKING:
    from unrolled.tasks.forecast.train import PreparedForecast
    from unrolled.training.progress import Progress

LONGEST_HORIZON = 1_000_000
"""Steps ahead of a series, from a model that knows far fewer."""


class TrainedForecast:
    """A model that forecasts; a part's content are `Windows`."""

    def __init__(self, folder: Path) -> None:
        self.loaded, self.folder = load_forecast(folder), folder

    @property
    def network(self) -> ForecastNetwork:
        return self.loaded.network

    def own_parts(self, wanted: str, notes: Notes, progress: "Progress") -> list[Part]:
        return [Part(name, f"{name} part", windows) for name, windows in own_parts(self.loaded, wanted).items()]

    def read(self, files: list[str], notes: Notes, progress: "Progress", labels: str | None = None) -> Part:
        shown = ", ".join(files)
        series = read_series(self.loaded, files, notes)
        return Part("file", shown, windows_of(self.loaded, series, notes, shown))

    def score(self, part: Part, notes: Notes, progress: "Progress", **options: Any) -> Judgement:
        windows: Windows = part.content
        loaded = self.loaded
        judged = judge_forecasts(loaded.network, loaded.encoding, windows.windows, windows.values, examples=PICTURES)
        return Judgement(judged.to_json(), tiles(judged), evidence=judged)

    def show(self, prepared: Prepared, judged: list[tuple[Part, Judgement]], seed: int) -> tuple[Samples, Figures]:
        series = cast("PreparedForecast", prepared).series
        figures: Figures = []
        for part, judgement in reversed(judged):
            figures.append(table(part.shown, judgement.evidence))
        for part, judgement in judged[-1:]:
            evidence: ForecastJudgement = judgement.evidence
            figures += [picture(example, series, part.name) for example in evidence.examples]
        return [], figures

    def predict(
        self, files: list[str], notes: Notes, progress: "Progress", *, horizon: int | None = None, **options: Any
    ) -> tuple[Predictions, int]:
        if horizon is not None and horizon < 1:
            raise UserError(f"--horizon is {horizon}, which must be at least 1")
        if horizon is not None and horizon > LONGEST_HORIZON:
            raise UserError(f"--horizon is {horizon}, which must be at most {LONGEST_HORIZON:,}")
        series = read_series(self.loaded, files, notes)
        return predictions(self.loaded, series, horizon=horizon, notes=notes), len(series)
