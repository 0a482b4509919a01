import ArgumentParser
import Diagnostics
import Foundation
import Kernels
import Report
import Simulation

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "One page about a run: checks, energies, structure, atoms, settings.",
    discussion: "The page opens in any browser, without a network. A run in progress may be looked at, too.")

  @Argument(
    help: ArgumentHelp(
      "The run: one of its files, such as NAME.trajectory.h5, or its deck.", valueName: "run"),
    completion: .file())
  var files: String

  @Option(
    help: "File for the page. (default: NAME.run.html beside the run's files)",
    completion: .file(extensions: ["html"]))
  var output: String?

  @Option(help: "Threads. (default: all processors that the job may use)")
  var threads: Int?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads takes 1 to 1024.") }
  }

  func run() throws {
    let files = try OutputFiles(ofRun: self.files)
    let page = try RunPage(of: files, threads: threads ?? Processors.count)
    for warning in page.warnings { Console.note("\(warning)") }
    let path = try page.write(to: output ?? files.page, replacing: output == nil)
    try Console.print("\(path)   open it in a browser")
  }
}
