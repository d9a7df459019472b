#include <pthread.h>
#include <stddef.h>

#include "CTensorKernels.h"

static _Thread_local void *current;
static _Thread_local const void *operation;

typedef struct {
  void (*body)(void *);
  void *scope;
  int gradient_mode;
  int precision;
  void *batch_run;
} scope_call;

static void *run(void *raw) {
  const scope_call *call = raw;
  current = call->scope;
  tk_set_gradient_mode(call->gradient_mode);
  tk_set_matmul_precision(call->precision);
  tk_set_batch_run(call->batch_run);
  call->body(call->scope);
  return NULL;
}

int tk_run_in_scope(void (*body)(void *), void *scope) {
  scope_call call = {body, scope, tk_gradient_mode(), tk_matmul_precision(), tk_batch_run()};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, (size_t)8 << 20);
  pthread_t thread;
  int status = pthread_create(&thread, &attributes, run, &call);
  pthread_attr_destroy(&attributes);
  return status ? status : pthread_join(thread, NULL);
}

void *tk_current_scope(void) { return current; }

void tk_enter_scope(void *scope) { current = scope; }

const void *tk_operation(void) { return operation; }

void tk_set_operation(const void *name) { operation = name; }

void tk_leave_scope(void) {
  tk_abandon_region();
  pthread_exit(NULL);
}
