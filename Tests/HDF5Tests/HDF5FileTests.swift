import Foundation
import Testing

@testable import HDF5

/// A new folder, removed when the test ends.
final class Scratch {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "bloch-hdf5-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appending(path: name).path }
}

@Test func numbersAndTextSurviveARoundTrip() throws {
  let scratch = try Scratch()
  let name = scratch.path("round.h5")
  let doubles = [0.1, -.infinity, 1e-320, .pi, -0.0, .greatestFiniteMagnitude]
  let file = try HDF5File(creating: name)
  try file.write(doubles, shape: [2, 3], to: "/a/b/doubles")
  try file.write([Float(0.1), 2], to: "/floats")
  try file.write([Int32.min, 7], to: "/int32")
  try file.write([Int64.max], to: "/int64")
  try file.write([UInt8](0...255), shape: [16, 16], to: "/bytes")
  try file.write([Double](), to: "/nothing")
  try file.write(42, to: "/scalar")
  try file.write("Å and π\nnext line", to: "/text")
  try file.setAttribute("unit", "Angstrom ps-1", at: "/floats")
  try file.setAttribute("version", 3)
  try file.setAttribute("boundary", ["periodic", "none", "periodic"])
  try file.setAttribute("r_max", 4.5)
  try file.setAttribute("r_max", 5.0)
  try file.hardLink("/links/alias", to: "/floats")
  try file.close()

  let read = try HDF5File(reading: name)
  let (values, shape) = try read.readDoubles("/a/b/doubles")
  #expect(values.map(\.bitPattern) == doubles.map(\.bitPattern))
  #expect(shape == [2, 3])
  #expect(try read.readDoubles("/floats").values == [Double(Float(0.1)), 2])
  #expect(try read.readIntegers("/int32").values == [Int(Int32.min), 7])
  #expect(try read.readIntegers("/int64").values == [Int.max])
  #expect(try read.readDoubles("/bytes").shape == [16, 16])
  #expect(try read.readDoubles("/nothing").values.isEmpty)
  #expect(try read.readIntegers("/scalar") == ([42], []))
  #expect(try read.readString("/text") == "Å and π\nnext line")
  #expect(try read.stringAttribute("unit", at: "/links/alias") == "Angstrom ps-1")
  #expect(try read.stringsAttribute("boundary") == ["periodic", "none", "periodic"])
  #expect(try read.doubleAttribute("r_max") == 5)
  #expect(try read.integerAttribute("version") == 3)
  #expect(try read.content(of: "/floats") == .floatingPoint && read.content(of: "/bytes") == .integers)
  #expect(try read.content(of: "/text") == .text)
  #expect(try read.children(of: "/a") == ["b"])
  #expect(try read.exists("/a/b/doubles"))
  #expect(try !read.exists("/a/c/doubles"))
  #expect(try !read.hasAttribute("unit", at: "/a"))
}

@Test func mistakesAreTypedErrorsThatNameFileAndPath() throws {
  let scratch = try Scratch()
  let name = scratch.path("typed.h5")
  let file = try HDF5File(creating: name)
  try file.write([1.5, 2.5], to: "/group/values")
  try file.setAttribute("label", "text", at: "/group")

  func message(_ body: () throws -> Void) -> String? {
    do { try body() } catch let error as HDF5Error {
      return error.description.replacingOccurrences(of: name, with: "F")
    } catch { return nil }
    return "no error"
  }
  #expect(message { _ = try file.readDoubles("/group/absent") } == "F: /group/absent: is missing")
  #expect(
    message { _ = try file.readIntegers("/group/values") }
      == "F: /group/values: holds floating-point numbers, not integers")
  #expect(
    message { _ = try file.readString("/group/values") }
      == "F: /group/values: holds floating-point numbers, not text")
  #expect(
    message { _ = try file.doubleAttribute("label", at: "/group") }
      == "F: /group@label: holds text, not numbers")
  #expect(message { _ = try file.doubleAttribute("absent", at: "/group") } == "F: /group@absent: is missing")
  #expect(message { _ = try file.children(of: "/absent") }?.hasPrefix("F: /absent: is missing") == true)
  #expect(message { _ = try HDF5File(creating: name) }?.hasPrefix("F: exists already") == true)
  try file.close()
  #expect(message { _ = try file.readDoubles("/group/values") } == "F: is closed")
}

@Test func filesThatAreNotHDF5AreRefused() throws {
  let scratch = try Scratch()
  let name = scratch.path("bad.h5")
  func reason(_ content: Data) throws -> String {
    try content.write(to: URL(fileURLWithPath: name))
    do {
      _ = try HDF5File(reading: name)
      return "opened"
    } catch let error as HDF5Error { return error.reason }
  }
  #expect(try reason(Data()) == "the file is empty")
  #expect(try reason(Data("timestep: 0.5 fs\n".utf8)) == "is not an HDF5 file")
  #expect(throws: HDF5Error(file: scratch.path("absent"), reason: "no such file or directory")) {
    try HDF5File(reading: scratch.path("absent"))
  }
  #expect(throws: HDF5Error(file: scratch.url.path, reason: "is not a file")) {
    try HDF5File(reading: scratch.url.path)
  }
}

@Test func truncatedFilesAreRefused() throws {
  let scratch = try Scratch()
  let whole = scratch.path("whole.h5")
  let file = try HDF5File(creating: whole)
  try file.write((0..<1000).map(Double.init), to: "/values")
  try file.close()
  let content = try Data(contentsOf: URL(fileURLWithPath: whole))
  for twentieth in 1..<20 {
    let cut = scratch.path("cut\(twentieth).h5")
    try content.prefix(content.count * twentieth / 20).write(to: URL(fileURLWithPath: cut))
    #expect(throws: HDF5Error.self) { try HDF5File(reading: cut).readDoubles("/values") }
  }
}

@Test func rowsGrowShrinkAndAreStoredAsAsked() throws {
  let scratch = try Scratch()
  let name = scratch.path("rows.h5")
  let file = try HDF5File(creating: name)
  let rows = try HDF5Rows(creating: "/value", rowShape: [2, 3], chunkRows: 1, as: .float32, in: file)
  try rows.extend(toCount: 3)
  try rows.write([0.1, 2, 3, 4, 5, 6] + (0..<6).map(Double.init), atRow: 0)
  #expect(throws: HDF5Error(file: name, path: "/value", reason: "row 2 was never written")) {
    try rows.readDoubles(row: 2)
  }
  try rows.write([9.0, 8, 7, 6, 5, 4], atRow: 2)
  try file.close()

  let again = try HDF5File(updating: name)
  let reopened = try HDF5Rows(opening: "/value", in: again)
  #expect(reopened.count == 3)
  #expect(reopened.rowShape == [2, 3])
  #expect(try reopened.readDoubles(row: 0)[0] == Double(Float(0.1)))
  #expect(try reopened.readDoubles(row: 2) == [9, 8, 7, 6, 5, 4])
  try reopened.truncate(toCount: 1)
  try reopened.truncate(toCount: 2)
  try again.close()
  #expect(try HDF5File(reading: name).shape(of: "/value") == [1, 2, 3])
}

/// h5py and others take a shared lock with the first look at a file, and would wait or fail.
@Test func writersAndReadersThatLockDoNotMeet() throws {
  let scratch = try Scratch()
  let name = scratch.path("shared.h5")
  let writer = try HDF5File(creating: name)
  try writer.write([1.0], to: "/a")
  try writer.flush()
  let reader = open(name, O_RDONLY)
  defer { close(reader) }
  #expect(flock(reader, LOCK_SH | LOCK_NB) == 0)
  try writer.write([2.0], to: "/b")
  try writer.close()
  try HDF5File(updating: name).close()
  #expect(try HDF5File(reading: name).readDoubles("/b").values == [2])
}

/// Both ends of file that a writer may leave: short of the data (killed) and beyond it (full disk).
@Test(arguments: [-100, 1000])
func aWrongEndOfFileIsMended(error: Int64) throws {
  let scratch = try Scratch()
  let name = scratch.path("end.h5")
  let file = try HDF5File(creating: name)
  let values = (0..<100).map(Double.init)
  try file.write(values, to: "/a")
  try file.close()
  var content = try Data(contentsOf: URL(fileURLWithPath: name))
  let stated = Int64(content.count) + error
  for byte in 0..<8 { content[40 + byte] = UInt8(truncatingIfNeeded: stated >> (8 * Int64(byte))) }
  try content.write(to: URL(fileURLWithPath: name))
  #expect((try? HDF5File(reading: name).readDoubles("/a").values) != values)
  let mended = try HDF5File(updating: name)
  #expect(try mended.readDoubles("/a").values == values)
  try mended.write([2.0], to: "/b")
  try mended.close()
  #expect(try HDF5File(reading: name).readDoubles("/a").values == values)
}

/// Without the check, the numbers that are missing are read as zeros.
@Test func whatWasNeverWrittenIsNotReadAsZeros() throws {
  let scratch = try Scratch()
  let name = scratch.path("extended.h5")
  let file = try HDF5File(creating: name)
  let rows = try HDF5Rows(creating: "/rows", rowShape: [2], chunkRows: 4, as: .float64, in: file)
  try rows.extend(toCount: 2)
  try rows.write([1.0, 2, 3, 4], atRow: 0)
  try rows.extend(toCount: 9)
  try file.close()
  let read = try HDF5File(reading: name)
  let table = try HDF5Rows(opening: "/rows", in: read)
  #expect(table.count == 9)
  #expect(try table.storedCount() == 4)
  #expect(try table.readDoubles(row: 1) == [3, 4])
  #expect(throws: HDF5Error(file: name, path: "/rows", reason: "row 8 was never written")) {
    try table.readDoubles(row: 8)
  }
  #expect(throws: HDF5Error(file: name, path: "/rows", reason: "row 4 was never written")) {
    try read.readDoubles("/rows")
  }
}

@Test func integersAreReadAsTheyAreAndFloatingPointNumbersAreNot() throws {
  let scratch = try Scratch()
  let file = try HDF5File(creating: scratch.path("types.h5"))
  let steps = try HDF5Rows(creating: "/steps", rowShape: [], chunkRows: 4, as: .int64, in: file)
  try steps.extend(toCount: 3)
  try steps.write([Int.max, Int.min, 1 << 53 + 1], atRow: 0)
  let numbers = try HDF5Rows(creating: "/numbers", rowShape: [], chunkRows: 4, as: .float64, in: file)
  try numbers.extend(toCount: 1)
  try numbers.write([1e300], atRow: 0)
  #expect(try (0..<3).map { try steps.readIntegers(row: $0)[0] } == [Int.max, Int.min, 1 << 53 + 1])
  #expect(steps.holdsIntegers && !numbers.holdsIntegers)
  #expect(throws: HDF5Error.self) { try numbers.readIntegers(row: 0) }
}

@Test func groupsOfMoreMembersThanOursAreRefused() throws {
  let scratch = try Scratch()
  let file = try HDF5File(creating: scratch.path("many.h5"))
  for i in 0...1000 { try file.createGroup("/many/\(i)") }
  #expect(throws: HDF5Error.self) { try file.children(of: "/many") }
  #expect(try file.children(of: "/") == ["many"])
}

#if os(Linux) && compiler(>=6.3)
  private func write(_ text: String, to name: String) throws {
    let file = try HDF5File(creating: name)
    try file.write(text, to: "/model_hash")
    try file.setAttribute("unit", text, at: "/model_hash")
    try file.write((0..<100).map(Double.init), to: "/group/values")
    let rows = try HDF5Rows(creating: "/group/rows", rowShape: [], chunkRows: 50, as: .float64, in: file)
    try rows.extend(toCount: 100)
    try rows.write((0..<100).map(Double.init), atRow: 0)
    try file.close()
  }

  /// The library keeps what it is given until an object or the file is closed: on a full disk it is there that it fails.
  @Test(arguments: 0...9) func whatCouldNotBeWrittenIsAnErrorAtTheCloseAtTheLatest(eighths: Int) async throws
  {
    let scratch = try Scratch()
    let text = String(repeating: "0123456789abcdef", count: 60)
    try write(text, to: scratch.path("whole.h5"))
    let name = scratch.path("a.h5")
    let bytes = try Data(contentsOf: URL(fileURLWithPath: scratch.path("whole.h5"))).count * eighths / 8
    await #expect(processExitsWith: .exitCode(eighths < 8 ? 3 : 0)) {
      [name = name as String, text = text as String, bytes = bytes as Int] in
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: rlim_t(bytes), rlim_max: rlim_t(bytes))
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      do { try write(text, to: name) } catch { exit(3) }
      exit(0)
    }
    guard eighths >= 8 else { return }
    let file = try HDF5File(reading: name)
    #expect(try file.readString("/model_hash") == text)
    #expect(try file.stringAttribute("unit", at: "/model_hash") == text)
    #expect(try file.readDoubles("/group/values").values == (0..<100).map(Double.init))
    #expect(try file.readDoubles("/group/rows").values == (0..<100).map(Double.init))
  }
#endif

@Test func savedFileTakesItsPlaceAsAWholeOrNotAtAll() throws {
  let scratch = try Scratch()
  let name = scratch.path("made.h5")
  for value in [1, 2] {
    // What a killed writer left is no obstacle, and a link under its name is not followed.
    try FileManager.default.createSymbolicLink(
      atPath: name + ".tmp", withDestinationPath: scratch.path("other"))
    let file = try HDF5File(inMemory: "made")
    try file.setAttribute("value", Int32(value))
    try file.save(to: name)
    try file.close()
    #expect(try HDF5File(reading: name).integerAttribute("value") == value)
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.url.path) == ["made.h5"])
  }
  let file = try HDF5File(inMemory: "made")
  for place in [scratch.url.path, scratch.path("missing/made.h5")] {
    let error = try #require(throws: HDF5Error.self) { try file.save(to: place) }
    #expect(error.file == place)
  }
  #expect(!FileManager.default.fileExists(atPath: scratch.url.path + ".tmp"))
}
