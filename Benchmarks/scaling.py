#!/usr/bin/env python3
"""Parallel efficiency on paper: tables from two measurements of `bloch benchmark --json` (same model and structure).

  bloch benchmark --model M --structure S.xyz --replicate 4 4 2 --json > one.json
  mpirun -n 8 bloch benchmark --model M --structure S.xyz --replicate 4 4 2 --grid 2x2x2 --json > eight.json
  python3 Benchmarks/scaling.py one.json eight.json --density 0.1003 --columns 16 [--latency 2] [--bandwidth 5]

Measured are the time of a step on one thread and, of eight ranks, bytes and messages by what they carry. A rank of n atoms has a
brick of side L = (n / density)^(1/3), and

  compute     n a                                      a: microseconds per atom and step in one process
  halo        n c h / bandwidth + m latency            c = ((L + 2 R) / L)^d - 1 copies per atom, d axes cut; h: bytes per copy
  long range  N b c(S, G) / c(1, 1)                    b: its share of a; c: cost of a rank by the choice of S slabs of the mesh
                                                       and G groups of columns (Sources/Reciprocal/MeshDivision.swift), the cheapest
  columns     n (k + p) w G / bandwidth                k, p: bytes per atom and column, and per atom for each group, of sources, fields
                                                       and positions there and back; w = 2 ceil(D / 2 G) columns of a group
  pencils     q M2 M3 (M1 / S + order - 1) w (S - 1) / S / bandwidth      q: bytes per point of the planes and column
  all atoms   N (s + y / bandwidth)                    s: microseconds in which rank 0 moves an atom; y: bytes of each atom of the
                                                       system that a rank receives: its position twice, and its force

Messages are taken not to overlap with work. `halo alone` is the step without its long range on ranks that know no other atoms than
their own and copies; `today` has all. b counts all of the part `attention`, also sums over edges, which ranks do share."""
import argparse
import json
from pathlib import Path

ATOMS = [100, 1000, 10_000, 100_000]
RANKS = [1, 2, 4, 8, 16, 64, 256, 1024]
HALO = ['positions', 'features', 'gradients', 'forces']


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('one', type=Path)
  parser.add_argument('ranks', type=Path)
  parser.add_argument('--density', type=float, required=True, help='atoms per cubic Angstrom')
  parser.add_argument('--columns', type=int, default=0, help='D of the model; 0 without long range')
  parser.add_argument('--order', type=int, default=8, help='points of a window of the mesh')
  parser.add_argument('--spacing', type=float, default=1.08, help='of the mesh, Angstrom')
  parser.add_argument('--reach', type=float, default=5.3, help='R: cut-off and skin, Angstrom')
  parser.add_argument('--latency', type=float, default=2.0, help='microseconds a message')
  parser.add_argument('--bandwidth', type=float, default=5.0, help='GB/s of a rank')
  arguments = parser.parse_args()
  one, several = (json.loads(path.read_text()) for path in (arguments.one, arguments.ranks))
  traffic, parts = several['ranks'], one['parts']
  measured = traffic['count']
  mean = lambda cargo: traffic['bytes_per_atom_step'][cargo]['mean']
  messages = lambda names: sum(traffic['messages_per_step'][cargo] for cargo in names)
  a = one['microseconds_per_atom_step']
  balance = traffic['balance']
  copies = balance['copies']['mean'] / balance['own_atoms']['mean']
  copy = sum(mean(cargo) for cargo in HALO) / copies
  b = parts['attention'] / sum(parts.values()) * a if arguments.columns else 0

  def planes(atoms): return max(8, (atoms / arguments.density) ** (1 / 3) / arguments.spacing)
  def width(groups): return 2 * -(-arguments.columns // (2 * groups))

  def blocks(groups):
    full, rest = divmod(width(groups), 32)
    return full + (0.2 * -(-rest // 2) if rest <= 4 else 0.5 if rest <= 16 else 1)

  def reached(m, slabs): return m if slabs == 1 else min(m, m / slabs + arguments.order - 1)

  def cost(atoms, slabs, groups, messages=2500):
    m, transform = planes(atoms), 3300
    return blocks(groups) * (360 * arguments.order ** 3 * atoms / slabs + m * m * (
        transform * m / slabs + (2 * transform + (messages if slabs > 1 else 0)) * reached(m, slabs)))

  def division(atoms, ranks):
    return min(((s, ranks // s) for s in range(1, ranks + 1) if ranks % s == 0 and 2 * s <= planes(atoms)),
               key=lambda d: cost(atoms, *d))

  def points(atoms, slabs, groups):
    return planes(atoms) ** 2 * reached(planes(atoms), slabs) * width(groups) * (slabs - 1) / slabs

  column = place = pencil = 0
  if arguments.columns:
    atoms = several['atoms']
    slabs, groups = division(atoms, measured)
    own = atoms / measured
    column, place = mean('columns') / width(groups) / groups, mean('places') / groups
    pencil = mean('pencils') * own / points(atoms, slabs, groups) if slabs > 1 else 0
  # What grows with all atoms: per atom of the whole system, from bytes per own atom.
  y, s = mean('system') / measured, parts['motion']
  rate = arguments.bandwidth * 1e3  # bytes per microsecond

  def halo(n, ranks):
    axes = min(3, ranks.bit_length() - 1)
    if not axes: return 0.0
    around = (1 + 2 * arguments.reach / (n / arguments.density) ** (1 / 3)) ** axes - 1
    return n * around * copy / rate + messages(HALO) * axes / 3 * arguments.latency

  def today(n, ranks):
    if ranks == 1: return n * a
    total, long_range = n * ranks, 0
    if arguments.columns:
      slabs, groups = division(total, ranks)
      sent = n * (column * width(groups) + place) * groups + pencil * points(total, slabs, groups)
      long_range = total * b * cost(total, slabs, groups, 0) / cost(total, 1, 1) + sent / rate
    return (n * (a - b) + halo(n, ranks) + long_range + total * (s + y / rate)
            + messages(['columns', 'pencils', 'places', 'sums', 'system']) * ranks / measured * arguments.latency)

  print(f'{a:.1f} microseconds per atom and step in one process, {b:.1f} of them long range; {copy:,.0f} bytes per copy, '
        f'{messages(HALO):.0f} messages of the halo a step; {y:.0f} bytes and {s:.2f} microseconds per atom of the whole system; '
        f'{arguments.latency:g} microseconds a message, {arguments.bandwidth:g} GB/s a rank.\n')
  for name, each, time in [('halo alone', a - b, lambda n, p: n * (a - b) + halo(n, p)), ('today', a, today)]:
    print(f'**{name}**, efficiency in per cent\n')
    print('| atoms a rank | ' + ' | '.join(f'{p:,}' for p in RANKS) + ' |\n|' + ' --- |' * (len(RANKS) + 1))
    for n in ATOMS:
      print(f'| {n:,} | ' + ' | '.join(f'{100 * n * each / time(n, p):.0f}' for p in RANKS) + ' |')
    print()


main()
