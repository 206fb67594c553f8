import io

import pytest
import rich.console
from hypothesis import given
from hypothesis import strategies as st

from python_calls import python_calls
from unrolled.training.progress import Pace, Progress


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def plain(width=100):
    return rich.console.Console(file=io.StringIO(), force_terminal=False, width=width)


def terminal(width=80):
    return rich.console.Console(file=io.StringIO(), force_terminal=True, width=width, height=30)


def lines(console):
    return console.file.getvalue().splitlines()


@given(st.floats(0.01, 10.0), st.integers(2, 2000))
def test_eta_at_a_constant_pace_is_exact(seconds, steps):
    clock = Clock()
    pace = Pace(clock)
    for step in range(1, steps):
        clock.now += seconds
        left = pace.remaining(step / steps)
        assert left is None if step == 1 else left == pytest.approx((steps - step) * seconds, rel=1e-6)


def test_eta_forgets_a_slow_start_and_counts_what_comes_at_intervals(clock):
    pace = Pace(clock)
    clock.now += 30.0  # a slow first step
    steps = 4000
    began = clock.now
    total = steps * 0.1 + steps // 100 * 2.0
    for step in range(1, steps + 1):
        clock.now += 0.1 + (2.0 if step % 100 == 0 else 0.0)
        left = pace.remaining(step / steps)
        if step in (1000, 2000, 3000, 3990):
            truth = began + total - clock.now
            assert left == pytest.approx(truth, rel=0.06, abs=2.0)


def test_eta_follows_a_time_limit_and_a_resumed_run(clock):
    pace = Pace(clock)
    for elapsed in range(300, 600, 3):  # a run of 10 minutes that goes on at half
        left = pace.remaining(elapsed / 600)
        if elapsed > 300:
            assert left == pytest.approx(600 - elapsed)
        clock.now += 3


def test_eta_keeps_few_points(clock):
    pace = Pace(clock)
    for step in range(50_000):
        clock.now += 0.01
        pace.remaining(step / 50_000)
    assert len(pace._points) <= 600


def test_no_progress_has_no_eta(clock):
    pace = Pace(clock)
    for _ in range(5):
        clock.now += 1
        assert pace.remaining(0.0) is None


def test_plain_lines_are_rare_but_validations_always_come(clock):
    console = plain()
    with Progress(console=console, clock=clock) as progress:
        for step in range(1, 601):
            clock.now += 0.1
            progress.train(step, step / 600, 2.0, 51234.5, 0.4321, epoch=1.5)
            if step in (50, 60):
                progress.validation(step, "loss 1.5000 nats, perplexity 4.482, 2.2500 bits/byte", best=step == 60)
    printed = lines(console)
    training = [line for line in printed if line.startswith("training")]
    assert 6 <= len(training) <= 8
    assert training[-1].startswith("training 100% | step 600 | loss 2.000 nats | perplexity 7.389 | 51.2k tokens/s")
    assert "gradient 0.43" in training[-1]
    assert "ETA 50s" in training[1]
    assert [line for line in printed if "validation" in line] == [
        "validation at step 50: loss 1.5000 nats, perplexity 4.482, 2.2500 bits/byte",
        "validation at step 60: loss 1.5000 nats, perplexity 4.482, 2.2500 bits/byte (best so far)",
    ]
    assert "\x1b" not in console.file.getvalue()


def test_bits_per_byte_instead_of_perplexity(clock):
    console = plain()
    with Progress(console=console, clock=clock) as progress:
        progress.train(1, 0.5, 2.0, 10.0, 1.0, bits_per_byte=2.885)
    assert "2.885 bits/byte" in lines(console)[0]
    assert "perplexity" not in lines(console)[0]


def test_a_huge_loss_does_not_overflow(clock):
    console = plain()
    with Progress(console=console, clock=clock) as progress:
        progress.train(1, 0.5, 1e4, 10.0, float("inf"))
    assert "perplexity >1e21" in lines(console)[0]


def test_messages_are_not_markup(clock):
    for console in (plain(), terminal()):
        with Progress(console=console, clock=clock) as progress:
            progress.work("[red].txt", 1, 10)
            progress.message("a [bold] claim[/] about [x]")
            clock.now += 20
            progress.work("[red].txt", 9, 10)
        assert "a [bold] claim[/] about [x]" in console.file.getvalue()
        assert "[red].txt" in console.file.getvalue()


def test_encoding(clock):
    console = plain()
    with Progress(console=console, clock=clock) as progress:
        progress.work("tiny.txt", 100, 100)  # at once: not worth a line
        for done in range(0, 2_000_000_001, 50_000_000):
            clock.now += 1
            progress.work("big.txt", done, 2_000_000_000)
        progress.work("empty.txt", 0, 0)
    printed = lines(console)
    assert len(printed) == 5
    assert printed[1] == "big.txt 30% | 600 MB of 2.00 GB, 50.0 MB/s | ETA 28s"
    assert printed[-1] == "big.txt 100% | 2.00 GB of 2.00 GB, 50.0 MB/s"


def test_silent_but_logged(tmp_path, clock):
    console = plain()
    log = tmp_path / "log.txt"
    for _ in range(2):
        with Progress(silent=True, console=console, clock=clock, log=log) as progress:
            progress.train(1, 0.5, 2.0, 10.0, 1.0)
            progress.message("a word")
    assert console.file.getvalue() == ""
    logged = log.read_text().splitlines()
    assert len(logged) == 4
    assert logged[1].endswith("a word")
    assert "step 1 | loss 2.000 nats" in logged[2]


def test_terminal_bar_fits_its_width(tmp_path, clock):
    console = terminal(80)
    log = tmp_path / "log.txt"
    with Progress(console=console, clock=clock, log=log) as progress:
        for step in range(1, 40):
            clock.now += 1
            progress.train(12_000 + step, step / 40, 1.734, 52345.6, 0.4321)
        progress._bars.refresh()
        progress.validation(12_040, "loss 1.5000 nats")
    text = console.file.getvalue()
    assert "98%  ETA 1.0s" in text
    assert "step 12,039 | loss 1.734 nats | perplexity 5.663 | 52.3k tokens/s | gradient" in text
    assert "validation at step 12,040" in text
    assert 4 <= len(log.read_text().splitlines()) <= 6


def test_standard_error_is_the_default(capsys):
    with Progress() as progress:
        progress.message("hello")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "hello\n"


def test_is_cheap_enough_to_call_every_step(monkeypatch):
    texts = []
    monkeypatch.setattr("unrolled.training.progress.format_count", lambda *count: str(texts.append(count)))
    clock = Clock()
    for console in (plain(), terminal()):
        with Progress(console=console, clock=clock) as progress:

            def updates(progress=progress):
                for step in range(200):
                    clock.now += 1e-6
                    progress.train(step, step / 10_000, 2.0, 10.0, 1.0)

            updates()
            assert len(texts) == 1  # its text is made only where it is shown
            texts.clear()
            assert python_calls(updates) < 200 * 20
            assert texts == []
