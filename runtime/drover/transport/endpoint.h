// Where a vat can be reached, and optionally which of its objects is meant.
//
//   absl::StatusOr<drover::Endpoint> endpoint =
//   drover::Endpoint::Parse("unix:///run/w.sock#clock");
//
//   unix://PATH        UNIX socket in the file system; PATH is absolute or relative
//   unix:@NAME         UNIX socket with an abstract name; the same uid only
//   tcp://HOST:PORT    HOST is IPv4, [IPv6] or a name; port 0 lets the kernel choose (listening)
//   inproc://NAME      within this process
//   fd:N               a socket this process inherited or made
//   shm://PATH         shared memory on the same host; the two ends meet on the UNIX socket PATH
//   fifo://PATH        a pair of named pipes                         (not implemented yet)
//
// Each may be followed by #NAME, the name under which an object was exported. The first '#' of
// the text starts it, so a path cannot contain one.
//
// Thread-safety: a value; thread-compatible. Ownership: owns its text, no descriptor.
// Errors: InvalidArgument naming the text and what is wrong with it.
// Blocking: never; names are resolved when listening or dialling.
#ifndef DROVER_TRANSPORT_ENDPOINT_H_
#define DROVER_TRANSPORT_ENDPOINT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace drover {

class Endpoint {
 public:
  enum class Scheme { kUnix, kTcp, kInproc, kFd, kShm, kFifo };

  // The longest path of unix:// and shm://, and the longest name of unix:@, in bytes.
  static constexpr size_t kMaxUnixPath = 107;

  static absl::StatusOr<Endpoint> Parse(std::string_view text);

  // Parse(ToString()) gives an equal endpoint. Host names and IPv6 addresses are in their
  // canonical form: lower case, zeros compressed.
  std::string ToString() const;

  Scheme scheme() const { return scheme_; }
  // The path of unix, shm and fifo, "@NAME" for an abstract one; the name of inproc.
  const std::string& path() const { return path_; }
  bool is_abstract() const { return scheme_ == Scheme::kUnix && path_[0] == '@'; }
  // Whether a socket of the file system is found there.
  bool has_socket_file() const {
    return (scheme_ == Scheme::kUnix && !is_abstract()) || scheme_ == Scheme::kShm;
  }
  // tcp: the host, IPv6 without its brackets.
  const std::string& host() const { return path_; }
  uint16_t port() const { return static_cast<uint16_t>(number_); }  // tcp
  int fd() const { return number_; }                                // fd
  // The exported object's name; empty if the endpoint carries none.
  const std::string& name() const { return name_; }

  // The same place with another object's name; an empty name is none.
  Endpoint WithName(std::string_view name) const;
  Endpoint WithoutName() const { return WithName(""); }
  // tcp: the same host with another port.
  Endpoint WithPort(uint16_t port) const;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
  template <class H>
  friend H AbslHashValue(H h, const Endpoint& e) {
    return H::combine(std::move(h), static_cast<int>(e.scheme_), e.path_, e.number_, e.name_);
  }
  friend std::ostream& operator<<(std::ostream& out, const Endpoint& e) {
    return out << e.ToString();
  }

 private:
  Endpoint(Scheme scheme, std::string path, int number)
      : scheme_(scheme), path_(std::move(path)), number_(number) {}
  static absl::StatusOr<Endpoint> ParseTcp(std::string_view text, std::string_view rest);

  Scheme scheme_;
  std::string path_;  // or host, or inproc's name
  int number_ = 0;    // port or descriptor
  std::string name_;
};

namespace transport {
using drover::Endpoint;
}  // namespace transport

}  // namespace drover

template <>
struct std::hash<drover::Endpoint> {
  size_t operator()(const drover::Endpoint& e) const {
    return std::hash<std::string>()(e.ToString());
  }
};

#endif  // DROVER_TRANSPORT_ENDPOINT_H_
