// Peers that send what no honest peer sends: their own connection ends, or their own call fails,
// and nobody else notices.
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "drover/object/fields_internal.h"
#include "rpc/hostile_fixture.h"

namespace drover::rpc {
namespace {

using Words = HostilePeer::Words;

// --- frames -------------------------------------------------------------------------------------

TEST_F(HostilePeer, SendsManySegments) {
  const uint32_t header[] = {512, 0};  // one more than may be
  peer_->SendBytes(header, sizeof(header));
  ExpectEnd("segments");
}

TEST_F(HostilePeer, SendsTheFirstWordThatMeansNoSegments) {
  const uint64_t word = ~uint64_t{0};
  peer_->SendBytes(&word, sizeof(word));
  ExpectEnd("segments");
}

TEST_F(HostilePeer, SendsAFrameAboveTheLimit) {
  const uint32_t header[] = {0, kMaxFrame / 8};  // with the header it is above
  peer_->SendBytes(header, sizeof(header));
  ExpectEnd("limit");
}

TEST_F(HostilePeer, SendsSegmentsThatAddUpBeyondAnySize) {
  std::vector<uint32_t> header(514, 0xffffffff);
  header[0] = 511;
  peer_->SendBytes(header.data(), header.size() * 4);
  ExpectEnd("limit");
}

TEST_F(HostilePeer, SendsRandomBytes) {
  std::mt19937_64 random(4711);
  for (int round = 0; round < 200; ++round) {
    std::vector<uint64_t> garbage(1 + random() % 64);
    for (uint64_t& word : garbage) word = random();
    if (round % 2 == 1) {
      // A plausible header, so that the garbage is taken for a message.
      garbage[0] = static_cast<uint64_t>(garbage.size() - 1) << 32;
    }
    peer_->SendBytes(garbage.data(), garbage.size() * 8);
    peer_->CloseForWriting();
    while (peer_->Receive() != nullptr) {
    }
    peer_ = Dial();
  }
}

TEST_F(HostilePeer, SpoilsHonestMessages) {
  std::mt19937 random(42);
  for (int round = 0; round < 2000; ++round) {
    auto frame = ScriptedPeer::Frame([&](protocol::Message::Builder m) {
      auto call = InitCall(m, 1, kTell);
      call.initTarget().initPromisedAnswer().setQuestionId(0);
      auto payload = call.initParams();
      auto params = payload.getContent().initAs<Wire::TellParams>();
      params.setText("a text of some length");
      SetCapPointer(object::PointerAt(params, 0), 0);
      payload.initCapTable(1)[0].setSenderHosted(1);
    });
    for (unsigned i = 0; i < 1 + random() % 3; ++i) {
      frame[8 + random() % (frame.size() - 8)] = static_cast<std::byte>(random());
    }
    peer_->SendBootstrap(0);
    peer_->SendBytes(frame);
    // The cook may call the listener, and then waits for the answer: the end is the answer.
    peer_->CloseForWriting();
    while (peer_->Receive() != nullptr) {
    }
    peer_ = Dial();
  }
}

TEST_F(HostilePeer, ClosesInTheMiddleOfAFrame) {
  const auto frame = ScriptedPeer::Frame([](protocol::Message::Builder m) { m.initBootstrap(); });
  for (size_t size : {size_t{1}, size_t{7}, size_t{8}, frame.size() - 1}) {
    peer_->SendBytes({frame.data(), size});
    peer_->CloseForWriting();
    EXPECT_TRUE(peer_->AtEnd());
    log_.Await("after " + std::to_string(size) + " bytes");
    peer_ = Dial();
  }
}

TEST_F(HostilePeer, SendsAnEmptyFrame) {
  const uint32_t header[] = {0, 0};
  peer_->SendBytes(header, sizeof(header));
  ExpectEnd("malformed");
}

// --- messages -----------------------------------------------------------------------------------

// A pointer to a struct `offset` words behind the pointer, with so many pointers and no data.
uint64_t StructPointer(int32_t offset, uint64_t pointers) {
  return pointers << 48 | (static_cast<uint32_t>(offset) << 2);
}

TEST_F(HostilePeer, SendsPointersBeyondTheMessage) {
  peer_->PassOver(protocol::Message::RELEASE);  // of the capability that comes along
  SendSpoiled(1, kEcho, [](Words& words) {
    words.back() = uint64_t{8} << 35 | uint64_t{2} << 32 | (1000u << 2 | 1);  // 8 bytes, far away
  });
  EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kInvalidArgument);
  SendAdd(2, 1, 1);
  ExpectSum(2, 2);
}

TEST_F(HostilePeer, SendsPointersToSegmentsThatAreNotThere) {
  peer_->PassOver(protocol::Message::RELEASE);
  SendSpoiled(1, kEcho, [](Words& words) {
    words.back() = uint64_t{77} << 32 | 2;  // a far pointer
  });
  EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(HostilePeer, SendsPointersThatLoop) {
  peer_->PassOver(protocol::Message::RELEASE);
  const Spoil spoil = [](Words& words) { words.back() = StructPointer(-1, 1); };
  SendSpoiled(1, kTell, spoil);
  EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kInvalidArgument);
  SendSpoiledBack(3, 2, spoil);
  EXPECT_EQ(ExpectError(3).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(HostilePeer, NestsDeeply) {
  SendSpoiledBack(2, 1, [](Words& words) {
    for (int i = 0; i < 10'000; ++i) {
      words.back() = StructPointer(0, 1);
      words.push_back(0);
    }
  });
  EXPECT_EQ(ExpectError(2).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(HostilePeer, RefersToTheSameDataManyTimes) {
  // Each struct has two pointers to the next: followed, there are 2^40 of the last one.
  SendSpoiledBack(2, 1, [](Words& words) {
    words.back() = StructPointer(0, 2);
    for (int i = 0; i < 40; ++i) {
      words.push_back(StructPointer(1, 2));
      words.push_back(StructPointer(0, 2));
    }
    words.push_back(0);
    words.push_back(0);
  });
  EXPECT_EQ(ExpectError(2).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(HostilePeer, SendsAListOfMoreNothingThanCanBeWalked) {
  SendSpoiledBack(2, 1, [](Words& words) {
    words.back() = uint64_t{7} << 32 | 1;        // a list of structs, 0 words in all...
    words.push_back(uint64_t{0x1fffffff} << 2);  // ...of 2^29 - 1 empty structs
  });
  EXPECT_EQ(ExpectError(2).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(HostilePeer, RefersToCapabilitiesThatAreNotInTheTable) {
  peer_->PassOver(protocol::Message::RELEASE);
  for (uint64_t index : {uint64_t{1}, uint64_t{0x7fffffff}, uint64_t{0xffffffff}}) {
    SendSpoiled(1, kTell, [index](Words& words) { words.back() = index << 32 | 3; });
    EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kInvalidArgument) << index;
    peer_->SendFinish(1);
  }
}

TEST_F(HostilePeer, SendsCapabilityPointersWithoutATable) {
  Front();
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall(m, 1, kTell);
    call.initTarget().setImportedCap(front_);
    auto params = call.initParams().getContent().initAs<Wire::TellParams>();
    SetCapPointer(object::PointerAt(params, 0), 0);
  });
  EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(HostilePeer, SendsDataWhereACapabilityBelongs) {
  Front();
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall(m, 1, kTell);
    call.initTarget().setImportedCap(front_);
    auto params = call.initParams().getContent().initAs<Wire::TellParams>();
    object::PointerAt(params, 0).setAs<capnp::Text>("not a listener");
  });
  EXPECT_EQ(ExpectError(1).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(HostilePeer, SendsNothingAsAMessage) {
  SendSegment({0});  // a null root: a message of kind 0, with nothing in it
  peer_->SendBootstrap(1);
  peer_->ExpectReturn(1);
}

TEST_F(HostilePeer, SendsATableOfCapabilitiesThatIsNone) {
  Front();
  auto frame = ScriptedPeer::Frame([&](protocol::Message::Builder m) {
    auto call = InitCall(m, 1, kTell);
    call.initTarget().setImportedCap(front_);
    object::PointerAt(call.initParams(), 1).initAsAnyStruct(1, 0);  // no list
  });
  peer_->SendBytes(frame);
  ExpectEnd("malformed");
}

TEST_F(HostilePeer, AsksForMoreThanTheAnswerMayHold) {
  Front();
  // As large as may be: the answer's own words make it a little larger.
  peer_->Send([&](protocol::Message::Builder m) {
    auto call = InitCall(m, 1, kEcho);
    call.initTarget().setImportedCap(front_);
    call.initParams().getContent().initAs<Wire::EchoParams>().initData(kMaxFrame - 200);
  });
  auto message = peer_->Receive();
  ASSERT_NE(message, nullptr);
  ASSERT_TRUE(message->root().isReturn());
  SendAdd(2, 1, 1);
  ExpectSum(2, 2);
}

TEST_F(HostilePeer, NeverReadsItsAnswers) {
  Front();
  // More than the sockets hold: what is not taken waits, and the thread that answers does not.
  for (uint32_t i = 0; i < 20; ++i) {
    peer_->Send([&](protocol::Message::Builder m) {
      auto call = InitCall(m, i, kEcho);
      call.initTarget().setImportedCap(front_);
      call.initParams().getContent().initAs<Wire::EchoParams>().initData(kMaxFrame / 2);
    });
  }
  EXPECT_EQ(honest_.Add(4, 5).value(), 9u);
  for (uint32_t i = 0; i < 20; ++i) peer_->ExpectReturn(i);
}

}  // namespace
}  // namespace drover::rpc
