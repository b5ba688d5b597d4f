"""Checks the values of a settings dataclass against the types of its fields."""

from collections.abc import Mapping
from difflib import get_close_matches
from numbers import Integral, Real
from os import PathLike
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from c2fpl.errors import BadSettings

_KINDS: Mapping[object, tuple[type, str]] = {
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
    bool: (bool, "True or False"),
    str: (str, "text"),
    NoneType: (NoneType, "None"),
}


def check_fields(settings: object) -> None:
    """Check every field of a dataclass: choices, numbers, texts, paths and nested settings.

    Call it first in `__post_init__`, so that the checks of ranges get values they can compare.

    Raises:
        BadSettings: names the field, its value, what is allowed and the nearest choice.
    """
    for name, kinds in _field_kinds(type(settings)).items():
        _check(name, getattr(settings, name), kinds)


def check_argument(name: str, value: object, hint: object) -> None:
    """Check one argument of a public function against a type, such as `str | PathLike`.

    Raises:
        BadSettings: as `check_fields`.
    """
    _check(name, value, _kinds(hint))


def _check(name: str, value: object, kinds: tuple[object, ...]) -> None:
    if not any(_fits(value, kind) for kind in kinds):
        shown = " ".join(repr(value).split())
        shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
        raise BadSettings(f"{name} {shown} is not {_allowed(kinds)}{_nearest(value, kinds)}")


def _field_kinds(settings_class: type) -> dict[str, tuple[object, ...]]:
    """The alternatives that each field may hold."""
    return {name: _kinds(hint) for name, hint in get_type_hints(settings_class).items()}


def _kinds(hint: object) -> tuple[object, ...]:
    if get_origin(hint) in (Union, UnionType):
        return tuple(kind for each in get_args(hint) for kind in _kinds(each))
    return (hint,)


def _choices(kinds: tuple[object, ...]) -> list[object]:
    return [each for kind in kinds if get_origin(kind) is Literal for each in get_args(kind)]


def _fits(value: object, kind: object) -> bool:
    if kind is not bool and isinstance(value, bool):  # Python counts True as the number 1
        return False
    if get_origin(kind) is Literal:
        return isinstance(value, str | Integral) and value in get_args(kind)
    expected = _KINDS[kind][0] if kind in _KINDS else kind
    return isinstance(value, expected) if isinstance(expected, type) else True


def _allowed(kinds: tuple[object, ...]) -> str:
    """The allowed values in words: `one of 10, 5, 1`, `a number or None`."""
    choices = _choices(kinds)
    shown = [f"one of {', '.join(map(repr, choices))}"] if choices else []
    shown += [_class_name(kind) for kind in kinds if isinstance(kind, type) and kind not in _KINDS]
    shown += [words for kind, (_, words) in _KINDS.items() if kind in kinds]
    return " or ".join(shown)


def _class_name(kind: type[Any]) -> str:
    if issubclass(kind, PurePath):
        return "a pathlib.Path"
    return "a path" if kind is PathLike else f"of class {kind.__name__}"


def _nearest(value: object, kinds: tuple[object, ...]) -> str:
    choices = _choices(kinds)
    numbers = [each for each in choices if isinstance(each, int)]
    if numbers and isinstance(value, Real):
        return f"; the nearest is {min(numbers, key=lambda each: abs(each - float(value)))}"
    close = get_close_matches(str(value).lower(), [str(each) for each in choices], 1, 0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
