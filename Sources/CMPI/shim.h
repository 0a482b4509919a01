// MPI behind functions: its constants are macros and its handles differ from one implementation to the other. Counts of MPI are
// 32 bits wide, so that long messages go in pieces. An error of MPI ends the job (MPI_ERRORS_ARE_FATAL, its default).

#include <mpi.h>
#include <stdint.h>

/// Returns 0 where calls from several threads, one at a time, are not allowed.
static inline int bloch_mpi_start(void) {
  int provided = 0;
  MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
  return provided >= MPI_THREAD_SERIALIZED;
}

static inline void bloch_mpi_end(void) { MPI_Finalize(); }

static inline int bloch_mpi_rank(void) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

static inline int bloch_mpi_size(void) {
  int size = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

static inline int bloch_mpi_piece(int64_t bytes, int64_t done) {
  const int64_t most = (int64_t)1 << 30, rest = bytes - done;
  return (int)(rest < 0 ? 0 : rest < most ? rest : most);
}

/// A negative rank is nobody.
static inline void bloch_mpi_exchange(
    const void *sent, int64_t sent_bytes, int to, void *received, int64_t received_bytes, int from) {
  if (to < 0) sent_bytes = 0;
  if (from < 0) received_bytes = 0;
  for (int64_t done = 0; done < sent_bytes || done < received_bytes; done += (int64_t)1 << 30) {
    const int out = bloch_mpi_piece(sent_bytes, done), in = bloch_mpi_piece(received_bytes, done);
    MPI_Sendrecv(
        (const char *)sent + (out > 0 ? done : 0), out, MPI_BYTE, out > 0 ? to : MPI_PROC_NULL, 0,
        (char *)received + (in > 0 ? done : 0), in, MPI_BYTE, in > 0 ? from : MPI_PROC_NULL, 0,
        MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  }
}

static inline void bloch_mpi_broadcast(void *bytes, int64_t count) {
  for (int64_t done = 0; done < count; done += (int64_t)1 << 30)
    MPI_Bcast((char *)bytes + done, bloch_mpi_piece(count, done), MPI_BYTE, 0, MPI_COMM_WORLD);
}
