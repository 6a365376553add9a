#include "drover/rpc/status_codec.h"

#include <capnp/message.h>
#include <capnp/serialize.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace drover::rpc {
namespace {

using Type = protocol::Exception::Type;

Type TypeOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnavailable:
      return Type::DISCONNECTED;
    case absl::StatusCode::kResourceExhausted:
      return Type::OVERLOADED;
    case absl::StatusCode::kUnimplemented:
      return Type::UNIMPLEMENTED;
    default:
      return Type::FAILED;
  }
}

absl::StatusCode CodeOf(Type type) {
  switch (type) {
    case Type::DISCONNECTED:
      return absl::StatusCode::kUnavailable;
    case Type::OVERLOADED:
      return absl::StatusCode::kResourceExhausted;
    case Type::UNIMPLEMENTED:
      return absl::StatusCode::kUnimplemented;
    default:
      return absl::StatusCode::kUnknown;
  }
}

void SetText(capnp::Text::Builder out, absl::string_view in) {
  if (!in.empty()) std::memcpy(out.begin(), in.data(), in.size());
}

absl::string_view View(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

// The code that a plain exception of this type stands for needs no detail.
bool NeedsDetail(const absl::Status& status) {
  bool payloads = false;
  status.ForEachPayload([&](absl::string_view, const absl::Cord&) { payloads = true; });
  return payloads || status.code() != CodeOf(TypeOf(status.code()));
}

void BuildDetail(const absl::Status& status, protocol::Exception::Builder out) {
  std::vector<std::pair<std::string, std::string>> payloads;
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& value) {
    payloads.emplace_back(std::string(url), std::string(value));
  });
  capnp::MallocMessageBuilder message(32);
  auto detail = message.initRoot<protocol::StatusDetail>();
  detail.setCode(static_cast<uint16_t>(status.code()));
  if (!payloads.empty()) {
    auto list = detail.initPayloads(static_cast<unsigned>(payloads.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      const auto& [url, value] = payloads[i];
      SetText(list[i].initTypeUrl(static_cast<unsigned>(url.size())), url);
      list[i].setValue(kj::arrayPtr(reinterpret_cast<const kj::byte*>(value.data()), value.size()));
    }
  }
  auto words = capnp::messageToFlatArray(message);
  auto entry = out.initDetails(1)[0];
  entry.setDetailId(protocol::STATUS_DETAIL_ID);
  entry.setData(words.asBytes());
}

// Adds what a detail entry says; false if it cannot be read.
bool ReadDetail(capnp::Data::Reader data, absl::string_view reason, absl::Status* status) {
  // The bytes need not be aligned inside the message.
  auto words = kj::heapArray<capnp::word>(data.size() / sizeof(capnp::word));
  std::memcpy(words.begin(), data.begin(), words.size() * sizeof(capnp::word));
  capnp::FlatArrayMessageReader message(words);
  auto detail = message.getRoot<protocol::StatusDetail>();
  const int code = detail.getCode();
  if (code < 1 || code > 16) return false;
  *status = absl::Status(static_cast<absl::StatusCode>(code), reason);
  for (auto payload : detail.getPayloads()) {
    auto value = payload.getValue();
    status->SetPayload(
        View(payload.getTypeUrl()),
        absl::Cord(absl::string_view(reinterpret_cast<const char*>(value.begin()), value.size())));
  }
  return true;
}

}  // namespace

void ToException(const absl::Status& status, protocol::Exception::Builder out) {
  out.setType(TypeOf(status.code()));
  const absl::string_view reason = status.message();
  SetText(out.initReason(static_cast<unsigned>(reason.size())), reason);
  if (NeedsDetail(status)) BuildDetail(status, out);
}

absl::Status FromException(protocol::Exception::Reader in) {
  absl::Status status;
  kj::Maybe<kj::Exception> malformed = kj::runCatchingExceptions([&] {
    const absl::string_view reason = View(in.getReason());
    status = absl::Status(CodeOf(in.getType()), reason);
    for (auto detail : in.getDetails()) {
      if (detail.getDetailId() == protocol::STATUS_DETAIL_ID &&
          ReadDetail(detail.getData(), reason, &status)) {
        break;
      }
    }
  });
  if (malformed != nullptr && status.ok()) {
    status = absl::UnknownError("the peer sent an error that cannot be read");
  }
  return status;
}

}  // namespace drover::rpc
