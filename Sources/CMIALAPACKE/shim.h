#pragma once
#include <lapacke.h>

// LAPACK for complex matrices in rows, as pairs of doubles: Swift imports no function with a complex type.
#define MIA_COMPLEX(pointer) ((lapack_complex_double *)(pointer))

static inline int mia_zpotrf(char part, int n, double *a) {
  return LAPACKE_zpotrf(LAPACK_ROW_MAJOR, part, n, MIA_COMPLEX(a), n);
}
static inline int mia_zgetrf(int n, double *a, int *pivots) {
  return LAPACKE_zgetrf(LAPACK_ROW_MAJOR, n, n, MIA_COMPLEX(a), n, pivots);
}
static inline int mia_zgetri(int n, double *a, const int *pivots) {
  return LAPACKE_zgetri(LAPACK_ROW_MAJOR, n, MIA_COMPLEX(a), n, pivots);
}
static inline int mia_zgesv(int n, int columns, double *a, int *pivots, double *b) {
  return LAPACKE_zgesv(LAPACK_ROW_MAJOR, n, columns, MIA_COMPLEX(a), n, pivots, MIA_COMPLEX(b), columns);
}
static inline int mia_zgeqrf(int m, int n, double *a, double *tau) {
  return LAPACKE_zgeqrf(LAPACK_ROW_MAJOR, m, n, MIA_COMPLEX(a), n, MIA_COMPLEX(tau));
}
static inline int mia_zungqr(int m, int n, int k, double *a, const double *tau) {
  return LAPACKE_zungqr(LAPACK_ROW_MAJOR, m, n, k, MIA_COMPLEX(a), n, MIA_COMPLEX(tau));
}
static inline int mia_zgesdd(char job, int m, int n, double *a, double *s, double *u, int u_columns, double *vh) {
  return LAPACKE_zgesdd(LAPACK_ROW_MAJOR, job, m, n, MIA_COMPLEX(a), n, s, MIA_COMPLEX(u), u_columns, MIA_COMPLEX(vh), n);
}
static inline int mia_zheevd(char job, int n, double *a, double *values) {
  return LAPACKE_zheevd(LAPACK_ROW_MAJOR, job, 'L', n, MIA_COMPLEX(a), n, values);
}
