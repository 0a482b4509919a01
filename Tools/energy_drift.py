#!/usr/bin/env python3
"""How well does an NVE run keep its energy? python3 Tools/energy_drift.py nve.trajectory.h5

Velocity Verlet does not conserve H = T + V but, to fourth order, the shadow energy

  H~ = H + dt^2 (v . V'' v / 12 - F . F / (24 m)),   V'' v = -dF/dt

(Hairer, Lubich and Wanner, Geometric Numerical Integration, IX.3). H follows the heat in the fastest modes up and down, by
more than a good force field loses in 10 ps; H~ shows the loss alone. Needs a frame of every step with velocities and
forces, in double precision:

  trajectory:
    every: 1 steps
    velocities: true
    forces: true
    precision: double

Prints slopes in eV/ps per atom with their standard errors from ten blocks. Needs numpy and h5py."""
import argparse

import h5py
import numpy as np

KJ_PER_MOL = 96.48533212  # per eV
U = 103.642697  # eV per u A^2/fs^2
MASSES = {1: 1.008, 6: 12.011, 7: 14.007, 8: 15.999}


def energies(path):
  """Times (ps), H and H~ (eV per atom) of all frames but the first and the last."""
  with h5py.File(path) as f:
    particles, observables = f['particles/trajectory'], f['observables/trajectory']
    time = particles['position/time'][()]
    dt = (time[-1] - time[0]) / (len(time) - 1) * 1e3  # fs
    mass = np.array([MASSES[z] for z in particles['species/value'][0]])
    v, force = particles['velocity/value'], particles['force/value']
    H = observables['potential_energy/value'][()] + observables['kinetic_energy/value'][()]
    shadow, size = H[1:-1].copy(), 500
    for first in range(1, len(H) - 1, size):
      last = min(first + size, len(H) - 1)
      F = force[first - 1:last + 1] / KJ_PER_MOL
      curvature = -(v[first:last] * 1e-3 * (F[2:] - F[:-2]) / (2 * dt)).sum((1, 2))
      acceleration = (F[1:-1]**2 / (mass[:, None] * U)).sum((1, 2))
      shadow[first - 1:last - 1] += dt**2 * (curvature / 12 - acceleration / 24)
  return time[1:-1], H[1:-1] / len(mass), shadow / len(mass)


def main():
  p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
  p.add_argument('trajectory')
  a = p.parse_args()
  t, H, shadow = energies(a.trajectory)
  print(f'{t[-1] - t[0]:.2f} ps')
  for name, x in (('total energy', H), ('shadow energy', shadow)):
    line = np.polyfit(t, x, 1)
    blocks = [(s.mean(), y.mean()) for s, y in zip(np.array_split(t, 10), np.array_split(x, 10))]
    error = np.polyfit(*np.array(blocks).T, 1, cov=True)[1][0, 0]**0.5
    print(f'{name:14} drift {line[0]:9.1e} +- {error:.1e} eV/ps/atom, fluctuation {(x - np.polyval(line, t)).std():.1e} eV/atom')


if __name__ == '__main__':
  main()
