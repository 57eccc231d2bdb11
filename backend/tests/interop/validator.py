"""The methods of the classic XML-RPC validator (validator1.*), as a service; and some for what came after it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from atila import Atila, Was

Stooges = dict[str, int]  # moe, larry and curly


def total(stooges: Stooges) -> int:
    return stooges["moe"] + stooges["larry"] + stooges["curly"]


def __mount__(app: Atila) -> None:  # noqa: N807 - the documented name
    add_sums(app)
    add_echoes(app)


def add_sums(app: Atila) -> None:
    @app.route("/arrayOfStructsTest")
    def array_of_structs(was: Was, array: list[Stooges]) -> int:
        """The sum of all curlies."""
        return sum(stooges["curly"] for stooges in array)

    @app.route("/countTheEntities")
    def count_the_entities(was: Was, text: str) -> dict[str, int]:
        names = {"<": "LeftAngleBrackets", ">": "RightAngleBrackets", "&": "Ampersands", "'": "Apostrophes"}
        return {f"ct{name}": text.count(sign) for sign, name in {**names, '"': "Quotes"}.items()}

    @app.route("/easyStructTest")
    def easy_struct(was: Was, stooges: Stooges) -> int:
        return total(stooges)

    @app.route("/nestedStructTest")
    def nested_struct(was: Was, calendar: dict[str, Any]) -> int:
        """The sum of the stooges of April 1, 2000."""
        return total(calendar["2000"]["04"]["01"])


def add_echoes(app: Atila) -> None:
    @app.route("/echoStructTest")
    async def echo_struct(was: Was, struct: dict[str, Any]) -> dict[str, Any]:
        return struct

    @app.route("/manyTypesTest")
    def many_types(
        was: Was, number: int, truth: bool, text: str, double: float, moment: datetime, content: bytes
    ) -> list[Any]:
        return [number, truth, text, double, moment, content]

    @app.route("/moderateSizeArrayCheck")
    def moderate_size_array(was: Was, array: list[str]) -> str:
        return array[0] + array[-1]

    @app.route("/simpleStructReturnTest")
    def simple_struct_return(was: Was, number: int) -> dict[str, int]:
        return {f"times{factor}": number * factor for factor in (10, 100, 1000)}

    @app.route("/nothing")
    def nothing(was: Was, value: Any = None) -> Any:
        """The value, if there is one."""
        return value

    @app.route("/refuse")
    def refuse(was: Was, what: str) -> None:
        raise was.Error("409 Conflict", f"no {what}")
