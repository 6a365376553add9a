// The files of a listening UNIX socket: PATH, and PATH.lock for as long as the server lives.
//
//   DROVER_ASSIGN_OR_RETURN(SocketFile file, SocketFile::Claim(endpoint));
//   DROVER_RETURN_IF_ERROR(file.Publish(fd, mode, backlog));
//
// The lock is flock()'s: it belongs to the open file, so a forked child that keeps the listener
// keeps the lock too, and it goes with the last of them however they end. The lock file itself is
// removed by its holder only, and whoever takes the lock checks that the file still has its name;
// so no two processes hold locks on different files of one name.
//
// Thread-compatible. Ownership: owns the lock, and removes its files when destroyed in the process
// that made it. Errors: as Listener::Listen. Blocking: never (file system calls only).
#ifndef DROVER_TRANSPORT_SOCKET_FILE_H_
#define DROVER_TRANSPORT_SOCKET_FILE_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "drover/base/unique_fd.h"
#include "drover/transport/endpoint.h"

namespace drover::transport {

class SocketFile {
 public:
  // Takes the lock of a unix:// endpoint with a path, or a shm:// one.
  static absl::StatusOr<SocketFile> Claim(const Endpoint& endpoint);

  SocketFile(SocketFile&& other) noexcept = default;
  SocketFile& operator=(SocketFile&& other) = delete;
  ~SocketFile();

  // Binds `fd` to a temporary name, listens, and renames the socket to the path, in place of a
  // dead server's.
  absl::Status Publish(int fd, mode_t mode, int backlog);

  // Removes a dead server's socket from the path.
  absl::Status RemoveDead();

  int lock_fd() const { return lock_.get(); }
  void Forget() { owner_ = 0; }

 private:
  SocketFile(const Endpoint& endpoint, base::UniqueFd lock, ino_t lock_inode);
  std::string LockPath() const { return path_ + ".lock"; }
  absl::Status CheckReplaceable() const;

  std::string endpoint_;  // for errors
  std::string path_;
  base::UniqueFd lock_;
  std::string temporary_;  // beside the path; named after the lock, so a successor finds it
  pid_t owner_;
  dev_t device_ = 0;  // of our socket, once published
  ino_t inode_ = 0;
};

}  // namespace drover::transport

#endif  // DROVER_TRANSPORT_SOCKET_FILE_H_
