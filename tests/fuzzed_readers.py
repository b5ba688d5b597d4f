"""Every reader of files from outside, with whole files of its kind to damage."""

import contextlib
import io
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from c2fpl.models.detection.detector import Detector
from c2fpl.models.settings import TrainingSettings
from c2fpl.pipeline.cli import main as cli
from c2fpl.pipeline.features.extracted import ExtractedFeatures
from c2fpl.pipeline.files.lists import read_list
from c2fpl.pipeline.files.npy_header import load_npy
from c2fpl.pipeline.files.outcomes import load_failures
from c2fpl.pipeline.files.run_files import RunFiles, beside, save_json
from c2fpl.pipeline.report.events import load_events, write_events
from c2fpl.pipeline.settings import EventSettings
from c2fpl.pipeline.steps.detector_files import SavedDetector, load_detector, save_detector
from c2fpl.pipeline.steps.scored_videos import scored_videos, videos_without_scores
from c2fpl.pipeline.steps.update_labels import load_labels
from c2fpl.pipeline.truth.annotations import read_annotations
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.frame_counts import read_count_table
from fuzzing import Reader

RECORD = {
    "video": "a",
    "num_frames_decoded": 30,
    "num_frames_lost": 0,
    "frame_rate": 25.0,
    "settings": {"tail": "loop", "backbone": "flow"},
    "weights_sha256": None,
    "fingerprint": "0" * 64,
}


def readers(folder: Path) -> list[Reader]:
    """All readers; `folder` is for making whole files."""
    return [
        Reader("npy", "x.npy", _arrays(), lambda f: load_npy(f / "x.npy")),
        Reader("features", "a.npy", _arrays(), _read_features),
        Reader("record", "a.json", _records(), _read_record),
        Reader("scores", "a.npy", [_npy(np.zeros(9, np.float32))], _read_scores),
        Reader("provenance", "features/a.json", _records(), _read_run),
        Reader("index", "scores/.videos.csv", _indexes(), _read_run),
        Reader("events", "events.json", _events(folder), lambda f: load_events(RunFiles(f))),
        Reader("list", "l.txt", _lists(), lambda f: read_list(f / "l.txt")),
        Reader("labels", "labels.csv", _labels(), _read_labels),
        Reader("failures", "failed.csv", [b"video,step,reason\na,extract,x\n"], _read_failures),
        Reader("counts", "c.csv", [b"name,frames\na,30\nb,64\n"], _read_counts),
        Reader("detector", "d.pt", _detectors(folder), lambda f: load_detector(f / "d.pt")),
        Reader("config", "c.toml", [b'eta = 1.0\nbackbone = "flow"\n[run]\nbeta = 2\n'], _config),
        *_annotation_readers(),
    ]


def _annotation_readers() -> Iterator[Reader]:
    own = (
        b"a 3 9\nb 1 5 7 8\nc\n",
        b"video;start (s);end (s);class\na.mp4;1,5;2,0;fight\nb.mp4;;;normal\n",
        b'{"a": {"fps": 25, "n_frames": 90, "label": ["fight"], "events": [[1.5, 2]]}}',
        b'<annotations><meta><source>a.mp4</source></meta><track label="fight">'
        b'<box frame="3" outside="0"/><box frame="9" outside="1"/></track></annotations>',
    )
    forms = {
        "own": own,
        "ucf-crime": (b"Abuse028_x264.mp4  Abuse  165  240  -1  -1\nN_1.mp4 Normal -1 -1 -1 -1\n",),
        "xd-violence": (b"Bad.Boys.1995__#01-11-55_01-12-40_label_G-B2-B6.mp4 0 1140\n",),
    }
    for dataset, texts in forms.items():
        read = partial(_read_annotations, cast(DatasetName, dataset))
        yield Reader(f"annotations of {dataset}", "a.txt", texts, read)


def _read_annotations(dataset: DatasetName, folder: Path) -> None:
    read_annotations(folder / "a.txt", dataset)


def _npy(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def _arrays() -> list[bytes]:
    shape = (2, 1, 4)
    plain = [_npy(np.ones(shape, dtype)) for dtype in ("float16", "float32", ">f8", "uint8")]
    return [*plain, _npy(np.array([{"a": 1}], object)), _npy(np.asfortranarray(np.ones(shape)))]


def _records() -> list[bytes]:
    return [json.dumps(RECORD).encode(), json.dumps(RECORD, indent=1).encode()]


def _indexes() -> list[bytes]:
    header = b"video,fingerprint,detector,source,frame_rate,num_frames_lost,damage,seconds_off\n"
    return [header + b"a,00,11,/v/a.mp4,25.0,0,,0.0\n"]


def _events(folder: Path) -> list[bytes]:
    run = RunFiles(folder / "run")
    run.scores.mkdir(parents=True, exist_ok=True)
    np.save(run.scores / "a.npy", np.repeat(np.array([0.1, 0.9, 0.1], np.float32), 40))
    write_events(run, EventSettings(threshold=0.5))
    return [run.events_json.read_bytes()]


def _lists() -> list[bytes]:
    text = "# cameras\n'v/a.mp4'\nv/c d.mp4\n"
    concat = b"ffconcat version 1.0\nfile 'v/a.mp4'\nduration 2\nfile b\\ c.mp4\n"
    return [text.encode(), text.encode("utf-16"), concat]


def _labels() -> list[bytes]:
    header = b"video,segment,start_frame,end_frame,label,density\n"
    return [header + b"a,0,0,16,1,0.5\na,1,16,30,0,0.9\n"]


def _detectors(folder: Path) -> list[bytes]:
    settings = TrainingSettings()
    saved = SavedDetector(Detector(4, settings).eval(), 4, settings, {"backbone": "flow"}, "0")
    save_detector(folder / "whole.pt", saved)
    return [(folder / "whole.pt").read_bytes()]


def _whole_features(folder: Path) -> ExtractedFeatures:
    if not (folder / "a.npy").exists():
        np.save(folder / "a.npy", np.ones((2, 1, 4), np.float32))
    if not (folder / "a.json").exists():
        save_json(beside(folder, "a", ".json"), RECORD)
    return ExtractedFeatures(folder)


def _read_features(folder: Path) -> None:
    features = _whole_features(folder)
    for name in features.names:
        list(features.chunks(name))
        features.plan(name)


def _read_record(folder: Path) -> None:
    features = _whole_features(folder)
    features.fingerprint()
    for name in features.names:
        features.plan(name)
        features.times(name)


def _read_scores(folder: Path) -> None:
    for video in scored_videos(RunFiles(folder, holds="scores")):
        video.scores()


def _read_run(folder: Path) -> None:
    (folder / "scores").mkdir(exist_ok=True)
    np.save(folder / "scores" / "a.npy", np.zeros(30, np.float32))
    for video in scored_videos(RunFiles(folder)):
        video.scores()
    videos_without_scores(RunFiles(folder))


def _read_labels(folder: Path) -> None:
    features = folder / "features"
    features.mkdir(exist_ok=True)
    load_labels(RunFiles(folder, holds="labels"), _whole_features(features))


def _read_failures(folder: Path) -> None:
    load_failures(RunFiles(folder))


def _read_counts(folder: Path) -> None:
    read_count_table(folder / "c.csv")


def _config(folder: Path) -> None:
    """Through the command line, whose answer is one line and exit code 2."""
    said = io.StringIO()
    arguments = ["label", str(folder / "none"), "-o", str(folder / "out")]
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            cli.main([*arguments, "--config", str(folder / "c.toml")])
        except SystemExit as ended:
            if ended.code != 2 or said.getvalue().count("\n") != 1:
                raise AssertionError(f"exit code {ended.code}: {said.getvalue()}") from ended
