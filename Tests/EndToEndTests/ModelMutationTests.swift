// The shipped model with bytes flipped anywhere: `bloch model info` says what is wrong with the file, or nothing is.
// BLOCH_MUTATIONS=N tries N of them.

import Foundation
import Lattice
import Testing

private let count = ProcessInfo.processInfo.environment["BLOCH_MUTATIONS"].flatMap { Int($0) } ?? 0

@Test(.enabled(if: count > 0, "BLOCH_MUTATIONS is not set"))
func modelWithFlippedBytesIsRefusedOrSound() throws {
  let folder = try TemporaryFolder()
  let sound = [UInt8](try Data(contentsOf: URL(fileURLWithPath: BlochProcess.model)))
  let dice = CounterRNG(seed: 7)
  let path = "\(folder.path)/model.h5"
  for n in 0..<count {
    var bytes = sound
    var words: [String] = []
    for k in 0..<(1 + n % 4) {
      // Half of them where HDF5 keeps its own structures, most of which begin the file.
      let draw = dice.uniforms(step: Int64(n), atom: k, stream: 0)
      let place = Int(draw.x * Double(n % 2 == 0 ? sound.count : 8192))
      let bit = UInt8(1) << UInt8(8 * draw.y)
      bytes[place] ^= bit
      words.append("\(place)^\(bit)")
    }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let process = try BlochProcess.start(["model", "info", path], in: folder.path)
    let end = Date(timeIntervalSinceNow: 20)
    while process.isRunning, Date() < end { usleep(2000) }
    if process.isRunning {
      Issue.record("never ends: bytes \(words)")
      kill(process.processIdentifier, SIGKILL)
    }
    let outcome = try BlochProcess.outcome(of: process, in: folder.path)
    #expect(outcome.exitCode == 0 || outcome.exitCode == 3 && outcome.errors.contains(path), "bytes \(words)")
  }
}
