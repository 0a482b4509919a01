// MPI behind functions: its constants are macros and its handles differ from one implementation to the other. Its counts are
// 32 bits wide: MPICommunicator sends long messages in pieces. An error of MPI ends the job (MPI_ERRORS_ARE_FATAL, its default).

#include <mpi.h>
#include <stddef.h>

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

/// A message on its way.
typedef struct {
  MPI_Request request;
} bloch_mpi_message;

static inline bloch_mpi_message bloch_mpi_send(const void *bytes, int count, int to) {
  bloch_mpi_message message;
  MPI_Isend(bytes, count, MPI_BYTE, to, 0, MPI_COMM_WORLD, &message.request);
  return message;
}

static inline bloch_mpi_message bloch_mpi_receive(void *bytes, int count, int from) {
  bloch_mpi_message message;
  MPI_Irecv(bytes, count, MPI_BYTE, from, 0, MPI_COMM_WORLD, &message.request);
  return message;
}

static inline void bloch_mpi_wait(bloch_mpi_message message) {
  MPI_Wait(&message.request, MPI_STATUS_IGNORE);
}

static inline void bloch_mpi_broadcast(void *bytes, int count) {
  MPI_Bcast(bytes, count, MPI_BYTE, 0, MPI_COMM_WORLD);
}
