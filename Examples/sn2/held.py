#!/usr/bin/env python3
"""Errors on held.xyz by kind: held.py MODEL.h5... (energies of a complex in meV, MAE and median; forces in meV/A). A far frame's ion is 4 to
16 A from the molecule. Needs ase, numpy."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from ase.io import read

BLOCH = os.environ.get("BLOCH", str(Path(__file__).resolve().parents[2] / ".build/release/bloch"))

frames = read("held.xyz", index=":")
for model in sys.argv[1:]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([BLOCH, "evaluate", "--model", model, "held.xyz", "--output", f"{folder}/e.xyz"], check=True, capture_output=True)
        found = read(f"{folder}/e.xyz", index=":")
    errors = np.array([(1e3 * abs(e.get_potential_energy() - r.get_potential_energy()), 1e3 * np.abs(e.get_forces() - r.get_forces()).mean())
                       for r, e in zip(frames, found)])
    is_far = np.array([r.info["kind"] == "far" for r in frames])
    print(model, "".join(f"; {sum(own)} {name}: energies {errors[own, 0].mean():.1f}, median {np.median(errors[own, 0]):.1f}, forces "
                         f"{errors[own, 1].mean():.1f}, median {np.median(errors[own, 1]):.1f}" for name, own in (("near", ~is_far), ("far", is_far))))
