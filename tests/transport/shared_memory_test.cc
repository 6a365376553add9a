// Memory that comes from another process, which may be anything.
#include "drover/transport/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace drover::transport {
namespace {

using ::testing::HasSubstr;

constexpr size_t kRing = 64 << 10;
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

base::UniqueFd Memory(size_t bytes, int seals) {
  base::UniqueFd fd(memfd_create("of-a-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(ftruncate(fd.get(), static_cast<off_t>(bytes)), 0);
  EXPECT_EQ(fcntl(fd.get(), F_ADD_SEALS, seals), 0);
  return fd;
}

size_t Page() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

void ExpectRefused(int fd, const std::string& why, size_t most = kRing) {
  const absl::Status status = SharedMemory::Open(fd, most).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(why));
}

TEST(SharedMemoryOfAPeer, IsWhatItMade) {
  auto made = SharedMemory::Make(kRing).value();
  auto taken = SharedMemory::Open(made.fd.get(), kRing).value();
  EXPECT_EQ(taken->ring_bytes(), kRing);
  std::memcpy(made.memory->out() + kRing - 4, "wrapped", 7);
  EXPECT_EQ(std::memcmp(taken->in() + kRing - 4, "wrapped", 7), 0);
  EXPECT_EQ(std::memcmp(taken->in(), "ped", 3), 0);
  std::memcpy(taken->out(), "back", 4);
  EXPECT_EQ(std::memcmp(made.memory->in() + kRing, "back", 4), 0);
  made.memory->out_lane().head.store(8);
  taken->out_lane().head.store(16);
  EXPECT_EQ(taken->in_lane().head.load(), 8u);
  EXPECT_EQ(made.memory->in_lane().head.load(), 16u);
}

TEST(SharedMemoryOfAPeer, CannotBeMadeSmaller) {
  auto made = SharedMemory::Make(kRing).value();
  EXPECT_NE(ftruncate(made.fd.get(), 0), 0);
  EXPECT_EQ(errno, EPERM);
}

TEST(SharedMemoryOfAPeer, IsRefusedUnlessSealed) {
  for (int seal : {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL}) {
    ExpectRefused(Memory(Page() + 2 * kRing, kSeals & ~seal).get(), "is not sealed");
  }
}

TEST(SharedMemoryOfAPeer, IsRefusedIfItIsNoMemory) {
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  const base::UniqueFd reader(fds[0]), writer(fds[1]);
  ExpectRefused(reader.get(), "is not memory");
  ExpectRefused(base::UniqueFd(open("/proc/self/exe", O_RDONLY | O_CLOEXEC)).get(),
                "is not memory");
}

TEST(SharedMemoryOfAPeer, IsRefusedIfItsSizeIsNotThatOfRings) {
  ExpectRefused(Memory(0, kSeals).get(), "too few");
  ExpectRefused(Memory(Page(), kSeals).get(), "too few");
  ExpectRefused(Memory(Page() + 2 * kRing + 1, kSeals).get(), "not two rings");
  ExpectRefused(Memory(Page() + 2 * (kRing + Page()), kSeals).get(), "not two rings");
}

TEST(SharedMemoryOfAPeer, IsRefusedIfItIsMoreThanTheLimit) {
  auto made = SharedMemory::Make(2 * kRing).value();
  ExpectRefused(made.fd.get(), "the limit is 65536");
}

TEST(SharedMemoryOfAPeer, IsRefusedIfItsLayoutIsUnknown) {
  ExpectRefused(Memory(Page() + 2 * kRing, kSeals).get(), "layout");
}

TEST(SharedMemoryOfAPeer, IsWrittenToInOneDirectionOnly) {
  auto made = SharedMemory::Make(kRing).value();
  const pid_t child = fork();
  if (child == 0) {
    auto taken = SharedMemory::Open(made.fd.get(), kRing).value();
    taken->out()[0] = std::byte{1};
    const_cast<std::byte*>(taken->in())[0] = std::byte{1};
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(made.memory->in()[0], std::byte{1});
  EXPECT_EQ(made.memory->out()[0], std::byte{0});
}

TEST(SharedMemoryOfAPeer, IsNotThereInAChildOfFork) {
  auto made = SharedMemory::Make(kRing).value();
  auto* const page = reinterpret_cast<std::byte*>(&made.memory->out_lane());
  void* const at = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(page) & ~(Page() - 1));
  const pid_t child = fork();
  if (child == 0) {
    unsigned char resident;
    const bool gone = mincore(at, Page(), &resident) != 0 && errno == ENOMEM;
    // What takes its place is left alone.
    void* const other =
        mmap(at, Page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    made.memory.reset();
    _exit(gone && other == at && mincore(at, Page(), &resident) == 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

std::set<std::string> InDevShm() {
  std::set<std::string> names;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm", none)) {
    names.insert(entry.path().filename());
  }
  return names;
}

TEST(SharedMemoryOfAPeer, HasNoNameInTheFileSystem) {
  auto made = SharedMemory::Make(kRing).value();
  for (const std::string& name : InDevShm()) EXPECT_THAT(name, ::testing::Not(HasSubstr("drover")));
  struct stat status;
  ASSERT_EQ(fstat(made.fd.get(), &status), 0);
  EXPECT_EQ(status.st_nlink, 0u);
}

}  // namespace
}  // namespace drover::transport
