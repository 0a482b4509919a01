#!/usr/bin/env python3
"""Random gases of ions, labelled exactly: make_charges.py OUT.xyz FRAMES [--box 20] [--seed 1]

Half of the ions are Na of charge +1, half Cl of charge -1, 0.016 of them in a cubic Angstrom (64 + 64 in 20 A), at random places
2.0 A apart or more. Energy and forces are those of

    E = 1/2 sum_ij k_e q_i q_j / r_ij  (all images, conducting boundary)  +  1/2 sum_ij A exp(-r_ij / rho),  A = 2000 eV, rho = 0.25 A

the first sum by Ewald's method, converged to 1e-7 eV and 1e-8 eV/A. Needs numpy and scipy."""
import argparse

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import erfc

COULOMB = 14.3996454784255                               # e^2 / (4 pi epsilon_0), eV A
DENSITY, CLOSEST, A, RHO = 128 / 20**3, 2.0, 2000.0, 0.25


def configuration(rng, box):
  """Positions [N, 3] of N/2 positive, then N/2 negative ions."""
  count = 2 * round(DENSITY * box**3 / 2)
  r = np.empty((0, 3))
  while len(r) < count:
    new = rng.uniform(0, box, 3)
    d = r - new
    d -= box * np.round(d / box)
    if not len(r) or (d**2).sum(1).min() >= CLOSEST**2: r = np.vstack([r, new])
  return rng.permutation(r)


def label(r, q, box, accuracy=20.0):
  """Energy (eV) and forces (eV/A): pairs within cutoff, the rest over wavevectors; exp(-accuracy) is left out of both."""
  cutoff = min(box / 2, 10.0)
  alpha = np.sqrt(accuracy) / cutoff
  i, j = np.array(sorted(cKDTree(r, boxsize=box).query_pairs(cutoff))).T
  d = r[i] - r[j]
  d -= box * np.round(d / box)
  s = np.linalg.norm(d, axis=1)
  qq = COULOMB * q[i] * q[j]
  repulsion = A * np.exp(-s / RHO)
  energy = (qq * erfc(alpha * s) / s + repulsion).sum()
  slope = -qq * (erfc(alpha * s) / s + 2 * alpha / np.sqrt(np.pi) * np.exp(-(alpha * s)**2)) / s - repulsion / RHO
  pair = -(slope / s)[:, None] * d
  forces = np.zeros_like(r)
  np.add.at(forces, i, pair)
  np.add.at(forces, j, -pair)
  n = int(np.ceil(2 * alpha * np.sqrt(accuracy) * box / (2 * np.pi)))
  k = np.stack(np.meshgrid(*[np.arange(-n, n + 1)] * 3, indexing='ij'), -1).reshape(-1, 3)
  k = k[(k > 0).any(1) & [tuple(x) > (0, 0, 0) for x in k]] * 2 * np.pi / box
  k2 = (k**2).sum(1)
  k, k2 = k[k2 < 4 * alpha**2 * accuracy], k2[k2 < 4 * alpha**2 * accuracy]
  weight = 2 * 4 * np.pi * COULOMB / box**3 * np.exp(-k2 / (4 * alpha**2)) / k2
  for part in np.array_split(np.arange(len(k)), max(1, len(k) * len(r) // 4_000_000)):
    phase = np.exp(1j * r @ k[part].T)
    density = q @ phase
    energy += 0.5 * (weight[part] * abs(density)**2).sum()
    forces += q[:, None] * ((phase * density.conj() * weight[part]).imag @ k[part])
  energy -= COULOMB * alpha / np.sqrt(np.pi) * (q**2).sum()
  return energy, forces


def main():
  p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  p.add_argument('out')
  p.add_argument('frames', type=int)
  p.add_argument('--box', type=float, default=20.0, help='edge, A')
  p.add_argument('--seed', type=int, default=1)
  a = p.parse_args()
  rng = np.random.default_rng(a.seed)
  with open(a.out, 'w') as f:
    for _ in range(a.frames):
      r = configuration(rng, a.box)
      q = np.repeat([1.0, -1.0], len(r) // 2)
      energy, forces = label(r, q, a.box)
      f.write(f'{len(r)}\nLattice="{a.box} 0 0 0 {a.box} 0 0 0 {a.box}" Properties=species:S:1:pos:R:3:forces:R:3 '
              f'energy={energy:.9f} charge=0 pbc="T T T"\n')
      for z, x, g in zip(q, r, forces):
        f.write(('Na' if z > 0 else 'Cl') + ''.join(f' {v:.9f}' for v in (*x, *g)) + '\n')


if __name__ == '__main__':
  main()
