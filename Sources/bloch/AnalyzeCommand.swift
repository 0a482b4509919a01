import Analysis
import ArgumentParser
import Deck
import Foundation
import Kernels
import Lattice
import Trajectory

extension Quantity: ExpressibleByArgument {}
extension Axis: ExpressibleByArgument {}

struct AnalyzeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "analyze", abstract: "Structure, dynamics and response from a trajectory, with errors.",
    discussion: """
      Quantities: means, rdf (with coordination numbers), msd (self-diffusion), vacf (and density of states), profile (of the \
      density), hbonds, dipole (and dielectric constant), chi (longitudinal susceptibility), sk (structure factors), cell (and \
      elastic response), viscosity. Without any, all that the trajectory allows.

      Values carry their unit, in quotes where there is a blank: --skip "2 ps".
      """)

  @Argument(
    help: "H5MD trajectory of a run, also of one in progress, or of another program; or extended XYZ.",
    completion: .file(extensions: ["h5", "xyz"]))
  var trajectory: String

  @Argument(help: "What to compute.")
  var quantities: [Quantity] = []

  @Option(help: "Time to leave out at the beginning. (default: none)", transform: OptionValue.time)
  var skip: OptionValue?

  @Option(
    help: "Time after the first frame at which to end. (default: the last frame)", transform: OptionValue.time
  )
  var until: OptionValue?

  @Option(help: "Take every n-th frame of the rest.")
  var every = 1

  @Option(help: "Time between frames, of a file that does not say.", transform: OptionValue.time)
  var interval: OptionValue?

  @Option(
    parsing: .upToNextOption,
    help: """
      Elements of an H5MD file that does not say: of its numbers (--species 1=O 2=H), in the order of its atoms, repeated to \
      the end (--species O H H), or those of a structure file.
      """)
  var species: [String] = []

  @Option(
    parsing: .upToNextOption,
    help: "Units of length and time of an H5MD file that does not say, such as --units A ps.")
  var units: [String] = []

  @Option(
    parsing: .upToNextOption,
    help: "Charges in e by element, such as --charges O=-0.8476 H=0.4238. (default: the trajectory's)")
  var charges: [String] = []

  @Option(parsing: .upToNextOption, help: "Pairs for rdf, such as --pairs O-O O-H. (default: all)")
  var pairs: [String] = []

  @Option(help: "Reach of rdf. (default: half the cell, 12 A at most)", transform: OptionValue.length)
  var rMax: OptionValue?

  @Option(help: "Shells of rdf. (default: 0.05 A)", transform: OptionValue.length)
  var shell: OptionValue?

  @Option(help: "Lattice vector of profile: a, b or c.")
  var axis = Axis.c

  @Option(help: "Slices of profile. (default: 0.2 A)", transform: OptionValue.length)
  var slice: OptionValue?

  @Option(
    help: "Distance of donor and acceptor in hbonds. (default: 3.5 A)", transform: OptionValue.length)
  var hbondDistance: OptionValue?

  @Option(
    help: "Angle H-donor-acceptor in hbonds. (default: 30 deg)", transform: OptionValue.angle)
  var hbondAngle: OptionValue?

  @Option(parsing: .upToNextOption, help: "Elements that give hydrogen bonds. (default: N O F)")
  var donors: [String] = []

  @Option(parsing: .upToNextOption, help: "Elements that take hydrogen bonds. (default: N O F)")
  var acceptors: [String] = []

  @Option(
    help: "Largest wavevector. (default: of sk 6 1/A, of chi 3 1/A, less in large cells)",
    transform: OptionValue.wavevector)
  var kMax: OptionValue?

  @Option(
    parsing: .upToNextOption,
    help: "Two times between which msd is a line. (default: a twentieth and a tenth of the whole)",
    transform: OptionValue.time)
  var fit: [OptionValue] = []

  @Option(
    help: """
      Longest time of vacf and viscosity. (default: of vacf a quarter of the whole, 2 ps at most; of viscosity a tenth, \
      5 ps at most)
      """, transform: OptionValue.time)
  var maxLag: OptionValue?

  @Option(
    help: "Shear viscosity, for D of infinite size after Yeh and Hummer.", transform: OptionValue.viscosity)
  var viscosity: OptionValue?

  @Option(
    help: "Temperature of dipole, chi, cell and viscosity. (default: the trajectory's mean)",
    transform: OptionValue.temperature)
  var temperature: OptionValue?

  @Option(help: "Threads; any number gives the same bits. (default: all processors that the job may use)")
  var threads: Int?

  @Option(
    help: "Folder for curves and numbers as TSV and JSON. (default: none are written)", completion: .directory
  )
  var outputDir: String?

  @Flag(help: "Replace the files of an earlier analysis.")
  var overwrite = false

  @Flag(help: "Print all numbers and curves as one JSON object.")
  var json = false

  func validate() throws {
    if every < 1 { throw ValidationError("--every takes a number from 1.") }
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads takes 1 to 1024.") }
    if !fit.isEmpty, fit.count != 2 || fit[0].value >= fit[1].value {
      throw ValidationError("--fit takes two times, such as --fit 1ps 5ps.")
    }
    if let interval, interval.value == 0 { throw ValidationError("--interval takes a time longer than 0.") }
    _ = try settings()
    if !namesStructure { _ = try hints() }
  }

  private func settings() throws -> AnalysisSettings {
    var settings = AnalysisSettings()
    settings.quantities = quantities.isEmpty ? nil : quantities
    if !charges.isEmpty { settings.charges = .elements(try Self.charges(charges)) }
    if !pairs.isEmpty { settings.pairs = try pairs.map(Self.pair) }
    settings.reach = rMax?.value
    settings.shell = shell?.value ?? settings.shell
    settings.slice = slice?.value ?? settings.slice
    settings.axis = axis
    if let hbondDistance { settings.hydrogenBonds.distance = hbondDistance.value }
    if let hbondAngle { settings.hydrogenBonds.angle = hbondAngle.value }
    if !donors.isEmpty { settings.hydrogenBonds.donors = Set(try donors.map(Self.element)) }
    if !acceptors.isEmpty { settings.hydrogenBonds.acceptors = Set(try acceptors.map(Self.element)) }
    settings.largestWavevector = kMax?.value
    if fit.count == 2 { settings.fit = fit[0].value...fit[1].value }
    settings.longestLag = maxLag?.value
    settings.viscosity = viscosity?.value
    settings.temperature = temperature?.value
    settings.threads = threads ?? Processors.count
    return settings
  }

  /// Of `O=-0.8476`, by atomic number.
  private static func charges(_ words: [String]) throws -> [Int: Double] {
    var charges: [Int: Double] = [:]
    for word in words {
      let parts = word.split(separator: "=")
      guard parts.count == 2, let number = Elements.atomicNumber(String(parts[0])),
        let charge = Double(parts[1]),
        abs(charge) < 100, charges[number] == nil
      else {
        throw ValidationError(
          "--charges takes one charge for each element, such as O=-0.8476; not `\(word)`.")
      }
      charges[number] = charge
    }
    return charges
  }

  private static func element(_ word: String) throws -> Int {
    guard let number = Elements.atomicNumber(word) else {
      throw ValidationError("`\(word)` is no element; symbols are H, He, Li, ...")
    }
    return number
  }

  // MARK: - H5MD of other programs

  /// Whether the elements are those of a structure file.
  private var namesStructure: Bool {
    species.count == 1 && !species[0].contains("=") && Elements.atomicNumber(species[0]) == nil
  }

  private func hints() throws -> H5MDHints {
    var hints = H5MDHints()
    if !units.isEmpty {
      let (length, time) = try lengthAndTime()
      (hints.length, hints.time) = (length, time)
    }
    guard let first = species.first else { return hints }
    if first.contains("=") {
      hints.species = .ofNumbers(try Self.speciesByNumber(species))
    } else if namesStructure, let structure = try ExtendedXYZReader(first).next() {
      hints.species = .inOrder(structure.system.atomicNumbers)
    } else {
      hints.species = .inOrder(try species.map(Self.element))
    }
    return hints
  }

  /// In Angstrom and fs.
  private func lengthAndTime() throws -> (Double, Double) {
    guard units.count == 2, let length = try? OptionValue.length("1 \(units[0])"),
      let time = try? OptionValue.time("1 \(units[1])")
    else { throw ValidationError("--units takes a unit of length and one of time, such as --units A ps.") }
    return (length.value, time.value)
  }

  /// Of `1=O`.
  private static func speciesByNumber(_ words: [String]) throws -> [Int: Int] {
    var elements: [Int: Int] = [:]
    for word in words {
      let parts = word.split(separator: "=")
      guard parts.count == 2, let number = Int(parts[0]), elements[number] == nil else {
        throw ValidationError("--species takes one element for each number, such as 1=O 2=H; not `\(word)`.")
      }
      elements[number] = try element(String(parts[1]))
    }
    return elements
  }

  // MARK: - Words

  /// Of `O-H`, in atomic numbers.
  private static func pair(_ word: String) throws -> (Int, Int) {
    let numbers = word.split(separator: "-").map { Elements.atomicNumber(String($0)) }
    guard numbers.count == 2, let a = numbers[0], let b = numbers[1] else {
      throw ValidationError("--pairs takes pairs of elements, such as O-H; not `\(word)`.")
    }
    return (a, b)
  }

  func run() throws {
    let source = try FrameSource(
      trajectory,
      selection: FrameSelection(
        skip: skip?.value ?? 0, until: until?.value, every: every, interval: interval?.value), hints: hints())
    for warning in source.warnings { Console.note("\(warning)") }
    let analysis = try TrajectoryAnalysis(of: source, settings())
    let written = try outputDir.map { try analysis.write(to: $0, overwrite: overwrite) } ?? []
    try Console.print(json ? analysis.json : analysis.text)
    if !json {
      let closing =
        written.isEmpty
        ? "--output-dir FOLDER writes curves and numbers as TSV and JSON."
        : (["Written:"] + written.map { "  " + $0 }).joined(separator: "\n")
      try Console.print("\n" + closing)
    }
  }
}
