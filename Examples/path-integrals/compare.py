"""Bonds, radial distribution and kinetic energy of water with classical and with quantum nuclei.

    python3 Examples/path-integrals/compare.py FOLDER [PICTURE.png]

FOLDER is what run.sh has filled. Errors are those of block averages.
"""

import glob
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

SKIPPED = 0.5  # ps, to equilibrate
folder = sys.argv[1]
reach, width = 6.0, 0.02
edges = np.arange(0, reach + width, width)
centres = (edges[1:] + edges[:-1]) / 2


def frames(name):
    """Frames of one bead: cell lengths, symbols, positions in Angstrom."""
    with open(name) as file:
        while True:
            head = file.readline()
            if not head:
                return
            count = int(head)
            lengths = np.array(file.readline().split(":")[1].split()[:3], float)
            lines = [file.readline().split() for _ in range(count)]
            yield lengths, np.array([line[0] for line in lines]), np.array([line[1:] for line in lines], float)


def block_error(values, blocks=8):
    means = [part.mean() for part in np.array_split(np.asarray(values), blocks)]
    return np.std(means, ddof=1) / np.sqrt(blocks)


def study(name):
    """g_OH(r), and of every frame the mean and variance of the covalent O-H distances."""
    counts, pairs, means, squares = 0, 0, {}, {}
    for bead in sorted(glob.glob(f"{folder}/{name}.pos_*.xyz")):
        for n, (lengths, symbols, r) in enumerate(frames(bead)):
            if n * 0.01 < SKIPPED:
                continue
            d = r[symbols == "O"][:, None] - r[symbols == "H"][None]
            d -= lengths * np.round(d / lengths)
            d = np.sqrt((d**2).sum(axis=-1))
            counts = counts + np.histogram(d, edges)[0] / (d.size / lengths.prod())
            pairs += 1
            bonds = d.min(axis=0)
            means.setdefault(n, []).append(bonds.mean())
            squares.setdefault(n, []).append((bonds**2).mean())
    mean = np.array([np.mean(means[n]) for n in sorted(means)])
    square = np.array([np.mean(squares[n]) for n in sorted(squares)])
    g = counts / pairs / (4 / 3 * np.pi * (edges[1:] ** 3 - edges[:-1] ** 3))
    spread = np.sqrt(square - mean**2)
    table = np.loadtxt(f"{folder}/{name}.out")
    table = table[table[:, 1] >= SKIPPED]
    return {
        "g": g, "bond": (mean.mean(), block_error(mean)),
        "spread": (np.sqrt(square.mean() - mean.mean() ** 2), block_error(spread)),
        "H": (table[:, 5].mean() / 128 * 1e3, block_error(table[:, 5]) / 128 * 1e3),
        "O": (table[:, 6].mean() / 64 * 1e3, block_error(table[:, 6]) / 64 * 1e3),
        "T": (table[:, 3].mean(), block_error(table[:, 3])), "frames": len(mean),
    }


found = {name: study(name) for name in ["classical", "quantum"]}
for key, words, unit in [("bond", "O-H bond, mean", "A"), ("spread", "O-H bond, width", "A"),
                         ("H", "kinetic energy of H", "meV"), ("O", "kinetic energy of O", "meV"),
                         ("T", "temperature", "K")]:
    print(f"{words:20s}" + "".join(f"   {name} {found[name][key][0]:9.4f} +- {found[name][key][1]:.4f} {unit}"
                                   for name in found))
near = centres < 1.3
for name in found:
    g = found[name]["g"]
    bridge = (centres > 1.5) & (centres < 2.2)
    print(f"{name}: g_OH has {g[near].max():.2f} at {centres[near][g[near].argmax()]:.2f} A and {g[bridge].max():.3f} "
          f"at {centres[bridge][g[bridge].argmax()]:.2f} A; {found[name]['frames']} frames")

if len(sys.argv) > 2:
    figure, axes = plt.subplots(1, 2, figsize=(8, 3), gridspec_kw={"width_ratios": [1, 1.6]})
    for name, colour in [("classical", "#888888"), ("quantum", "#b3123f")]:
        label = {"classical": "one bead", "quantum": "eight beads"}[name]
        axes[0].plot(centres, found[name]["g"], color=colour, label=label)
        axes[1].plot(centres, found[name]["g"], color=colour, label=label)
    axes[0].set(xlim=(0.75, 1.3), ylim=(0, None), xlabel="r (A)", ylabel="g$_{OH}$(r)", title="bond")
    axes[1].set(xlim=(1.3, reach), ylim=(0, 2), xlabel="r (A)", title="between molecules")
    axes[0].legend(frameon=False)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(sys.argv[2], dpi=110)
