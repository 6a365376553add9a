// Servers that offer shared memory and keep to no rule.
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drover/node.capnp.h"
#include "drover/object/connect.h"
#include "drover/transport/listener.h"
#include "drover/transport/shared_memory.h"
#include "rpc/peer_fixture.h"
#include "support/temp_dir.h"

namespace drover::rpc {
namespace {

using ::testing::HasSubstr;

// A server made by hand, at a shm:// endpoint, up to the client's request for memory.
class HostileMemoryServer : public testing::Test {
 protected:
  HostileMemoryServer()
      : listener_(transport::Listener::Listen(Endpoint::Parse("shm://" + dir_.path("cook")).value())
                      .value()),
        proxy_(Connect<kitchen::CookProxy>(listener_->endpoint())) {
    answer_ = proxy_.async().Add(1, 2);
    while (stream_ == nullptr) stream_ = listener_->Accept().value();
    peer_ = std::make_unique<ScriptedPeer>(base::UniqueFd(dup(stream_->fd())));
    peer_->PassOver(protocol::Message::FINISH);
    peer_->PassOver(protocol::Message::RELEASE);
    AnswerBootstrap();
    const auto hello = peer_->Expect(protocol::Message::CALL);
    const auto call = hello->root().getCall();
    EXPECT_EQ(call.getMethodId(), protocol::NODE_HELLO);
    nonce_ = call.getExtension().getAs<protocol::CallExtension>().getNonce();
    hello_ = call.getQuestionId();
  }
  void AnswerBootstrap() {
    const auto bootstrap = peer_->Expect(protocol::Message::BOOTSTRAP);
    peer_->Send([&](protocol::Message::Builder m) {
      auto ret = m.initReturn();
      ret.setAnswerId(bootstrap->root().getBootstrap().getQuestionId());
      auto payload = ret.initResults();
      SetCapPointer(payload.getContent(), 0);
      payload.initCapTable(1)[0].setSenderHosted(0);
    });
  }
  void AnswerHello(uint64_t nonce) {
    peer_->Send([&](protocol::Message::Builder m) {
      auto ret = m.initReturn();
      ret.setAnswerId(hello_);
      ret.initResults().getContent().initAs<protocol::Node::HelloResults>().setNonce(nonce);
    });
  }
  uint32_t ExpectRequest() {
    AnswerHello(nonce_);
    AnswerBootstrap();
    const auto request = peer_->Expect(protocol::Message::CALL);
    EXPECT_EQ(request->root().getCall().getMethodId(), protocol::NODE_SHARE_MEMORY);
    return request->root().getCall().getQuestionId();
  }
  void Offer(std::vector<int> fds) {
    const uint32_t question = ExpectRequest();
    const auto frame = ScriptedPeer::Frame([&](protocol::Message::Builder m) {
      auto ret = m.initReturn();
      ret.setAnswerId(question);
      ret.initResults().getContent().initAs<protocol::Node::ShareMemoryResults>();
    });
    const iovec piece{const_cast<std::byte*>(frame.data()), frame.size()};
    const auto sent =
        fds.empty() ? stream_->Write({&piece, 1}) : stream_->WriteWithFds({&piece, 1}, fds);
    EXPECT_EQ(sent.bytes, frame.size());
  }
  void ExpectFailure(absl::StatusCode code, const std::string& why) {
    const absl::Status status = answer_.Get().status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(why));
    EXPECT_THAT(std::string(status.message()), HasSubstr(listener_->endpoint().ToString()));
  }

  testing_support::TempDir dir_;
  std::unique_ptr<transport::Listener> listener_;
  kitchen::CookProxy proxy_;
  Future<uint32_t> answer_;
  std::unique_ptr<transport::ByteStream> stream_;
  std::unique_ptr<ScriptedPeer> peer_;
  uint64_t nonce_ = 0;
  uint32_t hello_ = 0;
  std::pair<base::UniqueFd, base::UniqueFd> bell_ = testing_support::SocketPair();
};

TEST_F(HostileMemoryServer, ThatIsNotDroverFailsCallsNamingTheEndpoint) {
  AnswerHello(nonce_ + 1);
  ExpectFailure(absl::StatusCode::kFailedPrecondition, "the peer is not Drover");
}

TEST_F(HostileMemoryServer, ThatDeclinesFailsCallsNamingTheEndpoint) {
  const uint32_t question = ExpectRequest();
  peer_->Send([&](protocol::Message::Builder m) {
    auto ret = m.initReturn();
    ret.setAnswerId(question);
    ret.initException().setReason("not today");
  });
  ExpectFailure(absl::StatusCode::kFailedPrecondition, "not today");
}

TEST_F(HostileMemoryServer, ThatSendsNoMemoryLosesTheConnection) {
  Offer({});
  ExpectFailure(absl::StatusCode::kUnavailable, "but sent none");
}

TEST_F(HostileMemoryServer, ThatSendsMemoryWhichIsNotSealedLosesTheConnection) {
  const base::UniqueFd memory(memfd_create("a-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(ftruncate(memory.get(), 4096 + (128 << 10)), 0);
  Offer({memory.get(), bell_.first.get()});
  ExpectFailure(absl::StatusCode::kUnavailable, "is not sealed");
}

TEST_F(HostileMemoryServer, ThatSendsTooMuchMemoryLosesTheConnection) {
  auto made = transport::SharedMemory::Make(16 << 20).value();
  Offer({made.fd.get(), bell_.first.get()});
  ExpectFailure(absl::StatusCode::kUnavailable, "the limit is");
}

TEST_F(HostileMemoryServer, ThatSendsNoSocketForTheBellLosesTheConnection) {
  auto made = transport::SharedMemory::Make(64 << 10).value();
  Offer({made.fd.get(), made.fd.get()});
  ExpectFailure(absl::StatusCode::kUnavailable, "not a UNIX socket");
}

TEST_F(HostileMemoryServer, ThatRunsOutOfTheRingLosesTheConnection) {
  auto made = transport::SharedMemory::Make(64 << 10).value();
  made.memory->out_lane().head.store(uint64_t{1} << 33);
  Offer({made.fd.get(), bell_.first.get()});
  ExpectFailure(absl::StatusCode::kUnavailable, "position in the shared memory is impossible");
}

TEST_F(HostileMemoryServer, ThatDiesBehindTheOfferLosesTheConnection) {
  auto made = transport::SharedMemory::Make(64 << 10).value();
  Offer({made.fd.get(), bell_.first.get()});
  bell_.first.Reset();
  bell_.second.Reset();
  ExpectFailure(absl::StatusCode::kUnavailable, "ended");
}

}  // namespace
}  // namespace drover::rpc
