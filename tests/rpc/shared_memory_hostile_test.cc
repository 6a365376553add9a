// Clients that share memory and keep to no rule.
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "rpc/hostile_fixture.h"
#include "support/memory_client.h"
#include "support/until.h"
#include "support/zero_copy_cook.h"

namespace drover::rpc {
namespace {

using ::testing::HasSubstr;
using testing_support::MemoryClient;
using testing_support::Until;
using testing_support::ZeroCopyCook;

// The server goes on, and so does its honest client.
class HostileMemory : public testing::Test {
 protected:
  HostileMemory() { ServeWith({}); }
  ~HostileMemory() override {
    client_.reset();
    cook_->gate.Open();
    EXPECT_EQ(Connect<kitchen::CookProxy>(server_->endpoint()).Add(2, 3).value(), 5u);
  }
  void ServeWith(const Limits& limits, absl::Duration ping = absl::ZeroDuration()) {
    client_.reset();
    server_.reset();
    server_ = Serve("unix://" + dir_.path("cook"), cook_,
                    {.limits = limits, .ping_interval = ping, .ping_timeout = ping})
                  .value();
    client_.emplace(server_->endpoint());
  }
  void ServeInstead(std::shared_ptr<Servant> servant) {
    client_.reset();
    server_.reset();
    server_ = Serve("unix://" + dir_.path("cook"), std::move(servant)).value();
    client_.emplace(server_->endpoint());
  }
  std::vector<std::byte> AddCall(uint32_t question) {
    return ScriptedPeer::Frame([&](protocol::Message::Builder m) {
      auto call = InitCall(m, question, kAdd);
      call.initTarget().setImportedCap(client_->front());
      auto params = call.initParams().getContent().initAs<Wire::AddParams>();
      params.setA(question);
      params.setB(1);
    });
  }
  std::vector<std::byte> EchoCall(uint32_t question, const std::vector<uint8_t>& data) {
    return ScriptedPeer::Frame([&](protocol::Message::Builder m) {
      auto call = InitCall(m, question, kEcho);
      call.initTarget().setImportedCap(client_->front());
      call.initParams().getContent().initAs<Wire::EchoParams>().setData(
          capnp::Data::Reader(data.data(), data.size()));
    });
  }
  static std::vector<std::byte> FinishOf(uint32_t question) {
    return ScriptedPeer::Frame([&](protocol::Message::Builder m) {
      auto finish = m.initFinish();
      finish.setQuestionId(question);
      finish.setReleaseResultCaps(false);
    });
  }
  void ExpectEcho(uint32_t question, const std::vector<uint8_t>& data) {
    const auto message = peer().ExpectReturn(question);
    const auto echoed =
        message->root().getReturn().getResults().getContent().getAs<Wire::EchoResults>().getData();
    EXPECT_TRUE(std::ranges::equal(std::span(echoed.begin(), echoed.size()), data));
    peer().SendFinish(question);
  }
  void ExpectWorks(uint32_t question) {
    client_->peer().SendBytes(AddCall(question));
    const auto message = client_->peer().ExpectReturn(question);
    EXPECT_EQ(
        message->root().getReturn().getResults().getContent().getAs<Wire::AddResults>().getSum(),
        question + 1);
    client_->peer().SendFinish(question);
  }
  // The connection ends, for this reason.
  void ExpectEnd(const std::string& reason) {
    log_.Await(reason);
    while (client_->peer().Receive() != nullptr) {
    }
  }
  ScriptedPeer& peer() { return client_->peer(); }
  // Part of a message, which is there for the server to read.
  void SendHalf() {
    const auto frame = AddCall(9);
    peer().SendBytes(std::span(frame).first(16));
  }

  testing_support::TempDir dir_;
  CapturedLog log_;
  const std::shared_ptr<Cook> cook_ = std::make_shared<Cook>();
  std::optional<Server> server_;
  std::optional<MemoryClient> client_;
};

TEST_F(HostileMemory, OfAnHonestClientWorks) {
  client_->AskAndGoOver();
  for (uint32_t question = 0; question < 100; ++question) ExpectWorks(question);
}

TEST_F(HostileMemory, IsNotSharedBeforeHello) {
  client_->CallNode(1, protocol::NODE_SHARE_MEMORY);
  const auto message = peer().ExpectReturn(1);
  EXPECT_TRUE(message->root().getReturn().isException());
  peer().SendFinish(1);
  ExpectWorks(2);
}

TEST_F(HostileMemory, IsSharedOnceForEachConnection) {
  client_->AskAndGoOver();
  client_->CallNode(1, protocol::NODE_SHARE_MEMORY);
  const auto message = peer().ExpectReturn(1);
  EXPECT_THAT(message->root().getReturn().getException().getReason().cStr(),
              HasSubstr("memory is shared already"));
  peer().SendFinish(1);
  ExpectWorks(2);
}

TEST_F(HostileMemory, IsReadFromWhenTheClientHasGoneOverAndNoSooner) {
  client_->Ask();
  // Calls still travel on the socket, and their answers in the ring.
  client_->peer().SendBytes(AddCall(5));
  client_->GoOver();
  const auto message = peer().ExpectReturn(5);
  EXPECT_TRUE(message->root().getReturn().isResults());
  ExpectWorks(6);
}

TEST_F(HostileMemory, WithAPositionBeyondTheRingEndsTheConnection) {
  client_->AskAndGoOver();
  ExpectWorks(1);
  client_->spoiler().out_lane().head.store(uint64_t{1} << 40);
  ASSERT_EQ(send(client_->bell(), "x", 1, MSG_NOSIGNAL), 1);
  ExpectEnd("the peer's position in the shared memory is impossible");
}

TEST_F(HostileMemory, WithARecordThatIsNotOneEndsTheConnection) {
  client_->AskAndGoOver();
  ExpectWorks(1);
  transport::SharedMemory& memory = client_->spoiler();
  const uint64_t head = memory.out_lane().head.load();
  const uint32_t record[2] = {1 << 30, 0};
  std::memcpy(memory.out() + head % MemoryClient::kRing, record, sizeof record);
  memory.out_lane().head.store(head + 64);
  ASSERT_EQ(send(client_->bell(), "x", 1, MSG_NOSIGNAL), 1);
  ExpectEnd("a record into the shared memory that is not one");
}

TEST_F(HostileMemory, ThatTookMoreThanWasWrittenEndsTheConnection) {
  client_->AskAndGoOver();
  ExpectWorks(1);
  client_->spoiler().in_lane().tail.store(uint64_t{1} << 40);
  peer().Send([&](protocol::Message::Builder m) {  // an answer for which there must be room
    auto call = InitCall(m, 2, kEcho);
    call.initTarget().setImportedCap(client_->front());
    call.initParams().getContent().initAs<Wire::EchoParams>().initData(MemoryClient::kRing / 2);
  });
  peer().Send([&](protocol::Message::Builder m) {
    auto call = InitCall(m, 3, kEcho);
    call.initTarget().setImportedCap(client_->front());
    call.initParams().getContent().initAs<Wire::EchoParams>().initData(MemoryClient::kRing);
  });
  log_.Await("the peer's position in the shared memory is impossible");
}

TEST_F(HostileMemory, OfAClientThatWritesOnToTheSocketEndsTheConnection) {
  client_->Ask();
  auto bytes = FinishOf(MemoryClient::kAsked);
  const auto call = AddCall(5);
  bytes.insert(bytes.end(), call.begin(), call.end());
  peer().SendBytes(bytes);  // in one write
  log_.Await("wrote on to the socket after it had gone over");
}

TEST_F(HostileMemory, IsNoneOfAClientThatGivesTheAnswerUp) {
  client_->SayHello();
  client_->CallNode(MemoryClient::kAsked, protocol::NODE_SHARE_MEMORY);
  peer().SendFinish(MemoryClient::kAsked);  // perhaps before it was given
  peer().ExpectReturn(MemoryClient::kAsked);
  // Either it counts as going over, with nothing in the ring, or nothing has changed.
  client_.emplace(server_->endpoint());
  ExpectWorks(1);
}

// --- time ---------------------------------------------------------------------------------------

Limits Impatient() { return {.frame_timeout = absl::Milliseconds(50)}; }

TEST_F(HostileMemory, WithAMessageThatStaysUnfinishedEndsTheConnection) {
  ServeWith(Impatient());
  client_->AskAndGoOver();
  SendHalf();
  ExpectEnd("limits.frame_timeout");
}

TEST_F(HostileMemory, WithAMessageThatStaysUnfinishedWhileTheBellRingsEndsTheConnection) {
  ServeWith(Impatient());
  client_->AskAndGoOver();
  SendHalf();
  std::atomic<bool> done{false};
  const base::UniqueFd bell(dup(client_->bell()));
  std::thread ringer([&] {
    while (!done.load()) send(bell.get(), "xxxxxxxx", 8, MSG_NOSIGNAL | MSG_DONTWAIT);
  });
  ExpectEnd("limits.frame_timeout");
  done = true;
  ringer.join();
}

TEST_F(HostileMemory, WhosePositionMovesWithoutABellEndsTheConnection) {
  ServeWith(Impatient());
  client_->AskAndGoOver();
  SendHalf();
  // More of it is there, and nobody is told.
  transport::Lane& lane = client_->spoiler().out_lane();
  std::atomic<bool> done{false};
  std::thread mover([&] {
    const uint64_t head = lane.head.load();
    while (!done.load()) lane.head.store(head);
  });
  ExpectEnd("limits.frame_timeout");
  done = true;
  mover.join();
}

TEST_F(HostileMemory, OfAClientThatAnswersNoPingWhileTheBellRingsEndsTheConnection) {
  ServeWith({}, /*ping=*/absl::Milliseconds(500));  // time enough to go over
  client_->AskAndGoOver();
  std::atomic<bool> done{false};
  const base::UniqueFd bell(dup(client_->bell()));
  std::thread ringer([&] {
    while (!done.load()) send(bell.get(), "xxxxxxxx", 8, MSG_NOSIGNAL | MSG_DONTWAIT);
  });
  log_.Await("no answer to a ping");
  done = true;
  ringer.join();
}

TEST_F(HostileMemory, ThatIsKeptFullAfterTheEndHoldsNobody) {
  client_->AskAndGoOver();
  ExpectWorks(1);
  // Calls without end, to a server that shuts down meanwhile.
  std::atomic<bool> done{false};
  std::thread writer([&] {
    const auto call = AddCall(2);
    while (!done.load()) {
      peer().SendBytes(call);
      client_->spoiler().in_lane().tail.store(client_->spoiler().in_lane().head.load());
    }
  });
  server_->Shutdown(absl::ZeroDuration());
  server_.reset();
  done = true;
  writer.join();
  server_ = Serve("unix://" + dir_.path("cook"), cook_).value();
}

// --- rewritten ----------------------------------------------------------------------------------

TEST_F(HostileMemory, WhichIsRewrittenAfterItWasReadChangesNoMessage) {
  const std::vector<uint8_t> small(100, 's');
  const std::vector<uint8_t> large(200 << 10, 'l');
  for (const auto& [first, second] : {std::pair(small, large), std::pair(large, small)}) {
    const auto cook = std::make_shared<ZeroCopyCook>();
    cook->on_echo = [&gate = cook->gate](ZeroCopyCook::EchoContext& call) {
      const capnp::Data::Reader data = call.params().getData();
      const absl::Status passed = gate.Pass();
      call.results(data.size()).setData(data);
      return passed;
    };
    ServeInstead(cook);
    client_->AskAndGoOver();
    peer().SendBytes(EchoCall(1, first));
    peer().SendBytes(EchoCall(2, second));
    // The servant has the first, and the second waits for the servant.
    cook->gate.AwaitArrivals(1);
    transport::SharedMemory& memory = client_->spoiler();
    Until([&] { return memory.out_lane().tail.load() == memory.out_lane().head.load(); });
    std::memset(memory.out(), 0xFF, MemoryClient::kRing);
    cook->gate.Open();
    ExpectEcho(1, first);
    ExpectEcho(2, second);
  }
}

TEST_F(HostileMemory, ThatIsRewrittenAllTheTimeHarmsNobody) {
  // What the servant reads is what was sent or what it was rewritten to, the same each time.
  constexpr size_t kData = 64 << 10;
  constexpr uint8_t kSent = 's';
  constexpr uint8_t kRewritten = 'r';
  const auto cook = std::make_shared<ZeroCopyCook>();
  std::atomic<int> rewritten{0};
  std::atomic<bool> whole{true};
  cook->on_echo = [&](ZeroCopyCook::EchoContext& call) {
    const capnp::Data::Reader data = call.params().getData();
    const std::vector<uint8_t> before(data.begin(), data.end());
    std::this_thread::yield();
    const auto count = [&](uint8_t byte) { return std::ranges::count(before, byte); };
    if (!std::equal(before.begin(), before.end(), data.begin(), data.end()) ||
        count(kSent) + count(kRewritten) != int64_t{kData}) {
      whole = false;
    }
    if (count(kRewritten) > 0) ++rewritten;
    return absl::OkStatus();
  };
  ServeInstead(cook);
  client_->AskAndGoOver();
  transport::SharedMemory& memory = client_->spoiler();
  std::atomic<bool> done{false};
  std::thread rewriter([&] {
    // The data, which are the last of what has been published.
    for (uint64_t i = 1; !done.load(std::memory_order_relaxed); i = i * 6364136223846793005u + 1) {
      const uint64_t at = memory.out_lane().head.load() - 1 - (i >> 33) % kData;
      memory.out()[at % MemoryClient::kRing] = std::byte{kRewritten};
    }
  });
  const std::vector<uint8_t> data(kData, kSent);
  std::vector<std::byte> finish;  // of the last call, in one record with the next
  for (uint32_t question = 0; question < 300 || rewritten == 0; ++question) {
    std::vector<std::byte> record = std::exchange(finish, FinishOf(question));
    const auto call = EchoCall(question, data);
    record.insert(record.end(), call.begin(), call.end());
    peer().SendBytes(record);
    EXPECT_TRUE(peer().ExpectReturn(question)->root().getReturn().isResults());
  }
  done = true;
  rewriter.join();
  EXPECT_TRUE(whole);
}

}  // namespace
}  // namespace drover::rpc
