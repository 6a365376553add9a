#include "drover/transport/sealed_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"

namespace drover::transport {
namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

}  // namespace

absl::Status OutOfMemory(const char* what, int error) {
  const std::string text = absl::StrCat(what, ": ", std::string(strerror(error)));
  if (error == ENOMEM || error == EMFILE || error == ENFILE) {
    return absl::ResourceExhaustedError(text);
  }
  return absl::UnavailableError(text);
}

absl::Status BadMemory(const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("the memory that the peer shares ", what));
}

absl::StatusOr<base::UniqueFd> MakeSealedMemory(const char* name, size_t bytes) {
  // A file that would become larger than it may (ulimit -f) ends the process by SIGXFSZ.
  if (rlimit limit; getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot make memory to share: files may have ", limit.rlim_cur,
                     " bytes at most here (RLIMIT_FSIZE), and it needs ", bytes));
  }
  base::UniqueFd fd(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid() || ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0 ||
      fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) {
    return OutOfMemory("cannot make memory to share");
  }
  return fd;
}

absl::StatusOr<uint64_t> SizeOfSealedMemory(int fd) {
  const int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0) return BadMemory("is not memory that can be sealed");
  if ((seals & kSeals) != kSeals) return BadMemory("is not sealed: its size could change");
  struct stat status;
  if (fstat(fd, &status) != 0) return OutOfMemory("cannot look at the memory that the peer shares");
  return static_cast<uint64_t>(status.st_size);
}

}  // namespace drover::transport
