#include "drover/object/revocable.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/rpc/caretaker.h"

namespace drover::object {

RevocableReference::RevocableReference() = default;
RevocableReference::RevocableReference(const Proxy& object) : options_(object.options()) {
  if (object) caretaker_ = base::MakeRef<rpc::Caretaker>(object.capability());
}

RevocableReference::RevocableReference(RevocableReference&&) noexcept = default;

RevocableReference& RevocableReference::operator=(RevocableReference&& other) noexcept {
  if (this != &other) {
    Revoke({});
    caretaker_ = std::move(other.caretaker_);
    options_ = std::move(other.options_);
  }
  return *this;
}

RevocableReference::~RevocableReference() { Revoke({}); }

Proxy RevocableReference::proxy() const { return Proxy::FromCapability(caretaker_, options_); }

void RevocableReference::Revoke(std::string_view reason) {
  if (!caretaker_) return;
  const char* const colon = reason.empty() ? "" : ": ";
  caretaker_->Close(absl::PermissionDeniedError(
                        absl::StrCat("the reference was revoked", colon, std::string(reason))),
                    rpc::Caretaker::Running::kFail);
}

bool RevocableReference::revoked() const { return caretaker_ && !caretaker_->closed().ok(); }

void RevocableReference::Detach() { caretaker_ = nullptr; }

}  // namespace drover::object
