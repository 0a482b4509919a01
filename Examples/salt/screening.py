#!/usr/bin/env python3
"""chi(k) of runs: screening.py PICTURE.png NAME=FOLDER/melt.chi.tsv ... of `bloch analyze ... chi --output-dir FOLDER`. Needs matplotlib."""
import sys

import matplotlib
import numpy as np

matplotlib.use('Agg')
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(5, 3.4))
for n, argument in enumerate(sys.argv[2:]):
  name, path = argument.split('=', 1)
  k, chi, error = np.loadtxt(path).T[:3]
  near = k < 1
  axis.errorbar(k[near], chi[near], error[near], fmt=f'C{n}.-', capsize=2, label=name)
axis.axvspan(0, 0.5, color='0.9', zorder=0)
axis.set(xlim=(0, 1), ylim=(0, None), xlabel='k, 1/A', ylabel='chi')
axis.text(0.02, 0.3, 'waves that training did not know', fontsize=8, color='0.4')
axis.legend()
figure.tight_layout()
figure.savefig(sys.argv[1], dpi=130)
