// A server with an honest client that goes on working, and a hostile one.
#ifndef DROVER_TESTS_RPC_HOSTILE_FIXTURE_H_
#define DROVER_TESTS_RPC_HOSTILE_FIXTURE_H_

#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drover/base/log.h"
#include "drover/base/mutex.h"
#include "drover/base/unique_fd.h"
#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "drover/transport/dial.h"
#include "rpc/peer_fixture.h"
#include "support/temp_dir.h"

namespace drover::rpc {

inline constexpr size_t kMaxFrame = 1 << 20;

inline ServerOptions With(const Limits& limits) {
  return {.max_message_bytes = kMaxFrame, .limits = limits};
}

// What is logged while it exists.
class CapturedLog {
 public:
  CapturedLog() {
    SetLogSink([this](LogSeverity, std::string_view line) {
      base::MutexLock lock(&mu_);
      lines_ += std::string(line) + "\n";
      changed_.SignalAll();
    });
  }
  ~CapturedLog() { SetLogSink(nullptr); }
  // Waits until something with this text has been logged.
  void Await(const std::string& text) {
    base::MutexLock lock(&mu_);
    while (lines_.find(text) == std::string::npos) changed_.Wait(&mu_);
  }

 private:
  base::Mutex mu_;
  base::CondVar changed_;
  std::string lines_ ABSL_GUARDED_BY(mu_);
};

// A server with an honest client, and a hostile one.
class HostilePeer : public ServerTest {
 public:
  using Words = std::vector<uint64_t>;

 protected:
  HostilePeer() {
    // The fixture's own pair gives way to a connection of a server.
    connection_->Close(absl::CancelledError("not used here"));
    connection_ = nullptr;
    ServeWith({.max_message_bytes = kMaxFrame});
  }
  ~HostilePeer() override {
    EXPECT_EQ(honest_.Add(2, 3).value(), 5u);
    // And the server takes new ones.
    peer_ = nullptr;
    ExpectWorks(Connect<kitchen::CookProxy>(server_->endpoint()));
  }

  // A server with other options takes the place of the present one.
  void ServeWith(const ServerOptions& options) {
    peer_ = nullptr;
    front_ = UINT32_MAX;
    server_.reset();
    impatient_ = options.limits.handshake_timeout < absl::Seconds(1);
    server_ = Serve("unix://" + dir_.path("cook"), cook_, options).value();
    honest_ = Connect<kitchen::CookProxy>(server_->endpoint());
    ExpectWorks(honest_);
    peer_ = Dial();
  }

  void ExpectWorks(const kitchen::CookProxy& proxy) {
    absl::StatusOr<uint32_t> sum = proxy.Add(3, 4);
    // The scheduler may let an honest client be too slow for a server without patience.
    while (impatient_ && !sum.ok()) sum = proxy.Add(3, 4);
    EXPECT_EQ(sum.value(), 7u);
  }

  std::unique_ptr<ScriptedPeer> Dial() {
    auto stream = transport::Dial(server_->endpoint()).value();
    return std::make_unique<ScriptedPeer>(base::UniqueFd(dup(stream->fd())));
  }

  // The connection ends, for a reason that the log and, if the peer still reads, an Abort tell.
  void ExpectEnd(const std::string& reason) {
    EXPECT_THAT(peer_->ExpectAbort(), ::testing::HasSubstr(reason));
    log_.Await(reason);
  }

  // The call fails, for it passes `limit`.
  void ExpectRefused(uint32_t question, const std::string& limit) {
    const absl::Status refused = ExpectError(question);
    EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(std::string(refused.message()), ::testing::HasSubstr(limit));
  }

  // Sends a call whose params, a struct of one pointer, are spoiled by `spoil`: it gets the words
  // of the only segment, of which the last one is that pointer, and may add more.
  using Spoil = std::function<void(Words&)>;
  void SendSpoiled(const ScriptedPeer::Build& build, const Spoil& spoil) {
    capnp::MallocMessageBuilder message(1024);
    build(message.initRoot<protocol::Message>());
    message.getRoot<protocol::Message>().getCall().getParams().getContent().initAsAnyStruct(0, 1);
    auto segments = message.getSegmentsForOutput();
    ASSERT_EQ(segments.size(), 1u);
    Words words(segments[0].size());
    std::memcpy(words.data(), segments[0].begin(), words.size() * 8);
    spoil(words);
    SendSegment(words);
  }
  void SendSpoiled(uint32_t question, CookMethod method, const Spoil& spoil) {
    const uint32_t front = Front();
    SendSpoiled(
        [&](protocol::Message::Builder m) {
          auto call = InitCall(m, question, method);
          call.initTarget().setImportedCap(front);
          call.initParams().initCapTable(1)[0].setSenderHosted(1);
        },
        spoil);
  }
  // To an object of the peer's own, that the answer to `promised` holds: the server copies the
  // params to send them back.
  void SendSpoiledBack(uint32_t question, uint32_t promised, const Spoil& spoil) {
    SendWithCap(promised, kPass, [](protocol::CapDescriptor::Builder d) { d.setSenderHosted(3); });
    peer_->ExpectReturn(promised);
    SendSpoiled(
        [&](protocol::Message::Builder m) {
          auto call = InitCall<WireListener>(m, question, kHeard);
          auto target = call.initTarget().initPromisedAnswer();
          target.setQuestionId(promised);
          target.initTransform(1)[0].setGetPointerField(0);
          call.initParams();
        },
        spoil);
  }
  void SendSegment(const Words& words) {
    const uint32_t header[2] = {0, static_cast<uint32_t>(words.size())};
    peer_->SendBytes(header, sizeof(header));
    peer_->SendBytes(words.data(), words.size() * 8);
  }

  testing_support::TempDir dir_;
  CapturedLog log_;
  std::optional<Server> server_;
  bool impatient_ = false;
  kitchen::CookProxy honest_;
};

}  // namespace drover::rpc

#endif  // DROVER_TESTS_RPC_HOSTILE_FIXTURE_H_
