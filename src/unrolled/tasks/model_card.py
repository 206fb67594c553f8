"""The model card: a page beside the weights that says what they are."""

from typing import Any

from unrolled.models.config import ModelConfig
from unrolled.plural import counted
from unrolled.tasks.task import Task
from unrolled.visible import markdown


def model_card(task: Task, model: ModelConfig, data: str, scores: Any, step: int) -> str:
    """README.md of a model directory, with the metadata block that model hubs read; `scores` of the validation at that
    step, or None without."""
    pipeline = [] if task.pipeline is None else [f"pipeline_tag: {task.pipeline}"]
    commands = [f"unrolled {arguments}" for arguments in task.usage]
    tags = ["sequence-model", *([] if pipeline else [task.name]), model.family]
    python = [
        "",
        "```python",
        f"from unrolled import {task.estimator}",
        "",
        f'model = {task.estimator}.from_pretrained(".")',
        task.example,
        "```",
    ]
    lines = [
        "---",
        "library_name: unrolled",
        *pipeline,
        "tags:",
        *(f"- {tag}" for tag in tags),
        "---",
        "",
        f"# {task.title} ({model.family})",
        "",
        f"* Model: {counted(model.layers or 1, 'layer')} of width {model.width}{task.model_line(model)}",
        f"* Data: {markdown(data)}",
        f"* Validation during training, at step {step:,}: "
        + markdown("none was held out" if scores is None else task.validation_line(scores)),
        *(["", task.remark] if task.remark else []),
        "",
        "```sh",
        *commands,
        "```",
        *(python if task.estimator else []),
    ]
    return "\n".join(lines) + "\n"
