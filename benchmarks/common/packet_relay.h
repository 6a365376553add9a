// A link of which every packet takes a while: two TUN devices, and a process that carries what goes
// into one to the other. The kernel's TCP sees what it sees with `tc netem`; it is for kernels
// without that.
#ifndef DROVER_BENCHMARKS_COMMON_PACKET_RELAY_H_
#define DROVER_BENCHMARKS_COMMON_PACKET_RELAY_H_

#include <array>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "drover/base/unique_fd.h"

namespace drover::bench {

// Makes a TUN device in the network namespace of the calling thread; it goes with the last copy of
// the descriptor. Needs CAP_NET_ADMIN there; NotFound without /dev/net/tun, else errno's code.
absl::StatusOr<base::UniqueFd> MakeTunDevice(const std::string& name);

// Carries packets between the devices, each `delay` after it came, in their order. Blocks; returns
// only if a device fails.
absl::Status RelayPackets(const std::array<base::UniqueFd, 2>& devices, absl::Duration delay);

}  // namespace drover::bench

#endif  // DROVER_BENCHMARKS_COMMON_PACKET_RELAY_H_
