"""Decks of umbrella windows on the distance between the oxygens of two water molecules.

    python3 windows.py FOLDER [--model M] [--steps N]

writes FOLDER/w00.yaml, w01.yaml, ...; each is run by `bloch run`.
"""

import argparse
import os

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--model", default="Models/water.h5")
parser.add_argument("--steps", type=int, default=20000)
arguments = parser.parse_args()

os.makedirs(arguments.folder, exist_ok=True)
for n, center in enumerate(np.arange(2.5, 4.51, 0.2)):
    # The second molecule stands where its window wants it.
    atoms = [("O", 0, 0, 0), ("H", 0.96, 0.05, 0), ("H", -0.25, 0.93, 0.1),
             ("O", center, 0, 0), ("H", center + 0.4, 0.5, 0.75), ("H", center + 0.4, 0.5, -0.75)]
    name = os.path.join(arguments.folder, f"w{n:02d}")
    with open(name + ".xyz", "w") as file:
        file.write('6\nProperties=species:S:1:pos:R:3 pbc="F F F"\n')
        file.writelines("%s %.4f %.4f %.4f\n" % atom for atom in atoms)
    with open(name + ".yaml", "w") as file:
        file.write(f"""\
structure: w{n:02d}.xyz
model: {os.path.abspath(arguments.model)}
ensemble: nvt
temperature: 300 K
thermostat: {{type: langevin, friction: 5 1/ps}}
timestep: 0.5 fs
steps: {arguments.steps}
seed: {n + 1}
threads: 1
restraints:
  - {{name: r_OO, type: distance, atoms: [1, 4], center: {center:.2f} A, k: 2 eV/A^2}}
log: {{every: 20 steps}}
trajectory: {{every: {max(arguments.steps // 10, 1)} steps}}
output: {{folder: {os.path.abspath(arguments.folder)}}}
""")
print(f"{n + 1} windows in {arguments.folder}")
