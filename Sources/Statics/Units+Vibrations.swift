// What turns a curvature of the energy into a frequency and its quantum. Constants: CODATA 2018, exact.

import Lattice

extension Units {
  /// h / 2 pi in eV fs: 0.6582120.
  public static let reducedPlanck = 6.62607015e-34 / (2 * Double.pi) / 1.602176634e-19 * 1e15
  /// Wavenumber in 1/cm of one rad/fs, 1 / (2 pi c): 5308.837.
  public static let wavenumber = 1 / (2 * Double.pi * 2.99792458e-5)
}
