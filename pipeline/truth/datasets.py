"""The benchmark data sets: official counts, classes in video names and published figures.

UCF-Crime: Sultani et al., CVPR 2018. XD-Violence: Wu et al., ECCV 2020. ShanghaiTech: Liu et al.,
CVPR 2018, with the weakly supervised split of Zhong et al., CVPR 2019. `own` stands for any other
videos.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from c2fpl.errors import UnknownVideo

DatasetName = Literal["ucf-crime", "xd-violence", "shanghaitech", "own"]
MetricName = Literal["auc", "ap", "auc_anomalous", "far"]

UCF_CLASSES = (
    "Abuse", "Arrest", "Arson", "Assault", "Burglary", "Explosion", "Fighting", "RoadAccidents",
    "Robbery", "Shooting", "Shoplifting", "Stealing", "Vandalism",
)  # fmt: skip
XD_CODES: Mapping[str, str] = MappingProxyType(
    {
        "A": "Normal",
        "B1": "Fighting",
        "B2": "Shooting",
        "B4": "Riot",
        "B5": "Abuse",
        "B6": "Car accident",
        "G": "Explosion",
    }
)

_UCF_NAME = re.compile(r"(?P<kind>Normal_Videos_?|[A-Z][A-Za-z]+)[0-9]{3}_x264")
_XD_NAME = re.compile(r".+__#.+_label_(?P<codes>[A-Z0-9]+(-[A-Z0-9]+)*)")
_SHANGHAITECH_NAME = re.compile(r"[0-9]{2}_(?P<number>[0-9]{3,4})")


@dataclass(frozen=True)
class PublishedFigure:
    """One published result for comparison."""

    metric: MetricName
    value: float
    """In [0, 1]."""
    what: str
    """Method and setting."""
    source: str
    """Publication that reports the figure."""
    std: float | None = None
    """Standard deviation over seeds in [0, 1], or None if not reported."""


@dataclass(frozen=True)
class Dataset:
    """Published facts about a data set."""

    name: DatasetName
    """Name on the command line."""
    title: str
    """Name in print."""
    train_videos: int | None
    """Number of official training videos; None for own videos."""
    test_videos: int | None
    """Number of official test videos; None for own videos."""
    test_anomalous: int | None
    """Number of anomalous test videos; None for own videos."""
    figures: tuple[PublishedFigure, ...]
    """Published results, best known first."""


_CLAP = "README of CLAP (CVPR 2024), same first author"
_SUPPLEMENTARY = "C2FPL (WACV 2024), supplementary"

DATASETS: Mapping[DatasetName, Dataset] = MappingProxyType(
    {
        "ucf-crime": Dataset(
            name="ucf-crime",
            title="UCF-Crime",
            train_videos=1610,
            test_videos=290,
            test_anomalous=140,
            figures=(
                PublishedFigure("auc", 0.8065, "C2FPL, headline", _CLAP),
                PublishedFigure("auc", 0.8014, "C2FPL, 10 seeds", f"{_SUPPLEMENTARY} C", 0.0031),
                PublishedFigure(
                    "auc",
                    0.7696,
                    "C2FPL, its released checkpoint",
                    "issue 5 of AnasEmad11/C2FPL; README of FRD-UVAD (IEEE TMM 2024)",
                ),
                PublishedFigure(
                    "auc_anomalous",
                    0.5738,
                    "C2FPL, its released checkpoint",
                    "README of FRD-UVAD (IEEE TMM 2024)",
                ),
                PublishedFigure(
                    "far",
                    0.0029,
                    "C2FPL, its released checkpoint",
                    "README of FRD-UVAD (IEEE TMM 2024), unit read as per cent",
                ),
            ),
        ),
        "xd-violence": Dataset(
            name="xd-violence",
            title="XD-Violence",
            train_videos=3954,
            test_videos=800,
            test_anomalous=500,
            figures=(
                PublishedFigure(
                    "auc", 0.8009, "C2FPL, headline (believed AUC, called AP by some)", _CLAP
                ),
            ),
        ),
        "shanghaitech": Dataset(
            name="shanghaitech",
            title="ShanghaiTech, weak split",
            train_videos=238,
            test_videos=199,
            test_anomalous=44,
            figures=(
                PublishedFigure(
                    "auc", 0.6736, "C2FPL, run by others", "README of CLKDVAD, no source given"
                ),
            ),
        ),
        "own": Dataset("own", "own videos", None, None, None, ()),
    }
)


def classes_of(name: str, dataset: DatasetName) -> tuple[str, ...]:
    """Classes in a video's name: ("Normal",) if none, ("Unknown",) for own videos.

    `Abuse028_x264` -> ("Abuse",); `...__#1_label_B2-G-0` -> ("Shooting", "Explosion");
    ShanghaiTech `01_0014` (four digits, an original test sequence) -> ("Anomaly",).

    Raises:
        UnknownVideo: the name does not belong to the data set.
    """
    if dataset == "ucf-crime":
        return _ucf_classes(name)
    if dataset == "xd-violence":
        return _xd_classes(name)
    if dataset == "shanghaitech":
        match = _SHANGHAITECH_NAME.fullmatch(name)
        if match is None:
            raise UnknownVideo(
                f"{name!r} is not a ShanghaiTech name: expected, for example, 01_0014 or 01_001"
            )
        return ("Anomaly",) if len(match["number"]) == 4 else ("Normal",)
    return ("Unknown",)


def belongs_to(name: str, dataset: DatasetName) -> bool:
    """Whether a joining name has the form of the data set's names."""
    try:
        classes_of(name, dataset)
    except UnknownVideo:
        return False
    return True


def is_of_a_benchmark(name: str) -> bool:
    """Whether a joining name has the form of any benchmark's names."""
    return any(belongs_to(name, dataset) for dataset in DATASETS if dataset != "own")


def is_anomalous(name: str, dataset: DatasetName) -> bool:
    """Whether the video's name marks it as anomalous.

    Raises:
        UnknownVideo: the name does not belong to the data set, or the data set is `own`.
    """
    if dataset == "own":
        raise UnknownVideo(
            f"{name!r} is not a benchmark video: only annotations tell whether it is normal"
        )
    return classes_of(name, dataset) != ("Normal",)


def _ucf_classes(name: str) -> tuple[str, ...]:
    match = _UCF_NAME.fullmatch(name)
    if match is not None and match["kind"].startswith("Normal_Videos"):
        return ("Normal",)
    if match is None or match["kind"] not in UCF_CLASSES:
        raise UnknownVideo(
            f"{name!r} is not a UCF-Crime name: expected, for example, Abuse028_x264 or"
            " Normal_Videos_003_x264"
        )
    return (match["kind"],)


def _xd_classes(name: str) -> tuple[str, ...]:
    match = _XD_NAME.fullmatch(name)
    codes = [code for code in match["codes"].split("-") if code != "0"] if match else []
    strange = [code for code in codes if code not in XD_CODES]
    if not codes or strange or ("A" in codes and codes != ["A"]):
        raise UnknownVideo(
            f"{name!r} is not an XD-Violence name: expected, for example, ...__#1_label_A or"
            " ..._label_B2-G-0"
        )
    return tuple(XD_CODES[code] for code in codes)
