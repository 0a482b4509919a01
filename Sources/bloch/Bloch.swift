import ArgumentParser

@main
struct Bloch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bloch", abstract: "Molecular dynamics with long-range machine-learned force fields.")
}
