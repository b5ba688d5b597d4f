"""The test set: its videos, their lengths and annotations, and scores joined by name."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadAnnotation
from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.extractors.segments import SEGMENT_FRAMES
from c2fpl.pipeline.truth.annotations import annotation_of
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.forms.rows import LARGEST_FRAME
from c2fpl.pipeline.truth.frame_runs import VideoRuns, video_runs
from c2fpl.pipeline.truth.protocols import Counts, ProtocolName, protocol_of
from c2fpl.pipeline.truth.score_lengths import ScoreUnit, fit_scores, unit_hint
from c2fpl.pipeline.truth.video_annotation import Annotations, VideoAnnotation
from c2fpl.pipeline.videos.names import named

SILENT_OVERHANG_FRAMES = 2
"""Seven official UCF-Crime rows end up to 2 frames beyond their videos; clip these silently."""


@dataclass(frozen=True)
class TestSet:
    """Test videos and their annotations under one protocol."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    dataset: DatasetName
    protocol: ProtocolName
    """Convention of the ground truth."""
    videos: Mapping[str, VideoAnnotation]
    """By joining name, in list order."""
    counts: Mapping[str, Counts]
    """Known frame and segment counts of each video, same keys."""
    given: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    """Ready ground truth (frames,) by name; it replaces the intervals of a video."""

    def in_frames(self, times: Mapping[str, PresentationTimes | None]) -> "TestSet":
        """Convert annotations in seconds to frames for the videos in `times`.

        Raises:
            BadAnnotation: a video is annotated in seconds and its times are None.
        """
        found = {name: self.videos[name].in_frames(known) for name, known in times.items()}
        return replace(self, videos={**self.videos, **found})

    def truth(self, name: str, scored_frames: int | None = None) -> NDArray[np.uint8]:
        """Ground truth of one video, (frames,) of 0 and 1.

        Args:
            name: joining name.
            scored_frames: length of its scores, used if no other length is known.

        Raises:
            BadAnnotation: the counts contradict each other, or an interval is beyond the video.
        """
        if name in self.given:
            return self.given[name]
        video = self.videos[name].in_frames(None)
        refuse_beyond(video, self.counts[name], scored_frames)
        rule = protocol_of(self.protocol, self.dataset)
        return rule.truth(video, self._counts(name, scored_frames))

    def fitted(
        self, name: str, scores: NDArray[np.float32], unit: ScoreUnit = ScoreUnit()
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Expand the scores of one video to frames and fit them to its ground truth.

        Args:
            name: joining name.
            scores: (frames, segments or parts,).
            unit: what one score covers.

        Returns:
            Scores and ground truth, both (frames,).

        Raises:
            BadAnnotation: the lengths cannot belong to the same video.
        """
        known = self._counts(name, None)
        frames = unit.to_frames(name, scores, known)
        truth = self.truth(name, len(frames))
        return fit_scores(name, frames, len(truth), self._counts(name, len(frames)).frames), truth

    def runs(
        self, name: str, scores: NDArray[np.float32], unit: ScoreUnit = ScoreUnit()
    ) -> VideoRuns:
        """Scores and ground truth of a video as runs; arguments and errors as in `fitted`."""
        return video_runs(name, *self.fitted(name, scores, unit), self.videos[name].classes)

    def clipped(self, frames: Mapping[str, int]) -> dict[str, int]:
        """Number of frames by which intervals end beyond their video, if more than rounding.

        Args:
            frames: length of each evaluated video.
        """
        if self.protocol not in ("native", "sultani"):
            return {}  # the other protocols cut videos to whole segments
        last = {n: max((end for _, end in self.videos[n].intervals), default=0) for n in frames}
        over = {name: end - frames[name] for name, end in last.items() if end != LARGEST_FRAME}
        return {name: by for name, by in over.items() if by > SILENT_OVERHANG_FRAMES}

    def _counts(self, name: str, scored_frames: int | None) -> Counts:
        counts = self.counts[name]
        if counts == Counts():
            return Counts(frames=self.videos[name].frame_count or scored_frames or None)
        return counts


def make_test_set(
    dataset: DatasetName,
    protocol: ProtocolName,
    annotations: Annotations,
    counts: Mapping[str, Counts],
) -> TestSet:
    """Join the videos of a test set with their annotations by name.

    Args:
        dataset: determines names and protocols.
        protocol: convention of the ground truth.
        annotations: may include other videos.
        counts: of every test video in list order; Counts() if unknown.

    Raises:
        BadAnnotation: a video has no annotation, so it would count as normal.
        BadAnnotation: the protocol does not apply to the data set.
    """
    protocol_of(protocol, dataset)
    found = {name: annotation_of(name, annotations, dataset) for name in counts}
    refuse_unannotated([name for name, video in found.items() if video is None], annotations)
    videos = {name: video for name, video in found.items() if video is not None}
    return TestSet(dataset, protocol, videos, dict(counts))


def refuse_unannotated(names: Collection[str], annotations: Annotations) -> None:
    """Refuse test videos that no annotation mentions."""
    if names:
        raise BadAnnotation(
            f"{annotations.path} has no annotation of the test videos {named(names)}: they would"
            " count as normal; restore the row or the name"
        )


def refuse_beyond(video: VideoAnnotation, counts: Counts, scored_frames: int | None) -> None:
    """Refuse an interval that starts beyond the video or ends a segment or more beyond it.

    Args:
        video: annotation of the video.
        counts: known counts; Counts() if unknown.
        scored_frames: length of the scores, used if no other length is known.

    Raises:
        BadAnnotation: names the video, the interval and the length.
    """
    for frames, source in _lengths(video, counts, scored_frames):
        for start, end in video.intervals:
            if start >= frames or frames + SEGMENT_FRAMES <= end != LARGEST_FRAME:
                beyond = "starts" if start >= frames else "ends"
                hint = f"; {unit_hint(frames, end)}" if source == "its scores" else ""
                raise BadAnnotation(
                    f"{video.name} is annotated from frame {start} to {end}, which {beyond} beyond"
                    f" its {frames} frames (from {source}): correct the interval or the count{hint}"
                )


def _lengths(
    video: VideoAnnotation, counts: Counts, scored_frames: int | None
) -> list[tuple[int, str]]:
    """Lengths of a video and their sources; features leave out at most one segment."""
    by_segments = (counts.segments + 1) * SEGMENT_FRAMES if counts.segments else None
    known = (
        (counts.frames, "the table or features"),
        (video.frame_count, "the annotation"),
        (by_segments, "its segments"),
    )
    found = [(frames, source) for frames, source in known if frames]
    return found or ([(scored_frames, "its scores")] if scored_frames else [])
