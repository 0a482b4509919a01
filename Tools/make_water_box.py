#!/usr/bin/env python3
"""Makes a periodic box of liquid-like water: make_water_box.py MOLECULES OUT.xyz [--density 1.0] [--seed 1]

Rigid molecules (0.9572 A, 104.52 degrees) on a cubic lattice with random orientations, then Monte Carlo moves
(rotation and translation, 300 K) in the TIP3P potential with minimum images, which turns the lattice into a
hydrogen-bonded liquid. A force field then equilibrates it in a few picoseconds. Needs numpy only.
"""

import argparse

import numpy as np

CHARGES = np.array([-0.834, 0.417, 0.417])
COULOMB = 14.399645  # eV A / e^2
EPSILON, SIGMA = 0.0065957, 3.15061  # TIP3P, Jorgensen et al. 1983, doi 10.1063/1.445869
KT = 0.0258520  # eV at 300 K
GRAMS_PER_ML = 18.01528 * 1.66053906660  # mass of a molecule per A^3


def molecule():
    half = np.deg2rad(104.52) / 2
    arm = 0.9572 * np.array([[np.sin(half), np.cos(half), 0], [-np.sin(half), np.cos(half), 0]])
    return np.vstack([np.zeros(3), arm])


def random_rotation(rng, angle=None):
    """Uniform rotation, or a small one by at most `angle` rad about a random axis."""
    if angle is None:
        q = rng.normal(size=4)
    else:
        axis = rng.normal(size=3)
        half = rng.uniform(0, angle) / 2
        q = np.concatenate([[np.cos(half)], np.sin(half) * axis / np.linalg.norm(axis)])
    w, x, y, z = q / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def interaction(one, others, box):
    """Energy of molecule `one` [3,3] with `others` [n,3,3]; the Coulomb sum follows the O-O minimum image and is
    shifted to zero at half the box."""
    oxygen = others[:, 0] - one[0]
    others = others - (box * np.round(oxygen / box))[:, None, :]
    d = np.linalg.norm(others[:, None] - one[None, :, None], axis=-1)  # [n, site of one, site of other]
    coulomb = COULOMB * np.einsum("i,j,nij->n", CHARGES, CHARGES, 1 / np.maximum(d, 0.3) - 2 / box)
    s6 = (SIGMA / d[:, 0, 0]) ** 6
    return np.sum(coulomb * (d[:, 0, 0] < box / 2) + 4 * EPSILON * (s6 * s6 - s6))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("molecules", type=int)
    arguments.add_argument("out")
    arguments.add_argument("--density", type=float, default=1.0, help="g/mL")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--sweeps", type=int, default=300, help="Monte Carlo moves per molecule")
    options = arguments.parse_args()

    rng = np.random.default_rng(options.seed)
    n = options.molecules
    box = (n * GRAMS_PER_ML / options.density) ** (1 / 3)
    side = int(np.ceil(n ** (1 / 3) - 1e-9))
    sites = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3)
    sites = np.sort(rng.permutation(len(sites))[:n]) if len(sites) > n else np.arange(n)
    grid = np.stack(np.unravel_index(sites, (side,) * 3), -1) * (box / side)
    atoms = np.array([origin + molecule() @ random_rotation(rng).T for origin in grid])

    for _ in range(options.sweeps * n):
        i = rng.integers(n)
        others = np.delete(atoms, i, axis=0)
        center = atoms[i, 0]
        trial = (atoms[i] - center) @ random_rotation(rng, 0.5).T + center + rng.normal(scale=0.1, size=3)
        change = interaction(trial, others, box) - interaction(atoms[i], others, box)
        if rng.random() < np.exp(min(0.0, -change / KT)):
            atoms[i] = trial

    with open(options.out, "w") as file:
        file.write(f"{3 * n}\n")
        file.write(
            f'Lattice="{box:.6f} 0.0 0.0 0.0 {box:.6f} 0.0 0.0 0.0 {box:.6f}" '
            'Properties=species:S:1:pos:R:3 pbc="T T T"\n'
        )
        for sites in atoms:
            for symbol, r in zip("OHH", sites):
                file.write(f"{symbol} {r[0]:14.8f} {r[1]:14.8f} {r[2]:14.8f}\n")


if __name__ == "__main__":
    main()
