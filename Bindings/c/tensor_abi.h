// Tensors over a C ABI: libTensorABI.so, which `swift build -c release --product TensorABI` makes.
//
// Every function that can fail returns 0 when it did what it says and 1 when it did not; then it has written nothing but
// `*error`, a sentence that names the operation and what it met (`[matmul] shapes [2, 3] and [4, 5] …`), to be given back with
// `tensor_text_free`. `error` may be NULL. No mistake in a call ends the process: shapes, axes, types, names, handles and NULL
// pointers are checked; only memory that a pointer says is there, and is not, cannot be.
//
// A handle is a number, not an address. It is never used twice, so that releasing it again, or using it afterwards, is an error
// with a sentence. Tensors behind handles are values: no call changes one, but `tensor_assign`, which puts another tensor behind
// the same handle. All functions may be called from any thread.
#ifndef TENSOR_ABI_H
#define TENSOR_ABI_H

#include <stdint.h>

#if defined(__clang__)
#define TENSOR_NULLABLE _Nullable
#else
#define TENSOR_NULLABLE
#endif

#ifdef __cplusplus
extern "C" {
#endif

// The numbers of this header; `tensor_abi_version` returns the library's.
#define TENSOR_ABI_VERSION 1

// What stands behind a handle; 0 is none.
typedef int64_t tensor_handle;

// Types of elements. Complex numbers lie in memory as pairs of a real and an imaginary part.
enum {
  TENSOR_BOOL = 0,
  TENSOR_UINT8 = 1,
  TENSOR_INT32 = 2,
  TENSOR_INT64 = 3,
  TENSOR_FLOAT16 = 4,
  TENSOR_BFLOAT16 = 5,
  TENSOR_FLOAT32 = 6,
  TENSOR_FLOAT64 = 7,
  TENSOR_COMPLEX64 = 8,
  TENSOR_COMPLEX128 = 9,
  TENSOR_INT8 = 10,
  TENSOR_INT16 = 11,
  TENSOR_UINT16 = 12,
  TENSOR_UINT32 = 13,
  TENSOR_UINT64 = 14
};

// TENSOR_ABI_VERSION of the library.
int32_t tensor_abi_version(void);

// Gives back a text that a function of this header made; NULL is allowed.
void tensor_text_free(char *TENSOR_NULLABLE text);

// A tensor with a copy of the elements at `data`: `strides` are in elements and may be negative or 0, `data` is the first
// element; NULL strides mean C order. `data` may be NULL where the shape has no elements.
int32_t tensor_create(int32_t dtype, int32_t rank, const int64_t *TENSOR_NULLABLE shape, const int64_t *TENSOR_NULLABLE strides,
                      const void *TENSOR_NULLABLE data, tensor_handle *TENSOR_NULLABLE result,
                      char *TENSOR_NULLABLE *TENSOR_NULLABLE error);

// Copies the elements, in C order, into `byte_count` bytes at `data`; the count must be the tensor's.
int32_t tensor_read(tensor_handle tensor, void *TENSOR_NULLABLE data, int64_t byte_count,
                    char *TENSOR_NULLABLE *TENSOR_NULLABLE error);

// Type and number of axes.
int32_t tensor_describe(tensor_handle tensor, int32_t *TENSOR_NULLABLE dtype, int32_t *TENSOR_NULLABLE rank,
                        char *TENSOR_NULLABLE *TENSOR_NULLABLE error);

// Extents and distances in elements, `rank` of each; either may be NULL. `rank` must be the tensor's. The strides of complex
// numbers are those of their real parts.
int32_t tensor_layout(tensor_handle tensor, int32_t rank, int64_t *TENSOR_NULLABLE shape, int64_t *TENSOR_NULLABLE strides,
                      char *TENSOR_NULLABLE *TENSOR_NULLABLE error);

// Lets go of a tensor. A handle that is not there, or not there any more, is an error and changes nothing.
int32_t tensor_release(tensor_handle tensor, char *TENSOR_NULLABLE *TENSOR_NULLABLE error);

// How many tensors are held.
int64_t tensor_count(void);

// The names that `tensor_call` knows, in order, one on a line.
char *TENSOR_NULLABLE tensor_operations(void);

// Calls an operation by its name.
//
// `attributes` is text, `key=value;key=value`, or NULL; a value is a number (`0.5`, `inf`, `0x1.8p3`), a word, or a list with
// commas (`axes=0,-1`); a flag is 1 or 0. `*result_count` says on return how many handles are in `results`, which has room for
// `result_capacity`; where that is too little the call fails. No operation has more than 3 results.
int32_t tensor_call(const char *TENSOR_NULLABLE name, const tensor_handle *TENSOR_NULLABLE operands, int32_t operand_count,
                    const char *TENSOR_NULLABLE attributes, tensor_handle *TENSOR_NULLABLE results, int32_t result_capacity,
                    int32_t *TENSOR_NULLABLE result_count, char *TENSOR_NULLABLE *TENSOR_NULLABLE error);

// Puts behind `tensor` the same elements with others at some positions, which is what `x[positions] = value` says.
//
// `positions` is text, one word for each: `i3` an index, `s0,5,2` a slice (an empty bound is the end), `e` the axes that are not
// mentioned, `n` a new axis, `t` the next of the `lists`: integers along an axis, or a bool mask. `value` is broadcast and
// converted. The operation `index` of `tensor_call` reads the same text, as the attribute `at`, with spaces between words.
int32_t tensor_assign(tensor_handle tensor, const char *TENSOR_NULLABLE positions, const tensor_handle *TENSOR_NULLABLE lists,
                      int32_t list_count, tensor_handle value, char *TENSOR_NULLABLE *TENSOR_NULLABLE error);

#ifndef DLPACK_DLPACK_H_
// What dlpack.h of DLPack 1.0 declares, where that is not included before this header.
typedef struct {
  int32_t device_type;
  int32_t device_id;
} DLDevice;

typedef struct {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
} DLDataType;

typedef struct {
  void *TENSOR_NULLABLE data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t *TENSOR_NULLABLE shape;
  int64_t *TENSOR_NULLABLE strides;
  uint64_t byte_offset;
} DLTensor;

typedef struct DLManagedTensor {
  DLTensor dl_tensor;
  void *TENSOR_NULLABLE manager_ctx;
  void (*TENSOR_NULLABLE deleter)(struct DLManagedTensor *TENSOR_NULLABLE self);
} DLManagedTensor;

typedef struct {
  uint32_t major;
  uint32_t minor;
} DLPackVersion;

typedef struct DLManagedTensorVersioned {
  DLPackVersion version;
  void *TENSOR_NULLABLE manager_ctx;
  void (*TENSOR_NULLABLE deleter)(struct DLManagedTensorVersioned *TENSOR_NULLABLE self);
  uint64_t flags;
  DLTensor dl_tensor;
} DLManagedTensorVersioned;
#endif

// What `copy` says in the functions below: copy only where there is no other way, always, or never (which then fails).
enum { TENSOR_COPY_IF_NEEDED = 0, TENSOR_COPY_ALWAYS = 1, TENSOR_COPY_NEVER = 2 };

// The tensor's own memory as DLPack, with its strides, flipped and expanded axes included; nothing is copied but complex numbers,
// whose parts lie apart. `*managed` is a DLManagedTensor, or a DLManagedTensorVersioned where `versioned` is not 0, which carries
// the flag that it is read only: the memory is shared with tensors, which are values. Whoever gets it calls its deleter once; the
// memory is held until then, also when the handle is released before.
int32_t tensor_to_dlpack(tensor_handle tensor, int32_t versioned, int32_t copy, void *TENSOR_NULLABLE *TENSOR_NULLABLE managed,
                         char *TENSOR_NULLABLE *TENSOR_NULLABLE error);

// A tensor over DLPack memory of the CPU, which is not copied unless asked for or not aligned to its elements; it is never
// written to. On success the library owns `managed` and calls its deleter once, when the last tensor over the memory is gone, or
// before it returns where it copied; on any thread. On failure the caller still owns it.
int32_t tensor_from_dlpack(void *TENSOR_NULLABLE managed, int32_t versioned, int32_t copy, tensor_handle *TENSOR_NULLABLE result,
                           char *TENSOR_NULLABLE *TENSOR_NULLABLE error);

// Calls the deleter of DLPack memory, of whoever made it; NULL is allowed. For languages that cannot call a C pointer.
void tensor_dlpack_free(void *TENSOR_NULLABLE managed, int32_t versioned);

#ifdef __cplusplus
}
#endif

#endif
