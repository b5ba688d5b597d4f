"""Commands on the results of a run: clips, overlay, export."""

import logging
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from c2fpl.pipeline.cli.app import app, show
from c2fpl.pipeline.settings import ClipSettings

logger = logging.getLogger(__name__)

Form = Annotated[
    Literal["parquet", "activitynet", "label-studio", "cvat", "onnx"], Parameter(name="--format")
]
OptionalOutput = Annotated[Path | None, Parameter(name=["--output", "-o"])]
Clips = Annotated[ClipSettings, Parameter(name="*", group="Clips")]


@app.command
def clips(
    run: Path,
    *,
    output: OptionalOutput = None,
    settings: Clips = ClipSettings(),
) -> int:
    """Cut the top events of a run into clips: mp4, H.264, without sound.

    Args:
        run: folder of a run, or of scores for which `report` has found events.
        output: folder for the clips. By default clips/ in the folder of the run.
    """
    from c2fpl.pipeline.files.outcomes import exit_code
    from c2fpl.pipeline.files.run_files import RunFiles
    from c2fpl.pipeline.report.clips import cut_clips

    cut = cut_clips(RunFiles.opened(run), settings, output)
    for path in cut.paths:
        show(path)
    for failure in cut.failures:
        logger.warning("%s: %s", failure.video, failure.reason)
    return exit_code(cut.failures)


@app.command
def overlay(
    video: str,
    *,
    run: Path,
    output: OptionalOutput = None,
) -> int:
    """Write a copy of a video with its score drawn into the picture.

    Args:
        video: the video file, or the name of the video in the run.
        run: folder of the run that scored the video.
        output: mp4 file to write. By default it goes to overlays/ in the folder of the run.
    """
    from c2fpl.pipeline.files.run_files import RunFiles
    from c2fpl.pipeline.report.overlay import write_overlay

    path = write_overlay(RunFiles.opened(run), video, output)
    show(path)
    return 0


@app.command
def export(run: Path, *, form: Form) -> int:
    """Export the scores, events or detector of a run for other programs.

    `parquet` is a table of all scores. `activitynet` is the format of ActivityNet's temporal
    detection. `label-studio` makes tasks with predictions on a video timeline, and `cvat` a file of
    tracks for each video, to check and correct in these programs. `onnx` is the network of the
    detector.

    Args:
        run: folder of the run; for `onnx`, it may also be a detector file.
        form: format to write.
    """
    from c2fpl.pipeline.exports import annotations, score_table
    from c2fpl.pipeline.exports.onnx_file import write_onnx
    from c2fpl.pipeline.files.run_files import RunFiles

    if form == "onnx":
        path = write_onnx(run)
    else:
        write = {
            "parquet": score_table.write_parquet,
            "activitynet": annotations.write_detections,
            "label-studio": annotations.write_label_studio,
            "cvat": annotations.write_cvat,
        }[form]
        path = write(RunFiles.opened(run))
    show(path)
    return 0
