// The ranks that mpirun has started. Empty without the package trait MPI.

#if MPI
  import CMPI
  import Domains

  public final class MPICommunicator: Communicator {
    public let rank: Int
    public let size: Int
    public var traffic = Traffic()
    private var messages: [bloch_mpi_message] = []

    /// Starts MPI, which a process does once. Nil where the installed MPI cannot be called from threads.
    public init?() {
      guard bloch_mpi_start() != 0 else { return nil }
      (rank, size) = (Int(bloch_mpi_rank()), Int(bloch_mpi_size()))
    }

    /// Before the process ends, on all ranks.
    public func end() { bloch_mpi_end() }

    public func post(
      _ sent: UnsafeRawBufferPointer, to: Int?, _ received: UnsafeMutableRawBufferPointer, from: Int?
    ) {
      if let from, let base = received.baseAddress {
        for piece in MessagePieces(of: received.count) {
          messages.append(
            bloch_mpi_receive(base + piece.lowerBound, Int32(piece.count), Int32(from)))
        }
      }
      if let to, let base = sent.baseAddress {
        for piece in MessagePieces(of: sent.count) {
          messages.append(bloch_mpi_send(base + piece.lowerBound, Int32(piece.count), Int32(to)))
        }
      }
    }

    public func complete() {
      for message in messages { bloch_mpi_wait(message) }
      messages.removeAll(keepingCapacity: true)
    }

    public func spread(_ bytes: UnsafeMutableRawBufferPointer) {
      for piece in MessagePieces(of: bytes.count) {
        bloch_mpi_broadcast(bytes.baseAddress.map { $0 + piece.lowerBound }, Int32(piece.count))
      }
    }
  }
#endif
