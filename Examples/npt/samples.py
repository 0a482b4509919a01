#!/usr/bin/env python3
"""Logs of ensembles.sh as samples for Benchmarks/ensembles.py, without the first 5 ps; runs that differ by their seed together.

    python3 Examples/npt/samples.py FOLDER    # writes FOLDER/samples/*.txt"""
import re
import sys
from pathlib import Path

import numpy as np

BOLTZMANN = 8.617333262e-5  # eV/K
BAR = 6.241509e-7  # eV/A^3

folder = Path(sys.argv[1])
(folder / "samples").mkdir(exist_ok=True)
samples = {}
for log in sorted(folder.glob("*-*-*-?.log.tsv")):
    run = log.name.removesuffix(".log.tsv")
    kind, kelvin, _ = run.rsplit("-", 2)
    ensemble, name = kind.split("-", 1)
    deck = (folder / f"{run}.yaml").read_text()
    timestep = float(re.search(r"^timestep: (\S+) fs", deck, re.M)[1])
    atoms, comment = (folder / re.search(r"^structure: (\S+)", deck, re.M)[1]).read_text().splitlines()[:2]
    cell = np.array(re.search(r'Lattice="([^"]*)"', comment)[1].split(), dtype=float).reshape(3, 3)
    with log.open() as file:
        columns = [c.split(" [")[0] for c in file.readline().lstrip("# ").rstrip("\n").split("\t")]
    data = dict(zip(columns, np.loadtxt(log).T))
    kept = data["time"] > 5
    kinetic = data["kinetic_energy"]
    # As the program counts them: less three where momentum is kept.
    freedom = round(2 * np.mean(kinetic[1:] / data["temperature"][1:]) / BOLTZMANN)
    volume = data.get("volume", np.full(len(kinetic), np.linalg.det(cell)))
    rows = np.array([kinetic, data["potential_energy"], volume, data["conserved_energy"]]).T[kept]
    pressure = re.search(r"^pressure: (\S+) bar", deck, re.M)
    pressure = BAR * float(pressure[1]) if pressure else 0
    header = f"{ensemble.upper()} {name} {kelvin} {pressure} {timestep} {freedom} {atoms}"
    samples.setdefault((f"{kind}-{kelvin}", header), []).append(rows)
for (name, header), rows in samples.items():
    np.savetxt(folder / "samples" / f"{name}.txt", np.concatenate(rows), header=header)
