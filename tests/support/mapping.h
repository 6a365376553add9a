// Where something lies in this process's memory, and what memory a process shares.
#ifndef DROVER_TESTS_SUPPORT_MAPPING_H_
#define DROVER_TESTS_SUPPORT_MAPPING_H_

#include <sys/types.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace drover::testing_support {

// What the kernel calls the mapping that holds it; empty for one without a name, or none.
inline std::string MappingOf(const void* data) {
  const auto address = reinterpret_cast<uintptr_t>(data);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    uintptr_t begin = 0;
    uintptr_t end = 0;
    char dash = 0;
    std::string protection, offset, device, inode, name;
    fields >> std::hex >> begin >> dash >> end >> protection >> offset >> device >> inode >> name;
    if (address >= begin && address < end) return name;
  }
  return "";
}

// Whether it lies in memory that is shared for large messages (transport/shared_arena.h).
inline bool IsInArena(const void* data) {
  return MappingOf(data).find("drover-arena") != std::string::npos;
}

// What the kernel calls each mapping of rings and arenas that a process has.
inline std::vector<std::string> SharedMappings(pid_t pid) {
  std::vector<std::string> names;
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    const size_t name = line.find('/');
    if (name == std::string::npos) continue;
    for (const char* ours : {"drover-rings", "drover-arena"}) {
      if (line.find(ours, name) != std::string::npos) names.push_back(line.substr(name));
    }
  }
  return names;
}

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_SUPPORT_MAPPING_H_
