#include "drover/transport/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "drover/base/status_macros.h"

namespace drover {
namespace {

constexpr char kSchemes[] = "unix://, unix:@, tcp://, inproc://, fd:, shm:// or fifo://";

absl::Status Invalid(std::string_view text, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("endpoint '", std::string(text), "': ", std::string(what)));
}

bool ConsumePrefix(std::string_view* text, std::string_view prefix) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

// Digits only: no sign, no space.
std::optional<int> ParseNumber(std::string_view digits, int max) {
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() ||
      digits[0] == '-' || value > max) {
    return std::nullopt;
  }
  return value;
}

absl::Status CheckUnixPath(std::string_view text, std::string_view path) {
  if (path.size() <= Endpoint::kMaxUnixPath) return absl::OkStatus();
  return Invalid(text, absl::StrCat("a UNIX socket's path has at most ", Endpoint::kMaxUnixPath,
                                    " bytes; this one has ", path.size()));
}

// "fe80::1%eth0" keeps its zone.
std::optional<std::string> CanonicalIpv6(std::string_view host) {
  const size_t percent = std::min(host.find('%'), host.size());
  in6_addr address;
  char canonical[INET6_ADDRSTRLEN];
  if (percent + 1 == host.size() ||
      inet_pton(AF_INET6, std::string(host.substr(0, percent)).c_str(), &address) != 1 ||
      inet_ntop(AF_INET6, &address, canonical, sizeof canonical) == nullptr) {
    return std::nullopt;
  }
  return absl::StrCat(canonical, std::string(host.substr(percent)));
}

bool IsHostCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_';
}

}  // namespace

absl::StatusOr<Endpoint> Endpoint::ParseTcp(std::string_view text, std::string_view rest) {
  std::string host;
  if (ConsumePrefix(&rest, "[")) {
    const size_t close = rest.find(']');
    if (close == rest.npos) return Invalid(text, "the '[' of an IPv6 address has no ']'");
    std::optional<std::string> canonical = CanonicalIpv6(rest.substr(0, close));
    if (!canonical) return Invalid(text, "what is in brackets is not an IPv6 address");
    host = *std::move(canonical);
    rest.remove_prefix(close + 1);
  } else {
    const size_t colon = std::min(rest.find(':'), rest.size());
    host = absl::AsciiStrToLower(std::string(rest.substr(0, colon)));
    rest.remove_prefix(colon);
    if (rest.find(':', 1) != rest.npos) {
      return Invalid(text, "more than one ':'; an IPv6 address stands in brackets");
    }
    if (host.empty()) return Invalid(text, "the host is missing");
    if (!std::all_of(host.begin(), host.end(), IsHostCharacter)) {
      return Invalid(text, "the host has a character that no host name has");
    }
  }
  if (!ConsumePrefix(&rest, ":")) return Invalid(text, "the port is missing");
  const std::optional<int> port = ParseNumber(rest, 65535);
  if (!port) return Invalid(text, "the port is not a number from 0 to 65535");
  return Endpoint(Scheme::kTcp, std::move(host), *port);
}

absl::StatusOr<Endpoint> Endpoint::Parse(std::string_view text) {
  if (text.find('\0') != text.npos) return Invalid(text, "contains a zero byte");
  const size_t hash = text.find('#');
  std::string_view rest = text.substr(0, hash);
  std::string_view name;
  if (hash != text.npos) {
    name = text.substr(hash + 1);
    if (name.empty()) return Invalid(text, "the name after '#' is empty");
  }
  auto with_path = [&](Scheme scheme) -> absl::StatusOr<Endpoint> {
    if (rest.empty()) {
      return Invalid(text, scheme == Scheme::kInproc ? "the name is empty" : "the path is empty");
    }
    if (scheme == Scheme::kUnix && rest[0] == '@') {
      return Invalid(text, "an abstract name is written unix:@NAME, without '//'");
    }
    if (scheme == Scheme::kUnix || scheme == Scheme::kShm) {
      DROVER_RETURN_IF_ERROR(CheckUnixPath(text, rest));
    }
    return Endpoint(scheme, std::string(rest), 0);
  };
  absl::StatusOr<Endpoint> endpoint = [&]() -> absl::StatusOr<Endpoint> {
    if (ConsumePrefix(&rest, "unix://")) return with_path(Scheme::kUnix);
    if (ConsumePrefix(&rest, "shm://")) return with_path(Scheme::kShm);
    if (ConsumePrefix(&rest, "fifo://")) return with_path(Scheme::kFifo);
    if (ConsumePrefix(&rest, "inproc://")) return with_path(Scheme::kInproc);
    if (ConsumePrefix(&rest, "tcp://")) return ParseTcp(text, rest);
    if (ConsumePrefix(&rest, "unix:@")) {
      if (rest.empty()) return Invalid(text, "the abstract name is empty");
      DROVER_RETURN_IF_ERROR(CheckUnixPath(text, rest));
      return Endpoint(Scheme::kUnix, absl::StrCat("@", std::string(rest)), 0);
    }
    if (ConsumePrefix(&rest, "fd:")) {
      const std::optional<int> fd = ParseNumber(rest, 1 << 30);
      if (!fd) return Invalid(text, "what follows 'fd:' is not a descriptor's number");
      return Endpoint(Scheme::kFd, "", *fd);
    }
    return Invalid(text, absl::StrCat("does not begin with ", kSchemes));
  }();
  if (endpoint.ok()) endpoint->name_ = std::string(name);
  return endpoint;
}

std::string Endpoint::ToString() const {
  const std::string tail = name_.empty() ? "" : absl::StrCat("#", name_);
  switch (scheme_) {
    case Scheme::kUnix:
      return absl::StrCat(is_abstract() ? "unix:" : "unix://", path_, tail);
    case Scheme::kTcp:
      if (path_.find(':') != path_.npos) return absl::StrCat("tcp://[", path_, "]:", number_, tail);
      return absl::StrCat("tcp://", path_, ":", number_, tail);
    case Scheme::kInproc:
      return absl::StrCat("inproc://", path_, tail);
    case Scheme::kFd:
      return absl::StrCat("fd:", number_, tail);
    case Scheme::kShm:
      return absl::StrCat("shm://", path_, tail);
    case Scheme::kFifo:
      return absl::StrCat("fifo://", path_, tail);
  }
  return "";
}

Endpoint Endpoint::WithName(std::string_view name) const {
  Endpoint copy = *this;
  copy.name_ = std::string(name);
  return copy;
}

Endpoint Endpoint::WithPort(uint16_t port) const {
  Endpoint copy = *this;
  copy.number_ = port;
  return copy;
}

}  // namespace drover
