// The ranks that mpirun has started. Empty without the package trait MPI.

#if MPI
  import CMPI
  import Domains

  public final class MPICommunicator: Communicator {
    public let rank: Int
    public let size: Int
    public var traffic = Traffic()

    /// Starts MPI, which a process does once. Nil where the installed MPI cannot be called from threads.
    public init?() {
      guard bloch_mpi_start() != 0 else { return nil }
      (rank, size) = (Int(bloch_mpi_rank()), Int(bloch_mpi_size()))
    }

    /// Before the process ends, on all ranks.
    public func end() { bloch_mpi_end() }

    public func transfer(
      _ sent: UnsafeRawBufferPointer, to: Int?, _ received: UnsafeMutableRawBufferPointer, from: Int?
    ) {
      var outgoing = MessagePieces(of: to == nil ? 0 : sent.count)
      var incoming = MessagePieces(of: from == nil ? 0 : received.count)
      while true {
        let (out, into) = (outgoing.next(), incoming.next())
        if out == nil && into == nil { return }
        bloch_mpi_exchange(
          out.flatMap { piece in sent.baseAddress.map { $0 + piece.lowerBound } }, Int32(out?.count ?? 0),
          Int32(out == nil ? -1 : to ?? -1),
          into.flatMap { piece in received.baseAddress.map { $0 + piece.lowerBound } },
          Int32(into?.count ?? 0), Int32(into == nil ? -1 : from ?? -1))
      }
    }

    public func spread(_ bytes: UnsafeMutableRawBufferPointer) {
      for piece in MessagePieces(of: bytes.count) {
        bloch_mpi_broadcast(bytes.baseAddress.map { $0 + piece.lowerBound }, Int32(piece.count))
      }
    }
  }
#endif
