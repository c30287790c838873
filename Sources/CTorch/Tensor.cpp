// Life cycle, shape and host copies of tensors.
#include "Internal.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <sys/mman.h>
#include <cstdint>
#include <cstring>

using namespace ctorch;

namespace {
// Asks for large pages under memory that is about to be filled. A gigabyte of weights else takes a
// quarter of a million page faults, which cost several times as much as the copy.
void prefer_large_pages(void *data, size_t bytes) {
#ifdef MADV_HUGEPAGE
    constexpr uintptr_t page = 2 << 20;
    auto start = (reinterpret_cast<uintptr_t>(data) + page - 1) / page * page;
    auto end = (reinterpret_cast<uintptr_t>(data) + bytes) / page * page;
    // Advice only: where it is refused, small pages do as well.
    if (start < end) { madvise(reinterpret_cast<void *>(start), end - start, MADV_HUGEPAGE); }
#endif
}
}  // namespace

void ct_release(CTTensor *tensor) {
    Impl::reclaim(reinterpret_cast<c10::TensorImpl *>(tensor));
}

int32_t ct_rank(const CTTensor *tensor) { return static_cast<int32_t>(impl(tensor)->dim()); }

int64_t ct_size(const CTTensor *tensor, int32_t dimension) {
    return impl(tensor)->size(dimension);
}

int64_t ct_count(const CTTensor *tensor) { return impl(tensor)->numel(); }

int32_t ct_dtype(const CTTensor *tensor) {
    return static_cast<int32_t>(c10::typeMetaToScalarType(impl(tensor)->dtype()));
}

int32_t ct_device(const CTTensor *tensor) {
    auto device = impl(tensor)->device();
    int32_t index = device.has_index() ? device.index() : 0;
    return static_cast<int32_t>(device.type()) << 8 | (index & 0xff);
}

uint32_t ct_changes(const CTTensor *tensor) {
    return impl(tensor)->version_counter().current_version();
}

bool ct_is_contiguous(const CTTensor *tensor) { return impl(tensor)->is_contiguous(); }

int ct_new_host(int32_t dtype, const int64_t *sizes, int32_t rank, CTTensor **result) {
    return guarded([&] {
        auto options = at::TensorOptions().dtype(static_cast<c10::ScalarType>(dtype));
        auto tensor = at::empty(c10::IntArrayRef(sizes, rank), options);
        if (tensor.nbytes() > 0) {
            prefer_large_pages(tensor.mutable_data_ptr(), tensor.nbytes());
        }
        *result = own(std::move(tensor));
    });
}

int ct_to_host(const CTTensor *tensor, void *data, size_t bytes) {
    return guarded([&] {
        at::AutoGradMode no_grad(false);
        auto host = borrow(tensor).detach().to(c10::DeviceType::CPU).contiguous();
        TORCH_CHECK(host.nbytes() == bytes, "host copy of ", host.nbytes(), " bytes into ", bytes);
        if (bytes > 0) { std::memcpy(data, host.const_data_ptr(), bytes); }
    });
}

void *ct_data(const CTTensor *tensor) {
    void *data = nullptr;
    guarded([&] {
        auto held = borrow(tensor);
        if (held.device().is_cpu() && held.is_contiguous()) { data = held.data_ptr(); }
    });
    return data;
}

int ct_detach(const CTTensor *tensor, CTTensor **result) {
    return guarded([&] { *result = own(borrow(tensor).detach()); });
}
