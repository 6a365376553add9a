#include "common/delayed_link.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <functional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/packet_relay.h"

namespace drover::bench {
namespace {

constexpr char kDevice[] = "bench";  // at both ends

absl::StatusOr<base::UniqueFd> CurrentNamespace() {
  base::UniqueFd fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return absl::ErrnoToStatus(errno, "/proc/thread-self/ns/net");
  return fd;
}

// Runs `body` where this process is elsewhere for so long, and brings it back.
absl::Status AndBack(const std::function<absl::Status()>& body) {
  auto home = CurrentNamespace();
  if (!home.ok()) return home.status();
  absl::Status status = body();
  if (setns(home->get(), CLONE_NEWNET) != 0) {
    status.Update(absl::ErrnoToStatus(errno, "going back to the first network namespace"));
  }
  return status;
}

}  // namespace

absl::StatusOr<DelayedLink> DelayedLink::Make(absl::Duration each_way) {
  DelayedLink link;
  if (absl::Status status = link.Connect(each_way); !status.ok()) {
    return absl::FailedPreconditionError(status.message());
  }
  return link;
}

absl::Status DelayedLink::Connect(absl::Duration each_way) {
  for (base::UniqueFd& there : namespaces_) {
    absl::Status made = AndBack([&]() -> absl::Status {
      if (unshare(CLONE_NEWNET) != 0) return absl::ErrnoToStatus(errno, "network namespaces");
      auto fd = CurrentNamespace();
      if (fd.ok()) there = std::move(*fd);
      return fd.status();
    });
    if (!made.ok()) return made;
  }
  const absl::Status netem = ConnectWithNetem(each_way);
  if (netem.ok()) return netem;
  absl::Status relay = ConnectWithRelay(each_way);
  if (!relay.ok())
    return absl::Status(relay.code(), absl::StrCat(netem.message(), "; ", relay.message()));
  absl::StrAppend(&how_, " It stands in for `tc netem`, which this machine does not have (",
                  netem.message(), ").");
  return absl::OkStatus();
}

absl::Status DelayedLink::ConnectWithNetem(absl::Duration each_way) {
  // The other end by the descriptor of its namespace, which has no name.
  absl::Status status =
      Run(0, absl::StrCat("ip link add name ", kDevice, " type veth peer name ", kDevice,
                          " netns /proc/", getpid(), "/fd/", namespaces_[1].get()));
  if (!status.ok()) return status;
  for (size_t end : {0, 1}) {
    status.Update(Run(end, absl::StrCat("tc qdisc add dev ", kDevice, " root netem delay ",
                                        absl::ToInt64Milliseconds(each_way), "ms")));
    status.Update(SetUp(end));
  }
  how_ = absl::StrCat("A veth pair joins them; `tc netem` holds every packet back for ",
                      absl::ToInt64Milliseconds(each_way), " ms at each end.");
  if (!status.ok()) {
    Run(0, absl::StrCat("ip link delete ", kDevice)).IgnoreError();  // takes the other end along
  }
  return status;
}

absl::Status DelayedLink::ConnectWithRelay(absl::Duration each_way) {
  std::array<base::UniqueFd, 2> devices;
  for (size_t end : {0, 1}) {
    absl::Status made = AndBack([&]() -> absl::Status {
      if (absl::Status status = Enter(end); !status.ok()) return status;
      auto device = MakeTunDevice(kDevice);
      if (device.ok()) devices[end] = std::move(*device);
      return device.status();
    });
    made.Update(SetUp(end));
    if (!made.ok()) return made;
  }
  auto relay = ServerProcess::Start(AllowedCpus(), [&](const std::function<void()>& ready) {
    ready();
    return RelayPackets(devices, each_way);
  });
  if (!relay.ok()) return relay.status();
  relay_.emplace(std::move(*relay));
  how_ = absl::StrCat("Each has a TUN device, and a process between the two holds every packet ",
                      "back for ", absl::ToInt64Milliseconds(each_way), " ms each way.");
  return absl::OkStatus();
}

absl::Status DelayedLink::SetUp(size_t end) const {
  absl::Status status =
      Run(end, absl::StrCat("ip address add ", Address(end), "/30 dev ", kDevice));
  status.Update(Run(end, absl::StrCat("ip link set ", kDevice, " up")));
  return status;
}

absl::Status DelayedLink::Enter(size_t end) const {
  if (setns(namespaces_[end].get(), CLONE_NEWNET) != 0) {
    return absl::ErrnoToStatus(errno, "entering a network namespace");
  }
  return absl::OkStatus();
}

absl::Status DelayedLink::Run(size_t end, const std::string& command) const {
  return AndBack([&]() -> absl::Status {
    if (absl::Status status = Enter(end); !status.ok()) return status;
    FILE* output =
        popen(absl::StrCat("PATH=$PATH:/usr/sbin:/sbin ", command, " 2>&1").c_str(), "re");
    if (output == nullptr) return absl::ErrnoToStatus(errno, command);
    std::string said;
    for (char buffer[256]; fgets(buffer, sizeof(buffer), output) != nullptr;) said += buffer;
    if (pclose(output) == 0) return absl::OkStatus();
    absl::StripAsciiWhitespace(&said);
    return absl::FailedPreconditionError(
        absl::StrCat("`", command, "` says: ", absl::StrReplaceAll(said, {{"\n", " "}})));
  });
}

}  // namespace drover::bench
