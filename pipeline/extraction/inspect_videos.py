"""Decodes videos to count their frames and find problems, without extracting features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from c2fpl.extractors.cores import default_workers
from c2fpl.extractors.settings import DecodingSettings
from c2fpl.pipeline.files.progress import progress
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos.find import VideoFile

if TYPE_CHECKING:
    from rich.table import Table

    from c2fpl.extractors.decoding.video import DecodeReport

INSPECT_SHORT_SIDE_PIXELS = 32
"""Frames are only counted, so they are resized to a small size."""


@dataclass(frozen=True)
class Inspection:
    """Result of decoding one video."""

    video: VideoFile
    report: "DecodeReport | None"
    """The decoder's report; None if decoding failed."""
    problem: str
    """Why decoding failed; empty if it did not."""

    @property
    def remark(self) -> str:
        """Losses, streams not read, assumed times, and why decord was not used; may be empty."""
        if self.report is None:
            return ""
        report = self.report
        remarks = (report.loss, report.streams, report.times.remark, report.fallback)
        return "; ".join(remark for remark in remarks if remark)


def inspect_videos(
    videos: Sequence[VideoFile], decoding: DecodingSettings, execution: Execution
) -> list[Inspection]:
    """Decode every video completely and return the results in the given order."""
    from c2fpl.extractors.decoder_messages import Decoded, Undecodable
    from c2fpl.extractors.decoder_pool import DecoderPool

    by_name = {video.name: video for video in videos}
    found: dict[str, Inspection] = {}
    workers = execution.workers or 2 * default_workers()
    with (
        DecoderPool(decoding, INSPECT_SHORT_SIDE_PIXELS, tail="loop", workers=workers) as decoders,
        progress("inspect", len(videos), "videos", quiet=execution.quiet) as shown,
    ):
        for message in decoders.decode((video.name, video.path) for video in videos):
            name = str(message.key)
            if isinstance(message, Decoded):
                found[name] = Inspection(by_name[name], message.report, "")
                shown.advance()
            elif isinstance(message, Undecodable):
                found[name] = Inspection(by_name[name], None, message.reason)
                shown.advance()
    return [found[video.name] for video in videos]


def inspection_table(inspections: Sequence[Inspection]) -> "Table":
    """Table for the terminal, one row per video."""
    from rich.table import Table
    from rich.text import Text

    names = ("video", "decoder", "size", "fps", "frames", "in header", "lost", "seconds")
    table = Table(*names, "problem", "remark")
    for item in inspections:
        report = item.report
        cells = ["-"] * 7
        if report is not None:
            header = report.num_frames_header
            cells = [
                report.decoder,
                f"{report.width_pixels}x{report.height_pixels}",
                f"{report.frame_rate:.2f}",
                str(report.num_frames_decoded),
                "-" if header is None else str(header),
                str(report.num_frames_lost),
                f"{report.times.duration_s:.1f}",
            ]
        table.add_row(*map(Text, (item.video.name, *cells, item.problem, item.remark)))
    return table
