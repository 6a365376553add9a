#include "drover/base/random_id.h"

#include <random>

#include "drover/base/fork_generation.h"

namespace drover::base {
namespace {

struct Generator {
  uint32_t generation = UINT32_MAX;  // of the process the state was drawn in
  uint64_t state = 0;
};

}  // namespace

// SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
uint64_t RandomId() {
  thread_local Generator generator;
  if (const uint32_t generation = ForkGeneration(); generator.generation != generation) {
    std::random_device device;
    generator.state = uint64_t{device()} << 32 | device();
    generator.generation = generation;
  }
  for (;;) {
    uint64_t z = generator.state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    z ^= z >> 31;
    if (z != 0) return z;
  }
}

}  // namespace drover::base
