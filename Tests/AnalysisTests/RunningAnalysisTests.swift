// Analyses that stop and go on: as if they had never stopped, bit for bit.

import Foundation
import Lattice
import Testing

@testable import Analysis

/// Frames with everything that a quantity could ask for.
private func frames(_ count: Int) -> [TrajectoryFrame] {
  var frames = wandering(count)
  for n in frames.indices {
    let u = random.normals(step: Int64(n), atom: 0, stream: 60)
    frames[n].system.cell = Cell(vectors: triclinic.vectors * (1 + 0.001 * u.x))
    for (k, name) in ShearViscosity.components.enumerated() {
      frames[n].observables[name] = 100 * random.normals(step: Int64(n), atom: k, stream: 61).x
    }
  }
  return frames
}

private func settings() -> AnalysisSettings {
  var settings = AnalysisSettings()
  settings.quantities = [.means, .rdf, .msd, .vacf, .profile, .hbonds, .dipole, .chi, .sk, .cell, .viscosity]
  settings.insists = false
  settings.schedule = FrameSchedule(interval: 2, frames: 150, origins: 4)
  settings.fit = 8...24
  settings.largestWavevector = 2
  return settings
}

@Test(arguments: [1, 31, 64, 149]) func analysesGoOnBitForBit(_ stop: Int) throws {
  let all = frames(150)
  var whole = try RunningAnalysis(first: all[0], settings(), units: [:])
  try whole.add(all)
  var half = try RunningAnalysis(first: all[0], settings(), units: [:])
  for frame in all[..<stop] { try half.add([frame]) }
  var rest = try RunningAnalysis(first: all[0], settings(), units: [:])
  try rest.restore(half.state)
  #expect(rest.state == half.state && rest.frames == stop)
  try rest.add(Array(all[stop...]))
  let (a, b) = try (whole.analysis(of: "a"), rest.analysis(of: "a"))
  // Atoms at random are ions, whose dipole moment has no meaning.
  #expect(a.findings.count == 10 && a.leftOut.count == 1 && a.leftOut == b.leftOut, "\(a.leftOut)")
  #expect(a.findings == b.findings && a.temperature == b.temperature && rest.state == whole.state)
}

@Test func statesThatAreNotTheAnalysisOwnAreRefused() throws {
  let all = frames(20)
  var analysis = try RunningAnalysis(first: all[0], settings(), units: [:])
  try analysis.add(all)
  let state = analysis.state
  func refuses(_ tree: StateTree) -> Bool {
    guard var other = try? RunningAnalysis(first: all[0], settings(), units: [:]) else { return false }
    do { try other.restore(tree) } catch is StateError { return true } catch { return false }
    return false
  }
  #expect(!refuses(state))
  /// Every value of the tree missing, too short, or another number.
  func damaged(_ tree: StateTree) -> [StateTree] {
    tree.values.flatMap { name, value -> [StateTree] in
      func with(_ new: StateTree.Value?) -> StateTree {
        var tree = tree
        tree.values[name] = new
        return tree
      }
      switch value {
      case .group(let inner): return [with(nil)] + damaged(inner).map { with(.group($0)) }
      case .numbers(let v): return [with(nil), with(.text("x")), with(.numbers(v + [1]))]
      case .vectors(let v): return [with(nil), with(.vectors(v + [.zero]))]
      case .integers(let v):
        return v.indices.map { n in
          var v = v
          v[n] = -1
          return with(.integers(v))
        }
      case .text: return []
      }
    }
  }
  // Series of means may be of any number of frames up to all, and observables may lack.
  var means = state
  means.values["means"] = nil
  for tree in damaged(means) {
    var tree = tree
    tree.values["means"] = state.values["means"]
    #expect(refuses(tree))
  }
}
