#include "CTensorKernels.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

// A thread that ends in a failed check releases nothing; the next one that comes takes its lock over.
void *tk_lock_create(void) {
  pthread_mutex_t *lock = malloc(sizeof *lock);
  if (!lock) return NULL;
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
#ifdef __linux__
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
#endif
  pthread_mutex_init(lock, &attributes);
  pthread_mutexattr_destroy(&attributes);
  return lock;
}

void tk_lock_acquire(void *lock) {
  int status = pthread_mutex_lock(lock);
#ifdef __linux__
  if (status == EOWNERDEAD) pthread_mutex_consistent(lock);
#else
  (void)status;
#endif
}

void tk_lock_release(void *lock) { pthread_mutex_unlock(lock); }

void tk_lock_destroy(void *lock) {
  pthread_mutex_destroy(lock);
  free(lock);
}
