// The memory that tensors take on the host.
#include "Internal.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <memory>
#include <optional>

using namespace ctorch;

namespace {
/// Counts what this thread allocates for tensors, as LibTorch's profiler would.
class MemoryWatch final : public c10::MemoryReportingInfoBase {
  public:
    void reportMemoryUsage(
        void *, int64_t size, size_t, size_t, c10::Device where
    ) override {
        if (!where.is_cpu()) { return; }
        held += size;
        peak = std::max(peak, held);
    }
    bool memoryProfilingEnabled() const override { return true; }

    int64_t held = 0;
    int64_t peak = 0;
};

struct Watching {
    std::shared_ptr<MemoryWatch> watch = std::make_shared<MemoryWatch>();
    c10::DebugInfoGuard guard{c10::DebugInfoKind::PROFILER_STATE, watch};
};
thread_local std::optional<Watching> watching;
}  // namespace

void ct_memory_watch_start(void) { watching.emplace(); }

int64_t ct_memory_watch_stop(void) {
    if (!watching) { return 0; }
    int64_t peak = watching->watch->peak;
    watching.reset();
    return peak;
}
