// The images of a band, in extended XYZ: first end, images along the path, last end. Written anew each time.

import Deck
import Dynamics
import Lattice
import Trajectory

final class BandObserver: Observer {
  let name = "band"
  let interval: Int
  private let path: String

  /// Nil for a deck without a band.
  init?(_ path: String, deck: Deck) {
    guard deck.band != nil else { return nil }
    self.path = path
    interval = deck.trajectoryInterval
  }

  func observe(_ frame: Frame) throws {
    let first = frame.images.first?.evaluation.energy ?? 0
    var length = 0.0
    let frames = frame.images.enumerated().map { n, image in
      if n > 0 { length += distance(frame.images[n - 1].system, image.system) }
      return Configuration(
        system: image.system, energy: image.evaluation.energy, forces: image.evaluation.forces,
        info: [
          "step": "\(frame.step)", "image": "\(n)", "path_length": "\(length)",
          "relative_energy": "\(image.evaluation.energy - first)",
        ])
    }
    try ExtendedXYZ.replace(path, with: frames)
  }

  private func distance(_ a: AtomicSystem, _ b: AtomicSystem) -> Double {
    zip(a.positions, b.positions).reduce(0) { $0 + dot($1.0 - $1.1, $1.0 - $1.1) }.squareRoot()
  }

  func state() throws -> StateTree? { nil }
  func close() throws {}
}
