// The whole C surface over LibTorch. Operators are called by schema name through the ATen
// dispatcher, so that a new operator is one Swift function and no C++.
//
// Every function that can fail returns 0 on success and -1 on failure; the message is then
// `ct_last_error()` of the same thread. No C++ exception leaves this library.
#ifndef CTORCH_H
#define CTORCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

#ifdef __cplusplus
extern "C" {
#endif

/// One owned reference to a tensor. Null never stands for a valid tensor.
typedef struct CTTensor CTTensor;
/// One owned random generator.
typedef struct CTGenerator CTGenerator;
/// An operator of the dispatcher; lives as long as the process, 0 is none.
typedef uintptr_t CTOperator;

/// What a `CTValue` holds.
enum {
    CT_NONE = 0,
    CT_TENSOR = 1,            // integer: index into the tensor pool
    CT_INTEGER = 2,           // integer
    CT_REAL = 3,              // real
    CT_BOOLEAN = 4,           // integer
    CT_INTEGERS = 5,          // integer: offset into the integer pool, count
    CT_TENSORS = 6,           // integer: offset into the tensor pool, count
    CT_OPTIONAL_TENSORS = 7,  // the same; null handles are None
    CT_STRING = 8,            // pointer
    CT_DEVICE = 9,            // integer: type << 8 | index
    CT_GENERATOR = 10,        // pointer
    CT_NO_SCALARS = 12,       // an empty Scalar?[]
};

/// One argument of an operator call.
typedef struct {
    int32_t kind;
    int32_t count;
    int64_t integer;
    double real;
    const void *_Nullable pointer;
} CTValue;

/// The message of the last failure on this thread.
const char *ct_last_error(void);

// Error scopes, one stack a thread. Inside a scope the first failure is kept.

void ct_scope_enter(void);
/// Ends the innermost scope; true if something failed in it, and the message is `ct_last_error()`.
bool ct_scope_leave(void);
/// Records a failure in the innermost scope; false if there is no scope.
bool ct_scope_fail(const char *message);
/// Whether the innermost scope has recorded a failure.
bool ct_scope_failed(void);

// Operators

/// Finds an operator, such as ("aten::add", "Tensor").
int ct_operator(const char *name, const char *overload, CTOperator *result);
/// Calls an operator with `count` arguments; the schema's defaults fill the rest.
/// All tensors that it returns, lists flattened, are owned by the caller, who takes the first
/// from `first` and the others through `ct_take_result`.
int ct_call(
    CTOperator op, const CTValue *values, int32_t count, const int64_t *_Nullable integers,
    CTTensor *_Nullable const *_Nullable tensors, CTTensor *_Nullable *_Nonnull first,
    int32_t *results);
/// Takes result `index` (1 and above) of the last call on this thread.
CTTensor *_Nullable ct_take_result(int32_t index);

// Tensors

void ct_release(CTTensor *tensor);
int32_t ct_rank(const CTTensor *tensor);
int64_t ct_size(const CTTensor *tensor, int32_t dimension);
int64_t ct_count(const CTTensor *tensor);
/// The c10::ScalarType as a number.
int32_t ct_dtype(const CTTensor *tensor);
/// type << 8 | index, type as c10::DeviceType.
int32_t ct_device(const CTTensor *tensor);
/// How often the values were changed in place.
uint32_t ct_changes(const CTTensor *tensor);
bool ct_is_contiguous(const CTTensor *tensor);
/// A new tensor on the CPU whose values are yet to be written to `ct_data`.
int ct_new_host(
    int32_t dtype, const int64_t *sizes, int32_t rank, CTTensor *_Nullable *_Nonnull result);
/// Copies the values, in row-major order, into `data` of `bytes` bytes.
int ct_to_host(const CTTensor *tensor, void *data, size_t bytes);
/// The memory of a contiguous CPU tensor.
void *_Nullable ct_data(const CTTensor *tensor);
/// The same values without their history; shares the memory.
int ct_detach(const CTTensor *tensor, CTTensor *_Nullable *_Nonnull result);

// Autograd

bool ct_requires_grad(const CTTensor *tensor);
int ct_set_requires_grad(CTTensor *tensor, bool value);
/// The accumulated gradient, or null.
CTTensor *_Nullable ct_grad(const CTTensor *tensor);
int ct_set_grad(CTTensor *tensor, CTTensor *_Nullable gradient);
int ct_backward(const CTTensor *tensor, const CTTensor *_Nullable gradient, bool retain_graph);
/// d(sum of output · gradient)/d(inputs); `results` has `count` slots, null where unused.
int ct_gradients(
    const CTTensor *output, const CTTensor *_Nullable gradient,
    CTTensor *_Nonnull const *_Nonnull inputs, int32_t count, CTTensor *_Nullable *_Nonnull results);
bool ct_grad_enabled(void);
void ct_set_grad_enabled(bool value);

// Random numbers

int ct_generator_new(int32_t device, uint64_t seed, CTGenerator *_Nullable *_Nonnull result);
/// The generator that dropout and the other random operators use by default.
int ct_generator_default(int32_t device, CTGenerator *_Nullable *_Nonnull result);
void ct_generator_release(CTGenerator *generator);
int ct_generator_seed(CTGenerator *generator, uint64_t seed);
/// The state as a uint8 tensor on the CPU.
int ct_generator_state(const CTGenerator *generator, CTTensor *_Nullable *_Nonnull result);
int ct_generator_set_state(CTGenerator *generator, const CTTensor *state);

// Process

/// Loads the CUDA libraries beside libtorch_cpu, if there are any, and prepares the allocator.
void ct_initialize(void);
const char *ct_version(void);
/// How this LibTorch was built: compiler, BLAS, instruction sets.
const char *ct_build_configuration(void);
/// The instruction set that ATen's own kernels use here, such as AVX512.
const char *ct_cpu_capability(void);
/// Whether MKL takes its slow path for processors that are not Intel's here.
bool ct_is_foreign_to_mkl(void);
int32_t ct_threads(void);
int ct_set_threads(int32_t count);
int32_t ct_cuda_device_count(void);
int ct_synchronize(int32_t device);
/// Gives memory of the host that nothing uses back to the system.
void ct_release_memory(void);
/// Counts from now on what this thread allocates for tensors on the host.
void ct_memory_watch_start(void);
/// Ends that and gives the most bytes that were held at a time, less what was held at its start.
int64_t ct_memory_watch_stop(void);

#ifdef __cplusplus
}
#endif

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#endif
