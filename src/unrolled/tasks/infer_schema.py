"""Which field is learned, from which others and by which task: as was said, or as the kinds of the fields suggest."""

from collections.abc import Sequence

from unrolled.data.fields import choose_inputs, require_field
from unrolled.data.records import Field
from unrolled.errors import UserError
from unrolled.tasks.reads import Described, Reads, reads_of
from unrolled.tasks.schema import Schema
from unrolled.tasks.task import TASKS


def infer_schema(data: Described, *, task: str | None, target: str | None, inputs: Sequence[str]) -> Schema:
    """What is learned from what. What is given holds; the rest is guessed from the kinds of the fields.

    Raises `UserError` for a field that does not exist, a task that the fields do not allow, and for fields of which
    several could be the target, with the flag that chooses one.
    """
    if task is not None and not reads_of(task).target:  # what comes next is learned, of all that there is
        return Schema(task, _beside(None, data.fields, ()), None)
    if target is not None:
        require_field(target, [field.name for field in data.fields])
    learned = _target_of(data, task, target)
    if learned is not None and learned.name in inputs:
        raise UserError(f"{learned.name} is both an input and the target; leave it out of --inputs")
    read = _beside(learned, data.fields, inputs)
    schema = Schema(task or _task_for(read, learned), read, learned)
    _require_fit(schema)
    return schema


def _target_of(data: Described, task: str | None, target: str | None) -> Field | None:
    if target is not None:
        return _field(data, target)
    return _obvious_target(data) if task is None else _target_for(reads_of(task), task, data)


def _field(data: Described, name: str) -> Field:
    return next(field for field in data.fields if field.name == name)


def _beside(target: Field | None, fields: Sequence[Field], inputs: Sequence[str]) -> tuple[Field, ...]:
    read = choose_inputs([field for field in fields if field != target], inputs)
    if not read:
        raise UserError(
            f"there is nothing to learn {target.name if target else 'it'} from: the data has no other field"
        )
    return read


def _target_for(reads: Reads, task: str, data: Described) -> Field:
    """The target of a task that was named."""
    guess = None if data.target_guess is None else _field(data, data.target_guess)
    if guess is not None and reads.trusts(guess):
        return guess
    target = _only(reads.candidates(data.fields))
    if target is None:
        raise UserError(f"nothing in the data can be the target of {task}; name a field with --target")
    return target


def _obvious_target(data: Described) -> Field | None:
    """The target where no task was named."""
    if data.target_guess is not None:
        return _field(data, data.target_guess)
    return next(filter(None, (_only(reads_of(name).obvious(data)) for name in TASKS)), None)


def _only(candidates: list[Field]) -> Field | None:
    if len(candidates) > 1:
        raise UserError(
            f"the target could be any of {', '.join(field.name for field in candidates)}; choose one with --target"
        )
    return candidates[0] if candidates else None


def _task_for(inputs: tuple[Field, ...], target: Field | None) -> str:
    """The task that learns such a target."""
    task = next((name for name in TASKS if reads_of(name).fits(inputs, target)), None)
    if task is not None:
        return task
    if target is None:
        raise UserError("the data has no label to learn; name one with --target, or give --labels")
    raise UserError(f"several tasks could fit the target {target.name}; choose one with --task {'|'.join(TASKS)}")


def _require_fit(schema: Schema) -> None:
    reads = reads_of(schema.task)
    if schema.target is not None and not reads.can_be_target(schema.target):
        shape = "per step" if schema.target.timed else "per record"
        raise UserError(
            f"{schema.task} needs {reads.target} as its target, and {schema.target.name} is {schema.target.kind} "
            f"{shape}; choose another --target or --task"
        )
