// Operator calls: arguments become IValues, the dispatcher does the rest.
#include "Internal.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/stack.h>

#include <vector>

namespace ctorch {

thread_local std::string last_error;
static thread_local std::vector<at::Tensor> results;

static c10::IValue value(
    const CTValue &v, const int64_t *integers, CTTensor *const *tensors) {
    switch (v.kind) {
    case CT_TENSOR: return borrow(tensors[v.integer]);
    case CT_INTEGER: return v.integer;
    case CT_REAL: return v.real;
    case CT_BOOLEAN: return v.integer != 0;
    case CT_INTEGERS: {
        c10::List<int64_t> list;
        list.reserve(v.count);
        for (int32_t i = 0; i < v.count; ++i) { list.push_back(integers[v.integer + i]); }
        return list;
    }
    case CT_TENSORS: {
        c10::List<at::Tensor> list;
        list.reserve(v.count);
        for (int32_t i = 0; i < v.count; ++i) { list.push_back(borrow(tensors[v.integer + i])); }
        return list;
    }
    case CT_OPTIONAL_TENSORS: {
        c10::List<std::optional<at::Tensor>> list;
        list.reserve(v.count);
        for (int32_t i = 0; i < v.count; ++i) {
            CTTensor *tensor = tensors[v.integer + i];
            list.push_back(tensor ? std::optional<at::Tensor>(borrow(tensor)) : std::nullopt);
        }
        return list;
    }
    case CT_NO_SCALARS: return c10::List<std::optional<at::Scalar>>();
    case CT_STRING: return std::string(static_cast<const char *>(v.pointer));
    case CT_DEVICE: return device(static_cast<int32_t>(v.integer));
    case CT_GENERATOR: return static_cast<const CTGenerator *>(v.pointer)->generator;
    default: return c10::IValue();
    }
}

}  // namespace ctorch

using namespace ctorch;

const char *ct_last_error(void) { return last_error.c_str(); }

int ct_operator(const char *name, const char *overload, CTOperator *result) {
    return guarded([&] {
        auto handle = c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
        // Handles are looked up once for each operator of the program and never freed.
        *result = reinterpret_cast<CTOperator>(new c10::OperatorHandle(handle));
    });
}

int ct_call(
    CTOperator op, const CTValue *values, int32_t count, const int64_t *integers,
    CTTensor *const *tensors, CTTensor **first, int32_t *number) {
    return guarded([&] {
        results.clear();  // What nobody took of the last call must not live on.
        auto &handle = *reinterpret_cast<c10::OperatorHandle *>(op);
        const auto &arguments = handle.schema().arguments();
        torch::jit::Stack stack;
        stack.reserve(arguments.size());
        TORCH_CHECK(
            static_cast<size_t>(count) <= arguments.size(), "too many arguments for ",
            handle.operator_name());
        for (int32_t i = 0; i < count; ++i) {
            stack.push_back(value(values[i], integers, tensors));
        }
        for (size_t i = count; i < arguments.size(); ++i) {
            const auto &standard = arguments[i].default_value();
            TORCH_CHECK(
                standard.has_value(), handle.operator_name(), " needs its argument '",
                arguments[i].name(), "'");
            stack.push_back(*standard);
        }
        handle.callBoxed(stack);
        if (stack.size() == 1 && stack[0].isTensor()) {
            *first = own(std::move(stack[0]).toTensor());
            *number = *first ? 1 : 0;
            return;
        }
        for (auto &item : stack) {
            if (item.isTensor()) {
                results.push_back(std::move(item).toTensor());
            } else if (item.isTensorList()) {
                for (const at::Tensor &tensor : item.toTensorVector()) { results.push_back(tensor); }
            } else {
                TORCH_CHECK(item.isNone(), handle.operator_name(), " returns no tensor");
            }
        }
        *number = static_cast<int32_t>(results.size());
        *first = results.empty() ? nullptr : own(std::move(results[0]));
    });
}

CTTensor *ct_take_result(int32_t index) {
    return own(std::move(results[static_cast<size_t>(index)]));
}
