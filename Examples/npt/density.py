#!/usr/bin/env python3
"""Density and compressibility from the log of a run at constant pressure, each mean with its statistical error.

    python3 Examples/npt/density.py output/npt.log.tsv --skip 5 --temperature 300

The error of a mean is that of n_eff = n / g independent samples, g = 1 + 2 sum_t rho(t) to the first t at which the
autocorrelation rho is no longer positive. The compressibility is var(V) / (k_B T <V>).
"""
import argparse

import numpy as np

BOLTZMANN = 1.380649e-23  # J/K


def mean(values):
    """Mean, standard error and number of independent samples."""
    centred = values - values.mean()
    n = len(values)
    transform = np.fft.rfft(centred, 2 * n)
    rho = np.fft.irfft(transform * transform.conj())[:n] / np.arange(n, 0, -1)
    rho /= rho[0]
    end = np.argmax(rho <= 0) or n
    independent = n / (1 + 2 * rho[1:end].sum())
    return values.mean(), values.std() / np.sqrt(independent), independent


parser = argparse.ArgumentParser()
parser.add_argument("log")
parser.add_argument("--skip", type=float, default=5, help="ps at the beginning that are left out")
parser.add_argument("--temperature", type=float, default=300, help="of the bath, in K")
arguments = parser.parse_args()

with open(arguments.log) as file:
    names = [column.split(" [")[0] for column in file.readline()[2:].rstrip("\n").split("\t")]
table = np.loadtxt(arguments.log)
table = table[table[:, names.index("time")] > arguments.skip]
column = {name: table[:, i] for i, name in enumerate(names)}

print(f"{len(table)} lines from {column['time'][0]:.2f} to {column['time'][-1]:.2f} ps")
for name, unit, digits in [("temperature", "K", 2), ("pressure", "bar", 0), ("density", "g/cm^3", 4)]:
    value, error, independent = mean(column[name])
    print(f"{name:16} {value:.{digits}f} +- {error:.{digits}f} {unit}   ({independent:.0f} independent samples)")
volume = column["volume"] * 1e-30
squares, error, independent = mean((volume - volume.mean()) ** 2)
scale = 1e5 / (BOLTZMANN * arguments.temperature * volume.mean())
print(f"compressibility  {squares * scale:.1e} +- {error * scale:.0e} 1/bar")
steps = column["conserved_energy"]
slope = np.polyfit(column["time"], steps, 1)[0]
print(f"conserved energy drifts by {slope:.1e} eV/ps")
