"""What the carried state is worth: the same network trained with its state carried from chunk to chunk, and dropped.

Equal for both: the text, the order of the chunks, the initial weights, the settings, the number of updates, and the
evaluation, which reads the validation part once with the state carried. Only `--data.carry` differs. Each seed trains
both, one right after the other.
"""

from dataclasses import replace

from harness.language import run_training
from harness.options import parser, workplace
from harness.result import publish, spread, table

from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.training.config import TrainConfig


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--family", choices=["lstm", "gru", "rnn"], default="lstm")
    options.add_argument("--width", type=int, default=256)
    options.add_argument("--context", type=int, default=16, help="steps in one chunk")
    options.add_argument("--steps", type=int, default=3000)
    options.add_argument("--seeds", type=int, default=3)
    chosen = options.parse_args()
    seeds, steps, width = (1, 20, 32) if chosen.quick else (chosen.seeds, chosen.steps, chosen.width)
    model = ModelConfig(family=chosen.family, layers=1, width=width)
    with workplace(chosen.data, quick=chosen.quick) as (folder, text):
        data = DataConfig(vocabulary="char", context=chosen.context, feed="streams", cache=str(folder / "cache"))
        losses: dict[bool, list[float]] = {True: [], False: []}
        for seed in range(seeds):
            same = set()
            for carry in (True, False):
                train, run = (
                    TrainConfig(max_steps=steps, seed=seed),
                    folder / f"{'carried' if carry else 'dropped'}-{seed}",
                )
                result, judged, _ = run_training(text, run, replace(data, carry=carry), model, train)
                same.add((result["parameters"], result["tokens"], judged.tokens, judged.policy))
                losses[carry].append(judged.loss)
                print(f"{run.name}: loss {judged.loss:.4f}, {result['seconds']:.1f} s", flush=True)
            if len(same) != 1:
                raise SystemExit(f"the runs differ in more than the state: {same}")
    carried, dropped = losses[True], losses[False]
    parameters, tokens, judged_tokens, policy = same.pop()
    differences = [b - a for a, b in zip(carried, dropped, strict=True)]
    rows = [
        [str(seed), f"{a:.4f}", f"{b:.4f}", f"{b - a:+.4f}"]
        for seed, (a, b) in enumerate(zip(carried, dropped, strict=True))
    ]
    rows.append(
        [
            "median",
            *(spread(values).say(form) for values, form in ((carried, ".4f"), (dropped, ".4f"), (differences, "+.4f"))),
        ]
    )
    body = [
        table(["seed", "carried, nats", "dropped, nats", "dropped - carried"], rows),
        f"{chosen.family}, 1 layer of width {width}, {parameters:,} parameters, {steps:,} updates on chunks of "
        f"{chosen.context} ({tokens:,} tokens). Both judged the same way: {policy}, {judged_tokens:,} tokens. "
        f"Carried is better with {sum(value > 0 for value in differences)} of {seeds} seeds.",
    ]
    title = f"{chosen.family.upper()} trained with the state carried and dropped"
    publish(f"carried_state_{chosen.family}", title, body, write=chosen.write, quick=chosen.quick)


if __name__ == "__main__":
    main()
