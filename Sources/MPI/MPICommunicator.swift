// The ranks that mpirun has started. Empty without the package trait MPI.

#if MPI
  import CMPI
  import Domains

  public final class MPICommunicator: Communicator {
    public let rank: Int
    public let size: Int

    /// Starts MPI, which a process does once. Nil where the installed MPI cannot be called from threads.
    public init?() {
      guard bloch_mpi_start() != 0 else { return nil }
      (rank, size) = (Int(bloch_mpi_rank()), Int(bloch_mpi_size()))
    }

    /// Before the process ends, on all ranks.
    public func end() { bloch_mpi_end() }

    public func exchange(
      _ sent: UnsafeRawBufferPointer, to: Int?, _ received: UnsafeMutableRawBufferPointer, from: Int?
    ) {
      bloch_mpi_exchange(
        sent.baseAddress, Int64(sent.count), Int32(to ?? -1), received.baseAddress, Int64(received.count),
        Int32(from ?? -1))
    }

    public func broadcast(_ bytes: UnsafeMutableRawBufferPointer) {
      bloch_mpi_broadcast(bytes.baseAddress, Int64(bytes.count))
    }
  }
#endif
