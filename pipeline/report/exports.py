"""Export the scores and events of a run in formats that other programs read."""

from collections import defaultdict
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from c2fpl.errors import MissingPackage
from c2fpl.pipeline.files.atomic import whole_file
from c2fpl.pipeline.files.run_files import RunFiles, save_json
from c2fpl.pipeline.report.events import load_events
from c2fpl.pipeline.steps.scored_videos import scored_videos

LABEL = "anomaly"
"""The only class that unsupervised detection can give."""


def write_parquet(files: RunFiles) -> Path:
    r"""Write all scores as one table: video, frame (int32), time_s (float64), score (float32).

    There is one row group per video, and one video in memory at a time. Bytes of a file name that
    are not valid UTF-8 are written as \xff.

    Raises:
        MissingPackage: pyarrow is not installed.
        BadScores: the run has no scores yet.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingPackage(
            ".parquet needs pyarrow, which is not installed; pip install 'c2fpl[parquet]'"
        ) from error
    schema = arrow.schema(
        [
            ("video", arrow.dictionary(arrow.int32(), arrow.string())),
            ("frame", arrow.int32()),
            ("time_s", arrow.float64()),
            ("score", arrow.float32()),
        ]
    )
    videos = scored_videos(files)
    with whole_file(files.parquet) as file, parquet.ParquetWriter(file, schema) as writer:
        for video in videos:
            scores = video.scores()
            frames = np.arange(len(scores), dtype=np.int32)
            name = arrow.array([unicode_name(video.name)])
            codes = arrow.array(np.zeros(len(scores), dtype=np.int32))
            columns: list[Any] = [
                arrow.DictionaryArray.from_arrays(codes, name),
                frames,
                video.times().start_s(frames),
                scores,
            ]
            writer.write_table(arrow.table(columns, schema=schema))
    return files.parquet


def write_detections(files: RunFiles) -> Path:
    """Write the events as ActivityNet temporal detection results, listing every video.

    `{"version", "results": {video: [{"label", "score", "segment": [start_s, end_s]}]}}`.
    Source: ActivityNet evaluation kit, submission format for temporal action localization.

    Raises:
        BadScores: the run has no events yet.
        BadScores: the run has no scores yet.
    """
    results: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in load_events(files).events:
        segment = [round(event.start_s, 3), round(event.end_s, 3)]
        score = round(event.peak_score, 6)
        results[event.video].append({"label": LABEL, "score": score, "segment": segment})
    save_json(
        files.detections,
        {
            "version": f"c2fpl {metadata.version('c2fpl')}",
            "results": {video.name: results[video.name] for video in scored_videos(files)},
            "external_data": {"used": False, "details": "no labels"},
        },
    )
    return files.detections


def write_label_studio(files: RunFiles) -> Path:
    """Write the events as Label Studio tasks with predictions on the video timeline.

    As in `TimelineLabels`, frames count from 1 and the end is inclusive. The labelling
    configuration needs `<TimelineLabels name="events" toName="video"><Label value="anomaly"/>` and
    `<Video name="video" value="$video"/>`. `$video` is the video's name in the run; replace it by
    the URL from which Label Studio loads the video. Source: Label Studio, tags/timelinelabels.

    Raises:
        BadScores: the run has no events yet.
        BadScores: the run has no scores yet.
    """
    results: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for number, event in enumerate(load_events(files).events):
        span = {"start": event.start_frame + 1, "end": event.end_frame}
        results[event.video].append(
            {
                "id": f"event{number}",
                "from_name": "events",
                "to_name": "video",
                "type": "timelinelabels",
                "score": round(event.peak_score, 6),
                "value": {"ranges": [span], "timelinelabels": [LABEL]},
            }
        )
    model = f"c2fpl {metadata.version('c2fpl')}"
    tasks = [
        {
            "data": {"video": unicode_name(video.name)},
            "predictions": [{"model_version": model, "result": results[video.name]}],
        }
        for video in scored_videos(files)
    ]
    save_json(files.label_studio, tasks)
    return files.label_studio


def unicode_name(name: str) -> str:
    """The name as valid UTF-8 text."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
