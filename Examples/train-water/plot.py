#!/usr/bin/env python3
"""Learning curves of trainings, side by side: plot.py PICTURE.png NAME=FILE.training.tsv ...

Needs numpy and matplotlib."""
import sys

import matplotlib.pyplot as plt
import numpy as np


def main():
  plt.rcParams.update({'font.size': 9, 'axes.spines.top': False, 'axes.spines.right': False})
  figure, (energy, forces) = plt.subplots(1, 2, figsize=(8, 3), layout='constrained')
  for argument, colour in zip(sys.argv[2:], ('#1f5fa8', '#d1495b', '#3b8a5a')):
    name, path = argument.split('=', 1)
    table = np.genfromtxt(path, delimiter='\t', names=True, deletechars='', replace_space='_')
    columns = {c.split('_[')[0]: table[c] for c in table.dtype.names}
    for axes, quantity in ((energy, 'energy'), (forces, 'forces')):
      axes.plot(columns['epoch'], columns[f'train_{quantity}_mae'], color=colour, linewidth=0.7, alpha=0.5)
      axes.plot(columns['epoch'], columns[f'valid_{quantity}_mae'], color=colour, label=name)
  energy.set(yscale='log', xlabel='epoch', ylabel='energy, MAE (meV/atom)')
  forces.set(yscale='log', xlabel='epoch', ylabel='forces, MAE (meV/Å)')
  ticks = [15, 20, 30, 50, 100, 200]
  forces.set_yticks(ticks, [str(t) for t in ticks])
  forces.minorticks_off()
  forces.legend(frameon=False, title='thick: held back, averaged weights\nthin: learned', title_fontsize=8)
  figure.savefig(sys.argv[1], dpi=150)


if __name__ == '__main__':
  main()
