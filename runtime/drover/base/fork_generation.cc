#include "drover/base/fork_generation.h"

#include <pthread.h>

#include <atomic>

namespace drover::base {
namespace {

std::atomic<uint32_t> generation{1};

std::atomic<bool> shares{false};

const int registered = pthread_atfork(
    [] { shares.store(true, std::memory_order_relaxed); }, nullptr,
    [] {
      generation.fetch_add(1, std::memory_order_relaxed);
      shares.store(false, std::memory_order_relaxed);  // with what it opens from now on
    });

}  // namespace

uint32_t ForkGeneration() { return generation.load(std::memory_order_relaxed); }
bool MayShareDescriptors() { return shares.load(std::memory_order_relaxed); }

}  // namespace drover::base
