/// What can be wrong with positions or a cell at run time.
public enum LatticeError: Error, Equatable, CustomStringConvertible {
  /// A coordinate is not finite, or too many cells away from the origin for image flags to hold it.
  case positionOutOfRange(atom: Int, position: Vector3)

  /// More neighbours than any matter has.
  case tooManyPairs(atoms: Int, pairs: Int)

  public var description: String {
    switch self {
    case .positionOutOfRange(let atom, let r):
      """
      atom \(atom + 1) is at (\(r.x), \(r.y), \(r.z)) Angstrom: not a number or absurdly far away; the \
      simulation has blown up, or the structure is damaged (try a shorter time step or check the positions)
      """
    case .tooManyPairs(let atoms, let pairs):
      """
      the atoms are far too dense: each has \(pairs / max(1, atoms)) others within the cut-off; positions and lattice \
      vectors are in Angstrom
      """
    }
  }
}
