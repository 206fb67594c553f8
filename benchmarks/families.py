"""The families at equal wall time on one text, with the settings each gets by default.

Every family trains for `--time`, its validations included, and is judged as `unrolled evaluate RUN` judges it: with the
state carried through the validation part, or in sliding windows where the model has a bounded past. With several
rounds the families take turns, each round with a new seed.
"""

from typing import Any

from harness.language import run_training
from harness.options import parser, workplace
from harness.result import publish, spread, table

from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.training.config import TrainConfig

FAMILIES = ("lstm", "gru", "transformer", "rnn")


def median_loss(results: list[dict[str, Any]]) -> float:
    return spread([result["judged"] for result in results]).median


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--time", default="3m", help="training time of each, such as 90s or 3m")
    options.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    options.add_argument("--rounds", type=int, default=1)
    chosen = options.parse_args()
    rounds, limit = (1, "1s") if chosen.quick else (chosen.rounds, chosen.time)
    width, layers = (32, 1) if chosen.quick else (None, None)
    by_family: dict[str, list[dict[str, Any]]] = {family: [] for family in chosen.families}
    judged_tokens = set()
    with workplace(chosen.data, quick=chosen.quick) as (folder, text):
        for turn in range(rounds):
            for offset in range(len(chosen.families)):
                family = chosen.families[(turn + offset) % len(chosen.families)]
                data = DataConfig(cache=str(folder / "cache"))
                train = TrainConfig(max_time=limit, seed=turn)
                model = ModelConfig(family=family, width=width, layers=layers)
                result, judged, tokens = run_training(text, folder / f"{family}-{turn}", data, model, train)
                judged_tokens.add(judged.tokens)
                by_family[family].append(result | {"judged": judged.loss, "policy": judged.policy})
                print(f"round {turn + 1}, {family}: loss {judged.loss:.4f}", flush=True)
    if len(judged_tokens) != 1:
        raise SystemExit(f"the families were judged on different numbers of tokens: {judged_tokens}")
    rows = [
        [
            family,
            spread([result["judged"] for result in results]).say(".4f"),
            spread([result["tokens_per_second"] for result in results]).say(",.0f"),
            spread([result["steps"] for result in results]).say(",.0f"),
            f"{results[0]['parameters']:,}",
            spread([result["seconds"] for result in results]).say(".1f"),
            results[0]["policy"],
        ]
        for family, results in sorted(by_family.items(), key=lambda item: median_loss(item[1]))
    ]
    body = [
        table(["family", "loss, nats", "tokens/s", "updates", "parameters", "training, s", "judged"], rows),
        f"{limit} of training each, median of {rounds} (in brackets the quartiles), defaults of `unrolled train`. "
        f"Each is judged on the same {judged_tokens.pop():,} tokens. {tokens.summary}.",
    ]
    publish("families", "The families at equal wall time", body, write=chosen.write, quick=chosen.quick)


if __name__ == "__main__":
    main()
