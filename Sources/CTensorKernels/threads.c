#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tk_runtime.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#endif

enum { MAX_THREADS = 256, SPIN_NANOSECONDS = 200000, MOVE_NANOSECONDS = 300000 };

// A word that threads wait on until it leaves a value: a short spin, then sleep.
typedef struct {
  _Alignas(64) atomic_uint value;
  atomic_uint sleepers;
#ifndef __linux__
  pthread_mutex_t mutex;
  pthread_cond_t changed;
#endif
} signal_word;

static struct {
  pthread_mutex_t owner;  // held for the length of a region; also guards the fields below
  int requested;          // threads wanted, 0 until first use
  int workers;            // threads running, without the caller
  bool spin;
  pthread_t threads[MAX_THREADS];
  signal_word generation;  // bumped when there is a new job
  signal_word pending;     // workers that have not finished the job
  bool stop;
  tk_range_body body;
  void *context;
  int64_t n, grain;
  bool dynamic;
  int parts;
  void *scope;         // the error scope whose body began the job; NULL outside of all
  const void *operation;  // what began it, for errors
  int precision;          // of its products
  atomic_bool failed;  // a part of the job ended its thread, see tk_leave_scope
  atomic_int absent;   // workers that have not begun the job
  _Alignas(64) atomic_llong next;
} pool = {
    .owner = PTHREAD_MUTEX_INITIALIZER,
#ifndef __linux__
    .generation = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER},
    .pending = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER},
#endif
};

static atomic_int thread_count;  // copy of pool.requested that is read without the lock
static _Thread_local bool in_parallel;
static _Thread_local bool is_worker;    // a thread of the pool
static _Thread_local int matmul_precision;
static _Thread_local bool owns_region;  // the thread that began the job the pool works on

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static inline int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void signal_wake(signal_word *word) {
  if (atomic_load(&word->sleepers) == 0) return;
#ifdef __linux__
  syscall(SYS_futex, &word->value, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
#else
  pthread_mutex_lock(&word->mutex);
  pthread_cond_broadcast(&word->changed);
  pthread_mutex_unlock(&word->mutex);
#endif
}

static void signal_sleep(signal_word *word, unsigned old) {
  atomic_fetch_add(&word->sleepers, 1);
#ifdef __linux__
  syscall(SYS_futex, &word->value, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
#else
  pthread_mutex_lock(&word->mutex);
  while (atomic_load(&word->value) == old) pthread_cond_wait(&word->changed, &word->mutex);
  pthread_mutex_unlock(&word->mutex);
#endif
  atomic_fetch_sub(&word->sleepers, 1);
}

// Returns once the word no longer holds `old`. While `absent` counts threads, they may be waiting for this core.
static void signal_wait(signal_word *word, unsigned old, bool spin, atomic_int *absent) {
  if (spin) {
    int64_t deadline = 0;
    for (int i = 1;; i++) {
      if (atomic_load_explicit(&word->value, memory_order_acquire) != old) return;
      relax();
      if (i % 64 == 0) {
        int64_t t = now();
        if (deadline == 0) deadline = t + SPIN_NANOSECONDS;
        if (t > deadline) break;
        if (absent && atomic_load_explicit(absent, memory_order_relaxed) > 0) sched_yield();
      }
    }
  }
  while (atomic_load(&word->value) == old) signal_sleep(word, old);
}

#ifdef __linux__
// The generation of the last job that a thread of the pool began on each core.
static atomic_uint taken[CPU_SETSIZE];

// Marks the calling thread's core as taken by this job; false when another thread of the pool has it.
static bool take_core(unsigned job) {
  int core = sched_getcpu();
  return core < 0 || core >= CPU_SETSIZE || atomic_exchange_explicit(&taken[core], job, memory_order_relaxed) != job;
}

// Linux often wakes a worker on the core of the thread that woke it and leaves both there for a scheduling tick, taking
// turns. A worker that finds itself so moves to a core that no thread of this job has, at most once in a while, and may
// be moved anywhere afterwards. False when it stays on another thread's core.
static bool keep_apart(unsigned job, int64_t *last_move) {
  if (take_core(job)) return true;
  int64_t time = now();
  cpu_set_t allowed, open;
  if (time - *last_move < MOVE_NANOSECONDS || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return false;
  *last_move = time;
  open = allowed;
  for (int core = 0; core < CPU_SETSIZE; core++) {
    if (atomic_load_explicit(&taken[core], memory_order_relaxed) == job) CPU_CLR(core, &open);
  }
  if (CPU_COUNT(&open) == 0 || sched_setaffinity(0, sizeof open, &open) != 0) return false;
  sched_setaffinity(0, sizeof allowed, &allowed);
  return take_core(job);
}
#else
static bool take_core(unsigned job) { return true; }
static bool keep_apart(unsigned job, int64_t *last_move) { return true; }
#endif

static void run_part(int part) {
  if (pool.dynamic) {
    for (;;) {
      int64_t i = atomic_fetch_add_explicit(&pool.next, 1, memory_order_relaxed);
      if (i >= pool.n) return;
      pool.body(pool.context, i, i + 1);
    }
  }
  if (part >= pool.parts) return;
  int64_t share = pool.n / pool.parts, rest = pool.n % pool.parts;
  int64_t begin = part * share + (part < rest ? part : rest);
  pool.body(pool.context, begin, begin + share + (part < rest ? 1 : 0));
}

static void end_part(void) {
  if (atomic_fetch_sub(&pool.pending.value, 1) == 1) signal_wake(&pool.pending);
}

static void *worker_main(void *argument) {
  int part = (int)(intptr_t)argument;
  unsigned seen = 0;
  int64_t last_move = 0;
  bool apart = true;
  in_parallel = true;
  is_worker = true;
  for (;;) {
    signal_wait(&pool.generation, seen, pool.spin && apart, NULL);
    seen++;
    if (pool.stop) return NULL;
    atomic_fetch_sub_explicit(&pool.absent, 1, memory_order_relaxed);
    if (pool.spin) apart = keep_apart(seen, &last_move);
    tk_enter_scope(pool.scope);
    tk_set_operation(pool.operation);
    tk_set_matmul_precision(pool.precision);
    run_part(part);
    tk_enter_scope(NULL);
    end_part();
  }
}

static void publish_job(void) {
  take_core(atomic_load(&pool.generation.value) + 1);
  atomic_fetch_add(&pool.generation.value, 1);
  signal_wake(&pool.generation);
}

static void stop_workers(void) {
  if (pool.workers == 0) return;
  pool.stop = true;
  publish_job();
  for (int i = 0; i < pool.workers; i++) pthread_join(pool.threads[i], NULL);
  pool.workers = 0;
  pool.stop = false;
}

static void start_workers(void) {
  pool.spin = pool.requested <= tk_available_cores();
  atomic_store(&pool.generation.value, 0);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 8 << 20);
  for (int i = 0; i < pool.requested - 1; i++) {
    if (pthread_create(&pool.threads[i], &attributes, worker_main, (void *)(intptr_t)(i + 1)) != 0) break;
    pool.workers = i + 1;
  }
  pthread_attr_destroy(&attributes);
}

// A forked child has no workers: forget them, so that it starts its own.
static void forget_workers(void) {
  pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
  pool.owner = fresh;
  pool.workers = 0;
  atomic_store(&pool.generation.sleepers, 0);
  atomic_store(&pool.pending.sleepers, 0);
  in_parallel = owns_region = false;
}

static void choose_default(void) {
  pthread_atfork(NULL, NULL, forget_workers);
  const char *text = getenv("TENSOR_NUM_THREADS");
  long wanted = text ? strtol(text, NULL, 10) : 0;
  if (wanted < 1) wanted = tk_available_cores();
  pool.requested = wanted > MAX_THREADS ? MAX_THREADS : (int)wanted;
  atomic_store(&thread_count, pool.requested);
}

int tk_available_cores(void) {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
#endif
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? (int)n : 1;
}

int tk_thread_count(void) {
  int count = atomic_load_explicit(&thread_count, memory_order_relaxed);
  if (count > 0) return count;
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, choose_default);
  return atomic_load(&thread_count);
}

void tk_set_thread_count(int count) {
  if (in_parallel) return;
  if (count < 1) count = 1;
  if (count > MAX_THREADS) count = MAX_THREADS;
  if (tk_thread_count() == count) return;
  pthread_mutex_lock(&pool.owner);
  stop_workers();
  pool.requested = count;
  atomic_store(&thread_count, count);
  pthread_mutex_unlock(&pool.owner);
}

bool tk_in_parallel(void) { return in_parallel; }

int tk_thread_lane(void) {
  static atomic_int next;
  static _Thread_local int lane = -1;
  if (lane < 0) lane = atomic_fetch_add_explicit(&next, 1, memory_order_relaxed);
  return lane;
}

int tk_matmul_precision(void) { return matmul_precision; }
void tk_set_matmul_precision(int precision) { matmul_precision = precision; }

// Waits for the workers and gives the pool back; true when a part of the job failed. The workers then start
// anew, as those that failed are gone.
static bool end_region(void) {
  in_parallel = owns_region = false;
  for (unsigned left; (left = atomic_load_explicit(&pool.pending.value, memory_order_acquire)) != 0;) {
    signal_wait(&pool.pending, left, pool.spin, &pool.absent);
  }
  bool failed = atomic_load_explicit(&pool.failed, memory_order_relaxed);
  if (failed) {
    stop_workers();
    atomic_store_explicit(&pool.failed, false, memory_order_relaxed);
  }
  pthread_mutex_unlock(&pool.owner);
  return failed;
}

// Runs the job on the pool; false when the pool is busy or has no workers.
static bool run_on_pool(int64_t n, int64_t grain, bool dynamic, tk_range_body body, void *context) {
  if (pthread_mutex_trylock(&pool.owner) != 0) return false;
  if (pool.workers == 0 && pool.requested > 1) start_workers();
  if (pool.workers == 0) {
    pthread_mutex_unlock(&pool.owner);
    return false;
  }
  int64_t parts = pool.workers + 1;
  if (!dynamic && parts > (n + grain - 1) / grain) parts = (n + grain - 1) / grain;
  pool.body = body;
  pool.context = context;
  pool.n = n;
  pool.scope = tk_current_scope();
  pool.operation = tk_operation();
  pool.precision = tk_matmul_precision();
  pool.dynamic = dynamic;
  pool.parts = (int)parts;
  atomic_store_explicit(&pool.next, 0, memory_order_relaxed);
  atomic_store_explicit(&pool.pending.value, (unsigned)pool.workers, memory_order_relaxed);
  atomic_store_explicit(&pool.absent, pool.workers, memory_order_relaxed);
  publish_job();
  in_parallel = owns_region = true;
  run_part(0);
  if (end_region()) tk_leave_scope();
  return true;
}

void tk_abandon_region(void) {
  if (!is_worker && !owns_region) return;
  atomic_store_explicit(&pool.failed, true, memory_order_relaxed);
  atomic_store_explicit(&pool.next, pool.n, memory_order_relaxed);  // no further tasks
  if (is_worker) {
    end_part();
  } else {
    end_region();
  }
}

// A region that the calling thread executes alone, because there is one thread or the pool is busy: regions inside it
// are nested all the same, and stay on this thread even when the pool becomes free.
static void run_alone(int64_t n, bool dynamic, tk_range_body body, void *context) {
  bool outer = in_parallel;
  in_parallel = true;
  if (dynamic) {
    for (int64_t i = 0; i < n; i++) body(context, i, i + 1);
  } else {
    body(context, 0, n);
  }
  in_parallel = outer;
}

void tk_parallel_ranges(int64_t n, int64_t grain, tk_range_body body, void *context) {
  if (n <= 0) return;
  if (grain < 1) grain = 1;
  if (n <= grain) {
    body(context, 0, n);
  } else if (in_parallel || tk_thread_count() == 1 || !run_on_pool(n, grain, false, body, context)) {
    run_alone(n, false, body, context);
  }
}

void tk_parallel_tasks(int64_t n, tk_range_body body, void *context) {
  if (n <= 0) return;
  if (n == 1) {
    body(context, 0, 1);
  } else if (in_parallel || tk_thread_count() == 1 || !run_on_pool(n, 1, true, body, context)) {
    run_alone(n, true, body, context);
  }
}
