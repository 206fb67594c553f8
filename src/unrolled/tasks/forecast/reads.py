"""What is forecast: series of numbers, in tables, arrays and formats of their own."""

from collections.abc import Sequence

from unrolled.data.config import DataConfig
from unrolled.data.records import Field, Source, Wish
from unrolled.tasks.reads import Described, Reads, kinds, shape_of
from unrolled.tasks.schema import Schema

SHAPES = ("series", "long", "series-rows", "arrays")
"""Data in such a shape is a series that goes on. A series in a row of a table of many is a record."""


class ReadsSeries(Reads):
    wish = Wish(("series", "long", "series-rows", "wide"), "none")

    def fits(self, inputs: Sequence[Field], target: Field | None) -> bool:
        return target is None and "numeric" in kinds(inputs)

    def goes_on_from(self, data: Described) -> bool:
        return shape_of(data) in SHAPES

    def claims(self, data: Described) -> bool:
        if shape_of(data) == "series-rows":
            return True
        guess = next((field for field in data.fields if field.name == data.target_guess), None)
        # A number for every step that has a time, called as the targets of tables are.
        return guess is not None and guess.timed and guess.kind == "numeric" and data.dated

    def found(self, schema: Schema, source: Source, data: DataConfig) -> str:
        from unrolled.tasks.forecast.data import describe_source

        return describe_source(source, data)

    def asked_for_by(self, settings: DataConfig) -> bool:
        return bool(settings.known)
