// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "TenSteps",
  platforms: [.macOS(.v26)],
  // By path, as here, or by branch: .package(url: "https://...", branch: "main").
  dependencies: [.package(name: "Bloch", path: "../..")],
  targets: [
    .executableTarget(name: "TenSteps", dependencies: [.product(name: "Bloch", package: "Bloch")])
  ]
)
