"""Trainings of a moment on pairs, from start to resumed end, and one that has to learn."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import assert_same_run, last_checkpoint, train_until

from small_pairs import reversals, train
from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.tasks.task import task_named
from unrolled.tasks.translate.data import opened_pairs, prepare_pairs
from unrolled.tasks.translate.defaults import at_equal_parameters, choose_for_translation
from unrolled.tasks.translate.load import build_translation_network, load_translation
from unrolled.tasks.translate.translate import translate_texts
from unrolled.training.config import TrainConfig

PAIRS = reversals(60)


def translations(run: Path, texts: list[str]) -> list[str]:
    return [translation.text for translation in translate_texts(load_translation(run), texts)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("translate") / "run"
    return folder, train(PAIRS, folder)


def test_live_it_says_token_by_token_what_one_beam_says(run: tuple[Path, dict[str, Any]]) -> None:
    folder, texts = run[0] / "best", [source for source, _ in PAIRS[:12]] + [" "]
    expected = [translation.text for translation in translate_texts(load_translation(folder), texts, beams=1)]
    stream, again = (task_named("translate").stream(folder) for _ in range(2))
    for text, whole in zip(texts, expected, strict=True):
        *tokens, end = stream.answers({"source": text})
        assert end == {"step": len(tokens), "text": whole, "end": True}
        assert [answer["step"] for answer in tokens] == list(range(1, len(tokens) + 1))
        assert "".join(answer["token"] for answer in tokens) == whole
        # Cut into pieces, each told by another stream that goes on from a saved state.
        pieces = list(again.answers({"source": text, "tokens": 2}))
        while not (pieces and pieces[-1].get("end")):
            other = task_named("translate").stream(folder)
            other.load(again.save())
            again = other
            pieces += again.answers({"tokens": 3})
        assert pieces == [*tokens, end]
        assert list(again.answers({})) == []


def test_live_a_message_that_says_nothing_changes_nothing(run: tuple[Path, dict[str, Any]]) -> None:
    stream = task_named("translate").stream(run[0] / "best")
    with pytest.raises(UserError, match="nothing to go on with"):
        stream.answers({"tokens": 3})
    first = list(stream.answers({"source": "abc", "tokens": 1}))
    before = stream.save()
    for message, sentence in (
        ("abc", "expected an object"),
        ({"source": 3}, "with a text"),
        ({"text": "abc"}, "with a text"),
        ({"source": "abc", "tokens": -1}, "whole number"),
        ({"source": "abc", "tokens": True}, "whole number"),
        ([], "expected"),
    ):
        with pytest.raises(UserError, match=sentence):
            stream.answers(message)
        assert stream.save() == before
    assert first + list(stream.answers({})) == list(stream.answers({"source": "abc"}))
    for data in (b"{}", b"no", before.replace(b'"told": 1', b'"told": -1'), before.replace(b'"abc"', b"7")):
        with pytest.raises(ValueError, match=r"state|answered"):
            stream.load(data)
    with pytest.raises(ValueError, match="another model"):
        stream.load(before.replace(b'"model": [', b'"model": [1, '))


def test_a_run_leaves_all_there_is(run: tuple[Path, dict[str, Any]]) -> None:
    folder, result = run
    assert (result["task"], result["steps"]) == ("translate", 12)
    assert result["valid"]["count"] == 6
    assert "version:" in result["valid"]["metrics"]["bleu"]["note"]
    assert json.loads((folder / "split.json").read_text())["valid"]
    assert (
        (folder / "best" / "README.md").read_text().startswith("---\nlibrary_name: unrolled\npipeline_tag: translation")
    )
    report = (folder / "report.html").read_text()
    assert "Attention: what each token was said from" in report
    assert ".picture .shade" in report
    assert "reference: " in report
    scores = result["valid"]
    assert scores["metrics"]["chrf"]["value"] != scores["baseline"]["chrf"]["value"]
    for name, title in (("bleu", "BLEU"), ("chrf", "chrF")):
        value, naive = scores["metrics"][name]["value"], scores["baseline"][name]["value"]
        assert f"<dt>validation {title}</dt><dd>{value:.2f}<small>baseline {naive:.2f}</small></dd>" in report


def test_a_model_directory_is_the_model(run: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, _ = run
    texts = [source for source, _ in PAIRS[:10]]
    first = translations(folder, texts)
    (folder / "best").rename(tmp_path / "moved")
    try:
        assert translations(tmp_path / "moved", texts) == first
    finally:
        (tmp_path / "moved").rename(folder / "best")
    loaded, again = load_translation(folder), load_translation(folder / "best")
    for (name, parameter), (_, other) in zip(
        loaded.network.named_parameters(), again.network.named_parameters(), strict=True
    ):
        assert torch.equal(parameter, other), name


@pytest.mark.parametrize(
    "model",
    [
        {"dropout": 0.3},
        {"family": "lstm", "attention": "none", "width": None},
        {"family": "transformer", "heads": 2},
    ],
)
def test_cut_off_and_resumed_is_the_same_run(tmp_path: Path, model: dict[str, Any]) -> None:
    if "width" in model:  # the width at which the numbers of parameters are equal must be found once only
        model = model | {"embedding_size": 8}
    groups = {"model": model, "train": {"checkpoint_every": 3, "max_steps": 8}}
    train(PAIRS, tmp_path / "whole", **groups)
    train_until(5, lambda: train(PAIRS, tmp_path / "cut", **groups))
    assert last_checkpoint(tmp_path / "cut")[1]["step"] == 3
    torch.manual_seed(999)
    train(PAIRS, tmp_path / "cut", **groups | {"train": groups["train"] | {"resume": "auto"}})
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


def test_other_pairs_cannot_go_on(tmp_path: Path) -> None:
    train(PAIRS, tmp_path / "run", train={"checkpoint_every": 3})
    with pytest.raises(UserError, match="the text is another one"):
        train(PAIRS[:-1], tmp_path / "run", train={"resume": "auto", "max_steps": 20})


@pytest.mark.parametrize("family", ["rnn", "gru", "lstm"])
def test_no_attention_costs_as_much(family: Any) -> None:
    pairs = prepare_pairs(opened_pairs(PAIRS), DataConfig(), seed=0)
    sizes = len(pairs.encoding.source), len(pairs.encoding.target)
    counts = {}
    for attention in ("multiplicative", "none"):
        _, model, _ = choose_for_translation(
            DataConfig(), ModelConfig(family=family, attention=attention), TrainConfig(), 30_000
        )
        network = build_translation_network(*sizes, at_equal_parameters(model, pairs), shared=False)
        counts[attention] = sum(parameter.numel() for parameter in network.parameters())
    assert counts["none"] == pytest.approx(counts["multiplicative"], rel=0.015)


def test_what_auto_becomes() -> None:
    data, model, config = choose_for_translation(DataConfig(), ModelConfig(), TrainConfig(), 30_000)
    assert (model.attention, model.family, model.width, data.context) == ("multiplicative", "lstm", 256, 512)
    assert (config.max_time, config.warmup_steps) == ("10m", 200)
    # What has been chosen can be given again.
    assert choose_for_translation(data, model, config, 30_000) == (data, model, config)
    few = choose_for_translation(DataConfig(), ModelConfig(), TrainConfig(), 100)[2]
    assert few.max_epochs == 100
    assert few.warmup_steps == 70
    given = choose_for_translation(DataConfig(context=9), ModelConfig(attention="none"), TrainConfig(max_steps=5), 100)
    assert (given[0].context, given[1].attention, given[2].max_epochs, given[2].max_time) == (9, "none", None, None)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"model": {"family": "convolution"}}, "translate has no convolution decoder; choose rnn, lstm, gru or transf"),
        (
            {"model": {"family": "transformer", "attention": "additive", "heads": 2}},
            "cannot be built: .*multiplicative",
        ),
        ({"model": {"width": 7}}, "cannot be built: width 7 is not divisible"),
        ({"model": {"members": 3}}, "model.members 3 would have no effect"),
        ({"model": {"heads": 2}}, "model.heads 2 would have no effect"),
        ({"model": {"bidirectional": True}}, "model.bidirectional true would have no effect"),
        ({"model": {"embedding": "one-hot"}}, "model.embedding one-hot would have no effect"),
        ({"data": {"group": "who"}}, "data.group who would have no effect"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, groups: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        train(PAIRS, tmp_path / "run", **groups)
    assert not (tmp_path / "run").exists()


def test_given_widths_are_kept(tmp_path: Path) -> None:
    train(PAIRS, tmp_path / "run", model={"attention": "none", "width": 10}, train={"max_steps": 2})
    assert json.loads((tmp_path / "run" / "best" / "config.json").read_text())["model"]["width"] == 10


def test_a_pair_or_two_are_enough_to_begin(tmp_path: Path) -> None:
    result = train([("a", "b"), ("c", "d")], tmp_path / "run", train={"max_steps": 2})
    assert result["valid"]["count"] == 1
    assert translations(tmp_path / "run", ["a", "", "  "])[1:] == ["", ""]


def test_a_damaged_encoding_is_said_so(run: tuple[Path, dict[str, Any]]) -> None:
    path = run[0] / "best" / "encoding.json"
    text = path.read_text()
    path.write_text(text[:-20])
    try:
        with pytest.raises(UserError, match=r"damaged encoding\.json"):
            load_translation(run[0])
    finally:
        path.write_text(text)


def test_reversing_is_learned(tmp_path: Path) -> None:
    pairs = reversals(200, longest=4)
    settings = {"width": 32, "dropout": 0.0}
    result = train(
        pairs,
        tmp_path / "run",
        data={"valid_fraction": 0.15},
        model=settings,
        train={"batch_size": 16, "max_steps": 300, "learning_rate": 1e-2, "validate_every": 150},
    )
    held_out = json.loads((tmp_path / "run" / "split.json").read_text())["valid"]
    right = [translations(tmp_path / "run", [pairs[n][0]])[0] == pairs[n][1] for n in held_out]
    assert len(right) >= 20
    assert sum(right) >= 0.85 * len(right)
    metrics, naive = result["valid"]["metrics"], result["valid"]["baseline"]
    assert metrics["chrf"]["value"] > naive["chrf"]["value"] + 30


def test_equal_parameters_leave_others_alone() -> None:
    pairs = prepare_pairs(opened_pairs(PAIRS), DataConfig(), seed=0)
    model = ModelConfig(family="gru", width=8, layers=1, attention="multiplicative")
    assert at_equal_parameters(model, pairs) == model
    transformer = replace(model, family="transformer", attention="none")
    assert at_equal_parameters(transformer, pairs) == transformer
