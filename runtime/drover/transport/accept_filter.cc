#include "drover/transport/accept_filter.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "drover/base/status_macros.h"

namespace drover {
namespace {

// IPv4 addresses are those of ::ffff:0:0/96, so that one comparison does for both kinds.
using Address = std::array<uint8_t, 16>;
constexpr int kMappedBits = 96;

struct Network {
  Address address;
  int bits;  // that must agree

  bool Contains(const Address& other) const {
    const int bytes = bits / 8;
    if (!std::equal(address.begin(), address.begin() + bytes, other.begin())) return false;
    const int rest = bits % 8;
    return rest == 0 || (address[bytes] ^ other[bytes]) >> (8 - rest) == 0;
  }
};

struct Parsed {
  Address address;
  bool v4;
};

std::optional<Parsed> ParseAddress(const std::string& text) {
  Parsed parsed{{}, false};
  if (inet_pton(AF_INET6, text.c_str(), parsed.address.data()) == 1) return parsed;
  parsed.v4 = true;
  parsed.address[10] = parsed.address[11] = 0xff;
  if (inet_pton(AF_INET, text.c_str(), parsed.address.data() + 12) == 1) return parsed;
  return std::nullopt;
}

absl::Status Wrong(const std::string& entry, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("AllowAddresses: \"", entry, "\" ", std::string(what)));
}

absl::StatusOr<Network> ParseNetwork(const std::string& entry) {
  const size_t slash = entry.find('/');
  const std::optional<Parsed> parsed = ParseAddress(entry.substr(0, slash));
  if (!parsed) {
    return Wrong(entry,
                 "is neither an IPv4 or IPv6 address, nor a network such as 10.0.0.0/8, "
                 "nor \"unix\"; names are not resolved");
  }
  Network network{parsed->address, 128};
  if (slash == std::string::npos) return network;
  const int most = parsed->v4 ? 32 : 128;
  const std::string length = entry.substr(slash + 1);
  int bits = -1;
  const bool digits = !length.empty() && length.find_first_not_of("0123456789") == length.npos;
  if (!digits || !absl::SimpleAtoi(length, &bits) || bits > most) {
    return Wrong(entry, absl::StrCat("needs a number of bits from 0 to ", most, " behind the /"));
  }
  network.bits = parsed->v4 ? kMappedBits + bits : bits;
  for (int bit = network.bits; bit < 128; ++bit) {
    if ((network.address[bit / 8] >> (7 - bit % 8) & 1) != 0) {
      return Wrong(entry, absl::StrCat("has bits set beyond the first ", bits,
                                       ", which are those that count"));
    }
  }
  return network;
}

// Of "127.0.0.1:4711", "[::1]:4711" or "[fe80::1%eth0]:4711".
std::optional<Address> AddressOf(const std::string& peer) {
  std::string host = peer.substr(0, peer.rfind(':'));
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    host = host.substr(0, host.find('%'));
  }
  const std::optional<Parsed> parsed = ParseAddress(host);
  if (!parsed) return std::nullopt;
  return parsed->address;
}

}  // namespace

AcceptFilter AllowUids(std::vector<uid_t> uids) {
  return [uids = std::move(uids)](const PeerInfo& peer) {
    if (!peer.uid) {
      return absl::PermissionDeniedError(absl::StrCat("the server takes certain users only, and ",
                                                      peer.address, " has no uid that is known"));
    }
    if (std::find(uids.begin(), uids.end(), *peer.uid) != uids.end()) return absl::OkStatus();
    return absl::PermissionDeniedError(
        absl::StrCat("the server does not take clients of uid ", *peer.uid));
  };
}

absl::StatusOr<AcceptFilter> AllowAddresses(const std::vector<std::string>& entries) {
  std::vector<Network> networks;
  bool any_unix = false;
  for (const std::string& entry : entries) {
    if (entry == "unix") {
      any_unix = true;
      continue;
    }
    DROVER_ASSIGN_OR_RETURN(Network network, ParseNetwork(entry));
    networks.push_back(network);
  }
  return [networks = std::move(networks), any_unix](const PeerInfo& peer) {
    bool allowed = peer.address == "inproc" || (any_unix && peer.address == "unix");
    if (const std::optional<Address> address = AddressOf(peer.address); address) {
      allowed = std::any_of(networks.begin(), networks.end(),
                            [&](const Network& network) { return network.Contains(*address); });
    }
    if (allowed) return absl::OkStatus();
    return absl::PermissionDeniedError(
        absl::StrCat("the server does not take clients from ", peer.address));
  };
}

}  // namespace drover
