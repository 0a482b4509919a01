#!/usr/bin/env python3
"""Structure, response and diffusion of the runs of this folder, with long range beside without: a table and a picture.

  python3 figures.py output bulk-water.png [--bloch PATH] [--skip 3] [--experiment OO.txt OH.txt HH.txt]

Both runs of a model, Nose-Hoover and Langevin, count alike: means and curves are those of the two, errors the root of the sum of
their squares over two. Diffusion is that of Nose-Hoover alone, whose friction is none. Everything comes from `bloch analyze`;
this script calls it, averages and draws. Needs numpy and matplotlib."""
import argparse
import json
import os
import subprocess

import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt
import numpy as np

RUNS = {'with long range': ['nose-hoover', 'langevin'], 'without': ['nose-hoover-short', 'langevin-short']}
COLORS = {'with long range': '#1f5fa8', 'without': '#c0392b'}
# Charges of SPC/E, by which arXiv 2510.13055 measures chi_zz, for both models alike.
SPCE = ['--charges', 'O=-0.8476', 'H=0.4238']
# The shipped model's own, of which a factor of the refractive index is taken for the electrons (doi:10.1039/c0cp01971b).
REFRACTIVE_INDEX = 1.33
# Of water at 300 K in mPa s, for the self-diffusion of an infinite box.
VISCOSITY = '0.854 mPa s'


def analyze(bloch, path, quantities, skip, *options):
  """Findings of `bloch analyze` by quantity: numbers by name, and tables by name and column."""
  command = [bloch, 'analyze', path, *quantities, '--skip', f'{skip} ps', '--json', *options]
  result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
  numbers, tables = {}, {}
  for finding in result['findings']:
    for n in finding['numbers']:
      numbers[n['name']] = (n['value'], n.get('error') or 0.0)
    for t in finding['tables']:
      tables[t['name']] = {c['name']: np.array([np.nan if v is None else v for v in c['values']]) for c in t['columns']}
  return numbers, tables


def mean(pairs):
  """Mean and error of values with errors that count alike."""
  values, errors = np.array(pairs).T
  return values.mean(), np.sqrt((errors**2).sum()) / len(values)


def curve(tables, x, y):
  """x, and mean and error of y over several runs."""
  return (tables[0][x], *np.array([mean(list(zip(*p))) for p in
                                   zip(zip(*[t[y] for t in tables]), zip(*[t[y + '_error'] for t in tables]))]).T)


def peak(r, g, error, near, width=0.25):
  """Place and height of the peak that is highest within `width` A of `near`: the parabola through it and its neighbours."""
  inside = np.flatnonzero(abs(r - near) < width)
  i = inside[g[inside].argmax()]
  a, b, c = g[i - 1:i + 2]
  shift = (a - c) / (2 * (a - 2 * b + c))
  return r[i] + shift * (r[1] - r[0]), b - (a - c) * shift / 4, error[i]


def measured(path):
  """Columns r and g of a text file."""
  with open(path) as file:
    rows = [line.replace(',', ' ').split()[:2] for line in file if line.strip()[:1].isdigit()]
  return np.array(rows, dtype=float).T


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('folder')
  parser.add_argument('picture')
  here = os.path.dirname(os.path.abspath(__file__))
  parser.add_argument('--bloch', default=os.path.join(here, '../../.build/release/bloch'))
  parser.add_argument('--skip', type=float, default=3, help='ps of equilibration to leave out')
  parser.add_argument('--experiment', nargs=3, metavar=('OO', 'OH', 'HH'), help='text files of r (A) and g')
  arguments = parser.parse_args()

  figure, panels = plt.subplots(1, 4, figsize=(16, 4))
  pairs = ['O-O', 'H-O', 'H-H']
  rows = []
  for label, names in RUNS.items():
    paths = [os.path.join(arguments.folder, f'{name}.trajectory.h5') for name in names]
    paths = [p for p in paths if os.path.exists(p)]
    if not paths:
      continue
    general = [analyze(arguments.bloch, p, ['rdf', 'hbonds', 'means'], arguments.skip) for p in paths]
    response = [analyze(arguments.bloch, p, ['chi', 'dipole'], arguments.skip, *SPCE) for p in paths]
    moving, _ = analyze(
      arguments.bloch, paths[0], ['msd'], arguments.skip, '--viscosity', VISCOSITY, '--fit', '2 ps', '4.9 ps')
    row = {}
    row['temperature, K'] = mean([n['temperature'] for n, _ in general])
    for panel, pair in zip(panels, pairs):
      r, g, error = curve([t['rdf'] for _, t in general], 'r', f'g_{pair}')
      panel.plot(r, g, color=COLORS[label], label=label)
      near = {'O-O': 2.75, 'H-O': 1.8, 'H-H': 2.35}[pair]
      place, height, error = peak(r, g, error, near)
      row[f'g_{pair}, first peak between molecules'] = f'{height:.2f} +- {error:.2f} at {place:.2f} A'
    row['hydrogen bonds of a molecule'] = mean([n['bonds of an N, O or F'] for n, _ in general])
    for name, value in moving.items():
      if name.startswith('D_O'):
        row[name + ', 1e-9 m2/s'] = value
    row['dielectric constant, charges of SPC/E'] = mean([n['dielectric constant'] for n, _ in response])
    if label == 'with long range':
      own = [analyze(arguments.bloch, p, ['dipole'], arguments.skip)[0]['dielectric constant'] for p in paths]
      row['dielectric constant, own charges times n^2'] = tuple(REFRACTIVE_INDEX**2 * x for x in mean(own))
    k, chi, error = curve([t['chi'] for _, t in response], 'k', 'chi')
    axial, chi_zz, error_zz = curve([t['chi_zz'] for _, t in response], 'k', 'chi_zz')
    panels[3].errorbar(k, chi, error, color=COLORS[label], marker='.', lw=1, label=label + ', all directions')
    panels[3].errorbar(axial, chi_zz, error_zz, color=COLORS[label], marker='s', ms=4, ls='none', mfc='none')
    for i in range(3):
      row[f'chi at k = {k[i]:.3f} 1/A'] = (chi[i], error[i])
    row[f'chi_zz at k = {axial[0]:.3f} 1/A'] = (chi_zz[0], error_zz[0])
    rows.append((label, row))

  if arguments.experiment:
    for panel, path in zip(panels, arguments.experiment):
      r, g = measured(path)
      panel.plot(r, g, 'k--', lw=1, label='experiment')
  for panel, pair, top in zip(panels, pairs, [3.5, 2.2, 1.8]):
    panel.set(xlim=(1, 9), ylim=(0, top), xlabel='r, Å', ylabel=f'$g_{{{pair.replace("-", "")}}}$')
  panels[3].set(xlim=(0, 1.3), ylim=(0.5, 3.3), xlabel='k, 1/Å', ylabel=r'$\chi(k)$, charges of SPC/E')
  panels[3].axhline(1 - 1 / 78, color='k', lw=0.5, ls='--')
  for panel in (panels[0], panels[3]):
    panel.legend(frameon=False)
  figure.tight_layout()
  figure.savefig(arguments.picture, dpi=110)

  names = list(dict.fromkeys(name for _, row in rows for name in row))
  print('| | ' + ' | '.join(label for label, _ in rows) + ' |\n| --- |' + ' --- |' * len(rows))
  for name in names:
    values = [row.get(name, '') for _, row in rows]
    print(f'| {name} | ' + ' | '.join(v if isinstance(v, str) else f'{v[0]:.3g} +- {v[1]:.2g}' for v in values) + ' |')


if __name__ == '__main__':
  main()
