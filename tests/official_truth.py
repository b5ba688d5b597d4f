"""Ground truth of the official test sets from the shared annotations and tables of counts."""

from pathlib import Path
from typing import Final

from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.groundtruth import GroundTruth, make_ground_truth
from c2fpl.pipeline.truth.protocols import ProtocolName

FILES: Final[dict[DatasetName, tuple[str, str]]] = {
    "ucf-crime": ("Temporal_Anomaly_Annotation_for_Testing_Videos.txt", "ucf_test.csv"),
    "xd-violence": ("annotations.txt", "xd_test.csv"),
    "shanghaitech": ("test_frame_mask", "sht_test.csv"),
}


def build(
    folder: Path,
    dataset: DatasetName,
    protocol: ProtocolName,
    segments_column: str | None = None,
    annotations: Path | None = None,
    frame_counts: Path | None = None,
) -> GroundTruth:
    annotation_name, counts_name = FILES[dataset]
    return make_ground_truth(
        dataset,
        protocol=protocol,
        segments_column=segments_column,
        annotations=annotations or folder / annotation_name,
        frame_counts=frame_counts or folder / counts_name,
    )
