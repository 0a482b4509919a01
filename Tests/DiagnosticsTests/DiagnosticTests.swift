// The one form in which every room tells a user what is wrong.

import Diagnostics
import Testing

@Test func aMistakeInALineIsQuotedAndUnderlined() {
  let diagnostic = Diagnostic(
    file: "water.yaml", span: SourceSpan(line: 13, column: 11, length: 3), quotedLine: "timestep: 0.5",
    "`timestep` needs a unit", help: "write `timestep: 0.5 fs`")
  #expect(
    diagnostic.description == """
      water.yaml:13:11: error: `timestep` needs a unit
        13 | timestep: 0.5
           |           ^~~
        help: write `timestep: 0.5 fs`
      """)
}

@Test func aMistakeOfAWholeFileOrOfNoFileHasNoLine() {
  #expect(
    Diagnostic(file: "a.h5", "is damaged", help: "copy it").description
      == "a.h5: error: is damaged\n  help: copy it")
  #expect(Diagnostic(severity: .warning, "it is late").description == "warning: it is late")
}

@Test func aLongLineIsShownAroundItsMistake() throws {
  let line = String(repeating: "a", count: 150) + "X" + String(repeating: "b", count: 150)
  let shown = Diagnostic(
    file: "f", span: SourceSpan(line: 1, column: 151, length: 90), quotedLine: line, "no"
  ).description.split(separator: "\n")
  #expect(shown[1].hasPrefix("  1 | ... aaa") && shown[1].hasSuffix("bbb ..."))
  let mark = try #require(Array(shown[2]).firstIndex(of: "^"))
  #expect(Array(shown[1])[mark] == "X")
  #expect(shown[2].hasSuffix("^" + String(repeating: "~", count: 59)))
}

@Test func whatWouldMoveATerminalKeepsItsColumn() {
  let diagnostic = Diagnostic(
    file: "f", span: SourceSpan(line: 1, column: 3), quotedLine: "\t\u{1B}b", "no")
  #expect(diagnostic.description == "f:1:3: error: no\n  1 |  \u{FFFD}b\n    |   ^")
  let tab = Diagnostic(file: "f", span: SourceSpan(line: 1, column: 1), quotedLine: "\ta", "a tab")
  #expect(tab.description == "f:1:1: error: a tab\n  1 | →a\n    | ^")
}

@Test func allMistakesOfAnErrorAreTold() {
  struct Two: DiagnosedError {
    let diagnostics = [Diagnostic(file: "a", "one"), Diagnostic(file: "b", "two")]
  }
  #expect("\(Two())" == "a: error: one\nb: error: two")
}
