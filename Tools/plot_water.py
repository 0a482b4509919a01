#!/usr/bin/env python3
"""Structure and steadiness of a run of liquid water, from its H5MD file: figures on the terminal, and a picture.

  python3 Tools/plot_water.py water.trajectory.h5 water.png --skip 2 [--experiment OO.txt OH.txt]

Radial distribution functions count the pairs of every frame within half the cell, nearest images only:
g_ab(r) = V n_ab(r) / (N_a (N_b - delta_ab) 4 pi r^2 dr). The experiments are text files of r (A) and g.
Needs numpy, h5py and matplotlib."""
import argparse

import h5py
import matplotlib.pyplot as plt
import numpy as np

BOLTZMANN = 8.617333262e-5  # eV/K


def radial_distribution(frames, cells, species, a, b, width=0.05):
  """g_ab on bins of `width` A, averaged over the frames; r in A."""
  first, second = np.flatnonzero(species == a), np.flatnonzero(species == b)
  heights = 1 / np.linalg.norm(np.linalg.inv(cells), axis=1)  # distance between opposite faces
  edges = np.arange(0, heights.min() / 2, width)
  g = np.zeros(len(edges) - 1)
  for positions, cell in zip(frames, cells):
    d = (positions[first, None] - positions[None, second]) @ np.linalg.inv(cell)
    r = np.linalg.norm((d - np.rint(d)) @ cell, axis=-1)
    g += np.histogram(r[r > 0], edges)[0] * abs(np.linalg.det(cell))
  pairs = len(first) * (len(second) - (a == b))
  shells = 4 / 3 * np.pi * np.diff(edges**3)
  return (edges[1:] + edges[:-1]) / 2, g / (pairs * shells * len(frames))


def experiment(path):
  """Columns r and g of a text file; values beyond the scale of the picture are left out."""
  with open(path) as file:
    rows = [line.split()[:2] for line in file if line.strip()[:1].isdigit()]
  r, g = np.array(rows, dtype=float).T
  return r, np.where(g > 2.6, np.nan, g)


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('trajectory')
  parser.add_argument('picture')
  parser.add_argument('--skip', type=float, default=0, help='ps of equilibration to leave out')
  parser.add_argument('--experiment', nargs=2, metavar=('OO', 'OH'))
  arguments = parser.parse_args()

  with h5py.File(arguments.trajectory) as file:
    particles, observables = file['particles/trajectory'], file['observables/trajectory']
    time = particles['position/time'][:]
    kept = time > arguments.skip
    positions, cells = particles['position/value'][kept].astype(float), particles['box/edges/value'][kept]
    species = particles['species/value'][0]
    temperature = observables['temperature/value'][:]
    energy = observables['conserved_energy/value'][:] / len(species)
    kinetic = observables['kinetic_energy/value'][:]

  mean, deviation = temperature[kept].mean(), temperature[kept].std()
  freedom = round(2 * kinetic[0] / (BOLTZMANN * temperature[0]))
  slope, offset = np.polyfit(time[kept], energy[kept], 1)
  print(f'{kept.sum()} frames from {time[kept][0]:g} to {time[-1]:g} ps')
  print(f'temperature       {mean:.2f} K, standard deviation {deviation:.2f} K '
        f'(canonical: {mean * np.sqrt(2 / freedom):.2f} K)')
  print(f'conserved energy  drift {slope:.2e} eV/ps/atom, fluctuation '
        f'{(energy[kept] - slope * time[kept] - offset).std():.2e} eV/atom')

  plt.rcParams.update({'font.size': 9, 'axes.spines.top': False, 'axes.spines.right': False})
  figure, (oo, oh, steady) = plt.subplots(1, 3, figsize=(10.5, 3.1), layout='constrained')
  sources = arguments.experiment or (None, None)
  names = ('X-ray, 295 K (Skinner 2013)', 'neutron, 300 K (Soper 2000)')
  for axes, partner, source, name in ((oo, 8, sources[0], names[0]), (oh, 1, sources[1], names[1])):
    label = 'OO' if partner == 8 else 'OH'
    r, g = radial_distribution(positions, cells, species, 8, partner)
    outside = r > 2
    peak = np.argmax(np.where(outside & (r < 3.5), g, 0))
    print(f'g_{label}              first intermolecular peak {g[peak]:.2f} at {r[peak]:.2f} A')
    axes.plot(r, g, color='#1f5fa8', label='Bloch, 64 H$_2$O')
    if source:
      axes.plot(*experiment(source), color='#d1495b', linestyle='--', linewidth=1.2, label=name)
    axes.axhline(1, color='0.8', linewidth=0.7, zorder=0)
    axes.set(xlim=(0.5 if partner == 1 else 2, r[-1]), ylim=(0, 3.5), xlabel='r (Å)',
             ylabel=f'g$_{{\\mathrm{{{label}}}}}$(r)')
    axes.legend(frameon=False, loc='upper right')

  steady.plot(time, temperature, color='0.75', linewidth=0.4)
  window = max(1, len(time) // 40)
  steady.plot(np.convolve(time, np.full(window, 1 / window), 'valid'),
              np.convolve(temperature, np.full(window, 1 / window), 'valid'), color='#1f5fa8')
  steady.set(xlabel='time (ps)', ylabel='temperature (K)', xlim=(0, time[-1]), ylim=(120, 380))
  conserved = steady.twinx()
  conserved.spines['right'].set_visible(True)
  conserved.plot(time, 1e3 * (energy - energy[0]), color='#d1495b', linewidth=0.8)
  conserved.set(ylim=(-0.5, 4.5), ylabel='conserved energy (meV/atom)')
  conserved.yaxis.label.set_color('#d1495b')
  figure.savefig(arguments.picture, dpi=160)


if __name__ == '__main__':
  main()
