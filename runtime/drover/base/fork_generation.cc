#include "drover/base/fork_generation.h"

#include <pthread.h>

#include <atomic>

namespace drover::base {
namespace {

std::atomic<uint32_t> generation{1};

const int registered =
    pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1, std::memory_order_relaxed); });

}  // namespace

uint32_t ForkGeneration() { return generation.load(std::memory_order_relaxed); }

}  // namespace drover::base
