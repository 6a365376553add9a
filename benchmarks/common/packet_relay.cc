#include "common/packet_relay.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <deque>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace drover::bench {
namespace {

int64_t NowNanoseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

struct Packet {
  int64_t due = 0;
  std::vector<char> bytes;
};

// Packets on their way to one device, the oldest first.
using Lane = std::deque<Packet>;

absl::Status TakeAll(int device, int64_t delay_ns, Lane& lane) {
  for (char buffer[65536];;) {
    const ssize_t n = read(device, buffer, sizeof(buffer));
    if (n > 0) {
      lane.push_back({NowNanoseconds() + delay_ns, std::vector<char>(buffer, buffer + n)});
    } else if (n < 0 && errno == EAGAIN) {
      return absl::OkStatus();
    } else if (n == 0 || errno != EINTR) {
      return absl::ErrnoToStatus(n == 0 ? EIO : errno, "reading a TUN device");
    }
  }
}

// A packet that the device does not take is lost, as packets are.
void DeliverDue(int device, Lane& lane) {
  for (const int64_t now = NowNanoseconds(); !lane.empty() && lane.front().due <= now;) {
    (void)!write(device, lane.front().bytes.data(), lane.front().bytes.size());
    lane.pop_front();
  }
}

}  // namespace

absl::StatusOr<base::UniqueFd> MakeTunDevice(const std::string& name) {
  base::UniqueFd device(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!device.valid()) return absl::ErrnoToStatus(errno, "/dev/net/tun");
  ifreq request = {};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  name.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
  if (ioctl(device.get(), TUNSETIFF, &request) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("making the TUN device ", name));
  }
  return device;
}

absl::Status RelayPackets(const std::array<base::UniqueFd, 2>& devices, absl::Duration delay) {
  prctl(PR_SET_TIMERSLACK, 1);  // nanoseconds; the default would add 50 us to each delay
  const int64_t delay_ns = absl::ToInt64Nanoseconds(delay);
  std::array<Lane, 2> to;
  for (;;) {
    int64_t due = INT64_MAX;
    for (const Lane& lane : to) {
      if (!lane.empty()) due = std::min(due, lane.front().due);
    }
    const int64_t left = std::max<int64_t>(0, due - NowNanoseconds());
    const timespec timeout{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
    pollfd ready[2];
    for (size_t i : {0, 1}) ready[i] = {.fd = devices[i].get(), .events = POLLIN, .revents = 0};
    if (ppoll(ready, 2, due == INT64_MAX ? nullptr : &timeout, nullptr) < 0 && errno != EINTR) {
      return absl::ErrnoToStatus(errno, "ppoll");
    }
    for (size_t i : {0, 1}) {
      if (absl::Status s = TakeAll(devices[i].get(), delay_ns, to[1 - i]); !s.ok()) return s;
    }
    for (size_t i : {0, 1}) DeliverDue(devices[i].get(), to[i]);
  }
}

}  // namespace drover::bench
