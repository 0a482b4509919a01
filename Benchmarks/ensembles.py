#!/usr/bin/env python3
"""Ensembles against what is known of them, by the physical_validation package (doi 10.1371/journal.pone.0202764,
pip install physical_validation).

    BLOCH_ENSEMBLES=/tmp/samples Scripts/test.sh --filter EnsembleSamples     # a crystal of springs, minutes
    python3 Benchmarks/ensembles.py /tmp/samples
    Examples/npt/ensembles.sh /tmp/water && python3 Examples/npt/samples.py /tmp/water      # water, an hour
    python3 Benchmarks/ensembles.py /tmp/water/samples

Kinetic energies must have the mean and the width of the Maxwell-Boltzmann distribution, and samples at two temperatures or
pressures the ratio of probabilities that the ensemble says, exp(-delta beta (U + pV)) or exp(-beta delta p V). Each number is a
distance in standard errors, of which 95 in 100 are below 2. In NVE the error must fall as the square of the time step.
"""
import contextlib
import io
import itertools
import sys
from pathlib import Path

with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    import numpy as np
    import physical_validation as pv

BOLTZMANN = 8.617333262e-5  # eV/K
UNITS = pv.data.UnitData(
    kb=BOLTZMANN, energy_conversion=96.48533212, length_conversion=0.1, volume_conversion=1e-3,
    temperature_conversion=1, pressure_conversion=1.602176634e6, time_conversion=1e-3,
    energy_str="eV", length_str="A", volume_str="A^3", temperature_str="K", pressure_str="eV/A^3", time_str="fs")


class Sample:
    def __init__(self, path):
        ensemble, name, kelvin, pressure, timestep, freedom, atoms = path.open().readline()[2:].split()
        self.kind, self.kelvin, self.pressure = (ensemble, name), float(kelvin), float(pressure)
        kinetic, potential, volume, conserved = np.loadtxt(path).T
        atoms = int(atoms)
        system = pv.data.SystemData(
            natoms=atoms, nconstraints=0, ndof_reduction_tra=3 * atoms - int(freedom), ndof_reduction_rot=0)
        state = {"NVE": dict(volume=volume[0], energy=conserved[0]),
                 "NVT": dict(volume=volume[0], temperature=self.kelvin),
                 "NPT": dict(pressure=self.pressure, temperature=self.kelvin)}[ensemble]
        self.data = pv.data.SimulationData(
            units=UNITS, dt=float(timestep), system=system,
            ensemble=pv.data.EnsembleData(ensemble, natoms=atoms, **state),
            observables=pv.data.ObservableData(
                kinetic_energy=kinetic, potential_energy=potential, total_energy=kinetic + potential, volume=volume,
                constant_of_motion=conserved))


def quiet(function, *arguments, **options):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return function(*arguments, **options)


def words(numbers):
    return "  ".join(f"{abs(x):4.1f}" for x in numbers)


samples = sorted((Sample(p) for p in Path(sys.argv[1]).glob("*.txt")), key=lambda s: (s.kind, s.kelvin, s.pressure))
for kind, group in itertools.groupby(samples, key=lambda s: s.kind):
    group = list(group)
    print(*kind)
    if kind[0] == "NVE":
        worst = quiet(pv.integrator.convergence, [s.data for s in group], verbose=False)
        print(f"  error of the integration: off the square of the time step by {worst:.2f}")
        continue
    for s in group:
        distance = quiet(pv.kinetic_energy.distribution, s.data, verbosity=0, bootstrap_seed=1)
        print(f"  K at {s.kelvin:g} K, {s.pressure:g} eV/A^3: mean and width off by {words(distance)}")
    for a, b in itertools.combinations(group, 2):
        pair = f"{a.kelvin:g} K, {a.pressure:g} eV/A^3 against {b.kelvin:g} K, {b.pressure:g} eV/A^3"
        try:
            distance = quiet(pv.ensemble.check, a.data, b.data, verbosity=0)
            print(f"  {pair}: off by {words(distance)}")
        except pv.util.error.InputError:
            print(f"  {pair}: independent samples overlap too little to tell")
