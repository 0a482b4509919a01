#!/usr/bin/env python3
"""What a training learns and what is held back: split.py [FARTHEST], writes train.xyz and held.xyz from sn2-pbe0.xyz.

Every tenth frame, the eighth of ten, is held back, however many are appended. Far frames weigh three times as much: tails of a few meV
stand beside bonds of eV. With FARTHEST (A) no frame is learned whose ion is farther from carbon."""
import sys

from ase.io import read, write

farthest = float(sys.argv[1]) if len(sys.argv) > 1 else 99
frames = read("sn2-pbe0.xyz", index=":")
held = frames[7::10]
learned = [a for n, a in enumerate(frames) if n % 10 != 7 and (len(a) < 6 or a.get_distances(1, [0, 5]).max() < farthest)]
for a in learned: a.info["config_weight"] = 3 if a.info["kind"] == "far" else 1
write("held.xyz", held, format="extxyz")
write("train.xyz", learned, format="extxyz")
print(f"{len(learned)} frames to learn, {len(held)} held back")
