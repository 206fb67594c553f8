"""`unrolled train FILE...`"""

from argparse import Namespace
from typing import Any

from unrolled.cli.forecasts import say_scores
from unrolled.cli.invocation import command
from unrolled.cli.options import add_train_options
from unrolled.cli.parser import Parser
from unrolled.plural import rounded
from unrolled.scoring.names import metric_in_words
from unrolled.visible import say


def add_arguments(parser: Parser) -> None:
    parser.example = "unrolled train poems.txt --train.max_time 3m"
    add_train_options(parser)


def run(options: Namespace) -> dict[str, Any]:
    from unrolled.training.ranges import check_settings

    check_settings(options.data, options.model, options.train)

    from unrolled.tasks.train_files import train_files

    result = train_files(
        options.files,
        task=None if options.task == "auto" else options.task,
        run=options.run,
        data=options.data,
        model=options.model,
        train_config=options.train,
    )
    report(result)
    return result


def report(result: dict[str, Any]) -> None:
    """What came of it, and what to do next."""
    if not result:
        return  # one of several processes, not the one that speaks
    if "task" in result:
        _report_records(result)
        return
    if "loss" in result:
        bits = "" if result["bits_per_byte"] is None else f", {result['bits_per_byte']:.4f} bits per byte"
        say(
            f"validation: {result['loss']:.4f} nats per token, perplexity {result['perplexity']:.4g}{bits} "
            f"({result['evaluated']})"
        )
    if "test_loss" in result:
        say(f"test: {result['test_loss']:.4f} nats per token, perplexity {result['test_perplexity']:.4g}")
    say(f"report: {result['report']}")
    say(f"next: {command('generate', result['run'])}")


def _report_records(result: dict[str, Any]) -> None:
    for name, shown in (("valid", "validation"), ("test", "test")):
        if name in result and result["task"] == "forecast":
            say_scores(shown, result[name])
        elif name in result:
            say(f"{shown}: {scores_line(result[name])}")
    say(f"report: {result['report']}")
    verb, rest = (
        ("generate", "--given NAME=VALUE") if result["task"] == "describe" else ("predict", "FILE -o predictions.csv")
    )
    say(f"next: {command(verb, result['run'])} {rest}")


def scores_line(scores: dict[str, Any]) -> str:
    """The metrics of a part, each beside that of the naive baseline."""
    parts = []
    for name, metric in scores["metrics"].items():
        if metric["value"] is None:
            continue
        spread = "" if metric["low"] is None else f" ({rounded(metric['low'], 3)} to {rounded(metric['high'], 3)})"
        naive = scores["baseline"].get(name)
        beside = "" if not naive else f", baseline {rounded(naive['value'], 3)}"
        parts.append(
            f"{metric_in_words(name)} {rounded(metric['value'])}{spread if name == scores['main'] else ''}{beside}"
        )
    return "; ".join(parts)
