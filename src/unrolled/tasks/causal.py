"""Models that go forward only, and so can run as a live stream: what contradicts that. Light: no torch."""

from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.tasks.task import Task


def check_causal(task: Task, model: ModelConfig) -> None:
    """Raises `UserError` for settings, as given, that contradict each other or the task."""
    if model.causal is None:
        return
    if not task.looks_ahead:
        if not model.causal:
            raise UserError(f"--model.causal false cannot be, since {task.models} always go forward; leave it out")
        return
    against = _against_forward(model) if model.causal else _against_both_ends(model)
    if against:
        does = "goes forward only" if model.causal else "reads each sequence from both ends"
        wish = f"--model.causal {str(model.causal).lower()} {does}"
        raise UserError(f"{wish}, and {against}; leave one of them out")


def _against_forward(model: ModelConfig) -> str:
    if model.family == "bidirectional":
        return "--model.family bidirectional reads each sequence from both ends"
    return "--model.bidirectional true reads each sequence from both ends" if model.bidirectional else ""


def _against_both_ends(model: ModelConfig) -> str:
    if model.family == "feedforward":
        return "--model.family feedforward sees each step alone"
    if model.bidirectional is False:
        return "--model.bidirectional false goes forward only"
    return "" if model.lookahead is None else f"--model.lookahead {model.lookahead} waits for what it has read then"


def require_live(supports_step: bool) -> None:
    """Raises `UserError` for a model that needs whole records, with what trains one that can run live."""
    if not supports_step:
        raise UserError(
            "the model reads each record from both ends, so it cannot run live; train one that can with "
            "--model.causal true"
        )
