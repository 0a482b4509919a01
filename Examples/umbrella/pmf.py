"""Free energy along a restrained distance, from the logs of umbrella windows: MBAR by pymbar, and WHAM beside it.

    python3 pmf.py FOLDER [--skip PS] [--picture PNG]

Every window's deck says where its spring is; every log has the column that the restraint names.
"""

import argparse
import glob
import os
import re

import numpy as np
from pymbar import MBAR, timeseries

K_B = 8.617333262e-5  # eV/K

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--skip", type=float, default=1.0, help="ps of each window that are left out")
parser.add_argument("--temperature", type=float, default=300.0)
parser.add_argument("--picture")
arguments = parser.parse_args()
beta = 1 / (K_B * arguments.temperature)

series, springs = [], []
for deck in sorted(glob.glob(os.path.join(arguments.folder, "w*.resolved.yaml"))):
    text = open(deck).read()
    name, center, k = re.search(
        r"type: distance, name: (\S+), .*?center: (\S+) A, .*?k: (\S+) eV/A\^2", text).groups()
    log = deck.replace(".resolved.yaml", ".log.tsv")
    header = open(log).readline().lstrip("# ").split("\t")
    column = next(i for i, title in enumerate(header) if title.split()[0] == name)
    data = np.loadtxt(log)
    q = data[data[:, 1] >= arguments.skip, column]
    # Samples that are independent.
    g = timeseries.statistical_inefficiency(q)
    q = q[timeseries.subsample_correlated_data(q, g=g)]
    series.append(q)
    springs.append((float(center), float(k)))
    print(f"{os.path.basename(deck).split('.')[0]}  center {center} A  mean {q.mean():.3f}  "
          f"{len(q)} independent samples")

counts = np.array([len(q) for q in series])
q = np.concatenate(series)
centers, k = np.array(springs).T
bias = beta * k[:, None] / 2 * (q[None, :] - centers[:, None]) ** 2

edges = np.arange(q.min(), q.max() + 0.1, 0.1)
middle = (edges[:-1] + edges[1:]) / 2
bins = np.clip(np.digitize(q, edges) - 1, 0, len(middle) - 1)

# MBAR: weights of all samples in the unrestrained ensemble.
mbar = MBAR(bias, counts)
unbiased = np.exp(-np.log((counts[:, None] * np.exp(mbar.f_k[:, None] - bias)).sum(0)))
p_mbar = np.array([unbiased[bins == b].sum() for b in range(len(middle))])

# WHAM: its equations on the same histograms.
histogram = np.bincount(bins, minlength=len(middle))
at_middle = beta * k[:, None] / 2 * (middle[None, :] - centers[:, None]) ** 2
f = np.zeros(len(counts))
for _ in range(20000):
    p_wham = histogram / (counts[:, None] * np.exp(f[:, None] - at_middle)).sum(0)
    new = -np.log((p_wham[None, :] * np.exp(-at_middle)).sum(1))
    new -= new[0]
    if np.abs(new - f).max() < 1e-9:
        break
    f = new


def free_energy(p):
    """-k_B T ln p less the Jacobian 4 pi r^2, in meV, 0 at its minimum."""
    with np.errstate(divide="ignore"):
        w = -np.log(p / middle**2) / beta * 1e3
    return w - w[np.isfinite(w)].min()


w_mbar, w_wham = free_energy(p_mbar), free_energy(p_wham)
print("\nr (A)   W MBAR (meV)   W WHAM (meV)   samples")
for row in zip(middle, w_mbar, w_wham, histogram):
    print("%5.2f %14.1f %14.1f %9d" % row)
if arguments.picture:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4))
    axes.plot(middle, w_mbar, label="MBAR")
    axes.plot(middle, w_wham, "o", ms=3, label="WHAM")
    axes.set(xlabel="O-O distance (Angstrom)", ylabel="free energy (meV)")
    axes.legend()
    figure.tight_layout()
    figure.savefig(arguments.picture, dpi=120)
