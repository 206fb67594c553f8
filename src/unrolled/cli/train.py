"""`unrolled train FILE...`"""

from typing import Any

from jsonargparse import ArgumentParser, Namespace

from unrolled.cli.invocation import command
from unrolled.cli.options import add_train_options


def add_arguments(parser: ArgumentParser) -> None:
    add_train_options(parser)


def run(options: Namespace) -> dict[str, Any]:
    from unrolled.training.ranges import check_settings

    check_settings(options.data, options.model, options.train)

    from unrolled.training.run import train_language

    result = train_language(
        options.files, run=options.run, data=options.data, model=options.model, train_config=options.train
    )
    report(result)
    return result


def report(result: dict[str, Any]) -> None:
    """What came of it, and what to do next."""
    if not result:
        return  # one of several processes, not the one that speaks
    if "loss" in result:
        bits = "" if result["bits_per_byte"] is None else f", {result['bits_per_byte']:.4f} bits per byte"
        print(
            f"validation: {result['loss']:.4f} nats per token, perplexity {result['perplexity']:.4g}{bits} "
            f"({result['evaluated']})"
        )
    if "test_loss" in result:
        print(f"test: {result['test_loss']:.4f} nats per token, perplexity {result['test_perplexity']:.4g}")
    print(f"report: {result['report']}")
    print(f"next: {command('generate', result['run'])}")
