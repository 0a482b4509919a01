#!/usr/bin/env python3
"""Writes a short-range mace-torch model of water with random weights, none of them dead, to time it beside Bloch.

  python3 Benchmarks/random_mace.py OUT.model [--hidden 128x0e] [--lmax 3] [--correlation 3]
  python3 Tools/import_mace.py OUT.model OUT.h5

Two residual layers, a cut-off of 4.5 A. Energies have a scale of 1 meV, so that atoms stay where
they are. Needs torch and mace-torch; e3nn 0.4.4 asks for TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1 beside torch 2.6 or later."""
import argparse

import numpy as np
import torch
from e3nn import o3
from mace import modules


def main():
  p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
  p.add_argument('output')
  p.add_argument('--hidden', default='128x0e', help='features between layers, such as 128x0e+128x1o')
  p.add_argument('--lmax', type=int, default=3)
  p.add_argument('--correlation', type=int, default=3)
  p.add_argument('--seed', type=int, default=1)
  a = p.parse_args()
  torch.set_default_dtype(torch.float32)
  torch.manual_seed(a.seed)
  block = modules.interaction_classes['RealAgnosticResidualInteractionBlock']
  model = modules.ScaleShiftMACE(
    r_max=4.5, num_bessel=8, num_polynomial_cutoff=5, max_ell=a.lmax, interaction_cls=block, interaction_cls_first=block,
    num_interactions=2, num_elements=2, hidden_irreps=o3.Irreps(a.hidden), MLP_irreps=o3.Irreps('16x0e'),
    atomic_energies=np.array([-13.6, -430.0]), avg_num_neighbors=39.0, atomic_numbers=[1, 8], correlation=a.correlation,
    gate=torch.nn.functional.silu, radial_MLP=[64, 64, 64], atomic_inter_scale=1e-3, atomic_inter_shift=0.0)
  torch.save(model, a.output)


if __name__ == '__main__':
  main()
