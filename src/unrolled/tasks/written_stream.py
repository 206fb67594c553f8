"""A live stream of a model that writes: a request in, what is written token by token out."""

import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from torch import nn

from unrolled.errors import UserError
from unrolled.tasks.saved_streams import model_digest
from unrolled.untrusted import fits, parse_json

MOST_TOKENS = 1 << 20
"""Tokens that a saved state may say were told."""


class WrittenStream:
    """Answers each request with a line for each token and one for the end.

    A message is a request, for all of the answer or with `"tokens": 5` for so many tokens of it; `{"tokens": 5}` alone
    goes on with the last one, as does `{}` to its end. What is written for a request is always the same; so the state
    is the request and how many lines were told, and going on from a saved one writes them again.
    """

    def __init__(
        self, network: nn.Module, write: Callable[[dict[str, Any]], Iterator[dict[str, Any]]], example: str
    ) -> None:
        """`write` begins to answer a request, and raises `UserError` at once for one that it cannot."""
        self.example = example
        self._network, self._write = network, write
        self._request: dict[str, Any] | None = None
        self._told = 0
        self._answers: Iterator[dict[str, Any]] = iter(())

    def answers(self, message: Any) -> Iterator[dict[str, Any]]:
        """The lines for a message. Raises `UserError` before anything changes."""
        if isinstance(message, str):
            raise UserError(f"expected an object such as {self.example}")
        if not isinstance(message, dict):
            raise UserError(f"expected {self.example}")
        wanted = message.get("tokens")
        if wanted is not None and (not fits(wanted, int) or wanted < 0):
            raise UserError('"tokens" must be a whole number from 0 on')
        request = {name: value for name, value in message.items() if name != "tokens"}
        if request:
            self._answers = self._write(request)
            self._request, self._told = request, 0
        elif self._request is None:
            raise UserError(f"there is nothing to go on with; send a request such as {self.example}")
        return self._next(wanted)

    feed = answers

    def end(self) -> Iterator[dict[str, Any]]:
        """Nothing is left to tell at the end of the input."""
        return iter(())

    def _next(self, wanted: int | None) -> Iterator[dict[str, Any]]:
        for answer in islice(self._answers, wanted):
            self._told += 1
            yield answer

    def save(self) -> bytes:
        """The request and how many lines were told, as JSON."""
        model = model_digest(self._network).flatten().tolist()
        return json.dumps({"model": model, "request": self._request, "told": self._told}).encode()

    def load(self, data: bytes) -> None:
        """Go on from a saved state. Raises `ValueError`, before anything changes, if it is not one of this model."""
        try:
            saved = parse_json(data.decode())
            model, request, told = saved["model"], saved["request"], saved["told"]
        except (KeyError, TypeError, UnicodeDecodeError, ValueError) as error:
            raise ValueError("it holds no state of a model that writes") from error
        if model != model_digest(self._network).flatten().tolist():
            raise ValueError("another model saved this state")
        if not fits(told, int) or not 0 <= told <= MOST_TOKENS or not isinstance(request, dict | None):
            raise ValueError("the saved state is damaged")
        answers: Iterator[dict[str, Any]] = iter(())
        if request is not None:
            try:
                answers = self._write(request)
            except UserError as error:
                raise ValueError(f"the saved request cannot be answered: {error}") from error
            for _ in islice(answers, told):
                pass
        self._answers, self._request, self._told = answers, request, told
