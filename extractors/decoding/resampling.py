"""Resamples frames to a constant rate by their timestamps, as FFmpeg's fps filter does."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, TypeVar

from c2fpl.extractors.decoding.pyav_frames import TimedFrame
from c2fpl.extractors.decoding.timestamps import StoredFrame

Frame = TypeVar("Frame", TimedFrame, StoredFrame)

LONGEST_GAP_S: Final = 10.0
"""A longer jump in the timestamps is a break in the recording and is not filled with frames."""


def at_constant_rate(frames: Iterable[Frame], rate: float, source_rate: float) -> Iterator[Frame]:
    """Yield frames at `rate` per second, repeating or dropping source frames.

    Frame i fills the output slots [round(t_i * rate), round(t_(i+1) * rate)), with t_i counted from
    the first frame. The last frame lasts 1 / source_rate. At rate 30, a 25 fps source gives 1.2
    times the frames. A frame without a timestamp is placed 1 / source_rate after the previous one.

    Slot i is shown i / rate seconds after the first frame, plus the length of any breaks before it.
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
    """Repeat the frame for the slots [slot, end_slot)."""
    for index in range(slot, end_slot):
        yield frame if frame.time_s is None else replace(frame, time_s=start_s + index / rate)


def _nearest(slot: float) -> int:
    """Nearest whole slot; halves round up, even if rounding errors make them slightly smaller."""
    return math.floor(slot + 0.5 + 1e-6)
