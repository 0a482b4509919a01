#!/usr/bin/env python3
"""Reference data for F- + CH3I -> CH3F + I-: PBE0/def2-TZVPD (ECP on I) energies and forces of isolated complexes.

usage: make_sn2.py OUT.xyz FIRST LAST [--fragments]     configurations FIRST <= n < LAST, appended to OUT.xyz
       make_sn2.py OUT.xyz --label GEOMETRIES.xyz       labels of given geometries

Needs pyscf, tblite, ase, numpy; 20 to 30 s of one core a configuration. Configuration n is a function of n alone (its own
random seed), so that ranges can be made side by side:
  n % 4 != 3   near: Langevin dynamics with GFN2-xTB (300 to 900 K) under a restraint on xi = d(C-I) - d(C-F), which
               walks over -1.8 ... 2.6 A, one snapshot after 400 fs
  n % 4 == 3   far: F- around CH3I, or I- around CH3F, at a distance drawn from 4 ... 16 A, any direction, the molecule
               thermally distorted
With --fragments: F- (n = 0), I- (1), then CH3F (even n) and CH3I (odd n), distorted by 50 to 900 K.
GFN2-xTB only chooses the geometries. Energies eV, forces eV/A, `charge` the total charge, no cell.
"""
import argparse
import warnings
import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import CalculationFailed, Calculator, all_changes
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from ase.md.langevin import Langevin
from pyscf import dft, gto, lib
from tblite.ase import TBLite

warnings.filterwarnings("ignore", category=FutureWarning)

SYMBOLS = ["F", "C", "H", "H", "H", "I"]


def methyl(axis, bond_ch=1.08, tilt=1.9):
    """Three hydrogens around C at the origin, leaning away from +z for tilt (angle to +z in rad) > pi/2."""
    return [[bond_ch * np.sin(tilt) * np.cos(p), bond_ch * np.sin(tilt) * np.sin(p), bond_ch * np.cos(tilt)]
            for p in axis + 2 * np.pi * np.arange(3) / 3]


class Restrained(Calculator):
    """GFN2-xTB with a harmonic restraint on xi and a wall that keeps the complex together."""
    implemented_properties = ["energy", "forces"]

    def __init__(self, target, k=6.0, wall=4.2):
        super().__init__()
        self.base, self.target, self.k, self.wall = TBLite(method="GFN2-xTB", charge=-1, verbosity=0), target, k, wall

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        plain = Atoms(atoms.symbols, atoms.positions, calculator=self.base)
        e, f = plain.get_potential_energy(), plain.get_forces().copy()
        r = atoms.positions
        cf, ci = r[0] - r[1], r[5] - r[1]
        df, di = np.linalg.norm(cf), np.linalg.norm(ci)
        x = (di - df) - self.target
        e += 0.5 * self.k * x * x
        gf, gi = -self.k * x * cf / df, self.k * x * ci / di
        for d, v, g in ((df, cf, gf), (di, ci, gi)):
            if d > self.wall:
                e += 2.0 * (d - self.wall) ** 2
                g += 4.0 * (d - self.wall) * v / d
        f[0] -= gf; f[5] -= gi; f[1] += gf + gi
        self.results = {"energy": e, "forces": f}


def start_near(rng):
    """Atoms under a restraint drawn from its range, and their dynamics."""
    xi = rng.uniform(-1.8, 2.6)
    ci = max(2.14, max(1.40, 2.0 - xi / 2) + xi)
    cf = ci - xi
    tilt = np.pi / 2 + 0.33 * np.tanh(0.4 - xi)           # umbrella: hydrogens lean to F before, to I after
    r = np.array([[0, 0, -cf], [0, 0, 0], *methyl(rng.uniform(0, 2 * np.pi), tilt=tilt), [0, 0, ci]])
    a = Atoms(SYMBOLS, r)
    a.calc = Restrained(xi)
    t = rng.uniform(300, 900)
    a.set_velocities(rng.normal(size=(6, 3)) * np.sqrt(units.kB * t / a.get_masses())[:, None])
    return a, Langevin(a, 0.5 * units.fs, temperature_K=t, friction=0.02 / units.fs,
                       rng=np.random.RandomState(rng.integers(2**31)))


def near(rng):
    a, dynamics = start_near(rng)
    dynamics.run(800)
    return a.positions


def molecule(halogen):
    bond = {"F": 1.39, "I": 2.14}[halogen]
    return Atoms(["C", "H", "H", "H", halogen], np.array([[0, 0, 0], *methyl(0.0), [0, 0, bond]]))


def distorted(molecule, rng, t):
    """A snapshot of the molecule after 300 fs with GFN2-xTB."""
    m = molecule.copy()
    m.calc = TBLite(method="GFN2-xTB", verbosity=0)
    m.set_velocities(rng.normal(size=(len(m), 3)) * np.sqrt(units.kB * t / m.get_masses())[:, None])
    Langevin(m, 0.5 * units.fs, temperature_K=t, friction=0.02 / units.fs, rng=np.random.RandomState(rng.integers(2**31))).run(600)
    return m.positions


def far(rng):
    leaving = rng.random() < 0.5                          # I- around CH3F, else F- around CH3I
    m = molecule("F" if leaving else "I")
    r = distorted(m, rng, rng.uniform(100, 600))
    u = rng.normal(size=3); u /= np.linalg.norm(u)
    ion = r.mean(axis=0) + rng.uniform(4.0, 16.0) * u
    while np.linalg.norm(r - ion, axis=1).min() < 2.6: ion = ion + 0.2 * u
    return np.array([r[4], *r[:4], ion]) if leaving else np.array([ion, *r])


def fragment(n, rng):
    if n < 2: return Atoms("FI"[n], [[0, 0, 0]]), -1
    m = molecule("FI"[n % 2])
    m.positions = distorted(m, rng, rng.uniform(50, 900))
    return m, 0


def label(symbols, r, charge):
    """Energy (eV) and forces (eV/A), or None where it does not converge."""
    m = gto.M(atom=list(zip(symbols, r)), basis="def2-tzvpd", ecp={"I": "def2-tzvpd"}, charge=charge, verbose=0, max_memory=3000)

    def rks(grid, tolerance):
        mf = dft.RKS(m, xc="pbe0").density_fit()
        mf.grids.level, mf.conv_tol = grid, tolerance
        return mf

    coarse = rks(0, 1e-5)                                 # a first density at a quarter of the cost
    coarse.kernel()
    mf = rks(2, 1e-9)
    mf.with_df = coarse.with_df
    e = mf.kernel(dm0=coarse.make_rdm1())
    if not mf.converged:
        mf = mf.newton(); e = mf.kernel()
        if not mf.converged: return None
    g = mf.nuc_grad_method().kernel()
    f = -g * units.Hartree / units.Bohr
    return e * units.Hartree, f - f.mean(axis=0)          # the grid's small net force removed


def append(out, atoms, charge, **info):
    done = label(atoms.get_chemical_symbols(), atoms.positions, charge)
    if done is None: return
    a = Atoms(atoms.symbols, atoms.positions)
    a.calc = SinglePointCalculator(a, energy=done[0], forces=done[1])
    a.info.update(**info, charge=charge)
    write(out, a, format="extxyz", append=True)
    print(info, f"{a.symbols} E {done[0]:.4f} Fmax {np.abs(done[1]).max():.2f}", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    p.add_argument("range", nargs="*", type=int, help="FIRST LAST")
    p.add_argument("--fragments", action="store_true")
    p.add_argument("--label", help="geometries to label; `kind` is kept")
    a = p.parse_args()
    lib.num_threads(1)
    if a.label:
        for n, atoms in enumerate(read(a.label, index=":")):
            append(a.out, atoms, **{"n": n, "charge": -1, "kind": "given", **atoms.info})
        return
    for n in range(*a.range):
        kind = "fragment" if a.fragments else "far" if n % 4 == 3 else "near"
        for attempt in range(8):                          # GFN2-xTB does not converge where a hot complex falls apart
            rng = np.random.default_rng([20261125, n, attempt])
            try:
                if a.fragments:
                    atoms, charge = fragment(n, rng)
                    break
                atoms, charge = Atoms(SYMBOLS, far(rng) if kind == "far" else near(rng)), -1
            except CalculationFailed: continue
            if np.linalg.norm(atoms.positions[2:5] - atoms.positions[1], axis=1).max() < 1.5: break
        else: continue
        append(a.out, atoms, charge, n=n, kind=kind)


if __name__ == "__main__":
    main()
