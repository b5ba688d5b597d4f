"""From a folder of videos to scores in Python, step by step; the cells run in a notebook too.

    python docs/worked_example.py VIDEOS OUT

A test runs it on small made videos and looks at every number that is said here.
"""

# %% Settings: frozen, checked when they are made
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np

from c2fpl import extract, label_segments, save, score, train
from c2fpl.extractors.encoding.encoder import make_encoder
from c2fpl.extractors.settings import ExtractionSettings
from c2fpl.models.settings import LabelSettings, TrainingSettings

mpl.use("Agg")
from matplotlib import pyplot as plt

folder, out = Path(sys.argv[1]), Path(sys.argv[2])
out.mkdir(parents=True, exist_ok=True)
videos = sorted(folder.glob("*.mp4"))
extraction = ExtractionSettings(backbone="flow", crops=5)

# %% Features: one array (segments, crops, dim) a video; a segment is 16 frames
encoder = make_encoder(extraction, device="cpu")  # once for all videos
features = [extract(video, extraction, encoder=encoder) for video in videos]
for video, each in zip(videos, features, strict=True):
    report = each.report
    print(f"{video.stem}: {report.num_frames_decoded} frames, features {each.values.shape}")

# %% What the labels will see: the norm of each segment, mean over crops
norms = [np.linalg.norm(each.values.astype(np.float32), axis=2).mean(axis=1) for each in features]
for video, n in zip(videos, norms, strict=True):
    print(f"{video.stem}: norm {n.mean():.2f} +- {n.std(ddof=1):.2f}")

# %% Pseudo-labels, without any human label
made = label_segments(features, LabelSettings(method="paper", eta=1.0, beta=0.2))
for note in made.notes:
    print("note:", note)
print("pseudo-anomalous:", [v.stem for v, a in zip(videos, made.anomalous, strict=True) if a])

# %% The detector: 20 passes over all segments, the loss of each pass kept
losses: list[float] = []
detector = train(
    features,
    made.labels,
    TrainingSettings(epochs=20, seed=0),
    device="cpu",
    after_epoch=lambda epoch: losses.append(epoch.loss),
)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")

# %% Scores: one a frame, in [0, 1]
scores = [score(detector, each) for each in features]
for video, s in zip(videos, scores, strict=True):
    print(f"{video.stem}: {len(s)} scores, highest {s.max():.3f} at frame {s.argmax()}")

# %% Keep it: `c2fpl score NEW_VIDEOS --detector OUT/detector.pt -o SCORES` takes this file
save(out / "detector.pt", detector, trained_on=features[0])
again = score(out / "detector.pt", features[0])
assert np.array_equal(again, scores[0])

# %% Look at it
figure, axes = plt.subplots(
    len(videos), 1, sharex=True, squeeze=False, figsize=(8, 2 * len(videos))
)
for axis, video, s in zip(axes[:, 0], videos, scores, strict=True):
    axis.plot(s)
    axis.set_title(video.stem, loc="left")
    axis.set_ylim(0, 1)
figure.savefig(out / "scores.png")
