"""flow-stabilised: the motion of the camera is subtracted, and nothing else."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from c2fpl.extractors.encoding.camera_motion import without_camera_motion
from c2fpl.extractors.encoding.encoder import make_encoder
from c2fpl.extractors.encoding.flow_encoder import camera_moves
from c2fpl.extractors.settings import BackboneName, ExtractionSettings
from c2fpl.pipeline.report.mp4 import Mp4Writer
from command_line import c2fpl

Frames: TypeAlias = NDArray[np.uint8]
Map: TypeAlias = NDArray[np.float32]

HEIGHT, WIDTH = 240, 320
LEFT = 4  # direction k * 45 degrees, x to the right and y down
PAN = np.array([[1, 0, 3], [0, 1, -1]], np.float64)
MOTIONS: dict[str, NDArray[Any]] = {
    "pan": PAN,
    "zoom": cv2.getRotationMatrix2D((160, 120), 0, 1.02),
    "rotation": cv2.getRotationMatrix2D((160, 120), 1.0, 1),
    "all of these": cv2.getRotationMatrix2D((40, 200), -0.8, 0.985) + PAN - np.eye(2, 3),
}
moved_by = pytest.mark.parametrize("motion", MOTIONS.values(), ids=MOTIONS.keys())


def places() -> Map:
    """Position of each pixel of a half-size map in the frame: (height, width, 2), x and y."""
    pairs = np.meshgrid(np.arange(0, WIDTH, 2), np.arange(0, HEIGHT, 2))
    return np.stack(pairs, -1).astype(np.float32)


def map_of(motion: NDArray[Any]) -> Map:
    """The flow of a still scene under this motion of the picture."""
    return np.asarray(cv2.transform(places(), motion - np.eye(2, 3)), np.float32)


def left_over(flow: Map) -> Map:
    return without_camera_motion(flow, scale=2, rest_pixels=0.25)


def filmed(motion: NDArray[Any], *, frames: int = 16) -> Frames:
    """A still, textured scene; the picture moves by `motion` from frame to frame."""
    noise = np.random.default_rng(0).random((HEIGHT * 2, WIDTH * 2)).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(noise, (0, 0), 4))
    scene = (255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)
    matrix = np.array([[1, 0, -WIDTH / 2], [0, 1, -HEIGHT / 2], [0, 0, 1]])
    shown = []
    for _ in range(frames):
        shown.append(cv2.warpAffine(scene, matrix[:2], (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC))
        matrix = np.vstack([motion, [0, 0, 1]]) @ matrix
    return np.repeat(np.stack(shown)[..., None], 3, axis=-1).astype(np.uint8)


def with_object(frames: Frames, *, dx: int) -> Frames:
    """A textured square of 48 pixels in the centre moves over the picture by `dx` a frame."""
    noise = np.random.default_rng(1).random((48, 48)).astype(np.float32)
    square = np.asarray(cv2.GaussianBlur(noise, (0, 0), 3))
    square = 255 * (square - square.min()) / np.ptp(square)
    drawn = frames.copy()
    for number, frame in enumerate(drawn):
        left = 136 + dx * (number - 8)
        frame[96:144, left : left + 48] = square[..., None]
    return drawn


def features_of(frames: Frames) -> Map:
    """(1, 10, 384) features of `flow`."""
    return make_encoder(ExtractionSettings(backbone="flow"), device="cpu").encode([frames])


def encode(frames: Frames, backbone: BackboneName) -> Map:
    """(rows, columns, fields, directions) of the centre crop."""
    settings = ExtractionSettings(backbone=backbone, crops=1)
    features: Map = make_encoder(settings, device="cpu").encode([frames])[0, 0]
    return features.reshape(4, 4, 3, 8)


@moved_by
def test_nothing_is_left_of_a_still_scene(motion: NDArray[Any]) -> None:
    flow = map_of(motion)
    assert np.abs(flow).max() > 1.5
    np.testing.assert_allclose(left_over(flow), 0, atol=1e-3)


@moved_by
def test_an_object_keeps_its_own_motion(motion: NDArray[Any]) -> None:
    flow, own = map_of(motion), np.array([-4, 2], np.float32)
    flow[30:80, 60:110] += own
    rest = left_over(flow)
    np.testing.assert_allclose(rest[30:80, 60:110], own + np.zeros((50, 50, 2)), atol=1e-3)
    rest[30:80, 60:110] = 0
    np.testing.assert_allclose(rest, 0, atol=1e-3)


def test_what_the_camera_follows_moves_against_it() -> None:
    """An object at rest in the picture of a panning camera moves; the scene behind it does not."""
    flow = map_of(PAN)
    flow[40:80, 60:100] = 0
    rest = left_over(flow)
    np.testing.assert_allclose(rest[50:70, 70:90], [[[-3, 1]] * 20] * 20, atol=1e-3)
    np.testing.assert_allclose(rest[:30], 0, atol=1e-3)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.48])
def test_a_camera_at_rest_changes_no_bit(share: float) -> None:
    flow = np.random.default_rng(2).normal(0, 0.08, (120, 160, 2)).astype(np.float32)
    flow[:, : int(160 * share)] += np.array([5, 1], np.float32)
    assert left_over(flow) is flow


def test_motion_that_is_not_shared_stays() -> None:
    """A crowd: every block of the picture goes its own way."""
    ways = np.random.default_rng(3).normal(0, 6, (15, 20, 2)).astype(np.float32)
    flow = np.repeat(np.repeat(ways, 8, axis=0), 8, axis=1)
    assert left_over(flow) is flow


def test_the_same_flow_gives_the_same_bits_in_any_thread_and_order() -> None:
    noise = np.random.default_rng(4).normal(0, 0.4, (120, 160, 2)).astype(np.float32)
    maps = [map_of(motion) + noise for motion in MOTIONS.values()]
    first = [left_over(one) for one in maps]
    with ThreadPoolExecutor(3) as pool:
        again = list(pool.map(left_over, [*reversed(maps), *maps]))
    for one, other in zip([*reversed(first), *first], again, strict=True):
        np.testing.assert_array_equal(one, other)


@moved_by
def test_features_of_a_still_scene_are_near_zero(motion: NDArray[Any]) -> None:
    frames = filmed(motion)
    seen = np.linalg.norm(encode(frames, "flow"))
    assert np.linalg.norm(encode(frames, "flow-stabilised")) < 0.1 * seen


def test_features_of_an_object_are_those_under_a_camera_at_rest() -> None:
    still, panned = filmed(np.eye(2, 3)), filmed(np.array([[1, 0, 3.0], [0, 1, 0]]))
    at_rest = encode(with_object(still, dx=-2), "flow-stabilised")
    moving = encode(with_object(panned, dx=1), "flow-stabilised")
    for cells in (at_rest, moving):
        middle = cells[1:3, 1:3, 0].mean((0, 1))
        assert middle.argmax() == LEFT
    np.testing.assert_allclose(moving[1:3, 1:3, 0, LEFT], at_rest[1:3, 1:3, 0, LEFT], atol=0.35)


@moved_by
def test_the_features_of_flow_show_that_the_camera_moves(motion: NDArray[Any]) -> None:
    assert camera_moves(features_of(filmed(motion, frames=8))).all()


def test_objects_and_crowds_do_not_look_like_a_moving_camera() -> None:
    still = filmed(np.eye(2, 3))
    assert not camera_moves(features_of(still)).any()
    assert not camera_moves(features_of(with_object(still, dx=3))).any()
    crowd = still.copy()
    for row in range(0, HEIGHT, 48):  # every square of the picture goes its own way
        for column in range(0, WIDTH, 40):
            dx, dy = np.random.default_rng(row * WIDTH + column).integers(-3, 4, 2)
            for number, frame in enumerate(crowd):
                shifted = np.roll(still[0], (dy * number, dx * number), (0, 1))
                area = np.s_[row : row + 48, column : column + 40]
                frame[area] = shifted[area]
    cells = np.linalg.norm(features_of(crowd).reshape(-1, 3, 8)[:, 0], axis=-1)
    assert np.quantile(cells, 0.1) > 0.5
    assert not camera_moves(features_of(crowd)).any()


def test_a_run_advises_stabilised_flow_for_moving_cameras(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, motion in (("a", PAN), ("b", np.eye(2, 3)), ("c", np.eye(2, 3))):
        frames = with_object(filmed(motion, frames=24), dx=2)
        with Mp4Writer(tmp_path / "videos" / f"{name}.mp4") as file:
            for number, frame in enumerate(frames):
                file.add(frame, number / 10)
    given = ("--crops", 1, "--epochs", 1, "--epoch-steps", 1, "--device", "cpu")
    run = tmp_path / "run"
    assert c2fpl("run", tmp_path / "videos", "-o", run, "--backbone", "flow", *given) == 0
    advice = "the camera moves in 1 of 3 videos: --backbone flow-stabilised"
    assert advice in capsys.readouterr().err
    assert json.loads((run / "run.json").read_text())["run"]["moving_cameras"] == ["a"]


def test_a_camera_at_rest_has_the_features_of_flow() -> None:
    frames = with_object(filmed(np.eye(2, 3)), dx=3)
    expected = encode(frames, "flow")
    assert expected.any()
    np.testing.assert_array_equal(encode(frames, "flow-stabilised"), expected)
