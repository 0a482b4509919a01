import ArgumentParser
import Deck
import IPI
import Simulation

extension ServerAddress: ExpressibleByArgument {
  public init?(argument: String) { try? self.init(argument) }
}

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Forces for another program, as a client of the i-PI protocol.",
    discussion: """
      Connects to i-PI, or to ASE's SocketIOCalculator, and answers each configuration with energy, forces and virial, until \
      the server ends, or after Ctrl-C or SIGTERM. The deck has structure and model and a group `serve`; `bloch deck --serve` \
      lists its keys. The structure gives elements, their order and the periodic axes, which the protocol does not send. Start \
      the command several times for several replicas at once.
      """)

  @Argument(help: "The deck: a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
  var deck: String

  @Option(
    help: ArgumentHelp(
      "The server, instead of the deck's: HOST:PORT, or unix:NAME for the socket /tmp/ipi_NAME.",
      valueName: "address"))
  var ipi: ServerAddress?

  @Option(help: "Threads, instead of the deck's.")
  var threads: Int?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads takes 1 to 1024.") }
  }

  func run() throws {
    Interruption.watch()
    var overrides = DeckOverrides(threads: threads).values
    if let ipi { overrides["serve.ipi"] = .text("\(ipi)") }
    let deck = try Deck(path: deck, overrides: overrides, as: .serve)
    var service = try ForceService(
      deck: deck, events: Console.listener(), forceField: Ranks.forceField)
    try service.run(interruption: { Interruption.name })
  }
}
