"""Two common ways to extract ten-crop features, written from their descriptions.

Both run the unmodified network of the library in float32, in this process.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from torchvision.transforms.functional import pil_to_tensor, ten_crop

from c2fpl.extractors.backbones.catalogue import Backbone

SEGMENT_FRAMES = 16
CROP_PIXELS = 224
BATCH_CLIPS = 20
"""Batch size of the common I3D extractor, which targets GPUs."""


def by_jpeg_files(
    video: Path, segments: int, network: nn.Module, backbone: Backbone
) -> NDArray[np.float32]:
    """Save each frame as a JPEG file, resize to 340x256 with PIL, crop in float on the CPU.

    This is how the common I3D extractor works: one crop after another, in batches of 20 segments.

    Returns:
        (segments, 10, dim).
    """
    with tempfile.TemporaryDirectory() as folder:
        for index, image in enumerate(_pictures(video, segments)):
            image.save(Path(folder) / f"img_{index:06d}.jpg")
        frames = [
            Image.open(path).resize((340, 256), Image.Resampling.LANCZOS)
            for path in sorted(Path(folder).iterdir())
        ]
        crops = np.stack([_float_crops(frame, backbone) for frame in frames], axis=1)
    clips = torch.from_numpy(crops).reshape(10, segments, SEGMENT_FRAMES, 3, *[CROP_PIXELS] * 2)
    rows = []
    with torch.no_grad():
        for crop in clips.permute(0, 1, 3, 2, 4, 5):
            batches = crop.split(BATCH_CLIPS)
            rows.append(torch.cat([network(batch.float()) for batch in batches]).numpy())
    return np.stack(rows, axis=1)


def by_whole_video(
    video: Path, segments: int, network: nn.Module, backbone: Backbone
) -> NDArray[np.float32]:
    """Decode the whole video with decord, crop on the CPU, and encode one segment at a time.

    Returns:
        (segments, 10, dim).
    """
    import decord

    reader = decord.VideoReader(str(video))
    frames = reader.get_batch(range(segments * SEGMENT_FRAMES)).asnumpy()
    rows = []
    for segment in frames.reshape(segments, SEGMENT_FRAMES, *frames.shape[1:]):
        images = [Image.fromarray(frame).resize((341, 256)) for frame in segment]
        crops = np.stack([_float_crops(image, backbone) for image in images], axis=2)
        with torch.no_grad():
            rows.append(network(torch.from_numpy(crops).float()).numpy())
    return np.stack(rows)


def _float_crops(image: Image.Image, backbone: Backbone) -> NDArray[np.float64]:
    """Ten normalised crops, float64 (10, 3, 224, 224)."""
    crops = np.stack([pil_to_tensor(c).numpy() for c in ten_crop(image, [CROP_PIXELS] * 2)])
    mean = np.array(backbone.mean).reshape(3, 1, 1)
    normalised: NDArray[np.float64] = (crops / 255.0 - mean) / np.array(backbone.std)[:, None, None]
    return normalised


def _pictures(video: Path, segments: int) -> Iterator[Image.Image]:
    import av

    with av.open(str(video)) as container:
        for frame, _ in zip(container.decode(video=0), range(segments * 16), strict=False):
            yield frame.to_image()
