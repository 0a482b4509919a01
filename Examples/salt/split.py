#!/usr/bin/env python3
"""salt.xyz -> learned.xyz and held.xyz, every fifth. Needs ase."""
from pathlib import Path

from ase.io import read, write

frames = read(Path(__file__).with_name('salt.xyz'), ':')
for name, part in [('learned', [a for n, a in enumerate(frames) if n % 5]), ('held', frames[::5])]:
  write(f'{name}.xyz', part)
  print(f'{name}.xyz: {len(part)} frames')
