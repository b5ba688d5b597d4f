"""The plot of one video: stills on top, the score below, annotated windows shaded.

The layout is that of Figure 9 of the paper's supplementary material.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import FuncFormatter, MultipleLocator

from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.pipeline.report.curves import curve_of
from c2fpl.pipeline.report.events import RunEvents
from c2fpl.pipeline.report.frames import Picture, VideoFrames
from c2fpl.pipeline.steps.scored_videos import ScoredVideo
from c2fpl.pipeline.truth.windows import Windows

WIDTH_INCHES, HEIGHT_INCHES = 11.0, 3.6
STRIP, CURVE = (0.055, 0.66, 0.93, 0.25), (0.055, 0.13, 0.93, 0.45)
"""Left, bottom, width and height as fractions of the figure."""
STILLS = 8
BLANK = np.full((3, 4, 3), 235, dtype=np.uint8)
"""Grey image shown for a still that cannot be decoded."""
STILL_HEIGHT_PIXELS = 120
MOST_STEPS = 4000
LONGEST_TITLE = 110
SCORE_COLOUR, WINDOW_COLOUR, EVENT_COLOUR = "#1f5fa8", "#e4572e", "#f2a541"


def plot_video(
    video: ScoredVideo, windows: Windows, events: RunEvents | None, frames: VideoFrames
) -> Figure:
    """Draw one video; stills that cannot be decoded are grey."""
    scores, times = video.scores(), video.times()
    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), dpi=110)
    strip, axes = figure.add_axes(STRIP), figure.add_axes(CURVE)
    middles_s = (np.arange(STILLS) + 0.5) * times.duration_s / STILLS
    shown = [times.frame_shown_at(middle_s) for middle_s in middles_s]
    pictures = frames.stills(video, shown, STILL_HEIGHT_PIXELS)
    draw_strip(strip, pictures)
    curve = curve_of(scores, MOST_STEPS)
    draw_windows(axes, [(times.start_s(start), times.end_s(end)) for start, end in windows])
    edges_s = times.start_s(curve.edges)
    axes.stairs(curve.values, edges_s, color=SCORE_COLOUR, fill=True, alpha=0.12)
    axes.stairs(curve.values, edges_s, baseline=None, color=SCORE_COLOUR, lw=1.4)
    if events is not None:
        draw_events(axes, video, events)
    label_axes(axes, times)
    figure.suptitle(
        shown_name(video.name), x=0.008, ha="left", fontsize=10, fontweight="bold", parse_math=False
    )
    return figure


def draw_strip(axes: Axes, pictures: Sequence[Picture | None]) -> None:
    """Place each still above its part of the curve, as large as fits."""
    slot_aspect = WIDTH_INCHES * STRIP[2] / len(pictures) / (HEIGHT_INCHES * STRIP[3])
    axes.axis("off")
    for index, picture in enumerate(pictures):
        shown = BLANK if picture is None else picture
        aspect = shown.shape[1] / shown.shape[0] / slot_aspect
        half_width, half_height = min(aspect, 0.97) / 2, min(1, 0.97 / aspect) / 2
        middle = index + 0.5
        extent = (middle - half_width, middle + half_width, 0.5 - half_height, 0.5 + half_height)
        axes.imshow(shown, extent=extent, aspect="auto")
    axes.set(xlim=(0, len(pictures)), ylim=(0, 1))


def draw_windows(axes: Axes, windows: Sequence[tuple[float, float]]) -> None:
    """Shade annotated windows, given as (start_s, end_s)."""
    for index, (start, end) in enumerate(windows):
        axes.axvspan(
            start,
            end,
            color=WINDOW_COLOUR,
            alpha=0.22,
            lw=0,
            label="annotated" if index == 0 else None,
        )


def draw_events(axes: Axes, video: ScoredVideo, events: RunEvents) -> None:
    """Draw the events along the bottom and the threshold as a dashed line."""
    axes.axhline(events.threshold.value, color="0.45", lw=0.9, ls=(0, (4, 3)), label="threshold")
    own = [(event.start_s, event.end_s - event.start_s) for event in events.events]
    if own:
        axes.broken_barh(own, (-0.045, 0.035), color=EVENT_COLOUR, label="event")


def label_axes(axes: Axes, times: PresentationTimes) -> None:
    """Label the axes: time in minutes and seconds, score from 0 to 1."""
    duration_s, about = times.duration_s, "about " if times.seconds is not None else ""
    axes.set(xlim=(0, duration_s), ylim=(-0.05, 1.02), ylabel="anomaly score")
    axes.set_xlabel(f"time   ({about}{times.frame_rate:g} frames per second)", fontsize=8)
    axes.xaxis.set_major_locator(MultipleLocator(tick_distance_s(duration_s)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: clock(seconds)))
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, fontsize=8, frameon=False)


def tick_distance_s(duration_s: float) -> float:
    """The smallest round tick distance that gives at most ten ticks."""
    usual = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
    return next((distance for distance in usual if duration_s <= 10 * distance), duration_s / 8)


def clock(seconds: float) -> str:
    """Seconds as a tick label: 75 -> 1:15, 3675 -> 1:01:15, 2.5 -> 0:02.5."""
    minutes, rest = divmod(round(seconds, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    tenths = f"{rest:02.0f}" if rest == int(rest) else f"{rest:04.1f}"
    return f"{hours}:{minutes:02d}:{tenths}" if hours else f"{minutes}:{tenths}"


def shown_name(name: str) -> str:
    """The name with characters missing from the font replaced, cut in the middle if too long."""
    known = get_font(findfont(FontProperties(weight="bold"))).get_charmap()
    written = "".join(letter if ord(letter) in known else "\N{WHITE SQUARE}" for letter in name)
    if len(written) <= LONGEST_TITLE:
        return written
    half = LONGEST_TITLE // 2
    return f"{written[:half]} \N{HORIZONTAL ELLIPSIS} {written[-half:]}"
