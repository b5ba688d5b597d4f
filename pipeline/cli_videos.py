"""Commands on videos alone: inspect, and the demo that makes its own."""

import sys
from pathlib import Path

from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.pipeline.arguments import Decoding, Extraction, How, Output, app
from c2fpl.pipeline.settings import Execution


@app.command
def inspect(
    videos: str,
    *,
    decoding: Decoding = DecodingSettings(),
    execution: How = Execution(),
) -> int:
    """Say which videos decode, how many frames they have, and what is wrong with the rest.

    Args:
        videos: a file, a folder (searched recursively), a quoted glob or a .txt list.
    """
    from rich.console import Console

    from c2fpl.pipeline.inspect_videos import inspect_videos, inspection_table
    from c2fpl.pipeline.videos import find_videos

    inspections = inspect_videos(find_videos(videos), decoding, execution)
    width = None if sys.stdout.isatty() else 160
    Console(width=width).print(inspection_table(inspections))
    return 1 if any(item.report is None for item in inspections) else 0


@app.command
def demo(
    *,
    output: Output = Path("demo-run"),
    extraction: Extraction = ExtractionSettings(backbone="flow"),
    execution: How = Execution(device="cpu"),
) -> int:
    """Make small CCTV-like videos with known anomalies, then run every step on them.

    Args:
        output: folder of the videos and the run.
    """
    from c2fpl.pipeline.demo import run_demo

    return run_demo(output, extraction, execution)
