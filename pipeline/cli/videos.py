"""The commands inspect, info and demo."""

from pathlib import Path

from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.models.settings import TrainingSettings
from c2fpl.pipeline.cli.app import Decoding, Extraction, How, Output, app, show
from c2fpl.pipeline.cli.plan import show_estimate
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos.find import find_videos


@app.command
def inspect(
    videos: str,
    *,
    extraction: Extraction = ExtractionSettings(),
    decoding: Decoding = DecodingSettings(),
    execution: How = Execution(),
) -> int:
    """Check which videos decode, report what is wrong with the others, and estimate the run time.

    Every video is decoded completely. The estimate is for the given backbone and crops.

    Args:
        videos: a file, a folder (searched recursively), a quoted glob or a .txt list.
    """
    from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
    from c2fpl.pipeline.extraction.inspect_videos import inspect_videos, inspection_table

    inspections = inspect_videos(find_videos(videos), decoding, execution)
    lengths = [
        (item.video.path, item.report.num_frames_decoded, False)
        for item in inspections
        if item.report is not None
    ]
    settings = FeatureSettings(extraction, decoding)
    table = inspection_table(inspections)
    show_estimate(table, lengths, settings, execution, TrainingSettings())
    return 1 if len(lengths) < len(inspections) else 0


@app.command
def info() -> int:
    """Show what is installed and what this machine can do, for a bug report."""
    from c2fpl.pipeline.machine import facts

    for name, value in facts().items():
        show(f"{name:<38}{value}")
    return 0


@app.command
def demo(
    *,
    output: Output = Path("demo-run"),
    extraction: Extraction = ExtractionSettings(backbone="flow"),
    execution: How = Execution(device="cpu"),
) -> int:
    """Generate small CCTV-like videos with known anomalies and run every step on them.

    Args:
        output: folder for the videos and the run.
    """
    from c2fpl.pipeline.demo import run_demo

    return run_demo(output, extraction, execution)
