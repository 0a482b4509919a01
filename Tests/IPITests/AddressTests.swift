// Addresses as users write them.

import Testing

@testable import IPI

@Test func addressesAreReadAndWrittenBack() throws {
  let cases: [(String, ServerAddress)] = [
    ("localhost:31415", .internet(host: "localhost", port: 31415)),
    ("node-07.cluster:1", .internet(host: "node-07.cluster", port: 1)),
    ("192.168.0.7:65535", .internet(host: "192.168.0.7", port: 65535)),
    ("[::1]:31415", .internet(host: "::1", port: 31415)),
    ("[fe80::1%eth0]:80", .internet(host: "fe80::1%eth0", port: 80)),
    ("unix:water", .unix(name: "water")), ("unix:/scratch/a b", .unix(name: "/scratch/a b")),
  ]
  for (text, address) in cases {
    #expect(try ServerAddress(text) == address)
    #expect("\(address)" == text)
  }
  #expect(try ServerAddress("unix:water").path == "/tmp/ipi_water")
  #expect(try ServerAddress("unix:/scratch/water").path == "/scratch/water")
}

@Test(arguments: [
  "", "localhost", "localhost:", ":31415", "localhost:0", "localhost:65536", "localhost:port", "::1:31415",
  "http://localhost:1", "unix:", "unix:folder/water", "unix:" + String(repeating: "w", count: 100), "a b:1",
])
func whatIsNoAddressIsRefused(_ text: String) {
  #expect(throws: ServerAddress.Mistake.self) { try ServerAddress(text) }
}

@Test func headersHaveTwelveBytes() {
  for header in [Header.status, .needInit, .positions, .forceReady, .exit] {
    #expect(header.bytes.count == 12 && Header(header.bytes) == header)
  }
  #expect(Header(Array("status\0\0\0\0\0\0".utf8)) == .status)
  #expect(Header(Array("STATUS OF IT".utf8)) == .status)
  #expect(Header(Array("GET / HTTP/1".utf8)) == nil)
}
