// Gradients and random generators.
#include "Internal.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <mutex>

using namespace ctorch;

bool ct_requires_grad(const CTTensor *tensor) { return impl(tensor)->requires_grad(); }

int ct_set_requires_grad(CTTensor *tensor, bool value) {
    return guarded([&] { borrow(tensor).set_requires_grad(value); });
}

CTTensor *ct_grad(const CTTensor *tensor) {
    CTTensor *result = nullptr;
    guarded([&] { result = own(borrow(tensor).grad()); });
    return result;
}

int ct_set_grad(CTTensor *tensor, CTTensor *gradient) {
    return guarded([&] {
        borrow(tensor).mutable_grad() = gradient ? borrow(gradient) : at::Tensor();
    });
}

int ct_backward(const CTTensor *tensor, const CTTensor *gradient, bool retain_graph) {
    return guarded([&] {
        torch::autograd::variable_list gradients;
        if (gradient) { gradients.push_back(borrow(gradient)); }
        torch::autograd::backward({borrow(tensor)}, gradients, retain_graph);
    });
}

int ct_gradients(
    const CTTensor *output, const CTTensor *gradient, CTTensor *const *inputs, int32_t count,
    CTTensor **results) {
    return guarded([&] {
        torch::autograd::variable_list leaves, gradients;
        for (int32_t i = 0; i < count; ++i) { leaves.push_back(borrow(inputs[i])); }
        if (gradient) { gradients.push_back(borrow(gradient)); }
        auto found = torch::autograd::grad(
            {borrow(output)}, leaves, gradients, /*retain_graph=*/true, /*create_graph=*/false,
            /*allow_unused=*/true);
        for (int32_t i = 0; i < count; ++i) { results[i] = own(std::move(found[i])); }
    });
}

bool ct_grad_enabled(void) { return at::GradMode::is_enabled(); }

void ct_set_grad_enabled(bool value) { at::GradMode::set_enabled(value); }

int ct_generator_new(int32_t code, uint64_t seed, CTGenerator **result) {
    return guarded([&] {
        auto where = device(code);
        auto generator = where.is_cpu()
            ? at::detail::createCPUGenerator(seed)
            : at::globalContext().defaultGenerator(where).clone();
        generator.set_current_seed(seed);
        *result = new CTGenerator{std::move(generator)};
    });
}

int ct_generator_default(int32_t code, CTGenerator **result) {
    return guarded([&] {
        *result = new CTGenerator{at::globalContext().defaultGenerator(device(code))};
    });
}

void ct_generator_release(CTGenerator *generator) { delete generator; }

int ct_generator_seed(CTGenerator *generator, uint64_t seed) {
    return guarded([&] {
        std::lock_guard<std::mutex> lock(generator->generator.mutex());
        generator->generator.set_current_seed(seed);
    });
}

int ct_generator_state(const CTGenerator *generator, CTTensor **result) {
    return guarded([&] {
        auto shared = generator->generator;
        std::lock_guard<std::mutex> lock(shared.mutex());
        *result = own(shared.get_state());
    });
}

int ct_generator_set_state(CTGenerator *generator, const CTTensor *state) {
    return guarded([&] {
        std::lock_guard<std::mutex> lock(generator->generator.mutex());
        generator->generator.set_state(borrow(state));
    });
}
