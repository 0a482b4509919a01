#!/usr/bin/env python3
"""Water where a liquid at 300 K hardly ever is, at PBE0/def2-TZVPD, isolated: forces that close the holes of a model of the liquid.

usage: make_clusters.py OUT.xyz molecule FIRST LAST             one molecule; both bonds 0.8 to 1.6 A, angle 75 to 150 degrees
       make_clusters.py OUT.xyz pair FIRST LAST                 two, close: see below
       make_clusters.py OUT.xyz event FIRST LAST TRAJECTORY     five, cut where a trajectory of Bloch goes wrong (EVENT)
       make_clusters.py OUT.xyz contact FIRST LAST TRAJECTORY   four, cut at the longest bonds and shortest contacts before that
       make_clusters.py OUT.xyz bond 0 17                       one molecule at rest but for a bond of 0.8, 0.85 ... 1.6 A
       make_clusters.py OUT.xyz proton 0 15                     two, O...O 2.5 A, the proton between at 0.9, 0.95 ... 1.6 A of one

Configurations FIRST <= n < LAST are appended to OUT.xyz but for those that it has. Molecule and pair n is a function of n alone
(its own random seed), of the others a function of n and the trajectory. Pairs, by n modulo 3, are

  0  O-H...O with O...O 2.3 to 2.7 A and the proton anywhere between, as far as 0.9 A from either
  1  any orientations, O...O 2.2 to 3.2 A, intermolecular O...H from 1.2 A and H...H from 1.25 A
  2  two hydrogens that face each other, H...H 1.3 to 1.9 A

with all atoms displaced at random, by 0.03 A along each axis, in every fourth pair by 0.07 A.

clusters-pbe0.xyz has them but for clusters-held.xyz: molecules from 40, pairs with n % 7 = 6, cut clusters with n % 5 = 4, all curves.

`relative` is the energy in eV over that of as many molecules at rest, each alone; forces eV/A. Not counterpoise corrected. Density fitting,
grid level 2 and convergence 1e-9 Ha of PySCF. Needs pyscf, scipy, ase, h5py, numpy; seconds of one core: molecule 1, pair 3,
contact 15, event 30."""
import argparse
import os
import sys

import h5py
import numpy as np
from ase import units
from pyscf import dft, gto, lib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "dimers"))
from make_water import ANGLE, BOND, random_rotation, water

AT_REST = -2078.429721                                    # eV, one molecule in its shape of make_water.py
# Of a frame in training: its 3 to 15 atoms share a batch, and its mean, with 192 of the liquid.
WEIGHT = 3
# The molecules between which a proton went in ../bulk-water/nose-hoover.yaml with the first Models/water.h5, from 0, and when, ps.
EVENT, BEGIN, END = (206, 173), 9.85, 10.2


def molecule(rng):
    return water(*rng.uniform(0.8, 1.6, 2), np.radians(rng.uniform(75, 150))) @ random_rotation(rng)


def apart(a, b):
    """Shortest O...H and H...H between two molecules."""
    d = np.linalg.norm(a[:, None] - b, axis=2)
    return min(d[0, 1:].min(), d[1:, 0].min()), d[1:, 1:].min()


def turned_about_x(r, angle):
    c, s = np.cos(angle), np.sin(angle)
    return r @ np.array([[1, 0, 0], [0, c, s], [0, -s, c]])


def shared_proton(rng):
    """The first hydrogen on x between two oxygens; the acceptor's hydrogens lean away from it."""
    oo = rng.uniform(2.3, 2.7)
    angle = ANGLE + rng.normal(0, np.radians(5))
    donor = np.array([[0, 0, 0], [rng.uniform(0.9, oo - 0.9), 0, 0], [0.96 * np.cos(angle), 0.96 * np.sin(angle), 0]])
    return donor, turned_about_x(acceptor(rng.uniform(0, np.radians(70))), rng.uniform(0, 2 * np.pi)) + [oo, 0, 0]


def acceptor(tilt):
    """A molecule at rest whose bisector is x, but for a tilt towards z."""
    return water()[:, [2, 1, 0]] @ np.array([[np.cos(tilt), 0, np.sin(tilt)], [0, 1, 0], [-np.sin(tilt), 0, np.cos(tilt)]])


def on_proton_curve(n, oo=2.5):
    """As in the free dimer, the hydrogens trans, but for the distance and the proton."""
    donor = np.array([[0, 0, 0], [0.9 + 0.05 * n, 0, 0], [BOND * np.cos(ANGLE), 0, BOND * np.sin(ANGLE)]])
    return np.vstack([donor, acceptor(np.radians(-57)) + [oo, 0, 0]])


def facing_hydrogens(rng):
    axis = rng.normal(size=3)
    a, b = (water() @ random_rotation(rng) for _ in range(2))
    return a, b + a[1] - b[1] + rng.uniform(1.3, 1.9) * axis / np.linalg.norm(axis)


def any_orientation(rng):
    axis = rng.normal(size=3)
    a, b = (water() @ random_rotation(rng) for _ in range(2))
    return a, b + rng.uniform(2.2, 3.2) * axis / np.linalg.norm(axis)


def pair(n):
    rng = np.random.default_rng([20261129, n])
    while True:
        a, b = (shared_proton, any_orientation, facing_hydrogens)[n % 3](rng)
        a, b = (x + rng.normal(size=(3, 3)) * (0.07 if n // 3 % 4 == 3 else 0.03) for x in (a, b))
        oh, hh = apart(a, b)
        if hh > 1.25 and (n % 3 == 0 or oh > 1.2) and np.linalg.norm(a[0] - b[0]) > 2.15: return np.vstack([a, b])


class Liquid:
    """A trajectory of water in a rectangular cell, atoms in the order O, H, H."""

    def __init__(self, path):
        group = h5py.File(path)["particles/trajectory"]
        self.times, self.positions = group["position/time"][:], group["position/value"]
        self.lengths = np.diag(group["box/edges/value"][0])

    def nearest(self, d):
        return d - self.lengths * np.rint(d / self.lengths)

    def molecules(self, frame):
        """[molecules, 3, 3], each whole."""
        r = self.positions[frame].astype(float).reshape(-1, 3, 3)
        return r[:, :1] + self.nearest(r - r[:, :1])

    def cluster(self, frame, centre, count):
        """The molecules of `centre` and those whose oxygens are next to its first two, whole and side by side."""
        r = self.molecules(frame)
        d = np.min([np.linalg.norm(self.nearest(r[:, 0] - r[c, 0]), axis=1) for c in centre], axis=0)
        d[list(centre)] = -1
        chosen = np.argsort(d, kind="stable")[:count]
        origin = r[centre[0], 0]
        return np.vstack([r[m] - r[m, 0] + self.nearest(r[m, 0] - origin) for m in chosen])

    def event(self, n, of):
        time = BEGIN + (END - BEGIN) * n / (of - 1)
        return self.cluster(int(np.argmin(abs(self.times - time))), EVENT, 5)

    def contacts(self, every=4, pause=0.1):
        """(frame, pair of molecules) of the longest bonds, shortest O...H and H...H before the event in turn, `pause` ps apart."""
        rows = []
        for frame in range(0, int(np.searchsorted(self.times, BEGIN - 0.1)), every):
            r = self.molecules(frame)
            oxygens, hydrogens = r[:, 0], r[:, 1:].reshape(-1, 3)
            owner = np.arange(len(hydrogens)) // 2
            oh = np.linalg.norm(self.nearest(oxygens[:, None] - hydrogens), axis=2)
            bond = np.unravel_index(np.argmax(np.where(owner == np.arange(len(oxygens))[:, None], oh, 0)), oh.shape)
            long = oh[bond]
            oh[owner, np.arange(len(hydrogens))] = 9
            neighbour = np.argmin(oh[:, bond[1]])         # who takes part in the hydrogen's bond
            near = np.unravel_index(np.argmin(oh), oh.shape)
            hh = np.linalg.norm(self.nearest(hydrogens[:, None] - hydrogens), axis=2)
            hh[owner[:, None] == owner] = 9
            facing = np.unravel_index(np.argmin(hh), hh.shape)
            rows.append((frame, (-long, (bond[0], neighbour)), (oh[near], (near[0], owner[near[1]])),
                         (hh[facing], (owner[facing[0]], owner[facing[1]]))))
        used = []
        orders = [iter(sorted(rows, key=lambda row: row[k][0])) for k in (1, 2, 3)]
        while True:
            for k, order in enumerate(orders, 1):
                row = next((x for x in order if all(abs(self.times[x[0]] - self.times[u]) > pause for u in used)), None)
                if row is None: return
                used.append(row[0])
                yield row[0], tuple(int(m) for m in row[k][1])


def configurations(kind, first, last, trajectory, events=20):
    if kind == "molecule":
        yield from ((n, molecule(np.random.default_rng([20261130, n]))) for n in range(first, last))
    elif kind == "pair":
        yield from ((n, pair(n)) for n in range(first, last))
    elif kind == "bond":
        yield from ((n, water(first=0.8 + 0.05 * n)) for n in range(first, last))
    elif kind == "proton":
        yield from ((n, on_proton_curve(n)) for n in range(first, last))
    elif kind == "event":
        liquid = Liquid(trajectory)
        yield from ((n, liquid.event(n, events)) for n in range(first, last))
    else:
        liquid = Liquid(trajectory)
        for n, (frame, centre) in zip(range(last), liquid.contacts()):
            if n >= first: yield n, liquid.cluster(frame, centre, 4)


def solved(r):
    """Energy (eV) and forces (eV/A)."""
    atoms = gto.M(atom=list(zip("OHH" * (len(r) // 3), r)), basis="def2-tzvpd", verbose=0)

    def kohn_sham(grid, tolerance):
        mf = dft.RKS(atoms, xc="pbe0").density_fit()
        mf.grids.level, mf.conv_tol = grid, tolerance
        return mf

    coarse = kohn_sham(0, 1e-5)                           # a first density at a quarter of the cost
    coarse.kernel()
    mf = kohn_sham(2, 1e-9)
    mf.with_df = coarse.with_df
    energy = mf.kernel(dm0=coarse.make_rdm1())
    if not mf.converged: raise RuntimeError("not converged")
    forces = -mf.nuc_grad_method().kernel() * units.Hartree / units.Bohr
    return energy * units.Hartree, forces - forces.mean(axis=0)          # the grid's small net force removed


def append(out, kind, n, r):
    r = np.round(r, 5)
    energy, forces = solved(r)
    relative = energy - len(r) // 3 * AT_REST
    with open(out, "a") as f:
        f.write(f"{len(r)}\nProperties=species:S:1:pos:R:3:forces:R:3 kind={kind} n={n} config_weight={WEIGHT} charge=0 relative={relative:.5f} pbc=\"F F F\"\n")
        for s, x, y in zip("OHH" * (len(r) // 3), r, forces):
            f.write(s + "".join(f" {v:.5f}" for v in x) + "".join(f" {v:.4f}" for v in y) + "\n")
    print(kind, n, f"{relative:.3f} eV, largest force {np.abs(forces).max():.2f} eV/A", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    p.add_argument("kind", choices=["molecule", "pair", "event", "contact", "bond", "proton"])
    p.add_argument("first", type=int)
    p.add_argument("last", type=int)
    p.add_argument("trajectory", nargs="?")
    a = p.parse_args()
    lib.num_threads(1)
    done = list(open(a.out)) if os.path.exists(a.out) else []
    for n, r in configurations(a.kind, a.first, a.last, a.trajectory):
        if any(f" kind={a.kind} n={n} " in line for line in done): continue
        try: append(a.out, a.kind, n, r)
        except RuntimeError as error: print(a.kind, n, error, flush=True)


if __name__ == "__main__":
    main()
