// What belongs to the process: engines, threads, devices, memory.
#include "Internal.h"

#include <ATen/Config.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/native/DispatchStub.h>
#include <torch/headeronly/version.h>

#include <dlfcn.h>
#include <stdlib.h>
#include <mutex>
#include <string>
#include <vector>
#ifdef __GLIBC__
#include <malloc.h>
#endif

using namespace ctorch;

namespace {
struct Scope {
    bool failed = false;
    std::string message;
};
thread_local std::vector<Scope> scopes;
}  // namespace

void ct_scope_enter(void) {
    // Inside a failed scope tensors hold nothing, so a new scope starts failed as well.
    scopes.push_back(ct_scope_failed() ? Scope(scopes.back()) : Scope());
}

bool ct_scope_leave(void) {
    Scope scope = std::move(scopes.back());
    scopes.pop_back();
    if (scope.failed) { last_error = std::move(scope.message); }
    return scope.failed;
}

bool ct_scope_fail(const char *message) {
    if (scopes.empty()) { return false; }
    if (!scopes.back().failed) { scopes.back() = Scope{true, message}; }
    return true;
}

bool ct_scope_failed(void) { return !scopes.empty() && scopes.back().failed; }

void ct_initialize(void) {
    static std::once_flag once;
    std::call_once(once, [] {
#ifdef __GLIBC__
        // A training step allocates the same large blocks again and again. By default glibc maps
        // and unmaps each of them, and the kernel clears every page anew; kept in the heap they
        // are reused as they are.
        mallopt(M_MMAP_MAX, 0);
        mallopt(M_TRIM_THRESHOLD, 2147483647);
        mallopt(M_TOP_PAD, 64 << 20);
#endif
        // oneDNN keeps generated code for every shape it has met, up to 1024 of them, and ideep the
        // same again. Batches of speech have ever new lengths, so a run would grow by hundreds of
        // megabytes. 256 hold what a step needs; whoever sets the variables decides.
        setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "256", 0);
        setenv("LRU_CACHE_CAPACITY", "256", 0);
        // Not on the link line, so that one build serves machines with and without CUDA.
        dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);
    });
}

const char *ct_version(void) { return TORCH_VERSION; }

const char *ct_build_configuration(void) {
    static const std::string text = at::show_config();
    return text.c_str();
}

const char *ct_cpu_capability(void) {
    static const std::string text = at::get_cpu_capability();
    return text.c_str();
}

bool ct_is_foreign_to_mkl(void) {
#if defined(__x86_64__) && AT_MKL_ENABLED()
    __builtin_cpu_init();
    return !__builtin_cpu_is("intel");
#else
    return false;
#endif
}

int32_t ct_threads(void) { return at::get_num_threads(); }

int ct_set_threads(int32_t count) {
    return guarded([&] { at::set_num_threads(count); });
}

int32_t ct_cuda_device_count(void) {
    int32_t count = 0;
    guarded([&] { count = at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0; });
    return count;
}

int ct_synchronize(int32_t code) {
    return guarded([&] {
        auto where = device(code);
        if (where.is_cuda()) { at::detail::getCUDAHooks().deviceSynchronize(where.index()); }
    });
}

void ct_release_memory(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
