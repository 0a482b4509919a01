#!/usr/bin/env python3
"""Charge structure factors of runs whose trajectories hold charges.

  python3 Examples/train-water/charge_structure.py TRAJECTORY.h5 ... [--skip 1]

Prints, for each trajectory, mean and standard error (of ten blocks of frames) of

    S_q(k) = |sum_n q_n exp(i k r_n)|^2 / (N <q^2>)

over the wavevectors of each shell, from the smallest k that the cell has. Neutral molecules have S_q ~ k^2 where k is small; a
plasma of independent charges has S_q = 1. Needs numpy and h5py."""
import argparse

import h5py
import numpy as np


def shells(cell, largest):
  """Wavevectors up to `largest` (1/A), one of each pair k and -k, by length."""
  reciprocal = 2 * np.pi * np.linalg.inv(cell).T
  reach = [int(np.ceil(largest * np.linalg.norm(a) / (2 * np.pi))) for a in cell]
  indices = np.stack(np.meshgrid(*[np.arange(-n, n + 1) for n in reach], indexing='ij'), -1).reshape(-1, 3)
  indices = indices[[tuple(i) > (0, 0, 0) for i in indices]]
  k = indices @ reciprocal
  lengths = np.linalg.norm(k, axis=1)
  kept = lengths < largest
  return k[kept], np.round(lengths[kept], 6)


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('trajectories', nargs='+')
  parser.add_argument('--skip', type=float, default=0, help='ps of equilibration to leave out')
  parser.add_argument('--largest', type=float, default=0.75, help='largest k, 1/A')
  arguments = parser.parse_args()
  for path in arguments.trajectories:
    with h5py.File(path) as file:
      particles = file['particles/trajectory']
      time = particles['position/time'][:]
      kept = time > arguments.skip
      positions = particles['position/value'][kept].astype(float)
      charges = particles['charge/value'][kept].astype(float)
      cell = particles['box/edges/value'][0]
    k, lengths = shells(cell, arguments.largest)
    values = np.array([
      abs(np.exp(1j * r @ k.T).T @ q)**2 / (len(q) * np.mean(q**2)) for r, q in zip(positions, charges)])
    print(f'{path}: {positions.shape[1]} atoms, {len(values)} frames, rms charge {np.sqrt(np.mean(charges**2)):.3f} e, '
          f'largest |sum of charges| {abs(charges.sum(1)).max():.1e} e')
    for length in np.unique(lengths):
      shell = values[:, lengths == length].mean(1)
      blocks = [b.mean() for b in np.array_split(shell, 10)]
      print(f'  k {length:.3f}   S_q {shell.mean():.4f} +- {np.std(blocks, ddof=1) / np.sqrt(10):.4f}   S_q/k^2 {shell.mean() / length**2:.4f}')


if __name__ == '__main__':
  main()
