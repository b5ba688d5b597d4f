"""What is broken in a video reaches its user: log, features, scores, report."""

import logging
from pathlib import Path

import pytest

from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.pipeline.extraction.extract_features import extract_features
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.extraction.freshness import record_of
from c2fpl.pipeline.files.run_files import RunFiles, beside
from c2fpl.pipeline.report.page_data import video_data, video_row
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.steps.scored_videos import ScoredVideo, scored_video
from c2fpl.pipeline.videos.find import find_videos
from run_folder import add_video, scores_with
from synthetic import Synthetic


def test_extraction_says_what_a_video_lacks_and_keeps_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = Synthetic("cut.ts").write(tmp_path)
    path.write_bytes(path.read_bytes()[:-50])
    settings = FeatureSettings(ExtractionSettings(backbone="flow", crops=1), DecodingSettings())
    files = RunFiles(tmp_path / "run")
    with caplog.at_level(logging.WARNING):
        extract_features(
            files,
            find_videos(str(path)),
            settings,
            Execution(device="cpu", workers=1, quiet=True),
        )
    damage = record_of(files, "cut")["damage"]
    assert damage.startswith("cut off inside a packet")
    assert f"damaged ({damage}), frames may be missing uncounted; the decoded" in caplog.text


@pytest.fixture
def damaged_video(tmp_path: Path) -> tuple[RunFiles, ScoredVideo]:
    files = RunFiles(tmp_path / "run")
    add_video(files, tmp_path, "a", scores_with(160), with_file=False)
    beside(files.features, "a", ".json").unlink()  # its scores were made from features elsewhere
    row = {"frame_rate": "10", "num_frames_lost": "3", "damage": "wrong checksums: 1"}
    return files, scored_video(files, "a", beside(files.scores, "a", ".npy"), row)


def test_the_index_of_scores_keeps_the_damage(
    damaged_video: tuple[RunFiles, ScoredVideo],
) -> None:
    video = damaged_video[1]
    assert (video.frames_lost, video.damage) == (3, "wrong checksums: 1")


def test_the_page_is_given_the_damage(damaged_video: tuple[RunFiles, ScoredVideo]) -> None:
    files, video = damaged_video
    assert video_row(video, video.scores(), 0.5, 0)[-1] == "wrong checksums: 1"
    assert video_data(files, video, video.scores(), [])["damage"] == "wrong checksums: 1"
