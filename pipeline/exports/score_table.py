"""All scores of a run as one Parquet table."""

from pathlib import Path
from typing import Any

import numpy as np

from c2fpl.errors import MissingPackage
from c2fpl.pipeline.files.atomic import whole_file
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.files.wording import unicode_name
from c2fpl.pipeline.steps.scored_videos import scored_videos


def write_parquet(files: RunFiles) -> Path:
    r"""Write all scores as one table: video, frame (int32), time_s (float64), score (float32).

    There is one row group per video, and one video in memory at a time. Bytes of a file name that
    are not valid UTF-8 are written as \xff.

    Raises:
        MissingPackage: pyarrow is not installed.
        BadScores: the run has no scores yet.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingPackage(
            ".parquet needs pyarrow, which is not installed; pip install 'c2fpl[parquet]'"
        ) from error
    schema = arrow.schema(
        [
            ("video", arrow.dictionary(arrow.int32(), arrow.string())),
            ("frame", arrow.int32()),
            ("time_s", arrow.float64()),
            ("score", arrow.float32()),
        ]
    )
    videos = scored_videos(files)
    with whole_file(files.parquet) as file, parquet.ParquetWriter(file, schema) as writer:
        for video in videos:
            scores = video.scores()
            frames = np.arange(len(scores), dtype=np.int32)
            name = arrow.array([unicode_name(video.name)])
            codes = arrow.array(np.zeros(len(scores), dtype=np.int32))
            columns: list[Any] = [
                arrow.DictionaryArray.from_arrays(codes, name),
                frames,
                video.times().start_s(frames),
                scores,
            ]
            writer.write_table(arrow.table(columns, schema=schema))
    return files.parquet
