// A column of the atoms' lines that means nothing to Bloch, and how a trajectory keeps it: a line that names the columns as
// `Properties` of extended XYZ does, and one of words for each atom.

/// A column, kept as the file has it.
public struct AtomColumn: Sendable, Hashable {
  public var name: String
  /// R real, I integer, S text, L logical.
  public var type: Character
  /// Words for each atom.
  public var width: Int
  /// The words of every atom, a blank between two.
  public var texts: [String]

  public init(name: String, type: Character, width: Int, texts: [String]) {
    (self.name, self.type, self.width, self.texts) = (name, type, width, texts)
  }

  /// How far the members of a committee are apart in the force on every atom, eV/Angstrom.
  public static func forceSpreads(_ spreads: [Double]) -> AtomColumn {
    AtomColumn(name: "force_spread", type: "R", width: 1, texts: spreads.map { "\($0)" })
  }

  /// `tags:I:1`
  var description: String { "\(name):\(type):\(width)" }

  static func text(of columns: [AtomColumn]) -> String {
    let atoms = columns.first?.texts.count ?? 0
    let lines = (0..<atoms).map { atom in columns.map { $0.texts[atom] }.joined(separator: " ") }
    return ([columns.map(\.description).joined(separator: ":")] + lines).joined(separator: "\n")
  }

  /// Nil for what `text` does not make.
  static func columns(of text: String, atoms: Int) -> [AtomColumn]? {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let fields = (lines.first ?? "").split(separator: ":", omittingEmptySubsequences: false)
    guard lines.count == atoms + 1, !fields.isEmpty, fields.count.isMultiple(of: 3) else { return nil }
    var columns: [AtomColumn] = []
    for i in stride(from: 0, to: fields.count, by: 3) {
      guard !fields[i].isEmpty, let type = fields[i + 1].first, fields[i + 1].count == 1,
        "RISL".contains(type),
        let width = Int(fields[i + 2]), (1...1000).contains(width)
      else { return nil }
      columns.append(AtomColumn(name: String(fields[i]), type: type, width: width, texts: []))
    }
    let total = columns.reduce(0) { $0 + $1.width }
    for line in lines.dropFirst() {
      let words = line.split(separator: " ")
      guard words.count == total else { return nil }
      var start = 0
      for n in columns.indices {
        columns[n].texts.append(words[start..<start + columns[n].width].joined(separator: " "))
        start += columns[n].width
      }
    }
    return columns
  }
}
