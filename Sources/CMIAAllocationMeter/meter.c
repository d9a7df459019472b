#define _GNU_SOURCE
#include "CMIAAllocationMeter.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static atomic_long live, start, peak;

#if defined(__linux__) && defined(__GLIBC__)
#include <errno.h>
#include <malloc.h>

// glibc's own allocator under its other names; the definitions below take the place of the usual ones.
extern void *__libc_malloc(size_t);
extern void __libc_free(void *);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_memalign(size_t, size_t);

static void *taken(void *memory) {
  if (memory) {
    long now = atomic_fetch_add_explicit(&live, (long)malloc_usable_size(memory), memory_order_relaxed);
    now += (long)malloc_usable_size(memory);
    long highest = atomic_load_explicit(&peak, memory_order_relaxed);
    while (now > highest &&
           !atomic_compare_exchange_weak_explicit(&peak, &highest, now, memory_order_relaxed, memory_order_relaxed)) {
    }
  }
  return memory;
}

static void given_back(void *memory) {
  if (memory) atomic_fetch_sub_explicit(&live, (long)malloc_usable_size(memory), memory_order_relaxed);
}

void *malloc(size_t bytes) { return taken(__libc_malloc(bytes)); }
void *calloc(size_t count, size_t bytes) { return taken(__libc_calloc(count, bytes)); }
void *memalign(size_t alignment, size_t bytes) { return taken(__libc_memalign(alignment, bytes)); }
void *aligned_alloc(size_t alignment, size_t bytes) { return taken(__libc_memalign(alignment, bytes)); }
int posix_memalign(void **result, size_t alignment, size_t bytes) {
  void *memory = taken(__libc_memalign(alignment, bytes));
  if (!memory) return ENOMEM;
  *result = memory;
  return 0;
}
void free(void *memory) {
  given_back(memory);
  __libc_free(memory);
}
void *realloc(void *memory, size_t bytes) {
  long before = memory ? (long)malloc_usable_size(memory) : 0;
  void *result = __libc_realloc(memory, bytes);
  if (result || bytes == 0) atomic_fetch_sub_explicit(&live, before, memory_order_relaxed);
  return result ? taken(result) : NULL;
}
int meter_counts(void) { return 1; }
#else
int meter_counts(void) { return 0; }
#endif

void meter_reset(void) {
  long now = atomic_load(&live);
  atomic_store(&start, now);
  atomic_store(&peak, now);
}

size_t meter_peak(void) {
  long grown = atomic_load(&peak) - atomic_load(&start);
  return grown > 0 ? (size_t)grown : 0;
}

static char text[512];
static unsigned limit;

void meter_set_case(const char *name) {
  strncpy(text, name, sizeof text - 1);
  if (limit) alarm(limit);
}

static void tell(int number) {
  const char *what = number == SIGALRM ? "\nhang: " : "\ncrash: ";
  (void)!write(STDERR_FILENO, what, strlen(what));
  (void)!write(STDERR_FILENO, text, strlen(text));
  (void)!write(STDERR_FILENO, "\n", 1);
  signal(number, SIG_DFL);
  raise(number);
}

void meter_watch(unsigned seconds) {
  limit = seconds;
  static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGALRM};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = tell;
    // SA_NODEFER, so that the signal raised again in the handler ends the process.
    action.sa_flags = SA_NODEFER;
    sigaction(numbers[i], &action, NULL);
  }
}
