import ArgumentParser
import Deck
import Simulation

extension ExportOptions.Format: ExpressibleByArgument {}
extension ExportOptions.Field: ExpressibleByArgument {}

extension ExportOptions.Positions: EnumerableFlag {
  public static func name(for value: Self) -> NameSpecification {
    switch value {
    case .unwrapped: .customLong("unwrap")
    case .wrapped: .customLong("wrap")
    case .whole: .customLong("whole")
    }
  }

  public static func help(for value: Self) -> ArgumentHelp? {
    switch value {
    case .unwrapped: "Atoms where they have gone, through the faces of the cell."
    case .wrapped: "Every atom inside the cell."
    case .whole: "Every molecule whole, its centre inside the cell."
    }
  }
}

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Convert a trajectory or a checkpoint to extended XYZ or DCD.",
    discussion: """
      Extended XYZ is for ASE and OVITO and holds all that the trajectory has; DCD is for VMD, MDAnalysis and mdtraj and holds \
      positions and cell. Times carry their unit, in quotes where there is a blank: --every "100 fs".
      """)

  @Argument(
    help: "H5MD trajectory of a run, also of one in progress; or a checkpoint, for its configuration.",
    completion: .file(extensions: ["h5"]))
  var trajectory: String

  @Argument(
    help: "File to write, DCD where its name ends so; - for the standard output.",
    completion: .file(extensions: ["xyz", "dcd"]))
  var output: String

  @Option(help: "xyz or dcd, whatever the name of the file.")
  var format: ExportOptions.Format?

  @Option(
    help: "Write every n-th frame, or frames so far apart in time, beginning with the first. (default: all)")
  var every: String?

  @Option(help: "Time of the run from which on frames are written.", transform: OptionValue.time)
  var from: OptionValue?

  @Option(help: "Time of the run up to which frames are written.", transform: OptionValue.time)
  var to: OptionValue?

  @Flag var positions = ExportOptions.Positions.unwrapped

  @Option(
    parsing: .upToNextOption,
    help:
      "What to write beside positions: velocities, forces, stress, charges. (default: all that the trajectory has)"
  )
  var fields: [ExportOptions.Field] = []

  func validate() throws {
    if format == .dcd || output.lowercased().hasSuffix(".dcd"), format != .xyz, let field = fields.first {
      throw ValidationError("DCD holds positions and cell, no \(field.rawValue): write extended XYZ.")
    }
    if let from, let to, from.value > to.value { throw ValidationError("--from is later than --to.") }
    _ = try options()
  }

  private func options() throws -> ExportOptions {
    var options = ExportOptions()
    options.format = format
    (options.from, options.to) = (from?.value, to?.value)
    options.positions = positions
    options.fields = fields.isEmpty ? nil : Set(fields)
    guard let every else { return options }
    if let stride = Int(every) {
      guard stride >= 1 else { throw ValidationError("--every takes a number from 1, or a time.") }
      options.every = .frames(stride)
    } else {
      let time: OptionValue
      do { time = try OptionValue.time(every) } catch let mistake as OptionValue.Mistake {
        throw ValidationError("--every: \(mistake.description).")
      }
      guard time.value > 0 else { throw ValidationError("--every takes a time longer than 0.") }
      options.every = .time(time.value)
    }
    return options
  }

  func run() throws {
    let frames = try exportTrajectory(trajectory, to: output, options(), events: Console.listener())
    let words = "\(frames) \(frames == 1 ? "frame" : "frames") written"
    if output == "-" { Console.note(words) } else { try Console.print("\(words) to \(output)") }
  }
}
