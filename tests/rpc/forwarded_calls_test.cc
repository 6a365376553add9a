// Calls that arrive here and are made again towards where their object is: one test for each rule.
#include <utility>

#include "drover/rpc/forwarding_capability.h"
#include "drover/rpc/incoming_call.h"
#include "rpc/peer_fixture.h"

namespace drover::rpc {
namespace {

// Tells how the call ended.
class Ending final : public base::RefCounted, public ReturnHandler {
 public:
  Future<void> future() { return promise_.future(); }
  void OnReturn(capnp::AnyPointer::Reader) override { promise_.Set(absl::OkStatus()); }
  void OnError(const absl::Status& status) override { promise_.Set(status); }
  void AddRef() const override { base::RefCounted::AddRef(); }
  void Unref() const override { base::RefCounted::Unref(); }

 private:
  Promise<void> promise_;
};

class ForwardedCalls : public testing::Test {
 protected:
  ~ForwardedCalls() override { cook_->gate.Open(); }

  // A call of Wait on the cook, which it forwards.
  base::Ref<IncomingCall> Forward(const base::Ref<Ending>& ending) {
    const base::Ref<Capability> cook = LocalCapability::Of(cook_);
    auto call = IncomingCall::FromLocal(OutgoingCall(capnp::typeId<Wire>(), kWait), cook, ending);
    ForwardCall(call, [&](OutgoingCall out, base::Ref<ReturnHandler> handler) {
      cook->Send(std::move(out), std::move(handler));
    });
    return call;
  }

  const std::shared_ptr<Cook> cook_ = std::make_shared<Cook>();
};

TEST_F(ForwardedCalls, ToAnObjectOfThisProcessAreCancelledThere) {
  auto ending = base::MakeRef<Ending>();
  Future<void> ended = ending->future();
  const base::Ref<IncomingCall> call = Forward(ending);
  cook_->gate.AwaitArrivals(1);
  call->CancelByCaller();
  cook_->gate.AwaitCancellations(1);
  EXPECT_EQ(ended.Get().code(), absl::StatusCode::kCancelled);
}

TEST_F(ForwardedCalls, ToAnObjectOfThisProcessReturnItsResults) {
  auto ending = base::MakeRef<Ending>();
  Future<void> ended = ending->future();
  const base::Ref<IncomingCall> call = Forward(ending);
  cook_->gate.AwaitArrivals(1);
  cook_->gate.Open();
  EXPECT_TRUE(ended.Get().ok());
}

}  // namespace
}  // namespace drover::rpc
