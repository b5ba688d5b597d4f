"""The events of a run as annotations for other programs."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from c2fpl.errors import BadScores
from c2fpl.pipeline.files.atomic import whole_file
from c2fpl.pipeline.files.run_files import RunFiles, beside, save_json
from c2fpl.pipeline.files.wording import unicode_name
from c2fpl.pipeline.report.events import Event, load_events
from c2fpl.pipeline.steps.scored_videos import ScoredVideo, scored_videos

LABEL = "anomaly"
"""The only class that unsupervised detection can give."""
_NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_detections(files: RunFiles) -> Path:
    """Write the events as ActivityNet temporal detection results, listing every video.

    `{"version", "results": {video: [{"label", "score", "segment": [start_s, end_s]}]}}`.
    Source: ActivityNet evaluation kit, submission format for temporal action localization.

    Raises:
        BadScores: the run has no events yet.
        BadScores: the run has no scores yet.
    """
    events = _events_by_video(files)
    results = {
        video.name: [
            {
                "label": LABEL,
                "score": round(event.peak_score, 6),
                "segment": [round(event.start_s, 3), round(event.end_s, 3)],
            }
            for event in events[video.name]
        ]
        for video in scored_videos(files)
    }
    save_json(
        files.detections,
        {
            "version": _version(),
            "results": results,
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
        BadScores: the run has no scores yet, or of resampled frames.
    """
    events, videos = _events_by_video(files), _videos_by_frame(files, "Label Studio")
    tasks = [
        {
            "data": {"video": unicode_name(video.name)},
            "predictions": [
                {
                    "model_version": _version(),
                    "result": [
                        _timeline_label(number, event)
                        for number, event in enumerate(events[video.name])
                    ],
                }
            ],
        }
        for video in videos
    ]
    save_json(files.label_studio, tasks)
    return files.label_studio


def _timeline_label(number: int, event: Event) -> Mapping[str, Any]:
    span = {"start": event.start_frame + 1, "end": event.end_frame}
    return {
        "id": f"event{number}",
        "from_name": "events",
        "to_name": "video",
        "type": "timelinelabels",
        "score": round(event.peak_score, 6),
        "value": {"ranges": [span], "timelinelabels": [LABEL]},
    }


def write_cvat(files: RunFiles) -> Path:
    """Write one file per video, in the format "CVAT for video 1.1", for a task of that video.

    CVAT has no label for a span of time. An event is therefore a track: a rectangle around the
    whole picture, from the first frame of the event to the last. The task needs the label
    `anomaly`; if the label has a text attribute `score`, it gets the peak score. Source: CVAT,
    XML annotation format.

    Raises:
        BadScores: the run has no events yet.
        BadScores: the run has no scores yet, of resampled frames, or of pictures of unknown size.
    """
    events, videos = _events_by_video(files), _videos_by_frame(files, "CVAT")
    for video in videos:
        if video.picture_pixels is None:
            raise BadScores(
                f"{video.name!r}: the size of its picture, which CVAT needs, was not recorded; "
                "score the video file again"
            )
    for video in videos:
        root = _cvat_task(video, events[video.name])
        ElementTree.indent(root)
        with whole_file(beside(files.cvat, video.name, ".xml")) as file:
            ElementTree.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)
    return files.cvat


def _cvat_task(video: ScoredVideo, events: Sequence[Event]) -> ElementTree.Element:
    name, frame_count = _xml_text(unicode_name(video.name)), len(video.scores())
    width, height = video.picture_pixels or (0, 0)
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    meta = ElementTree.SubElement(root, "meta")
    task = ElementTree.SubElement(meta, "task")
    for tag, text in {"name": name, "size": str(frame_count), "mode": "interpolation"}.items():
        ElementTree.SubElement(task, tag).text = text
    label = ElementTree.SubElement(ElementTree.SubElement(task, "labels"), "label")
    ElementTree.SubElement(label, "name").text = LABEL
    ElementTree.SubElement(meta, "source").text = name
    corners = {"xtl": "0", "ytl": "0", "xbr": str(width), "ybr": str(height)}
    for number, event in enumerate(events):
        facts = {"id": str(number), "label": LABEL, "source": "auto"}
        track = ElementTree.SubElement(root, "track", facts)
        shown = {event.start_frame: "0", event.end_frame - 1: "0"}
        if event.end_frame < frame_count:  # CVAT refuses a frame that the video does not have
            shown[event.end_frame] = "1"
        for frame, outside in shown.items():
            state = {"frame": str(frame), "keyframe": "1", "outside": outside, "occluded": "0"}
            box = ElementTree.SubElement(track, "box", {**state, **corners, "z_order": "0"})
            score = ElementTree.SubElement(box, "attribute", {"name": "score"})
            score.text = f"{event.peak_score:.6f}"
    return root


def _xml_text(text: str) -> str:
    r"""The text with characters that XML cannot hold written as \x01."""
    return _NOT_IN_XML.sub(lambda found: rf"\x{ord(found[0]):02x}", text)


def _events_by_video(files: RunFiles) -> Mapping[str, Sequence[Event]]:
    """Events by video, highest peak first."""
    events: dict[str, list[Event]] = defaultdict(list)
    for event in load_events(files).events:
        events[event.video].append(event)
    return events


def _videos_by_frame(files: RunFiles, program: str) -> list[ScoredVideo]:
    """The scored videos, for a program that counts the frames of the video file."""
    videos = scored_videos(files)
    for video in videos:
        if video.fps != "native":
            raise BadScores(
                f"{video.name!r} was scored at {video.fps} frames per second, but {program} counts "
                "the frames of the file; score it with --fps native, or export activitynet"
            )
    return videos


def _version() -> str:
    return f"c2fpl {metadata.version('c2fpl')}"
