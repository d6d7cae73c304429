"""
8. Embeddings of two models, in two files
=========================================

A small model and a large model have embedded the same rows. The embeddings lie on disk,
in files that need not fit into memory. The rows that can teach the large model are
those where the small one is sure, and which resemble the rows where it is not.
"""

# %%
# Two files
# ---------
# Scanned digits stand for data: 64 grey values are the embedding of the large model,
# and eight mean grey values of the upper half that of the small one.
import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

digits = load_digits()
images, y = digits.images, digits.target
large = images.reshape(len(y), 64).astype(np.float16)
small = images.reshape(len(y), 4, 2, 4, 2).mean(axis=(2, 4))[:, :2].reshape(len(y), 8)
folder = Path(tempfile.mkdtemp())
np.save(folder / "large.npy", large)
np.save(folder / "small.npy", small.astype(np.float32))

# %%
# Opened, not read
# ----------------
# :func:`~overlapkit.datasets.open_rows` maps the files, and
# :func:`~overlapkit.datasets.stack_views` puts them side by side without a copy,
# although their types differ. Rows are read in blocks where they are needed.
from overlapkit.datasets import open_rows, stack_views

X, strong, weak = stack_views(
    strong=open_rows(folder / "large.npy"), weak=open_rows(folder / "small.npy")
)
print(X.shape, strong, weak)

# %%
# Regions
# -------
# The weak model learns from the labels of 300 rows; ``-1`` marks the others.
from overlapkit import OverlapDetector

known = np.where(np.arange(len(y)) < 300, y, -1)
detector = OverlapDetector(
    strong_columns=strong, weak_columns=weak, missing_label=-1, random_state=0
).fit(X, known)
names, counts = np.unique(detector.region_names_[detector.labels_], return_counts=True)
print(dict(zip(names.tolist(), counts.tolist())))

# %%
# What they look like
# -------------------
# The upper halves of *hard* digits are ambiguous: the small model sees nothing else.
import matplotlib.pyplot as plt

figure, axes = plt.subplots(3, 10, figsize=(9, 3.2), layout="constrained")
rng = np.random.RandomState(0)
for line, (code, name) in zip(axes, enumerate(("easy", "overlap", "hard"))):
    rows = rng.choice(np.flatnonzero(detector.labels_ == code), 10, replace=False)
    for ax, row in zip(line, rows):
        ax.imshow(images[row], cmap="gray_r")
        ax.set(xticks=[], yticks=[])
        ax.axhline(3.5, color="#D55E00", linewidth=0.8)
    line[0].set_ylabel(name)
plt.show()

# %%
# A student of the embeddings
# ---------------------------
# It predicts from the large embedding alone. The last line, the true labels without the
# weak ones, is the one to beat.
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from overlapkit import WeakToStrongClassifier

student = WeakToStrongClassifier(
    make_pipeline(StandardScaler(), LogisticRegression(C=0.1)),
    strong_columns=strong,
    weak_columns=weak,
    missing_label=-1,
    selector="auto",
    random_state=0,
).fit(X, known)
labels_alone = clone(student.estimator).fit(large[:300], y[:300])
weak_right = np.mean(detector.weak_estimator_.predict(small[300:]) == y[300:])
print(f"weak model                 {weak_right:.3f}")
print(f"strong model, both labels  {np.mean(student.predict(X)[300:] == y[300:]):.3f}")
print(f"strong model, 300 labels   {labels_alone.score(large[300:], y[300:]):.3f}")
