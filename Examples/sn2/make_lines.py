#!/usr/bin/env python3
"""Geometries by which the models of Examples/sn2 are judged: make_lines.py OUT.xyz, labelled by make_sn2.py --label.

  kind `path`   the reaction coordinate rc = d(C-I) - d(C-F) from -10 to 10 A on a straight axis. Both bonds share one bond
                order (L. Pauling, J. Am. Chem. Soc. 69, 542 (1947)): n = exp(-(d - d_rest) / 0.6 A), n_F + n_I = 1; methyl's
                umbrella and C-H go from the one molecule's to the other's with n.
  kind `line`   F- and CH3I, I- and CH3F at rest: the ion 6, 8, 10, 12 and 15 A from carbon behind it, from the halogen before
                it, and from carbon across the axis
  kind `rest`   the fragments: F-, I-, CH3F, CH3I

Needs ase, numpy."""
import sys

import numpy as np
from ase import Atoms
from ase.io import write
from make_sn2 import SYMBOLS, methyl

# C-X and C-H, A, and the angle H-C-X, rad, of the free molecules (experiment, as in the CRC Handbook).
BOND, CH, ANGLE = {"F": 1.383, "I": 2.139}, {"F": 1.087, "I": 1.084}, {"F": np.radians(108.8), "I": np.radians(107.7)}


def molecule_at_rest(x):
    """C, H, H, H, X with X on +z."""
    return np.array([[0, 0, 0], *methyl(0.0, CH[x], ANGLE[x]), [0, 0, BOND[x]]])


def on_path(rc, a=0.6):
    """F on -z, I on +z; rc in A."""
    n = 1 / (1 + np.exp((rc - BOND["I"] + BOND["F"]) / a))                # of the bond to iodine
    m = 1 / (1 + np.exp((BOND["I"] - BOND["F"] - rc) / a))                # 1 - n, to fluorine
    hydrogens = methyl(0.0, n * CH["I"] + m * CH["F"], n * ANGLE["I"] + m * (np.pi - ANGLE["F"]))
    return np.array([[0, 0, -(BOND["F"] - a * np.log(m))], [0, 0, 0], *hydrogens, [0, 0, BOND["I"] - a * np.log(n)]])


def frames():
    for symbols, r, charge in (("F", [[0, 0, 0]], -1), ("I", [[0, 0, 0]], -1),
                               ("CH3F", molecule_at_rest("F"), 0), ("CH3I", molecule_at_rest("I"), 0)):
        yield Atoms(symbols, r, info=dict(kind="rest", charge=charge))
    for rc in [-10, -9, -8, -7, -6, -5, -4, -3.5, -3, *np.arange(-2.5, 2.51, 0.25), 3, 3.5, 4, 5, 6, 7, 8, 9, 10]:
        yield Atoms(SYMBOLS, on_path(rc), info=dict(kind="path", rc=float(rc), charge=-1))
    for x in "IF":
        for direction, origin, u in (("carbon", 0, (0, 0, -1)), ("halogen", BOND[x], (0, 0, 1)), ("across", 0, (1, 0, 0))):
            for d in (6, 8, 10, 12, 15):
                m, ion = molecule_at_rest(x), np.array([0, 0, origin]) + d * np.array(u)
                first, last = (m[4], ion) if x == "F" else (ion, m[4])
                yield Atoms(SYMBOLS, [first, *m[:4], last],
                            info=dict(kind="line", molecule="CH3" + x, direction=direction, distance=d, charge=-1))


if __name__ == "__main__":
    write(sys.argv[1], list(frames()), format="extxyz")
