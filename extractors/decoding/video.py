"""Decodes one video in this process with decord where that is exact, otherwise with PyAV.

Memory is bounded: one window of frames with decord, one frame with PyAV.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadVideo
from c2fpl.extractors.decoding.header import VideoHeader, read_header, why_not_decord
from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.extractors.decoding.pyav_frames import PyavFrames, TimedFrame
from c2fpl.extractors.decoding.resampling import at_constant_rate
from c2fpl.extractors.decoding.resizing import FrameResizer
from c2fpl.extractors.decoding.timestamps import TimesRecorder
from c2fpl.extractors.settings import DecodingSettings


@dataclass(frozen=True)
class DecodeReport:
    """Outcome of decoding one video."""

    decoder: Literal["decord", "pyav"]
    """Decoder that produced the frames."""
    num_frames_header: int | None
    """Frame count in the header; recorded only, because it may be wrong."""
    num_frames_decoded: int
    """Frames in the output: after resampling if `fps` is not "native"."""
    num_frames_source: int
    """Frames decoded from the file."""
    num_frames_lost: int
    """Frames that did not decode or are missing from a damaged file."""
    times: PresentationTimes
    """Presentation times of the output's frames."""
    width_pixels: int
    """Width as displayed (rotation applied), before the resize."""
    height_pixels: int
    """Height as displayed (rotation applied), before the resize."""
    seconds: float
    """Wall time of reading, decoding and resizing by `decoder`, in seconds, without waiting."""
    fallback: str
    """Why decord was not used; empty if it was, or if the settings ask for PyAV."""
    damage: str = ""
    """Damage found in the file, in words; more frames may then be missing than were counted."""
    streams: str = ""
    """Which of several video streams was read, in words; empty if there is only one stream."""

    @property
    def loss(self) -> str:
        """One line on lost frames and damage; empty for an intact video."""
        lost = f"{self.num_frames_lost} frames lost" if self.num_frames_lost else ""
        broken = f"damaged ({self.damage}), frames may be missing uncounted" if self.damage else ""
        return "; ".join(part for part in (lost, broken) if part)

    @property
    def frame_rate(self) -> float:
        """Frames per second of the output; nominal if the intervals vary."""
        return self.times.frame_rate

    def as_json(self) -> dict[str, object]:
        """All fields except the times of the frames."""
        facts = {field.name: getattr(self, field.name) for field in fields(self)}
        del facts["times"]
        return {**facts, "frame_rate": self.frame_rate}


@dataclass(frozen=True)
class DecodedFrame:
    """The next frame of the video."""

    pixels: NDArray[np.uint8]
    """RGB, uint8 (height, width, 3), contiguous; resized, unless left to the receiver."""


@dataclass(frozen=True)
class DecoderChanged:
    """PyAV takes over from decord and starts at the first frame; discard the frames so far."""

    reason: str


def decode_video(
    path: Path,
    settings: DecodingSettings,
    *,
    short_side_pixels: int,
    avoid_decord: str = "",
    leave_small_frames: bool = False,
) -> Iterator[DecodedFrame | DecoderChanged | DecodeReport]:
    """Yield the frames of one video in order, then the report.

    Args:
        path: the video.
        settings: how to decode, resample and resize.
        short_side_pixels: short side after the resize.
        avoid_decord: a reason not to try decord, such as a decord process that hung on this file.
        leave_small_frames: see `FrameResizer`.

    Raises:
        BadVideo: nothing can be decoded, or more than `settings.max_lost` of it is lost.
    """
    new_resizer = partial(
        FrameResizer, settings, short_side_pixels, leave_small_frames=leave_small_frames
    )
    header = read_header(path)
    fallback = _why_pyav(header, settings, avoid_decord)
    if settings.decoder != "pyav" and not fallback and decord_is_installed():
        from c2fpl.extractors.decoding.decord_frames import DecordFrames, DecordGaveUp

        try:
            decord_frames = DecordFrames(path, header)
            yield from _decode("decord", decord_frames, header, settings, new_resizer(), "")
        except DecordGaveUp as error:
            fallback = str(error)
        else:
            return
        yield DecoderChanged(fallback)
    if settings.decoder == "decord":
        fallback = fallback or "decord is not installed (it has no wheel for ARM and macOS)"
        raise BadVideo(f"{fallback}; --decoder auto reads such files with PyAV")
    yield from _decode("pyav", PyavFrames(path, header), header, settings, new_resizer(), fallback)


def _why_pyav(header: VideoHeader, settings: DecodingSettings, avoid_decord: str) -> str:
    """Why PyAV decodes the video instead of decord; empty if decord may, or PyAV was asked for."""
    if settings.decoder == "pyav":
        return ""
    reason = avoid_decord or why_not_decord(header)
    if settings.fps != "native":
        reason = reason or "decord has no exact times to resample by"
    return reason


def decord_is_installed() -> bool:
    """Whether decord can be imported.

    This imports it. Importing decord before torch crashes CUDA in the same process.
    """
    try:
        import decord  # noqa: F401 - forks of this process find it imported
    except ModuleNotFoundError:
        return False
    return True


class FrameSource(Protocol):
    """One pass over the frames of a file."""

    def __iter__(self) -> Iterator[TimedFrame]:
        """Frames in display order."""
        ...

    @property
    def num_frames_lost(self) -> int:
        """Frames lost; final after the iteration."""
        ...

    @property
    def damage(self) -> str:
        """Damage found in the file, in words; final after the iteration."""
        ...


class _Counted:
    """Passes frames on and records their number and the size of the first one."""

    def __init__(self, frames: Iterable[TimedFrame]) -> None:
        self._frames = frames
        self.num_frames = 0
        self.width_pixels = self.height_pixels = 0

    def __iter__(self) -> Iterator[TimedFrame]:
        for frame in self._frames:
            if self.num_frames == 0:
                self.height_pixels, self.width_pixels = frame.pixels.shape[:2]
            self.num_frames += 1
            yield frame


def _decode(
    decoder: Literal["decord", "pyav"],
    source: FrameSource,
    header: VideoHeader,
    settings: DecodingSettings,
    resizer: FrameResizer,
    fallback: str,
) -> Iterator[DecodedFrame | DecodeReport]:
    busy_s, started_s = 0.0, time.monotonic()
    counted = _Counted(source)
    native = settings.fps == "native"
    rate = header.frame_rate if native else float(settings.fps)
    frames = counted if native else at_constant_rate(counted, rate, header.frame_rate)
    recorder = TimesRecorder(rate, header.rate_source)
    num_frames_decoded = 0
    for pixels in _resized(_timed(frames, recorder), resizer):
        num_frames_decoded += 1
        busy_s += time.monotonic() - started_s
        yield DecodedFrame(pixels)
        started_s = time.monotonic()
    check_lost(counted.num_frames, source.num_frames_lost, settings.max_lost)
    yield DecodeReport(
        decoder=decoder,
        num_frames_header=header.num_frames,
        num_frames_decoded=num_frames_decoded,
        num_frames_source=counted.num_frames,
        num_frames_lost=source.num_frames_lost,
        times=recorder.times(),
        width_pixels=counted.width_pixels,
        height_pixels=counted.height_pixels,
        seconds=busy_s + time.monotonic() - started_s,
        fallback=fallback,
        damage=source.damage,
        streams=header.streams,
    )


def _timed(frames: Iterable[TimedFrame], recorder: TimesRecorder) -> Iterator[TimedFrame]:
    for frame in frames:
        recorder.add(frame.time_s)
        yield frame


def _resized(frames: Iterable[TimedFrame], resizer: FrameResizer) -> Iterator[NDArray[np.uint8]]:
    """Yield resized uint8 (height, width, 3); a frame repeated by resampling is resized once."""
    source = resized = None
    for frame in frames:
        if resized is None or frame.pixels is not source:
            source, resized = frame.pixels, resizer(frame.pixels)
        yield resized


def check_lost(num_frames: int, num_frames_lost: int, max_lost: float) -> None:
    """Raise BadVideo if no frame was decoded or too many were lost."""
    if num_frames == 0:
        raise BadVideo(
            "no frame could be decoded; the file is damaged, or its frames are larger than 8K"
        )
    share = num_frames_lost / (num_frames + num_frames_lost)
    if share > max_lost:
        raise BadVideo(
            f"{num_frames_lost} of {num_frames + num_frames_lost} frames are lost ({share:.1%}), "
            f"over --max-lost {max_lost:g}; raise it to use the {num_frames} decoded frames"
        )
