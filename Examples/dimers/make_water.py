#!/usr/bin/env python3
"""Two water molecules at PBE0/def2-TZVPD, counterpoise corrected, isolated.

usage: make_water.py OUT.xyz FIRST LAST      random pairs FIRST <= n < LAST, appended to OUT.xyz
       make_water.py OUT.xyz --monomers N    N single molecules, the first of them at rest
       make_water.py OUT.xyz --lines         molecules at rest on three lines, O...O 2.5 to 15 A

Needs pyscf, scipy, ase, numpy; 6 s of one core for a pair. Pair n is a function of n alone (its own random seed), so that ranges can
be made side by side. Bonds and angles are drawn from normal distributions about rest (0.03 A, 6 degrees: some 300 K with
zero-point motion), O...O from 2.5 to 8 A, more of them near. In every other pair one hydrogen points to the other oxygen to
within some 30 degrees, else directions are free.

Energies and forces are those of S. F. Boys, F. Bernardi, Mol. Phys. 19, 553 (1970):

    E = E_AB - [E_A(AB) - E_A] - [E_B(AB) - E_B],     E_X(AB): molecule X with the functions of both

`interaction` is E - E_A - E_B in eV. Density fitting; grid level 2 and convergence 1e-9 Ha of PySCF. Energies eV, forces eV/A."""
import argparse

import numpy as np
from ase import Atoms, units
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from pyscf import dft, gto, lib
from scipy.linalg import block_diag

BOND, ANGLE = 0.9572, np.radians(104.52)                  # at rest, experiment
DISTANCES = (2.5, 2.7, 2.9, 3.1, 3.4, 3.8, 4.3, 5, 6, 7, 8, 9, 10, 12, 13.5, 15)


def water(first=BOND, second=BOND, angle=ANGLE):
    """O at the origin, H, H; the bisector is z, the plane yz."""
    s, c = np.sin(angle / 2), np.cos(angle / 2)
    return np.array([[0, 0, 0], [0, first * s, first * c], [0, -second * s, second * c]])


def distorted(rng):
    return water(*rng.normal(BOND, 0.03, 2), rng.normal(ANGLE, np.radians(6)))


def random_rotation(rng):
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q *= np.sign(np.diag(r))
    return q * np.sign(np.linalg.det(q))


def random_pair(rng):
    while True:
        a, b = (distorted(rng) @ random_rotation(rng) for _ in range(2))
        axis = rng.normal(size=3)
        if rng.random() < 0.5: axis = a[1] / np.linalg.norm(a[1]) + 0.3 * axis
        b = b + (2.5 + 5.5 * rng.random()**1.5) * axis / np.linalg.norm(axis)
        apart = np.linalg.norm(a[:, None] - b, axis=2)
        if apart[1:, 1:].min() > 1.6 and min(apart[0, 1:].min(), apart[1:, 0].min()) > 1.5: return a, b


def lines():
    """(name, first molecule, second molecule at the same place); the second is to be moved along x."""
    to_x = np.array([[np.cos(t := ANGLE / 2 - np.pi / 2), 0, np.sin(t)], [0, 1, 0], [-np.sin(t), 0, np.cos(t)]])
    turned = water()[:, [1, 0, 2]] @ to_x                 # plane xz, one hydrogen on +x
    tilt = np.radians(-57)                                # of the acceptor's bisector to the axis, hydrogens trans, as in the free dimer
    acceptor = water() @ np.array([[np.sin(tilt), 0, -np.cos(tilt)], [0, 1, 0], [np.cos(tilt), 0, np.sin(tilt)]])
    yield "bond", turned, acceptor
    yield "antiparallel", water(), -water()
    yield "parallel", water(), water()


def solved(r, real, fit=None, guess=None):
    """Kohn-Sham solution, energy (eV) and forces (eV/A) of the atoms that are real, in the functions of all."""
    symbols = [s if x else "ghost-" + s for s, x in zip("OHH" * (len(r) // 3), real)]
    mf = dft.RKS(gto.M(atom=list(zip(symbols, r)), basis="def2-tzvpd", verbose=0), xc="pbe0").density_fit()
    mf.grids.level, mf.conv_tol = 2, 1e-9
    if fit: mf.with_df = fit
    energy = mf.kernel(dm0=guess)
    if not mf.converged: raise RuntimeError("not converged")
    return mf, energy * units.Hartree, -mf.nuc_grad_method().kernel() * units.Hartree / units.Bohr


def labelled(r):
    """Energy, forces and interaction of one molecule or of two. Densities of the molecules are first guesses of all else."""
    parts = [slice(n, n + 3) for n in range(0, len(r), 3)]
    alone = [solved(r[p], [True] * 3) for p in parts]
    if len(parts) == 1: return *alone[0][1:], 0.0
    densities = [mf.make_rdm1() for mf, _, _ in alone]
    both, interaction, forces = solved(r, [True] * 6, guess=block_diag(*densities))
    forces = forces.copy()
    for n, p in enumerate(parts):
        real = np.zeros(6, bool)
        real[p] = True
        guess = block_diag(*(d if k == n else 0 * d for k, d in enumerate(densities)))
        _, e, f = solved(r, real, both.with_df, guess)
        interaction -= e
        forces -= f
        forces[p] += alone[n][2]
    return interaction + sum(e for _, e, _ in alone), forces, interaction


def append(out, r, **info):
    energy, forces, interaction = labelled(r)
    atoms = Atoms("OHH" * (len(r) // 3), np.round(r, 6))
    forces -= forces.mean(axis=0)                         # the grid's
    atoms.calc = SinglePointCalculator(atoms, energy=round(energy, 6), forces=np.round(forces, 5))
    atoms.info.update(**info, charge=0, interaction=round(interaction, 6))
    write(out, atoms, format="extxyz", append=True)
    print(info, f"interaction {1e3 * interaction:.2f} meV, largest force {np.abs(forces).max():.2f} eV/A", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    p.add_argument("range", nargs="*", type=int, help="FIRST LAST")
    p.add_argument("--monomers", type=int, default=0)
    p.add_argument("--lines", action="store_true")
    a = p.parse_args()
    lib.num_threads(1)
    for n in range(*(a.range or [0])):
        first, second = random_pair(np.random.default_rng([20261127, n]))
        append(a.out, np.vstack([first, second]), n=n, kind="pair", distance=round(float(np.linalg.norm(first[0] - second[0])), 3))
    for n in range(a.monomers):
        rng = np.random.default_rng([20261128, n])
        append(a.out, distorted(rng) @ random_rotation(rng) if n else water(), n=n, kind="monomer")
    if a.lines:
        append(a.out, water(), kind="rest")
        for name, first, second in lines():
            for d in DISTANCES: append(a.out, np.vstack([first, second + [d, 0, 0]]), kind="line", line=name, distance=d)


if __name__ == "__main__":
    main()
