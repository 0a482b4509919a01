// swift-tools-version: 6.2
import PackageDescription

/// Kernels are compiled for the processor at hand, or for the one that BLOCH_MARCH names as clang's -march does: x86-64-v3
/// (AVX2), x86-64-v4 (AVX-512), x86-64. The flag reaches the Swift code generator through clang's target features.
let processor = Context.environment["BLOCH_MARCH"] ?? "native"
let targeted: [SwiftSetting] = [
  .unsafeFlags(["-Xcc", "-march=\(processor)"], .when(configuration: .release))
]

/// Kernels hold the arithmetic of a step, without the language's checks: their callers have checked. The tests run in the
/// same mode as users do; BLOCH_CHECKED=1 keeps the checks, for Scripts/check.sh.
let isChecked = Context.environment["BLOCH_CHECKED"] != nil
let kernel: [SwiftSetting] =
  targeted + (isChecked ? [] : [.unsafeFlags(["-Ounchecked"], .when(configuration: .release))])

/// What Scripts/check.sh does not test: the program, pages, and the tests of both.
let unchecked = ["bloch", "TenSteps", "EndToEndTests", "Report", "ReportTests", "DiagnosticsTests"]

let package = Package(
  name: "Bloch",
  platforms: [.macOS(.v26)],
  products: [
    .executable(name: "bloch", targets: ["bloch"]),
    // The engine, for other packages: Examples/TenSteps.
    .library(
      name: "Bloch",
      targets: [
        "Simulation", "Analysis", "Deck", "Diagnostics", "Dynamics", "Statics", "Restraints", "Committee",
        "Training", "Trajectory", "LRMACE", "LRMACEModel", "Lattice",
      ]),
  ],
  traits: [
    .trait(name: "MPI", description: "Several processes evaluate one system together: Documentation/mpi.md.")
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
  ],
  targets: [
    // MARK: - Command line
    .executableTarget(
      name: "bloch",
      dependencies: [
        "Report", "Simulation", "Analysis", "Training", "Deck", "IPI", "Trajectory", "LRMACE", "Lattice",
        "Kernels", "Reciprocal", "HDF5", "Domains",
        .target(name: "MPI", condition: .when(traits: ["MPI"])),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      exclude: ["README.md"]),

    // The example of Examples/TenSteps, which is a package of its own, built here with the tests.
    .executableTarget(
      name: "TenSteps", dependencies: ["Dynamics", "LRMACE", "Trajectory"],
      path: "Examples/TenSteps/Sources/TenSteps"),

    // MARK: - Engine, top to bottom: a target knows only those below it
    .target(
      name: "Report",
      dependencies: ["Simulation", "Analysis", "Deck", "Trajectory", "Page", "Lattice", "Diagnostics"],
      exclude: ["README.md"]),
    .target(
      name: "Simulation",
      dependencies: [
        "Analysis", "Deck", "Diagnostics", "Statics", "Dynamics", "IPI", "Restraints", "Committee",
        "Training",
        "Trajectory", "LRMACE", "LRMACEModel", "HDF5", "Domains", "Reciprocal",
      ],
      exclude: ["README.md"]),
    .target(
      name: "Deck", dependencies: ["IPI", "Diagnostics", "Kernels", "Lattice", "Yams"], exclude: ["README.md"]
    ),
    .target(name: "Statics", dependencies: ["Dynamics", "Kernels", "Lattice"], exclude: ["README.md"]),
    .target(name: "Restraints", dependencies: ["Lattice"], exclude: ["README.md"]),
    .target(name: "IPI", dependencies: ["Diagnostics", "Lattice"], exclude: ["README.md"]),
    .target(name: "Committee", dependencies: ["Lattice"], exclude: ["README.md"]),
    .target(name: "Dynamics", dependencies: ["Lattice"], exclude: ["README.md"]),
    .target(
      name: "Analysis",
      dependencies: ["Trajectory", "Reciprocal", "Kernels", "Lattice", "HDF5", "Diagnostics"],
      exclude: ["README.md"], swiftSettings: targeted),
    .target(
      name: "Training",
      dependencies: [
        "LRMACE", "LRMACEModel", "Kernels", "Trajectory", "Page", "Diagnostics", "Lattice", "HDF5",
      ],
      exclude: ["README.md"]),
    .target(
      name: "Trajectory", dependencies: ["Diagnostics", "Lattice", "HDF5", "CZlib"], exclude: ["README.md"]),
    .target(name: "Page", exclude: ["README.md"]),
    .target(name: "Diagnostics", exclude: ["README.md"]),
    .target(
      name: "LRMACE",
      dependencies: ["LRMACEModel", "Equivariant", "Reciprocal", "Domains", "Kernels", "Lattice"],
      exclude: ["README.md"], swiftSettings: kernel),
    .target(
      name: "LRMACEModel",
      dependencies: ["Diagnostics", "Reciprocal", "Equivariant", "Kernels", "Lattice", "HDF5"],
      exclude: ["README.md"]),
    .target(
      name: "Reciprocal", dependencies: ["Domains", "Kernels", "Lattice", "CFFTW"], exclude: ["README.md"],
      swiftSettings: kernel),
    .target(
      name: "Domains", dependencies: ["Kernels", "Lattice"], exclude: ["README.md"], swiftSettings: kernel),
    .target(name: "Kernels", dependencies: ["CProcessor"], exclude: ["README.md"], swiftSettings: kernel),
    .target(
      name: "MPI", dependencies: ["Domains", .target(name: "CMPI", condition: .when(traits: ["MPI"]))],
      exclude: ["README.md"]),
    .target(name: "Equivariant", exclude: ["README.md"]),
    .target(name: "HDF5", dependencies: ["CHDF5"], exclude: ["README.md"]),
    .target(name: "Lattice", dependencies: ["Kernels"], exclude: ["README.md"], swiftSettings: targeted),

    // MARK: - C headers and system libraries
    .systemLibrary(name: "CProcessor"),
    .systemLibrary(name: "CFFTW", pkgConfig: "fftw3", providers: [.apt(["libfftw3-dev"]), .brew(["fftw"])]),
    .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"]), .brew(["hdf5"])]),
    // Open MPI, or the MPI of this name. Only for the trait MPI.
    .systemLibrary(name: "CMPI", pkgConfig: Context.environment["BLOCH_MPI"] ?? "ompi-c"),
    // Of macOS itself; on Linux HDF5's development files bring it.
    .systemLibrary(name: "CZlib"),

    // MARK: - Tests
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    .target(name: "MorsePair", dependencies: ["Training"], path: "Tests/MorsePair"),
    .target(name: "ScriptedServer", path: "Tests/ScriptedServer"),
    .testTarget(name: "DiagnosticsTests", dependencies: ["Diagnostics"]),
    .target(name: "ThreadRanks", dependencies: ["Domains"], path: "Tests/ThreadRanks"),
    .testTarget(name: "DomainsTests", dependencies: ["Domains", "ThreadRanks"]),
    .testTarget(name: "LatticeTests", dependencies: ["Lattice"]),
    .testTarget(name: "KernelsTests", dependencies: ["Kernels"]),
    .testTarget(name: "EquivariantTests", dependencies: ["Equivariant"]),
    .testTarget(name: "ReciprocalTests", dependencies: ["Reciprocal", "Domains", "ThreadRanks"]),
    .testTarget(
      name: "LRMACETests",
      dependencies: ["LRMACE", "LRMACEModel", "Reciprocal", "Domains", "ThreadRanks", "HDF5"]),
    .testTarget(name: "HDF5Tests", dependencies: ["HDF5"]),
    .testTarget(name: "TrajectoryTests", dependencies: ["Trajectory", "HDF5", "Lattice"]),
    .testTarget(name: "DynamicsTests", dependencies: ["Dynamics"]),
    .testTarget(name: "StaticsTests", dependencies: ["Statics"]),
    .testTarget(name: "RestraintsTests", dependencies: ["Restraints"]),
    .testTarget(name: "IPITests", dependencies: ["IPI", "ScriptedServer", "Lattice"]),
    .testTarget(name: "CommitteeTests", dependencies: ["Committee", "Trajectory", "Lattice"]),
    .testTarget(
      name: "TrainingTests",
      dependencies: [
        "Training", "MorsePair", "Page", "Trajectory", "LRMACE", "LRMACEModel", "HDF5", "Lattice",
      ],
      exclude: ["torch"]),
    .testTarget(name: "AnalysisTests", dependencies: ["Analysis", "Trajectory", "HDF5", "Lattice"]),
    .testTarget(name: "ReportTests", dependencies: ["Report", "Analysis", "Page", "Lattice"]),
    .testTarget(name: "DeckTests", dependencies: ["Deck", "Diagnostics"]),
    .testTarget(
      name: "SimulationTests",
      dependencies: [
        "Simulation", "Domains", "AllocationCounter", "MorsePair", "ScriptedServer", "ThreadRanks",
      ],
      exclude: ["Malformed"]),
    .testTarget(
      name: "EndToEndTests",
      dependencies: ["bloch", "TenSteps", "Trajectory", "LRMACEModel", "HDF5", "Lattice"],
      exclude: ["Help", "Faults", "water-8.xyz"]),
  ]
)

if isChecked {
  package.targets.removeAll { unchecked.contains($0.name) }
  package.products.removeAll { unchecked.contains($0.name) }
}
