#include "drover/transport/socket_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/base/status_macros.h"
#include "drover/transport/socket_address.h"

namespace drover::transport {
namespace {

absl::Status Taken(const std::string& endpoint) {
  return absl::AlreadyExistsError(absl::StrCat(endpoint, ": another server listens there"));
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? "" : path.substr(0, slash + 1);
}

// Whether a server that knows nothing of our lock accepts connections at the path.
bool SomebodyListens(const std::string& path) {
  const base::UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const SocketAddress address = UnixPathAddress(path);
  return probe.valid() && (connect(probe.get(), address.get(), address.size) == 0 ||
                           errno == EAGAIN || errno == EPROTOTYPE);
}

// Binds to a path of any length: one too long for the address is reached through its directory's
// descriptor.
int BindTo(int fd, const std::string& path) {
  base::UniqueFd directory;
  std::string reachable = path;
  if (path.size() > Endpoint::kMaxUnixPath) {
    const std::string parent = DirectoryOf(path);
    directory.Reset(open(parent.empty() ? "." : parent.c_str(), O_PATH | O_CLOEXEC | O_DIRECTORY));
    if (!directory.valid()) return -1;
    reachable = absl::StrCat("/proc/self/fd/", directory.get(), "/", path.substr(parent.size()));
  }
  const SocketAddress address = UnixPathAddress(reachable);
  return bind(fd, address.get(), address.size);
}

}  // namespace

SocketFile::SocketFile(const Endpoint& endpoint, base::UniqueFd lock, ino_t lock_inode)
    : endpoint_(endpoint.ToString()),
      path_(endpoint.path()),
      lock_(std::move(lock)),
      temporary_(absl::StrCat(DirectoryOf(path_), ".drover-", lock_inode)),
      owner_(getpid()) {}

absl::StatusOr<SocketFile> SocketFile::Claim(const Endpoint& endpoint) {
  const std::string lock_path = endpoint.path() + ".lock";
  for (;;) {
    base::UniqueFd lock(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock.valid()) return absl::ErrnoToStatus(errno, lock_path);
    if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK) return Taken(endpoint.ToString());
      return absl::ErrnoToStatus(errno, absl::StrCat("cannot lock ", lock_path));
    }
    struct stat held, named;
    if (fstat(lock.get(), &held) != 0) return absl::ErrnoToStatus(errno, lock_path);
    // A holder that ended between our open and our lock took the name with it.
    if (stat(lock_path.c_str(), &named) == 0 && named.st_ino == held.st_ino &&
        named.st_dev == held.st_dev) {
      return SocketFile(endpoint, std::move(lock), held.st_ino);
    }
  }
}

SocketFile::~SocketFile() {
  if (!lock_.valid() || owner_ != getpid()) return;
  struct stat now;
  if (inode_ != 0 && lstat(path_.c_str(), &now) == 0 && now.st_ino == inode_ &&
      now.st_dev == device_) {
    unlink(path_.c_str());
  }
  unlink(LockPath().c_str());
}

absl::Status SocketFile::CheckReplaceable() const {
  struct stat found;
  if (lstat(path_.c_str(), &found) != 0) {
    return errno == ENOENT ? absl::OkStatus() : absl::ErrnoToStatus(errno, path_);
  }
  if (!S_ISSOCK(found.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(endpoint_, ": a file that is not a socket is in the way"));
  }
  return SomebodyListens(path_) ? Taken(endpoint_) : absl::OkStatus();
}

absl::Status SocketFile::Publish(int fd, mode_t mode, int backlog) {
  DROVER_RETURN_IF_ERROR(CheckReplaceable());
  unlink(temporary_.c_str());  // of a server that died between bind and rename
  // The mode of the descriptor is the file's from its first moment, less the umask; chmod then
  // restores what the umask took.
  fchmod(fd, mode);
  struct stat mine;
  if (BindTo(fd, temporary_) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot bind ", endpoint_));
  }
  if (chmod(temporary_.c_str(), mode) != 0 || listen(fd, backlog) != 0 ||
      lstat(temporary_.c_str(), &mine) != 0 || rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    unlink(temporary_.c_str());
    return absl::ErrnoToStatus(error, absl::StrCat("cannot listen at ", endpoint_));
  }
  device_ = mine.st_dev;
  inode_ = mine.st_ino;
  return absl::OkStatus();
}

absl::Status SocketFile::RemoveDead() {
  DROVER_RETURN_IF_ERROR(CheckReplaceable());
  unlink(temporary_.c_str());
  if (unlink(path_.c_str()) != 0 && errno != ENOENT) return absl::ErrnoToStatus(errno, path_);
  return absl::OkStatus();
}

}  // namespace drover::transport
