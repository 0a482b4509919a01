// Open axes: the room that atoms take along them, and the box in which their sum is one over wavevectors.
//
// Nothing repeats along an open axis. A kernel that ends at a distance R, longer than any two atoms are apart along the
// open axes, gives the same sum in a box so long that no image comes within R of an atom (doi:10.1063/1.477923,
// doi:10.1103/PhysRevB.73.205119): the vectors of periodic axes stay, those of open ones become perpendicular to them
// and to each other, of length
//
//   L_a = w_a + R + m sigma,    R = D + m sigma        w_a the extent of the atoms, D their diameter along all open axes
//
// since a kernel of width sigma smears the edge at R over m sigma on either side: exp(-m^2 / 2) = tolerance.

import Foundation
import Lattice

/// Extents of atoms along the open axes of a cell, Angstrom.
public struct Room: Hashable, Sendable {
  /// Along the direction of each open axis (`Cell.directions`); 0 along periodic ones.
  public let extents: Vector3
  /// No two atoms are farther apart in the space of the open axes.
  public let diameter: Double

  /// What the atoms take at present.
  init(of positions: [Vector3], in cell: Cell) {
    let directions = cell.directions
    var (lowest, highest) = (Vector3(repeating: .infinity), Vector3(repeating: -.infinity))
    for r in positions {
      for axis in 0..<3 where !cell.isPeriodic[axis] {
        let height = dot(r, directions[axis])
        lowest[axis] = min(lowest[axis], height)
        highest[axis] = max(highest[axis], height)
      }
    }
    var (extents, centre) = (Vector3.zero, Vector3.zero)
    for axis in 0..<3 where !cell.isPeriodic[axis] && !positions.isEmpty {
      extents[axis] = highest[axis] - lowest[axis]
      centre[axis] = (highest[axis] + lowest[axis]) / 2
    }
    var square = 0.0
    for r in positions {
      var distance = 0.0
      for axis in 0..<3 where !cell.isPeriodic[axis] {
        let height = dot(r, directions[axis]) - centre[axis]
        distance += height * height
      }
      square = max(square, distance)
    }
    self.extents = extents
    diameter = 2 * square.squareRoot()
  }

  /// With 2 to 4 Angstrom to spare, so that atoms may move for a while; nil without an open axis.
  public init?(around positions: [Vector3], in cell: Cell) {
    guard !cell.isFullyPeriodic else { return nil }
    let room = Room(of: positions, in: cell)
    func padded(_ length: Double) -> Double { ((length + 2) / 2).rounded(.up) * 2 }
    var extents = Vector3.zero
    for axis in 0..<3 where !cell.isPeriodic[axis] { extents[axis] = padded(room.extents[axis]) }
    (self.extents, diameter) = (extents, padded(room.diameter))
  }

  /// Whether atoms find their room in it.
  public func holds(_ positions: [Vector3], in cell: Cell) -> Bool {
    let needed = Room(of: positions, in: cell)
    return needed.diameter <= diameter && (0..<3).allSatisfy { needed.extents[$0] <= extents[$0] }
  }
}

/// A cell in which the sum over wavevectors is that of open axes, and the distance at which the kernel ends there.
struct TruncationBox {
  let cell: Cell
  /// R.
  let radius: Double

  /// - Parameter kernel: as `ReciprocalKernel.truncated`.
  init(of room: Room, in cell: Cell, kernel: ReciprocalKernel) {
    let smear = kernel.reach(sigma: kernel.sigmas.max() ?? 1)
    radius = room.diameter + smear
    let directions = cell.directions
    var vectors = cell.vectors
    for axis in 0..<3 where !cell.isPeriodic[axis] {
      vectors[axis] = directions[axis] * (room.extents[axis] + radius + smear)
    }
    self.cell = Cell(vectors: vectors, isPeriodic: cell.isPeriodic)
  }
}

extension Cell {
  /// Unit vectors along the open axes, perpendicular to all periodic vectors and to each other; zero at periodic axes.
  var directions: Matrix3 {
    // Rows that are not there yet are zero.
    var (basis, directions) = (Matrix3.zero, Matrix3.zero)
    for pass in 0..<2 {
      for axis in 0..<3 where isPeriodic[axis] == (pass == 0) {
        var vector = vectors[axis]
        for other in 0..<3 { vector -= basis[other] * dot(vector, basis[other]) }
        basis[axis] = vector / length(vector)
        if !isPeriodic[axis] { directions[axis] = basis[axis] }
      }
    }
    return directions
  }
}
