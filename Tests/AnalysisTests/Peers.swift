// Other programs that read and write trajectories, where a Python has them.

import Foundation

let python = ProcessInfo.processInfo.environment["BLOCH_PYTHON"] ?? "python3"

func runPython(_ arguments: [String]) throws -> (status: Int32, output: Data) {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = [python] + arguments
  let pipe = Pipe()
  process.standardOutput = pipe
  process.standardError = FileHandle.nullDevice
  try process.run()
  let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  return (process.terminationStatus, output)
}

let hasMDAnalysis = (try? runPython(["-c", "import MDAnalysis, h5py"]).status) == 0
