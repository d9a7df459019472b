#pragma once
#include <mpi.h>

// Open MPI's handles are macros that cast addresses, of which Swift imports none.
static inline MPI_Comm mia_mpi_world(void) { return MPI_COMM_WORLD; }
static inline int mia_mpi_return_errors(void) { return MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN); }
static inline int mia_mpi_test(MPI_Request *request, int *done) { return MPI_Test(request, done, MPI_STATUS_IGNORE); }
static inline int mia_mpi_gather_lengths(const long long *own, long long *all, MPI_Request *request) {
  return MPI_Iallgather(own, 1, MPI_LONG_LONG, all, 1, MPI_LONG_LONG, MPI_COMM_WORLD, request);
}
static inline int mia_mpi_gather_bytes(const void *own, int count, void *all, const int *counts, const int *starts, MPI_Request *request) {
  return MPI_Iallgatherv(own, count, MPI_BYTE, all, counts, starts, MPI_BYTE, MPI_COMM_WORLD, request);
}
static inline int mia_mpi_gather_floats(float *all, const int *counts, const int *starts, MPI_Request *request) {
  return MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_FLOAT, all, counts, starts, MPI_FLOAT, MPI_COMM_WORLD, request);
}
static inline int mia_mpi_exchange_floats(const float *own, const int *counts, const int *starts, float *received,
                                          const int *received_counts, const int *received_starts, MPI_Request *request) {
  return MPI_Ialltoallv(own, counts, starts, MPI_FLOAT, received, received_counts, received_starts, MPI_FLOAT, MPI_COMM_WORLD, request);
}
