"""Real Wigner 3j symbols and a minimal basis for MACE's symmetric contraction.

MACE (arXiv 2206.07697, eqs. 10-11) contracts nu copies of A_{lm} with generalised Clebsch-Gordan tensors U.
After symmetrisation those tensors are linearly dependent (l_max 3, L = 0, nu = 3: 23 of them, rank 8). Bloch
stores independent couplings instead,

    Q^{(l1 l2)->l12}_m = sum_{m1 m2} w3j(l1,l2,l12)[m1,m2,m] A_{l1 m1} A_{l2 m2}
    out_{LM} = w1 A_{LM} + sum w2 Q^{(l1 l2)->L}_M
             + sum w3 sum_{m12 m3} w3j(l12,l3,L)[m12,m3,M] Q^{(l1 l2)->l12}_{m12} A_{l3 m3}

and this module finds them and the weights that reproduce a given set of U exactly.
"""
from functools import lru_cache
from itertools import combinations_with_replacement, product
from math import factorial, sqrt

import numpy as np


def triangle(l1, l2, l3):
  """Whether l3 couples l1 with l2 and conserves the natural parity (-1)^l."""
  return abs(l1 - l2) <= l3 <= l1 + l2 and (l1 + l2 + l3) % 2 == 0


def complex_clebsch_gordan(l1, l2, l3):
  """<l1 m1 l2 m2 | l3 m3> by Racah's formula, indices m + l."""
  c, f = np.zeros((2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1)), factorial
  for m1, m2 in product(range(-l1, l1 + 1), range(-l2, l2 + 1)):
    m3 = m1 + m2
    if abs(m3) > l3:
      continue
    norm = sqrt(
      (2 * l3 + 1) * f(l3 + l1 - l2) * f(l3 - l1 + l2) * f(l1 + l2 - l3) / f(l1 + l2 + l3 + 1)
      * f(l3 + m3) * f(l3 - m3) * f(l1 - m1) * f(l1 + m1) * f(l2 - m2) * f(l2 + m2))
    for k in range(max(0, l2 - l3 - m1, l1 - l3 + m2), min(l1 + l2 - l3, l1 - m1, l2 + m2) + 1):
      c[m1 + l1, m2 + l2, m3 + l3] += (-1) ** k * norm / (
        f(k) * f(l1 + l2 - l3 - k) * f(l1 - m1 - k) * f(l2 + m2 - k)
        * f(l3 - l2 + m1 + k) * f(l3 - l1 - m2 + k))
  return c


def real_basis(l):
  """Unitary matrix from e3nn's real harmonics (columns) to the complex ones (rows)."""
  q = np.zeros((2 * l + 1, 2 * l + 1), complex)
  q[l, l] = 1
  for m in range(1, l + 1):
    q[l - m, l + m], q[l - m, l - m] = 1 / sqrt(2), -1j / sqrt(2)
    q[l + m, l + m], q[l + m, l - m] = (-1) ** m / sqrt(2), 1j * (-1) ** m / sqrt(2)
  return (-1j) ** l * q


@lru_cache(maxsize=None)
def wigner_3j(l1, l2, l3):
  """e3nn's real Wigner 3j tensor [2 l1+1, 2 l2+1, 2 l3+1] for even l1+l2+l3, unit Frobenius norm."""
  c = np.einsum('ij,kl,mn,ikn->jlm', real_basis(l1), real_basis(l2), real_basis(l3).conj().T,
                complex_clebsch_gordan(l1, l2, l3))
  assert np.abs(c.imag).max() < 1e-12
  return c.real / np.linalg.norm(c.real)


def symmetrised(tensor):
  """tensor[M, i, j, ..., k] -> coefficients [M * monomials, k] of the monomials A_i A_j ... (i <= j ...)."""
  order, n = tensor.ndim - 2, tensor.shape[1]
  index = np.sort(np.indices((n,) * order).reshape(order, -1), axis=0)
  _, monomial = np.unique(np.ravel_multi_index(tuple(index), (n,) * order), return_inverse=True)
  out = np.zeros((monomial.max() + 1, tensor.shape[0], tensor.shape[-1]))
  np.add.at(out, monomial, np.moveaxis(tensor.reshape(tensor.shape[0], -1, tensor.shape[-1]), 1, 0))
  return out.transpose(1, 0, 2).reshape(-1, tensor.shape[-1])


def block(l):
  """Components of A that belong to l."""
  return slice(l * l, (l + 1) ** 2)


def pair_candidates(lmax, L):
  return [(l1, l2) for l1 in range(lmax + 1) for l2 in range(l1, lmax + 1) if triangle(l1, l2, L)]


def triple_candidates(lmax, L, even_first):
  """(l1, l2, l12, l3) in order of preference. Small l12 are cheap and share their pair products between
  several L; when only L = 0 is wanted, even l12 first needs the fewest distinct (l12, l3) products."""
  triples = [(l1, l2, l12, l3) for l12 in range(2 * lmax + 1) for l3 in range(lmax + 1)
             if triangle(l12, l3, L) for l1, l2 in pair_candidates(lmax, l12)]
  return sorted(triples, key=lambda t: (even_first and t[2] % 2, t[2], t[3], t[0] != t[1], t))


@lru_cache(maxsize=None)
def independent_triples(lmax, L, even_first):
  """The first linearly independent triples in order of preference (Gram-Schmidt; one M is enough)."""
  chosen, basis = [], []
  for triple in triple_candidates(lmax, L, even_first):
    v = symmetrised(triple_tensor(lmax, L, triple)[:1])[:, 0]
    norm = np.linalg.norm(v)
    for q in basis * 2:  # twice is enough
      v = v - q * (q @ v)
    if norm > 1e-8 and np.linalg.norm(v) > 1e-6 * norm:
      chosen.append(triple)
      basis.append(v / np.linalg.norm(v))
  return chosen


def single_tensor(lmax, L):
  u = np.zeros((2 * L + 1, (lmax + 1) ** 2, 1))
  u[:, block(L), 0] = np.eye(2 * L + 1)
  return u


def pair_tensor(lmax, L, pair):
  n = (lmax + 1) ** 2
  u = np.zeros((2 * L + 1, n, n, 1))
  u[:, block(pair[0]), block(pair[1]), 0] = np.moveaxis(wigner_3j(*pair, L), 2, 0)
  return u


def triple_tensor(lmax, L, triple):
  n, (l1, l2, l12, l3) = (lmax + 1) ** 2, triple
  u = np.zeros((2 * L + 1, n, n, n, 1))
  coupling = np.einsum('abm,mcM->Mabc', wigner_3j(l1, l2, l12), wigner_3j(l12, l3, L))
  u[:, block(l1), block(l2), block(l3), 0] = coupling
  return u


def monomials(n, order, L):
  """(M, i, j ...) of the rows of `symmetrised`."""
  return [(M, *m) for M in range(2 * L + 1) for m in combinations_with_replacement(range(n), order)]


def solve(tensors, u):
  """Weights W [len(tensors), k] with sum_b W[b, k] tensors[b] = u[..., k] up to the order of factors, and what
  is left of u, symmetrised."""
  basis, target = np.concatenate([symmetrised(t) for t in tensors], axis=1), symmetrised(u)
  weights = np.linalg.lstsq(basis, target, rcond=None)[0]
  return weights, target - basis @ weights
