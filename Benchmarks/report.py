#!/usr/bin/env python3
"""Tables and pictures of results.json: python3 Benchmarks/report.py [results.json]

Prints Markdown tables; writes sizes.png, methods.png and mesh.png beside results.json. Needs numpy and matplotlib."""
import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

PARTS = ['neighbors', 'edges', 'convolution', 'linear', 'contraction', 'attention', 'readout', 'waiting',
         'motion']


def table(head, rows):
  print('| ' + ' | '.join(head) + ' |\n|' + ' --- |' * len(head))
  for row in rows:
    print('| ' + ' | '.join(x if isinstance(x, str) else f'{x:,}' if isinstance(x, int) else f'{x:.1f}' for x in row) + ' |')
  print()


def per_atom(r):
  return r['microseconds_per_atom_step']


def sizes(results):
  for name, runs in results.items():
    print(f'**{name}**, microseconds per atom and step, one thread\n')
    parts = [p for p in PARTS if any(r['parts'].get(p, 0) > 0 for r in runs)]
    table(['atoms', 'all'] + parts + ['KiB/atom'],
          [[r['atoms'], per_atom(r)] + [r['parts'][p] for p in parts] + [r['peak_memory_bytes'] / r['atoms'] / 1024]
           for r in runs])
  names = list(results)
  print('Attention beside the rest of the step\n')
  attending = [n for n in names if 'attention' in results[n][0]]
  table(['atoms'] + attending,
        [[results[names[0]][i]['atoms']] + [
          f'{100 * r["parts"]["attention"] / (sum(r["parts"].values()) - r["parts"]["attention"]):.0f} % ({r["attention"]})'
          for r in (results[n][i] for n in attending)] for i in range(len(results[names[0]]))])
  for name, runs in results.items():
    plt.semilogx([r['atoms'] for r in runs], [per_atom(r) for r in runs], 'o-', label=name)
  picture('sizes.png', 'microseconds per atom and step, one thread')


def threads(results):
  spread = lambda x: f'{np.median(x):.2f} ({min(x):.2f} - {max(x):.2f})'
  table(['model', 'atoms', 'threads', 'one thread / several', 'as many processes at once'],
        [[name, r['atoms'], r['threads'], spread(r['speedup']), spread(r['machine'])]
         for name, runs in results.items() for r in runs])


def methods(results):
  for name, by_method in results.items():
    print(f'**{name}**: attention by its three evaluations, microseconds per atom and step\n')
    atoms = sorted({r['atoms'] for runs in by_method.values() for r in runs})
    cell = lambda m, n: next((f'{r["parts"]["attention"]:.1f}' for r in by_method[m] if r['atoms'] == n), '')
    table(['atoms'] + list(by_method), [[n] + [cell(m, n) for m in by_method] for n in atoms])
    for m, runs in by_method.items():
      plt.loglog([r['atoms'] for r in runs], [r['parts']['attention'] for r in runs], 'o-', label=f'{m}, {name}')
  picture('methods.png', 'attention, microseconds per atom and step')


def accuracy(results):
  figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
  for name, by_size in results.items():
    for n, errors in by_size.items():
      rows, chosen = errors['given'], errors['chosen']
      print(f'**{name}**, {int(n):,} atoms: mesh against k-sum, energy in eV per atom / largest force in eV/A\n')
      spacings = sorted({r['spacing'] for r in rows})
      cell = lambda o, s: next(f'{r["energy"]:.0e} / {r["force"]:.0e}' for r in rows if (r['order'], r['spacing']) == (o, s))
      orders = sorted({r['order'] for r in rows})
      table(['order'] + [f'{s} sigma' for s in spacings], [[str(o)] + [cell(o, s) for s in spacings] for o in orders])
      print(f'The mesh that Bloch chooses in double precision: {chosen["energy"]:.0e} / {chosen["force"]:.0e}\n')
  for name, by_size in list(results.items())[:1]:
    rows = list(by_size.values())[-1]['given']
    for o in sorted({r['order'] for r in rows}):
      line = [r for r in rows if r['order'] == o]
      for axis, key in zip(axes, ('energy', 'force')):
        axis.semilogy([r['spacing'] for r in line], [r[key] for r in line], 'o-', label=f'order {o}')
  for axis, title in zip(axes, ('energy error (eV/atom)', 'largest force error (eV/A)')):
    axis.set(xlabel='mesh spacing / sigma', ylabel=title)
  axes[0].legend()
  save(figure, 'mesh.png')


def dead(results):
  table(['model', 'dead paths left out', 'kept'],
        [[name, per_atom(r['left out']), per_atom(r['kept'])] for name, r in results.items()])


def mace(results):
  table(['atoms', 'Bloch', 'mace-torch float32', 'ratio'],
        [[r['atoms'], np.median(r['bloch']), np.median(r['mace_torch']),
          f'{np.median(r["mace_torch"]) / np.median(r["bloch"]):.0f}'] for r in results])


def picture(name, label):
  plt.xlabel('atoms')
  plt.ylabel(label)
  plt.ylim(bottom=0) if plt.gca().get_yscale() == 'linear' else None
  plt.legend()
  save(plt.gcf(), name)


def save(figure, name):
  figure.tight_layout()
  figure.savefig(FOLDER / name, dpi=120)
  plt.close(figure)


if __name__ == '__main__':
  path = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / 'results.json')
  FOLDER, results = path.parent, json.loads(path.read_text())
  print('Machine: {processor}, {cores} cores, {system}\n'.format(**results['machine']))
  for part in (sizes, threads, methods, accuracy, dead, mace):
    if part.__name__ in results:
      part(results[part.__name__])
