"""What is said beside a setting: where it does something, in words that follow from it."""

from dataclasses import dataclass, fields
from types import SimpleNamespace

from unrolled.settings import Condition, Setting, setting, settings_in


def situation(task: str = "tag", family: str = "gru", *inputs: str) -> SimpleNamespace:
    return SimpleNamespace(task=task, family=family, inputs=frozenset(inputs or ["text"]), deep=False)


def test_every_part_that_is_named_must_hold() -> None:
    limited = Setting("", but=("forecast",), families=("lstm", "gru"), inputs=("text", "signal"))
    assert limited.holds(situation())
    assert limited.holds(situation("tag", "lstm", "numeric", "signal"))
    assert not limited.holds(situation("forecast"))
    assert not limited.holds(situation(family="rnn"))
    assert not limited.holds(situation("tag", "gru", "numeric"))
    assert Setting("", tasks=("tag",)).holds(situation())
    assert not Setting("", tasks=("classify",)).holds(situation())
    deep = Setting("", when=Condition("it is deep", lambda here: here.deep))
    assert not deep.holds(situation())
    assert Setting("").holds(situation())


def test_what_is_not_known_yet_rules_nothing_out() -> None:
    limited = Setting("", tasks=("tag",), families=("lstm",), inputs=("text",))
    assert limited.fits()
    assert limited.fits(task="tag", inputs=frozenset(["text"]))
    assert not limited.fits(task="classify")
    assert not limited.fits(family="gru")
    assert not limited.fits(inputs=frozenset(["numeric"]))


def test_words() -> None:
    everything = Setting("what it is")
    assert (everything.everywhere, everything.sentence(), everything.heading) == (True, "what it is", "")
    heads = Setting("heads", but=("forecast",), families=("transformer",))
    assert heads.where == "all tasks but forecast with family transformer"
    assert heads.sentence() == "heads (transformer; not forecast)"
    assert heads.sentence(below_heading=True) == "heads (not forecast)"
    assert heads.heading == "family transformer"
    assert Setting("", tasks=("classify", "regress", "tag")).where == "classify, regress and tag"
    assert Setting("", families=("rnn", "lstm")).where == "family rnn or lstm"
    size = Setting("size", inputs=("text", "token"), when=Condition("tokens are pieces", bool))
    assert size.where == "inputs of texts or words where tokens are pieces"
    assert size.heading == "inputs of texts, words"
    assert Setting("", when=Condition("the target is events", bool)).where == "runs where the target is events"


def test_a_setting_is_a_field_with_its_default() -> None:
    @dataclass
    class Config:
        width: int = setting(3, "width", families=("gru",))
        names: list[str] = setting(["a"], "names")

    first, second = Config(), Config()
    first.names.append("b")
    assert (second.width, second.names) == (3, ["a"])
    assert [field.name for field in fields(Config)] == list(settings_in(Config)) == ["width", "names"]
    assert settings_in(Config)["width"] == Setting("width", families=("gru",))
