/// What can be wrong with positions or a cell at run time.
public enum LatticeError: Error, Equatable, CustomStringConvertible {
  /// A coordinate is not finite, or too many cells away from the origin for image flags to hold it.
  case positionOutOfRange(atom: Int, position: Vector3)
  /// A cell so thin, large or skew that its images cannot be numbered; distances between its faces in Angstrom.
  case cellOutOfRange(heights: Vector3)
  /// More neighbours than any matter has, or than a list can number.
  case tooManyPairs(atoms: Int, pairs: Int)
  /// Of a cell that has grown by this factor since its wavevectors were chosen.
  case cellOutgrewItsWavevectors(growth: Double, limit: Double)

  public var description: String {
    switch self {
    case .positionOutOfRange(let atom, let r):
      """
      atom \(atom + 1) is at (\(r.x), \(r.y), \(r.z)) Angstrom: not a number or absurdly far away; the \
      simulation has blown up, or the structure is damaged (try a shorter time step or check the positions)
      """
    case .cellOutOfRange(let h):
      """
      opposite faces of the cell are \(h.x), \(h.y) and \(h.z) Angstrom apart: no cell that atoms fit in (check the \
      lattice vectors and their unit)
      """
    case .tooManyPairs(let atoms, let pairs):
      """
      the atoms are far too many or too dense: each of \(atoms) has \(pairs / max(1, atoms)) others within the cut-off \
      or more; positions and lattice vectors are in Angstrom
      """
    case .cellOutgrewItsWavevectors(let growth, let limit):
      """
      the cell has grown by \(percent(growth)) % between two faces since its wavevectors were chosen, and they serve up to \
      \(percent(limit)) %: `bloch resume` goes on from the last checkpoint with new ones (if it is a liquid that \
      evaporates or a crystal that bursts, check the pressure and the model)
      """
    }
  }

  private func percent(_ factor: Double) -> Double { ((factor - 1) * 1000).rounded() / 10 }
}
