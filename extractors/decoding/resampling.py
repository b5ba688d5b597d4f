"""Resamples frames to a constant rate by their timestamps, as ffmpeg's fps filter does."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, TypeVar

from c2fpl.extractors.decoding.frame_clock import StoredFrame
from c2fpl.extractors.decoding.pyav_frames import TimedFrame

Frame = TypeVar("Frame", TimedFrame, StoredFrame)

LONGEST_GAP_S: Final = 10.0
"""A jump of timestamps beyond this is a break in the recording, not a still: no frames fill it."""


def at_constant_rate(frames: Iterable[Frame], rate: float, source_rate: float) -> Iterator[Frame]:
    """Frames at `rate` a second: the nearest ones are repeated or dropped.

    Frame i goes to the output slots [round(t_i * rate), round(t_(i+1) * rate)), times counted from
    the first frame; the last one lasts 1 / source_rate. A 25 fps source at rate 30 gives 1.2 times
    the frames. Frames without a timestamp come 1 / source_rate after the one before.

    Slot i is shown i / rate seconds after the first frame; after a break, later by its length.
    A frame without a timestamp gives slots without one.
    """
    step_s = min(1 / source_rate, LONGEST_GAP_S)
    previous: Frame | None = None
    previous_s = first_s = 0.0
    start_s = breaks_s = 0.0
    slot = 0
    for frame in frames:
        if previous is None:
            previous, first_s = frame, frame.time_s or 0.0
            continue
        offset_s = previous_s + step_s if frame.time_s is None else frame.time_s - first_s - start_s
        closed_s = 0.0
        if not 0 <= offset_s - previous_s <= LONGEST_GAP_S:
            closed_s = offset_s - previous_s - step_s
            start_s += closed_s
            offset_s = previous_s + step_s
        end_slot = _nearest(offset_s * rate)
        yield from _shown(previous, slot, end_slot, rate, first_s + breaks_s)
        breaks_s += max(closed_s, 0.0)
        previous, previous_s, slot = frame, offset_s, max(slot, end_slot)
    if previous is not None:
        end_slot = max(_nearest((previous_s + step_s) * rate), 1)
        yield from _shown(previous, slot, end_slot, rate, first_s + breaks_s)


def _shown(frame: Frame, slot: int, end_slot: int, rate: float, start_s: float) -> Iterator[Frame]:
    """The frame in the slots [slot, end_slot)."""
    for each in range(slot, end_slot):
        yield frame if frame.time_s is None else replace(frame, time_s=start_s + each / rate)


def _nearest(slot: float) -> int:
    """Nearest whole slot, halves up, also where a half is a rounding error short of one."""
    return math.floor(slot + 0.5 + 1e-6)
