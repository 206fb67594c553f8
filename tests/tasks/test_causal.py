"""`--model.causal` chooses what runs live, is refused beside what contradicts it, and leaves alone what does anyway."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from small_record_runs import write_sentences
from unrolled.cli.main import main
from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.models.records import InputSizes, RecordNetwork
from unrolled.tasks.causal import check_causal
from unrolled.tasks.describe.defaults import choose_for_descriptions
from unrolled.tasks.forecast.defaults import choose_for_forecast
from unrolled.tasks.forecast.rules import ForecastRules
from unrolled.tasks.labels.defaults import Facts, choose_for_records
from unrolled.tasks.language.defaults import choose
from unrolled.tasks.load import open_stream
from unrolled.tasks.task import FAMILIES, task_named
from unrolled.tasks.translate.defaults import choose_for_translation
from unrolled.training.applicable import Situation, check_applicable
from unrolled.training.config import TrainConfig

FORWARD = ["language", "forecast", "translate", "describe"]
RECORDS = ["classify", "regress", "tag", "transcribe"]
KINDS = ["numeric", "text", "signal"]


def chosen(task: str, kind: str, steps: int, **settings: Any) -> tuple[DataConfig, ModelConfig, TrainConfig]:
    text = kind == "text"
    facts = Facts(task, 100, steps, 0 if text else 2, text, kind == "signal", text)
    return choose_for_records(DataConfig(), ModelConfig(**settings), TrainConfig(), facts)


def network(task: str, kind: str, model: ModelConfig) -> RecordNetwork:
    sizes = InputSizes(0, (9,)) if kind == "text" else InputSizes(2)
    return RecordNetwork(sizes, 3, replace(model, members=1), pooled=task in ("classify", "regress"))


@pytest.mark.parametrize("family", ["auto", *(family for family in FAMILIES if family != "bidirectional")])
@pytest.mark.parametrize("task", RECORDS)
def test_what_is_chosen_runs_live_without_delay(task: str, family: str) -> None:
    for kind, steps in itertools.product(KINDS, (1, 50)):
        configs = chosen(task, kind, steps, family=family, causal=True, width=8)
        made = network(task, kind, configs[1])
        assert (made.supports_step, made.latency) == (True, 0)
        target = {"classify": "categorical", "regress": "numeric", "tag": "categorical", "transcribe": "text"}[task]
        situation = Situation(task, configs[1].family, frozenset({kind}), target, data=configs[0], model=configs[1])
        check_applicable(situation, *configs)
        assert chosen(task, kind, steps, **vars(configs[1]))[1] == configs[1]
        check_causal(task_named(task), configs[1])


@pytest.mark.parametrize("family", ["rnn", "lstm", "gru", "transformer", "convolution", "inception"])
def test_false_reads_from_both_ends(family: str) -> None:
    for task in RECORDS:
        assert not network(task, "numeric", chosen(task, "numeric", 50, family=family, causal=False)[1]).supports_step


def test_a_lookahead_is_all_the_delay_there_is() -> None:
    model = chosen("tag", "signal", 50, causal=True, lookahead=3)[1]
    assert network("tag", "signal", model).latency == 3


def test_a_transformer_that_tags_may_run_for_ever() -> None:
    model = chosen("tag", "numeric", 50, causal=True, family="transformer")[1]
    assert (model.window, model.sees_unbounded_past) == (25, False)
    assert chosen("tag", "numeric", 9000, causal=True, family="transformer")[1].window == 128
    assert chosen("tag", "numeric", 50, causal=True, family="transformer", window=7)[1].window == 7
    assert chosen("tag", "numeric", 50, causal=None, family="transformer")[1].window is None


CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"causal": True, "family": "bidirectional"}, "--model.causal true goes forward only, and --model.family bidir"),
    ({"causal": True, "bidirectional": True}, "--model.causal true goes forward only, and --model.bidirectional true"),
    ({"causal": False, "bidirectional": False}, "false reads each sequence from both ends, and --model.bidirectional"),
    ({"causal": False, "family": "feedforward"}, "and --model.family feedforward sees each step alone"),
    ({"causal": False, "lookahead": 2}, "and --model.lookahead 2 waits for what it has read then"),
]


@pytest.mark.parametrize(("settings", "sentence"), CONTRADICTIONS)
def test_contradictions_are_refused(settings: dict[str, Any], sentence: str) -> None:
    for task in RECORDS:
        with pytest.raises(UserError, match=f"{sentence}.*; leave one of them out$"):
            check_causal(task_named(task), ModelConfig(**settings))
    alone = ModelConfig(**{name: value for name, value in settings.items() if name != "causal"})
    check_causal(task_named("tag"), alone)


def test_one_step_has_one_end() -> None:
    with pytest.raises(UserError, match="reads each record from both ends, and these have one step; leave it out"):
        chosen("classify", "numeric", 1, causal=False)


def test_from_the_option_to_the_stream(tmp_path: Path) -> None:
    run, size = str(tmp_path / "run"), ["--model.width", "8", "--model.layers", "1", "--train.max_steps", "1"]
    assert (
        main(["train", str(write_sentences(tmp_path / "a.conll")), "--run", run, "--model.causal", "true", *size]) == 0
    )
    told = [answer for word in ("Anna", "ran") for answer in open_stream(run).answers({"tokens": [word]})]
    assert [set(answer) >= {"step", "tag"} for answer in told] == [True, True]
    settings = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert settings["model"]["causal"] is True
    assert settings["model"]["bidirectional"] is False


@pytest.mark.parametrize("task", FORWARD)
def test_what_always_goes_forward_cannot_be_asked_to_look_ahead(task: str, tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "some.csv"
    row = "1.5,2.5\n" if task == "forecast" else "some words,and others\n"
    file.write_text("source,target\n" + row * 50)
    assert main(["train", str(file), "--task", task, "--model.causal", "false", "--run", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert error.strip().endswith(f"since {task_named(task).models} always go forward; leave it out")
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("task", FORWARD)
def test_what_always_goes_forward_does_so_when_asked(task: str) -> None:
    def all_chosen(causal: bool | None) -> tuple[DataConfig, ModelConfig, TrainConfig]:
        given = DataConfig(), ModelConfig(causal=causal), TrainConfig()
        if task == "language":
            return choose(*given, tokens=10_000, vocabulary_size=60)
        if task == "forecast":
            return choose_for_forecast(*given, ForecastRules(24, 48, 12, 6, 1, True), 500)
        if task == "translate":
            return choose_for_translation(*given, 500)
        return choose_for_descriptions(*given, records=100, tokens=2000, longest=30)

    check_causal(task_named(task), ModelConfig(causal=True))
    data, model, train = all_chosen(True)
    assert (data, replace(model, causal=None), train) == all_chosen(None)
