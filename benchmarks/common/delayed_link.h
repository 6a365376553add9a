// Two network namespaces, and between them a link of which every packet takes a while.
//
//   auto link = DelayedLink::Make(absl::Milliseconds(10));     // a round trip takes 20 ms
//   if (!link.ok()) ...                                        // the message says why not
//   if (absl::Status s = link->Enter(0); !s.ok()) ...          // in a child that serves
//   // serve at DelayedLink::Address(0); the client enters end 1
//
// The delay is `tc netem`'s, on both ends of a veth pair; where the kernel has no netem, a process
// holds the packets back between two TUN devices (packet_relay.h).
//
// The namespaces have no names: they and the link go with this object and the processes that
// entered, however these end. Not thread-safe; for processes with one thread. Make and Enter block.
#ifndef DROVER_BENCHMARKS_COMMON_DELAYED_LINK_H_
#define DROVER_BENCHMARKS_COMMON_DELAYED_LINK_H_

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/process.h"
#include "drover/base/unique_fd.h"

namespace drover::bench {

class DelayedLink {
 public:
  // Needs root, `ip` and `tc` of iproute2, and netem or /dev/net/tun; else FailedPrecondition, of
  // which the message names what is missing.
  // `each_way`: whole milliseconds.
  static absl::StatusOr<DelayedLink> Make(absl::Duration each_way);

  // Moves the calling process to the namespace of end 0 or 1.
  absl::Status Enter(size_t end) const;
  // IPv4, of end 0 or 1. Nobody else is there: any port is free.
  static const char* Address(size_t end) { return end == 0 ? "10.73.0.1" : "10.73.0.2"; }

  // How packets are held back, as a sentence for a report.
  const std::string& how() const { return how_; }

 private:
  DelayedLink() = default;

  absl::Status Connect(absl::Duration each_way);
  absl::Status ConnectWithNetem(absl::Duration each_way);
  absl::Status ConnectWithRelay(absl::Duration each_way);
  absl::Status SetUp(size_t end) const;
  // Runs a command there, found in PATH or /usr/sbin; an error has what it said.
  absl::Status Run(size_t end, const std::string& command) const;

  std::array<base::UniqueFd, 2> namespaces_;
  std::optional<ServerProcess> relay_;
  std::string how_;
};

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_COMMON_DELAYED_LINK_H_
