// Messages that are built in memory which both ends have, and read there.
#include "drover/wire/in_place_frame.h"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "drover/rpc.capnp.h"
#include "drover/wire/frame_reader.h"
#include "drover/wire/in_message.h"
#include "drover/wire/out_message.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace drover::wire {
namespace {

using ::testing::HasSubstr;
using transport::SharedArena;

constexpr size_t kMega = 1 << 20;
constexpr size_t kLimit = 8 * kMega;

class InPlace : public testing::Test {
 protected:
  InPlace() {
    SharedArena::Made made = SharedArena::Make().value();
    ours_ = std::move(made.arena);
    theirs_ = SharedArena::Open(made.fd.get()).value();
  }

  // An Abort with a detail of so many bytes.
  static void Fill(OutMessage& message, const std::string& data) {
    auto detail = message.builder().initRoot<protocol::Message>().initAbort().initDetails(1)[0];
    std::memcpy(detail.initData(data.size()).begin(), data.data(), data.size());
  }
  static capnp::Data::Reader DataOf(InMessage& message) {
    return message.root().getAbort().getDetails()[0].getData();
  }
  static std::string FrameOf(OutMessage& message) {
    std::string frame;
    message.AppendFrameTo(frame);
    return frame;
  }
  bool IsTheirs(const void* data) const {
    const auto* const region = theirs_->At(0, SharedArena::kRegionBytes);
    return data >= region && data < region + SharedArena::kRegionBytes;
  }
  // Of what has arrived.
  absl::StatusOr<bool> Read(const std::string& bytes, Frame* frame) {
    return ReadWith(theirs_.get(), bytes, frame);
  }
  static absl::StatusOr<bool> ReadWith(SharedArena* arena, const std::string& bytes, Frame* frame) {
    FrameReader reader(kLimit);
    const auto space = reader.Space();
    EXPECT_GE(space.size(), bytes.size());
    std::memcpy(space.data(), bytes.data(), bytes.size());
    reader.Fill(bytes.size());
    const absl::StatusOr<bool> whole = reader.Next(frame, arena);
    if (whole.ok() && *whole) frame->Keep();  // beyond its reader
    return whole;
  }
  void ExpectMalformed(const std::string& bytes, absl::StatusCode code, const std::string& why) {
    Frame frame;
    const absl::Status status = Read(bytes, &frame).status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(why));
  }

  base::Ref<SharedArena> ours_;
  base::Ref<SharedArena> theirs_;
};

TEST_F(InPlace, ALargeMessageIsReadWhereItWasBuilt) {
  // A hint has it begin in the arena, in one segment.
  for (const size_t hint : {size_t{0}, kMega / 8}) {
    OutMessagePtr message = OutMessage::New(hint, ours_);
    Fill(*message, std::string(kMega, 'm'));
    EXPECT_GT(message->FrameBytes(), kMega);
    ASSERT_TRUE(message->SendInPlace(*ours_));
    const std::string sent = FrameOf(*message);
    EXPECT_EQ(sent.size(), message->SentBytes());
    EXPECT_LT(sent.size(), 8'000u);
    Frame frame;
    ASSERT_TRUE(Read(sent, &frame).value());
    EXPECT_EQ(frame.header.total_bytes, message->FrameBytes());  // limits and windows count it
    message.reset();                                             // the peer has it all the same
    EXPECT_EQ(ours_->blocks_in_use(), 1u);
    {
      InMessage in(std::move(frame));
      const capnp::Data::Reader data = DataOf(in);
      EXPECT_TRUE(IsTheirs(data.begin()));
      EXPECT_EQ(std::string(data.asChars().begin(), data.size()), std::string(kMega, 'm'));
    }
    EXPECT_EQ(ours_->blocks_in_use(), 0u);
  }
}

TEST_F(InPlace, AMessageThatIsNotSentLeavesNothingBehind) {
  OutMessagePtr message = OutMessage::New(0, ours_);
  Fill(*message, std::string(kMega, 'm'));
  EXPECT_TRUE(message->SendInPlace(*ours_));
  EXPECT_EQ(ours_->blocks_in_use(), 1u);
  message.reset();
  EXPECT_EQ(ours_->blocks_in_use(), 0u);
}

TEST_F(InPlace, ASmallMessageIsAnOrdinaryOne) {
  OutMessagePtr message = OutMessage::New(0, ours_);
  Fill(*message, "small");
  EXPECT_FALSE(message->SendInPlace(*ours_));
  Frame frame;
  ASSERT_TRUE(Read(FrameOf(*message), &frame).value());
  EXPECT_FALSE(frame.in_place);
  EXPECT_EQ(ours_->blocks_in_use(), 0u);
}

TEST_F(InPlace, AMessageForAnotherPeerIsAnOrdinaryOne) {
  const auto others = SharedArena::Make().value();
  OutMessagePtr message = OutMessage::New(0, ours_);
  Fill(*message, std::string(32 << 10, 'm'));
  EXPECT_FALSE(message->SendInPlace(*others.arena));
  Frame frame;
  ASSERT_TRUE(Read(FrameOf(*message), &frame).value());
  EXPECT_FALSE(frame.in_place);
  InMessage in(std::move(frame));
  EXPECT_EQ(DataOf(in).size(), size_t{32} << 10);
}

TEST_F(InPlace, AMessageIsBuiltElsewhereWhereTheArenaIsFull) {
  const auto all = ours_->Take(SharedArena::kRegionBytes);
  OutMessagePtr message = OutMessage::New(0, ours_);
  Fill(*message, std::string(32 << 10, 'm'));
  EXPECT_FALSE(message->SendInPlace(*ours_));
  Frame frame;
  ASSERT_TRUE(Read(FrameOf(*message), &frame).value());
  InMessage in(std::move(frame));
  EXPECT_EQ(DataOf(in).size(), size_t{32} << 10);
  ours_->Give(all.index);
}

TEST_F(InPlace, WhatIsReferredToIsCopiedToWhereThePeerReadsIt) {
  const auto data = std::make_shared<const std::vector<uint8_t>>(kMega, 'z');
  OutMessagePtr message = OutMessage::New(0, ours_);
  auto detail = message->builder().initRoot<protocol::Message>().initAbort().initDetails(1)[0];
  detail.adoptData(message->Refer(*data, data));
  EXPECT_EQ(data.use_count(), 1);
  ASSERT_TRUE(message->SendInPlace(*ours_));
  Frame frame;
  ASSERT_TRUE(Read(FrameOf(*message), &frame).value());
  InMessage in(std::move(frame));
  EXPECT_TRUE(IsTheirs(DataOf(in).begin()));
  EXPECT_EQ(std::memcmp(DataOf(in).begin(), data->data(), kMega), 0);
}

TEST_F(InPlace, WhatIsReferredToHasItsPlaceOnce) {
  const auto data = std::make_shared<const std::vector<uint8_t>>(kMega, 'z');
  OutMessagePtr message = OutMessage::New(kMega / 4, ours_);  // room for it, from the beginning
  auto details = message->builder().initRoot<protocol::Message>().initAbort().initDetails(2);
  details[0].adoptData(message->Refer(*data, data));
  EXPECT_EQ(ours_->blocks_in_use(), 1u);
  details[1].adoptData(message->Refer(*data, data));
  ASSERT_TRUE(message->SendInPlace(*ours_));
  EXPECT_LT(message->SentBytes(), 8'000u);
}

TEST_F(InPlace, WhatIsReferredToIsSentFromWhereItLiesWhereTheArenaIsFull) {
  const auto all = ours_->Take(SharedArena::kRegionBytes);
  const auto data = std::make_shared<const std::vector<uint8_t>>(kMega, 'z');
  OutMessagePtr message = OutMessage::New(0, ours_);
  auto detail = message->builder().initRoot<protocol::Message>().initAbort().initDetails(1)[0];
  detail.adoptData(message->Refer(*data, data));
  EXPECT_EQ(data.use_count(), 2);
  EXPECT_FALSE(message->SendInPlace(*ours_));
  std::vector<iovec> pieces;
  message->GatherFrame(pieces);
  EXPECT_EQ(pieces.back().iov_base, data->data());
  ours_->Give(all.index);
}

TEST_F(InPlace, WhatThePeerHasBuiltGoesBackByBeingNamed) {
  OutMessagePtr message = OutMessage::New(0, ours_);
  Fill(*message, std::string(kMega, 'm'));
  ASSERT_TRUE(message->SendInPlace(*ours_));
  Frame frame;
  ASSERT_TRUE(Read(FrameOf(*message), &frame).value());
  message.reset();

  OutMessagePtr back = OutMessage::New(0, theirs_);
  {
    InMessage in(std::move(frame));
    const capnp::Data::Reader data = DataOf(in);
    const std::span<const uint8_t> bytes(data.begin(), data.size());
    const auto block = in.frame().in_place->BlockOf(bytes);
    ASSERT_TRUE(block.has_value());
    EXPECT_FALSE(in.frame().in_place->BlockOf(bytes.first(1'000)).has_value());
    auto detail = back->builder().initRoot<protocol::Message>().initAbort().initDetails(1)[0];
    detail.adoptData(back->ReferToPeers(bytes, in.frame().in_place, *block));
  }
  ASSERT_TRUE(back->SendInPlace(*theirs_));
  Frame returned;
  ASSERT_TRUE(ReadWith(ours_.get(), FrameOf(*back), &returned).value());
  EXPECT_EQ(returned.header.total_bytes, back->FrameBytes());
  back.reset();
  EXPECT_EQ(theirs_->blocks_in_use(), 0u);
  EXPECT_EQ(ours_->blocks_in_use(), 1u);
  {
    InMessage in(std::move(returned));
    const capnp::Data::Reader data = DataOf(in);
    EXPECT_EQ(reinterpret_cast<const std::byte*>(data.begin()),
              ours_->OwnAt(0, kMega) + sizeof(capnp::word));  // behind its landing pad
    EXPECT_EQ(std::string(data.asChars().begin(), data.size()), std::string(kMega, 'm'));
  }
  EXPECT_EQ(ours_->blocks_in_use(), 0u);
}

TEST_F(InPlace, AFrameMayArriveInPieces) {
  OutMessagePtr message = OutMessage::New(0, ours_);
  Fill(*message, std::string(kMega, 'm'));
  ASSERT_TRUE(message->SendInPlace(*ours_));
  const std::string sent = FrameOf(*message);
  FrameReader reader(kLimit);
  Frame frame;
  for (size_t i = 0; i < sent.size(); ++i) {
    EXPECT_FALSE(reader.Next(&frame, theirs_.get()).value());
    reader.Space()[0] = static_cast<std::byte>(sent[i]);
    reader.Fill(1);
  }
  ASSERT_TRUE(reader.Next(&frame, theirs_.get()).value());
  InMessage in(std::move(frame));
  EXPECT_EQ(DataOf(in).size(), kMega);
}

std::string Described(const std::vector<InPlaceSegment>& segments, size_t words_below = 0) {
  const uint32_t head[2] = {kInPlaceMark, static_cast<uint32_t>(segments.size())};
  std::string bytes(reinterpret_cast<const char*>(head), sizeof head);
  bytes.append(reinterpret_cast<const char*>(segments.data()), segments.size() * 16);
  return bytes + std::string(words_below * 8, '\0');
}

TEST_F(InPlace, AFrameIsNotTakenFromWhoSharesNoArena) {
  Frame frame;
  const absl::Status status = ReadWith(nullptr, Described({{}, {}}), &frame).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
}

TEST_F(InPlace, AFrameThatIsNotOneIsRefused) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  ExpectMalformed(Described({}), kInvalid, "has 0 segments");
  ExpectMalformed(Described({{}}), kInvalid, "has 1 segments");
  ExpectMalformed(Described(std::vector<InPlaceSegment>(65)), kInvalid, "has 65 segments");
  ExpectMalformed(Described({{.words = 1}, {.words = 1, .block = kFills}}), kInvalid,
                  "is filled up that need not be");
  ExpectMalformed(Described({{}, {}, {.words = 0, .block = kFills}}), kInvalid,
                  "is filled up that need not be");
  ExpectMalformed(Described({{.words = 1, .block = 64}, {}}), kInvalid, "names block 64");
  ExpectMalformed(Described({{.words = 1, .block = kReaders | 64}, {}}), kInvalid,
                  "names block 64");
  ExpectMalformed(
      Described({{.words = 1, .block = kReaders, .offset = SharedArena::kRegionBytes}, {}}),
      kInvalid, "does not lie in it");
  ExpectMalformed(
      Described({{.words = 2, .block = 1, .offset = SharedArena::kRegionBytes - 8}, {}}), kInvalid,
      "does not lie in it");
  ExpectMalformed(Described({{.words = 1, .block = 1, .offset = 4}, {}}), kInvalid,
                  "does not lie in it");
  ExpectMalformed(Described({{.words = UINT32_MAX, .block = 1}, {.words = 1}}),
                  absl::StatusCode::kResourceExhausted, "the limit is");
}

}  // namespace
}  // namespace drover::wire
