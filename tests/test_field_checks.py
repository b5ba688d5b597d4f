"""Every settings class refuses what its fields cannot hold, when it is constructed."""

import ast
import re
from dataclasses import MISSING, fields
from inspect import getsource
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest

from c2fpl.errors import BadSettings
from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.models.settings import LabelSettings, TrainingSettings
from c2fpl.pipeline.cli.app import SETTINGS
from c2fpl.pipeline.run import RunSettings
from c2fpl.pipeline.settings import ClipSettings, EventSettings, Execution, ReadingSettings

ALL = (*SETTINGS, ClipSettings, RunSettings)
FIELDS = [(each, name) for each in ALL for name in get_type_hints(each)]


@pytest.mark.parametrize("settings", ALL, ids=lambda each: each.__name__)
def test_the_defaults_of_every_class_are_valid(settings: type[Any]) -> None:
    settings()


@pytest.mark.parametrize(("settings", "name"), FIELDS)
@pytest.mark.parametrize("value", [object(), [1], np.zeros(3)], ids=["object", "list", "array"])
def test_every_field_refuses_a_value_of_another_type_in_one_line(
    settings: type[Any], name: str, value: object
) -> None:
    with pytest.raises(BadSettings, match=f"^{name} ") as caught:
        settings(**{name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (each, name)
        for each in ALL
        for name, hint in get_type_hints(each).items()
        if get_origin(hint) is Literal
    ],
)
def test_every_choice_is_accepted_and_every_other_value_refused(
    settings: type[Any], name: str
) -> None:
    choices = get_args(get_type_hints(settings)[name])
    shown = re.escape(", ".join(map(repr, choices)))
    for other in ("foo", "", None, 3, True, str(choices[0]).upper() + "x"):
        with pytest.raises(BadSettings, match=shown):
            settings(**{name: other})
    for choice in choices:
        assert getattr(settings(**{name: choice}), name) == choice


@pytest.mark.parametrize(
    ("settings", "given", "message"),
    [
        (ExtractionSettings, {"crops": 3}, "crops 3 is not one of 10, 5, 1; the nearest is 5"),
        (LabelSettings, {"method": "Papr"}, "did you mean 'paper'?"),
        (ExtractionSettings, {"backbone": "x3dm"}, "did you mean 'x3d-m'?"),
        (TrainingSettings, {"epochs": 2.5}, "epochs 2.5 is not a whole number"),
        (TrainingSettings, {"learning_rate": "0.1"}, "learning_rate '0.1' is not a number"),
        (
            ExtractionSettings,
            {"weights": "w.pt"},
            "weights 'w.pt' is not a pathlib.Path or None",
        ),
        (RunSettings, {"labels": TrainingSettings()}, "is not of class LabelSettings"),
        (Execution, {"quiet": 1}, "quiet 1 is not True or False"),
        (ReadingSettings, {"frames_per_segment": "even"}, "one of 'auto', 'equal' or a whole"),
        (
            DecodingSettings,
            {"fps": 30},
            "fps 30 is not one of 'native', '30'; did you mean '30'?",
        ),
    ],
)
def test_the_message_gives_value_choices_and_the_nearest(
    settings: type[Any], given: dict[str, object], message: str
) -> None:
    with pytest.raises(BadSettings) as caught:
        settings(**given)
    assert message in str(caught.value)


def test_numbers_of_numpy_are_numbers() -> None:
    given: dict[str, Any] = {"epochs": np.int64(2), "dropout": np.float32(0.5)}
    crops: Any = np.int64(5)
    assert TrainingSettings(**given).epochs == 2
    assert ExtractionSettings(crops=crops, weights=Path("w")).crops == 5
    assert EventSettings(threshold=1).threshold == 1


def test_no_settings_class_lacks_a_default() -> None:
    assert all(
        each.default is not MISSING or each.default_factory is not MISSING
        for settings in ALL
        for each in fields(settings)
    )


@pytest.mark.parametrize("settings", ALL, ids=lambda each: each.__name__)
def test_help_texts_have_no_asterisks_which_the_help_takes_for_emphasis(
    settings: type[Any],
) -> None:
    constants = [
        node.value
        for node in ast.walk(ast.parse(getsource(settings)))
        if isinstance(node, ast.Constant)
    ]
    texts = [text for text in constants if isinstance(text, str)]
    assert texts
    assert not [text for text in texts if "*" in text]
