// Calls that share a path.
#include "drover/rpc/call_path.h"

#include <cstdint>
#include <memory>
#include <utility>

#include "drover/async/future.h"
#include "drover/object/call_binding.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "rpc/peer_fixture.h"
#include "support/cuttable_listener.h"

namespace drover::rpc {
namespace {

using testing_support::ConnectionCutter;

class Outcome final : public base::RefCounted, public object::CallBinding {
 public:
  void OnReturn(capnp::AnyPointer::Reader) override { done_.Set(absl::OkStatus()); }
  void OnError(const absl::Status& status) override { done_.Set(status); }
  absl::Status Await() {
    Future<void> done = done_.future();
    LeaveToRuntime();
    return done.Get();
  }

  void AddRef() const override { base::RefCounted::AddRef(); }
  void Unref() const override { base::RefCounted::Unref(); }

 private:
  Promise<void> done_;
};

class CallPaths : public testing::TestWithParam<bool> {
 protected:
  absl::Status Note(base::Ref<CallPath> path, uint32_t entry) {
    OutgoingCall call(capnp::typeId<Wire>(), kNote);
    call.params().initAs<Wire::NoteParams>().setEntry(entry);
    call.path = std::move(path);
    auto outcome = base::MakeRef<Outcome>();
    proxy_.capability()->Send(std::move(call), outcome);
    return outcome->Await();
  }

  ConnectionCutter cutter_;
  Server server_ =
      Serve(cutter_.Listen(Endpoint::Parse("tcp://127.0.0.1:0").value()), std::make_shared<Cook>())
          .value();
  kitchen::CookProxy proxy_ =
      Connect<kitchen::CookProxy>(server_.endpoint(), {.wait_for_ready = GetParam()});
};

INSTANTIATE_TEST_SUITE_P(Of, CallPaths, testing::Bool(), [](const auto& info) {
  return info.param ? "WaitingProxies" : "Proxies";
});

TEST_P(CallPaths, DoNotLeadOverAnotherConnection) {
  auto path = base::MakeRef<CallPath>();
  EXPECT_EQ(Note(path, 1), absl::OkStatus());
  EXPECT_EQ(Note(path, 2), absl::OkStatus());
  cutter_.CutAll();
  EXPECT_EQ(Note(path, 3).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Note(nullptr, 4), absl::OkStatus());  // dials again
  EXPECT_EQ(Note(path, 5).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Note(base::MakeRef<CallPath>(), 6), absl::OkStatus());
  EXPECT_THAT(proxy_.Notes().value(), testing::ElementsAre(1u, 2u, 4u, 6u));
}

}  // namespace
}  // namespace drover::rpc
