// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "TenSteps",
  platforms: [.macOS(.v26)],
  // By path, as here, or by branch: .package(url: "https://...", branch: "main"). Swift refuses versions of packages whose
  // compiler options, here the processor's, are their own.
  dependencies: [.package(name: "Bloch", path: "../..")],
  targets: [
    .executableTarget(name: "TenSteps", dependencies: [.product(name: "Bloch", package: "Bloch")])
  ]
)
