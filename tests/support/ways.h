// A reference that ends (revocable.h, lease.h), as those have it who call through it: in this
// process or over a connection, when it is known or before, to an object here or elsewhere.
#ifndef DROVER_TESTS_SUPPORT_WAYS_H_
#define DROVER_TESTS_SUPPORT_WAYS_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "gtest/gtest.h"
#include "support/cook.h"

namespace drover::testing_support {

enum class Way {
  kHere,           // caller, reference and object in one process
  kFromPeer,       // the caller is a client
  kPipelined,      // the same, before it has got the reference
  kToPeer,         // the object is a server's
  kFromPeerToPeer  // both
};

inline std::string WayName(const testing::TestParamInfo<Way>& info) {
  static const char* const names[] = {"Here", "FromPeer", "Pipelined", "ToPeer", "FromPeerToPeer"};
  return names[static_cast<int>(info.param)];
}

class Ways {
 public:
  explicit Ways(Way way) : way_(way) {}
  ~Ways() { servant->gate.Open(); }

  // What the reference leads to.
  kitchen::CookProxy Object() {
    if (way_ != Way::kToPeer && way_ != Way::kFromPeerToPeer) return kitchen::CookProxy(servant);
    far_.emplace(Serve("tcp://127.0.0.1:0", servant).value());
    return Connect<kitchen::CookProxy>(far_->endpoint());
  }

  // The reference, as its caller has it.
  kitchen::CookProxy Give(kitchen::CookProxy reference) {
    if (way_ == Way::kHere || way_ == Way::kToPeer) return reference;
    door_.emplace(Serve("tcp://127.0.0.1:0", std::make_shared<Door>(std::move(reference))).value());
    auto door = Connect<kitchen::CookProxy>(door_->endpoint());
    if (way_ == Way::kPipelined) return kitchen::CookProxy(door.async().MakeCook().Pipeline());
    return door.MakeCook().value();
  }

  const std::shared_ptr<Cook> servant = std::make_shared<Cook>();

 private:
  class Door final : public kitchen::CookServant {
   public:
    explicit Door(kitchen::CookProxy reference) : reference_(std::move(reference)) {}
    absl::StatusOr<kitchen::CookProxy> MakeCook() override { return reference_; }

   private:
    const kitchen::CookProxy reference_;
  };

  const Way way_;
  std::optional<Server> far_;
  std::optional<Server> door_;
};

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_SUPPORT_WAYS_H_
