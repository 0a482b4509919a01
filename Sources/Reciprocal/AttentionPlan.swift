// How the attention of a system is evaluated, as a value.

import Lattice

/// How G is applied.
public enum AttentionMethod: String, Sendable, CaseIterable {
  case pairwise
  case ewald
  case kSum = "k-sum"
  case mesh
}

/// All that the attention's numbers depend on beside positions, cell and weights.
public struct AttentionPlan: Hashable, Sendable {
  public var method: AttentionMethod
  /// Nil unless the method is the mesh.
  public var mesh: MeshResolution?
  /// The cell that chooses the integers of the wavevectors: they stay when the cell changes its shape, so that energy and
  /// stress are smooth in the strain.
  public var cell: Cell
  /// What the atoms take along the open axes of the cell; nil where none is open, or where the sum goes over pairs of a
  /// cluster.
  public var room: Room?
  /// FFTW's wisdom of the mesh's transforms: which of the many ways to compute them, each rounding in its own way. Nil
  /// takes what the machine has kept, or has them timed.
  public var wisdom: String?

  /// - Parameter positions: those that choose the room.
  public init(
    method: AttentionMethod, mesh: MeshResolution? = nil, cell: Cell, positions: [Vector3],
    wisdom: String? = nil
  ) {
    self.method = method
    self.mesh = method == .mesh ? mesh ?? MeshResolution() : nil
    self.cell = cell
    room = method == .pairwise && !cell.hasPeriodicAxis ? nil : Room(around: positions, in: cell)
    self.wisdom = method == .mesh ? wisdom : nil
  }
}
