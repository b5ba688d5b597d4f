"""The backbone without weights: histograms of dense optical flow and of its motion boundaries.

A feature describes the speed, direction and edges of motion in each cell of a grid over the crop.
It is not normalised: its norm is the root of the motion's energy, so it grows with motion, as C2FPL
expects of anomalous segments.

Source: motion-boundary histograms (Dalal, Triggs, Schmid, ECCV 2006); flow by Dense Inverse Search
(Kroeger et al., ECCV 2016; OpenCV's DISOpticalFlow). The parameters below were chosen by the frame
AUC of the norm on UCSD Ped2 (small people, 10 fps): flow at half instead of a quarter of the
resolution 0.83 -> 0.90, energies (mean square) instead of mean speeds 0.65 -> 0.69, frames of 240
instead of 160 lines 0.84 -> 0.90, the noise floor 0.90 -> 0.91.
"""

import threading
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.encoding.camera_motion import without_camera_motion
from c2fpl.extractors.encoding.crops import CropBox, crop_boxes
from c2fpl.extractors.encoding.held_frames import HeldFrames, HostFrames, on_host
from c2fpl.extractors.settings import Crops

SHORT_SIDE_PIXELS = 240
MAP_SCALE = 2
"""Flow is stored at half the resolution of the frames, the finest scale of its computation."""
CELL_PIXELS = 26
"""Side of a grid cell on the half-size flow map."""
GRID = 4
"""Cells along each side of a crop: 4 * 26 * 2 = 208 pixels of the frame."""
DIRECTIONS = 8
"""Directions k * 45 degrees. Each covers a half plane, weighted by the cosine."""
FIELDS = 3
"""Flow, gradient of its horizontal part, gradient of its vertical part."""
DIM = GRID * GRID * FIELDS * DIRECTIONS
NOISE_FLOOR_PIXELS = 0.25
"""Subtracted from every speed (pixels per frame) to remove sensor noise and codec artefacts."""
PAIR_STEP = 2
"""Flow from frames 0 to 1, 2 to 3, ...: half the cost of all pairs for 0.01 of the AUC above."""

MOVING_CELLS = 0.9
"""Share of the cells that move if the camera does."""
MAX_BOUNDARIES = 0.15
"""Largest ratio of motion boundaries to motion if the camera moves; a crowd has more."""

ANGLES = np.arange(DIRECTIONS) * (2 * np.pi / DIRECTIONS)
COSINES, SINES = np.cos(ANGLES).astype(np.float32), np.sin(ANGLES).astype(np.float32)
ACROSS = (DIRECTIONS // 2 - np.arange(DIRECTIONS)) % DIRECTIONS
UPSIDE = -np.arange(DIRECTIONS) % DIRECTIONS
MIRRORED_DIRECTIONS = np.stack([ACROSS, UPSIDE, ACROSS])
"""(fields, directions): for each direction in the mirrored frame, its direction in the frame.

Mirroring turns (u, v)(x, y) into (-u, v)(-x, y). The horizontal component of the flow changes its
sign, and so does the horizontal part of the gradient of v, but the vertical part of that of u."""


class FlowEncoder(HostFrames):
    """Flow histograms of segments, one row per crop; implements SegmentEncoder."""

    dim = DIM
    short_side_pixels = SHORT_SIDE_PIXELS
    precision = "fp32"
    weights_sha256 = None

    def __init__(
        self, crops: Crops, *, stabilised: bool, threads: int, segments_per_batch: int
    ) -> None:
        self.crops = crops
        self.stabilised = stabilised
        self.facts: Mapping[str, object] = {}
        self.threads = threads
        self.segments_per_batch = segments_per_batch
        self._own = threading.local()
        cv2.setNumThreads(1)  # the calling threads already use all cores

    def encode(self, segments: Sequence[HeldFrames]) -> NDArray[np.float32]:
        """Features (segments, crops, 384) of segments of uint8 RGB (16, height, width, 3)."""
        features = np.zeros((len(segments), self.crops, DIM), np.float32)
        for row, frames in zip(features, map(on_host, segments), strict=True):
            row[:] = self._encode_one(frames)
        return features

    def _encode_one(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (crops, 384) of one segment."""
        height, width = (side // MAP_SCALE for side in frames.shape[1:3])
        boxes = crop_boxes(height, width, GRID * CELL_PIXELS, self.crops)
        energy = self._energy(frames, height, width)
        return np.stack([np.sqrt(histogram(energy, box)).ravel() for box in boxes])

    def _energy(self, frames: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float32]:
        """Mean square of each directional response: (fields * directions, height, width)."""
        energy = np.zeros((FIELDS * DIRECTIONS, height, width), np.float32)
        starts = range(0, period(frames) - 1, PAIR_STEP)
        for start in starts:
            flow = self._flow(frames[start], frames[start + 1])
            halved = np.asarray(cv2.resize(flow, (width, height)), np.float32)
            if self.stabilised:
                halved = without_camera_motion(
                    halved, scale=MAP_SCALE, rest_pixels=NOISE_FLOOR_PIXELS
                )
            add_energy(energy, without_noise(halved))
        energy /= max(len(starts), 1)
        return energy

    def _flow(self, first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Flow (height, width, 2) from one frame to the next, in pixels: x, then y.

        Each thread has its own flow object because that holds buffers.
        """
        if not hasattr(self._own, "method"):
            self._own.method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
            self._own.method.setFinestScale(1)
        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (first, second)]
        flow: NDArray[np.float32] = self._own.method.calc(grey[0], grey[1], None)
        return flow


def camera_moves(features: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(segments,) whether the picture seems to move as a whole.

    Args:
        features: (segments, crops, 384) of `flow`, without stabilisation.
    """
    cells = features.reshape(len(features), -1, FIELDS, DIRECTIONS)
    energy = (cells**2).sum(axis=-1) / 2  # the responses to a vector v sum to 2 v^2
    speed = np.sqrt(energy[..., 0])
    edges = np.sqrt(energy[..., 1] + energy[..., 2])
    slow = np.quantile(speed, 1 - MOVING_CELLS, axis=1)
    share = np.median(edges / np.maximum(speed, 1e-3), axis=1)
    moves: NDArray[np.bool_] = (slow > NOISE_FLOOR_PIXELS) & (share < MAX_BOUNDARIES)
    return moves


def period(frames: NDArray[np.uint8]) -> int:
    """Number of frames before they repeat: 5 for a looped tail of 5 frames, else 16.

    `frames` is uint8 (frames, height, width, 3).
    The jump from the last frame back to the first is not motion and must not be measured.
    """
    count = len(frames)
    for step in range(1, count):
        if all(np.array_equal(frames[i], frames[i - step]) for i in range(step, count)):
            return step
    return count


def without_noise(flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shortens every vector of a flow map (height, width, 2) by the noise floor."""
    speed = np.maximum(np.hypot(flow[..., 0], flow[..., 1]), 1e-6)
    return flow * np.maximum(1 - np.float32(NOISE_FLOOR_PIXELS) / speed, 0)[..., None]


def add_energy(energy: NDArray[np.float32], flow: NDArray[np.float32]) -> None:
    """Adds the squared responses of one flow map to `energy` (fields * directions, ...)."""
    u, v = (np.ascontiguousarray(flow[..., axis]) for axis in (0, 1))
    fields = [(u, v), *(gradient(part) for part in (u, v))]
    response = np.empty_like(u)
    for field, (x, y) in enumerate(fields):
        for k in range(DIRECTIONS):
            np.add(x * COSINES[k], y * SINES[k], out=response)
            np.maximum(response, 0, out=response)
            np.multiply(response, response, out=response)
            energy[field * DIRECTIONS + k] += response


def gradient(part: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Sobel derivatives along x and y, each of the shape of the input."""
    across = cv2.Sobel(part, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    down = cv2.Sobel(part, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def histogram(energy: NDArray[np.float32], box: CropBox) -> NDArray[np.float32]:
    """Mean energy per cell of a crop: float32 (rows, columns, fields, directions)."""
    square = energy[:, box.top : box.top + box.pixels, box.left : box.left + box.pixels]
    cells = square.reshape(FIELDS, DIRECTIONS, GRID, CELL_PIXELS, GRID, CELL_PIXELS).mean((3, 5))
    cells = cells.transpose(2, 3, 0, 1)
    return mirror(cells) if box.mirrored else cells


def mirror(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mirrors a histogram (rows, columns, fields, directions): columns and directions reversed."""
    return cells[:, ::-1, np.arange(FIELDS)[:, None], MIRRORED_DIRECTIONS]
