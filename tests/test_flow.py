"""Flow features: motion and nothing else, mirrored exactly, with a norm that grows with speed."""

from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from c2fpl.errors import FramesTooSmall
from c2fpl.extractors.encoding.encoder import make_encoder
from c2fpl.extractors.encoding.flow_encoder import DIM, SHORT_SIDE_PIXELS, mirror, period
from c2fpl.extractors.settings import Crops, ExtractionSettings

Frames: TypeAlias = NDArray[np.uint8]
Features: TypeAlias = NDArray[np.float32]

WIDTH = 320
RIGHT, DOWN, LEFT = 0, 2, 4  # directions k * 45 degrees, x to the right and y down


@pytest.fixture(scope="module")
def texture() -> Frames:
    noise = np.random.default_rng(0).random((SHORT_SIDE_PIXELS + 200, WIDTH + 200)).astype("f4")
    smooth = np.asarray(cv2.GaussianBlur(noise, (0, 0), 4))
    low, high = smooth.min(), smooth.max()
    scaled: Frames = (255 * (smooth - low) / (high - low)).astype(np.uint8)
    return scaled


def moving(texture: Frames, dx: int = 0, dy: int = 0, frames: int = 16) -> Frames:
    """The texture shown through a window: everything moves by (dx, dy) pixels a frame."""
    shown = [
        texture[
            100 - dy * t : 100 - dy * t + SHORT_SIDE_PIXELS, 100 - dx * t : 100 - dx * t + WIDTH
        ]
        for t in range(frames)
    ]
    return np.repeat(np.stack(shown)[..., None], 3, axis=-1)


def encode(*segments: Frames, crops: Crops = 10) -> Features:
    encoder = make_encoder(ExtractionSettings(backbone="flow", crops=crops), device="cpu")
    return encoder.encode(segments)


def by_cell(feature: Features) -> Features:
    """(rows, columns, fields, directions) of one crop's feature."""
    return feature.reshape(4, 4, 3, 8)


def test_still_frames_give_zeros(texture: Frames) -> None:
    assert not encode(moving(texture)).any()


def test_noise_below_the_floor_gives_zeros(texture: Frames) -> None:
    noise = np.random.default_rng(1).integers(0, 2, (16, SHORT_SIDE_PIXELS, WIDTH, 3))
    frames = (moving(texture) // 2 + 60 + noise).astype(np.uint8)
    assert np.linalg.norm(encode(frames), axis=-1).max() < 0.01


def test_the_norm_grows_with_the_speed(texture: Frames) -> None:
    features = encode(*(moving(texture, dx=speed) for speed in (1, 2, 4)))
    norms = np.linalg.norm(features, axis=-1).mean(axis=1)
    assert norms[1] > 1.5 * norms[0]
    assert norms[2] > 1.5 * norms[1]


@pytest.mark.parametrize(("dx", "dy", "direction"), [(2, 0, RIGHT), (-2, 0, LEFT), (0, 2, DOWN)])
def test_the_strongest_direction_is_that_of_the_motion(
    texture: Frames, dx: int, dy: int, direction: int
) -> None:
    flow = by_cell(encode(moving(texture, dx, dy), crops=1)[0, 0])[:, :, 0]
    assert (flow.argmax(axis=-1) == direction).all()
    # Root of the mean square, cosine 1, noise floor of a quarter pixel taken off.
    np.testing.assert_allclose(flow[..., direction], 1.75, atol=0.1)


def test_mirrored_crops_are_the_exact_mirror_of_their_twins(texture: Frames) -> None:
    crops = encode(moving(texture, 2, 1))[0]
    for mirrored, plain in ((5, 1), (6, 0), (7, 3), (8, 2), (9, 4)):
        np.testing.assert_array_equal(by_cell(crops[mirrored]), mirror(by_cell(crops[plain])))
        assert not np.array_equal(crops[mirrored], crops[plain])


def test_mirroring_a_histogram_is_what_mirroring_the_frames_does(texture: Frames) -> None:
    frames = moving(texture, 2, 1)
    seen = by_cell(encode(np.ascontiguousarray(frames[:, :, ::-1]), crops=1)[0, 0])
    expected = mirror(by_cell(encode(frames, crops=1)[0, 0]))
    np.testing.assert_allclose(seen, expected, atol=0.02)  # the flow method has a scan order


def test_mirroring_a_motion_boundary_turns_its_gradients_as_the_frames_do(texture: Frames) -> None:
    """Above, everything moves right and down; below, nothing: gradients of both parts."""
    frames = moving(texture, 3, 2)
    frames[:, 130:] = frames[0, 130:]
    seen = by_cell(encode(np.ascontiguousarray(frames[:, :, ::-1]), crops=1)[0, 0])
    expected = mirror(by_cell(encode(frames, crops=1)[0, 0]))
    assert expected[:, :, 1:].max() > 0.1
    np.testing.assert_allclose(seen.mean((0, 1)), expected.mean((0, 1)), atol=0.03)


def test_mirroring_twice_is_nothing(texture: Frames) -> None:
    cells = by_cell(encode(moving(texture, 2, 1), crops=1)[0, 0])
    np.testing.assert_array_equal(mirror(mirror(cells)), cells)


def test_a_looped_tail_is_measured_without_its_jump_back(texture: Frames) -> None:
    five = moving(texture, dx=3, frames=5)
    looped = five[np.arange(16) % 5]
    assert period(looped) == 5
    speeds = by_cell(encode(looped, crops=1)[0, 0])[:, :, 0, RIGHT]
    np.testing.assert_allclose(speeds, 2.75, atol=0.2)


@pytest.mark.parametrize("frames", [1, 2, 3, 7, 8, 15, 16])
def test_the_period_of_a_looped_tail_is_its_frame_count(texture: Frames, frames: int) -> None:
    assert period(moving(texture, dx=1, frames=frames)[np.arange(16) % frames]) == frames


def test_features_depend_on_neither_the_batch_nor_the_thread(texture: Frames) -> None:
    segments = [moving(texture, dx, dy) for dx, dy in ((1, 0), (0, 2), (3, 1))]
    encoder = make_encoder(ExtractionSettings(backbone="flow"), device="cpu")
    together = encoder.encode(segments)
    assert together.shape == (3, 10, DIM)
    assert together.dtype == np.float32
    with ThreadPoolExecutor(3) as pool:
        alone = list(pool.map(lambda segment: encoder.encode([segment])[0], segments))
    np.testing.assert_array_equal(np.stack(alone), together)


def test_frames_too_small_are_refused() -> None:
    with pytest.raises(FramesTooSmall, match="smaller than the crop"):
        encode(np.zeros((16, 120, 160, 3), np.uint8))
