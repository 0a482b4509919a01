// What one thread writes while it forms the messages of a block, centre by centre, and goes back through them.

import Kernels

final class MessageScratch<T: KernelScalar> {
  /// M of a block of atoms, or its gradient.
  let messages: Workspace<T>
  /// Where the edges lie in the radial table.
  let locations: Workspace<T.Lanes>
  /// Radial functions, [edge][function], and room for their slopes behind them.
  let radial: Workspace<T>
  /// Slopes of the radial functions of one edge.
  let slope: Workspace<T>
  /// Coupled harmonics t, [edge][padded entry], then dE/dt in their place; dE/dt of one edge with channels in lanes.
  let tensor: Workspace<T>
  let tensorGradient: Workspace<T.Lanes>
  /// dE/dr of every edge and dE/dY of one, still to be summed over lanes.
  let lengthTerms: Workspace<T.Lanes>
  let harmonicTerms: Workspace<T.Lanes>
  /// dE/dD of one element, [function][harmonic], and its products with functions and slopes, [edge][harmonic].
  let gradient: Workspace<T>
  let products: Workspace<T>

  var bytes: Double {
    let numbers = radial.bytes + slope.bytes + tensor.bytes + gradient.bytes + products.bytes
    return messages.bytes + numbers + locations.bytes + tensorGradient.bytes + lengthTerms.bytes
      + harmonicTerms.bytes
  }

  /// - Parameters:
  ///   - edges: most of a centre.
  ///   - atoms: most of a block.
  ///   - harmonics: their number, padded to whole lanes.
  init(_ room: MessageRoom, edges: Int, atoms: Int, harmonics: Int) {
    let functions = room.functions
    messages = Workspace(capacity: atoms * room.messageCount)
    locations = Workspace(capacity: RadialTable<T>.locationCount(edges))
    radial = Workspace(capacity: 2 * edges * functions)
    slope = Workspace(capacity: functions)
    let entries = T.wholeLanes(room.tensorCount)
    tensor = Workspace(capacity: edges * entries)
    tensorGradient = Workspace(repeating: T.Lanes(repeating: 0), count: entries)
    lengthTerms = Workspace(capacity: T.wholeLanes(edges))
    harmonicTerms = Workspace(repeating: T.Lanes(repeating: 0), count: harmonics)
    gradient = Workspace(repeating: 0, count: functions * harmonics)
    products = Workspace(capacity: 2 * edges * harmonics)
  }

  /// Adds the sums of `lengthTerms` to dE/dr of the edges.
  @inline(__always)
  func addLengthTerms(count: Int, to gradient: UnsafeMutablePointer<T>) {
    for e in stride(from: 0, to: count, by: T.Lanes.scalarCount) {
      gradient.setLanes(e, gradient.lanes(e) + T.sums(lengthTerms.pointer + e))
    }
  }
}
