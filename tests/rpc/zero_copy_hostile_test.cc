// Malformed messages in the zero-copy form: a servant's method does not see malformed params, a
// caller gets no malformed results, and nothing throws through either.
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drover/object/fields_internal.h"
#include "kitchen.drover_zero_copy.h"
#include "rpc/hostile_fixture.h"
#include "support/zero_copy_cook.h"

namespace drover::rpc {
namespace {

using kitchen::CookZeroCopyProxy;
using testing_support::ZeroCopyCook;

// Counts the calls that reach its methods.
class CountingCook final : public ZeroCopyCook {
 public:
  std::atomic<int> ran{0};

  absl::Status EchoZeroCopy(EchoContext& call) override {
    ++ran;
    return ZeroCopyCook::EchoZeroCopy(call);
  }
  absl::Status TellZeroCopy(TellContext& call) override {
    ++ran;
    return ZeroCopyCook::TellZeroCopy(call);
  }
};

class HostileZeroCopy : public HostilePeer {
 protected:
  HostileZeroCopy() {
    peer_ = nullptr;
    server_.reset();
    server_ =
        Serve("unix://" + dir_.path("cook"), counting_, {.max_message_bytes = kMaxFrame}).value();
    honest_ = Connect<kitchen::CookProxy>(server_->endpoint());
    ExpectWorks(honest_);
    peer_ = Dial();
    peer_->PassOver(protocol::Message::RELEASE);  // of the capabilities that come along
  }

  void ExpectRefused(CookMethod method, const Spoil& spoil) {
    SendSpoiled(1, method, spoil);
    EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(counting_->ran, 0);
    SendAdd(2, 1, 1);
    ExpectSum(2, 2);
  }

  const std::shared_ptr<CountingCook> counting_ = std::make_shared<CountingCook>();
};

TEST_F(HostileZeroCopy, PointersBeyondTheMessageDoNotReachTheServant) {
  ExpectRefused(kEcho, [](Words& words) {
    words.back() = uint64_t{8} << 35 | uint64_t{2} << 32 | (1000u << 2 | 1);  // 8 bytes, far away
  });
}

TEST_F(HostileZeroCopy, PointersToSegmentsThatAreNotThereDoNotReachTheServant) {
  ExpectRefused(kEcho, [](Words& words) { words.back() = uint64_t{77} << 32 | 2; });
}

TEST_F(HostileZeroCopy, StructWhereDataBelongsDoesNotReachTheServant) {
  ExpectRefused(kEcho, [](Words& words) { words.back() = uint64_t{1} << 48 | 0xfffffffc; });
}

TEST_F(HostileZeroCopy, CapabilityWhereDataBelongsDoesNotReachTheServant) {
  ExpectRefused(kEcho, [](Words& words) { words.back() = 3; });
}

TEST_F(HostileZeroCopy, DataWhereACapabilityBelongsDoesNotReachTheServant) {
  ExpectRefused(kTell, [](Words& words) {
    words.back() = uint64_t{8} << 35 | uint64_t{2} << 32 | 1;  // 8 bytes, behind it
    words.push_back(0);
  });
}

TEST_F(HostileZeroCopy, ParamsThatAreNoStructDoNotReachTheServant) {
  const uint32_t front = Front();
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall(m, 1, kEcho);
    call.initTarget().setImportedCap(front);
    call.initParams().getContent().setAs<capnp::Text>("no struct");
  });
  EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(counting_->ran, 0);
}

TEST_F(HostileZeroCopy, CapabilitiesThatAreNotInTheTableAreBrokenProxies) {
  for (uint64_t index : {uint64_t{1}, uint64_t{0x7fffffff}, uint64_t{0xffffffff}}) {
    SendSpoiled(1, kTell, [index](Words& words) { words.back() = index << 32 | 3; });
    EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kInvalidArgument) << index;
    peer_->SendFinish(1);
  }
  EXPECT_EQ(counting_->ran, 3);  // its own call on the listener got that error
}

TEST_F(HostileZeroCopy, UnknownMethodsAreUnimplemented) {
  const uint32_t front = Front();
  peer_->Send([&](protocol::Message::Builder m) {
    InitCall(m, 1, 999).initTarget().setImportedCap(front);
  });
  EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kUnimplemented);
}

// --- a hostile server ---------------------------------------------------------------------------

class HostileResults : public ClientTest {
 protected:
  using Build = std::function<void(capnp::AnyPointer::Builder)>;

  // The result of an Echo that the peer answers with what `build` makes.
  absl::StatusOr<ZeroCopyReply<Wire::EchoResults>> EchoAnswered(const Build& build) {
    auto future = CookZeroCopyProxy(proxy_).Echo().SendAsync();
    AnswerBootstrap(5);
    const uint32_t question = ExpectCall().getQuestionId();
    SendReturn(question,
               [&](protocol::Return::Builder ret) { build(ret.initResults().getContent()); });
    return future.Get();
  }
};

TEST_F(HostileResults, OfAnotherTypeAreInvalidArgument) {
  EXPECT_EQ(EchoAnswered([](capnp::AnyPointer::Builder content) {
              auto pointers = content.initAsAnyStruct(0, 1).getPointerSection();
              pointers[0].initAsAnyStruct(1, 0);  // where Data belongs
            })
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(HostileResults, ThatAreNoStructAreInvalidArgument) {
  EXPECT_EQ(EchoAnswered(
                [](capnp::AnyPointer::Builder content) { content.setAs<capnp::Text>("no struct"); })
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(HostileResults, OfNothingAreDefaults) {
  const auto reply = EchoAnswered([](capnp::AnyPointer::Builder) {});
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->results().getData().size(), 0u);
}

}  // namespace
}  // namespace drover::rpc
