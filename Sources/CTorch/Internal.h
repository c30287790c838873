// What the files of the shim share.
#pragma once

#pragma GCC system_header  // LibTorch's headers are not ours to warn about.

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/util/Exception.h>

#include <exception>
#include <string>

#include "CTorch.h"

namespace ctorch {

extern thread_local std::string last_error;

using Impl = c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>;

/// A second reference to the tensor behind a handle.
inline at::Tensor borrow(const CTTensor *handle) {
    auto *impl = reinterpret_cast<c10::TensorImpl *>(const_cast<CTTensor *>(handle));
    return at::Tensor(Impl::reclaim_copy(impl));
}

/// Hands the reference over to the caller; null for an undefined tensor.
inline CTTensor *own(at::Tensor tensor) {
    if (!tensor.defined()) { return nullptr; }
    return reinterpret_cast<CTTensor *>(tensor.unsafeReleaseTensorImpl());
}

inline const c10::TensorImpl *impl(const CTTensor *handle) {
    return reinterpret_cast<const c10::TensorImpl *>(handle);
}

inline c10::Device device(int32_t code) {
    auto type = static_cast<c10::DeviceType>(code >> 8);
    auto index = static_cast<c10::DeviceIndex>(code & 0xff);
    return type == c10::DeviceType::CPU ? c10::Device(type) : c10::Device(type, index);
}

/// Runs `body` and turns any exception into a status and a message.
template <typename Body> int guarded(Body &&body) {
    try {
        body();
        return 0;
    } catch (const c10::Error &error) {
        last_error = error.what_without_backtrace();
    } catch (const std::exception &error) {
        last_error = error.what();
    } catch (...) {
        last_error = "unknown C++ exception";
    }
    return -1;
}

}  // namespace ctorch

/// A generator handle owns one reference.
struct CTGenerator {
    at::Generator generator;
};
