// What leaves in a message: the bytes that Cap'n Proto's own builder gives, whatever was in the
// memory that it is built in.
#include "drover/wire/out_message.h"

#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "drover/base/whole_data.h"
#include "drover/rpc.capnp.h"
#include "gtest/gtest.h"

namespace drover::wire {
namespace {

using Build = std::function<void(capnp::MessageBuilder&)>;

constexpr size_t kMega = 1 << 20;
// Around the limits of words, of what is large, and of the sizes of spare memory.
constexpr size_t kDataSizes[] = {0,         1,      16'383,    16'384,       16'385,
                                 16'391,    65'536, 65'537,    73'711,       73'712,
                                 kMega - 1, kMega,  kMega + 3, kMega + 8'191};

// Spare memory of all sizes, each byte of which is 0xab.
void LeaveDirtyMemory() {
  std::vector<Memory> pieces;
  for (size_t size = SpareMemory::kLeastPiece; size <= 2 * kMega; size *= 2) {
    for (int i = 0; i < 2; ++i) {
      pieces.push_back(SpareMemory::Take(size));
      std::memset(pieces.back().data, 0xab, pieces.back().size);
    }
  }
  for (const Memory& piece : pieces) SpareMemory::Give(piece);
}

std::string Built(const Build& build, size_t hint_words = 0) {
  OutMessagePtr message = OutMessage::New(hint_words);
  build(message->builder());
  std::string frame;
  message->AppendFrameTo(frame);
  return frame;
}

// With a first segment of so many words, as an OutMessage without a hint has.
std::string BuiltByCapnp(const Build& build, unsigned words = 512) {
  capnp::MallocMessageBuilder message(words);
  build(message);
  const kj::Array<capnp::word> frame = capnp::messageToFlatArray(message);
  return {reinterpret_cast<const char*>(frame.begin()), frame.size() * sizeof(capnp::word)};
}

protocol::Exception::Builder Abort(capnp::MessageBuilder& message) {
  return message.initRoot<protocol::Message>().initAbort();
}

class Message : public testing::Test {
 protected:
  Message() {
    EXPECT_TRUE(SpareMemory::Keep());
    LeaveDirtyMemory();
  }
  ~Message() override { SpareMemory::StopKeeping(); }
};

TEST_F(Message, HoldsNothingOfUsedMemoryBesideDataThatIsWrittenWhole) {
  for (const size_t size : kDataSizes) {
    const Build build = [&](capnp::MessageBuilder& message) {
      auto reason = Abort(message);
      const base::WholeData whole(size + 1);
      std::memset(reason.initReason(static_cast<unsigned>(size)).begin(), 'x', size);
    };
    EXPECT_EQ(Built(build), BuiltByCapnp(build)) << size;
  }
}

TEST_F(Message, HoldsNothingOfUsedMemoryInWhatIsLeftUnwritten) {
  for (const size_t size : kDataSizes) {
    const Build build = [&](capnp::MessageBuilder& message) {
      Abort(message).initReason(static_cast<unsigned>(size));
    };
    EXPECT_EQ(Built(build), BuiltByCapnp(build)) << size;
    EXPECT_EQ(Built(build, 1000 + size / 8), BuiltByCapnp(build, 1064 + size / 8)) << size;
  }
}

// What is made room for beside it, at the same time, is of another size.
TEST_F(Message, ClearsAllButTheDataThatIsWrittenWhole) {
  const Build build = [](capnp::MessageBuilder& message) {
    auto abort = Abort(message);
    const base::WholeData whole(kMega);
    abort.initDetails(20'000);
    abort.initReason(kMega / 2);
  };
  EXPECT_EQ(Built(build), BuiltByCapnp(build));
}

TEST_F(Message, GoesOnBehindDataThatIsWrittenWhole) {
  const Build build = [](capnp::MessageBuilder& message) {
    auto abort = Abort(message);
    auto details = abort.initDetails(1'000);
    for (unsigned i = 0; i < 1'000; ++i) {
      const base::WholeData whole(20'000);
      std::memset(details[i].initData(20'000).begin(), 'y', 20'000);
    }
  };
  OutMessagePtr message = OutMessage::New();
  build(message->builder());
  EXPECT_GT(message->FrameBytes(), 20'000'000u);  // not 0: it has not too many segments
  auto abort = message->builder().getRoot<protocol::Message>().getAbort();
  for (auto detail : abort.getDetails()) {
    ASSERT_EQ(std::string(detail.getData().asChars().begin(), detail.getData().size()),
              std::string(20'000, 'y'));
  }
}

// Segments for small data between large ones do not grow each time.
TEST_F(Message, StaysSmallWhereSmallDataFollowsLarge) {
  constexpr unsigned kPairs = 60;
  OutMessagePtr message = OutMessage::New();
  auto details = Abort(message->builder()).initDetails(2 * kPairs);
  for (unsigned i = 0; i < 2 * kPairs; ++i) {
    const unsigned size = i % 2 == 0 ? 20'000 : 3'000;
    const base::WholeData whole(size);
    std::memset(details[i].initData(size).begin(), 'y', size);
  }
  EXPECT_GT(message->FrameBytes(), kPairs * 23'000u);
  EXPECT_LT(message->FrameBytes(), 2 * kPairs * 23'000u);
}

// What Refer gives, adopted and sent.
std::string Referred(OutMessage& message, std::span<const uint8_t> data,
                     std::shared_ptr<const void> owner) {
  auto details = Abort(message.builder()).initDetails(1);
  details[0].adoptData(message.Refer(data, std::move(owner)));
  std::string frame;
  message.AppendFrameTo(frame);
  return frame;
}

std::string DataIn(const std::string& frame) {
  std::vector<capnp::word> words(frame.size() / sizeof(capnp::word));
  std::memcpy(static_cast<void*>(words.data()), frame.data(), frame.size());
  capnp::FlatArrayMessageReader reader(kj::arrayPtr(words.data(), words.size()));
  const auto data = reader.getRoot<protocol::Message>().getAbort().getDetails()[0].getData();
  return std::string(data.asChars().begin(), data.size());
}

TEST_F(Message, RefersToDataWhereItLies) {
  const auto data = std::make_shared<const std::vector<uint8_t>>(kMega, 'z');
  OutMessagePtr message = OutMessage::New();
  EXPECT_EQ(DataIn(Referred(*message, *data, data)), std::string(kMega, 'z'));
  std::vector<iovec> pieces;
  message->GatherFrame(pieces);
  EXPECT_EQ(pieces.back().iov_base, data->data());
}

TEST_F(Message, KeepsWhatItRefersToAsLongAsItIsThere) {
  auto data = std::make_shared<const std::vector<uint8_t>>(kMega);
  OutMessagePtr message = OutMessage::New();
  Referred(*message, *data, data);
  EXPECT_EQ(data.use_count(), 2);
  message.reset();
  EXPECT_EQ(data.use_count(), 1);
}

TEST_F(Message, CopiesWhatItCannotReferTo) {
  const auto data = std::make_shared<const std::vector<uint8_t>>(kMega, 'z');
  const std::span<const uint8_t> all(*data);
  for (const auto& part : {all.first(kMega - 3), all.subspan(1, kMega / 2), all.subspan(4, 65'536),
                           all.first(base::kLargeData - 8), all.first(0)}) {
    OutMessagePtr message = OutMessage::New();
    const std::string frame = Referred(*message, part, data);
    EXPECT_EQ(DataIn(frame), std::string(part.size(), 'z'));
    EXPECT_EQ(frame.find('\xab'), std::string::npos);
    EXPECT_EQ(data.use_count(), 1);
  }
  OutMessagePtr message = OutMessage::New();  // nobody would keep it
  EXPECT_EQ(DataIn(Referred(*message, all, nullptr)), std::string(kMega, 'z'));
}

TEST_F(Message, RefusesMoreDataThanAMessageTakes) {
  const auto data = std::make_shared<const std::vector<uint8_t>>(64, 'z');
  OutMessagePtr message = OutMessage::New();
  message->builder();
  // Never looked at.
  const std::span<const uint8_t> too_much(data->data(), (size_t{1} << 32) + 5);
  EXPECT_THROW(message->Refer(too_much, data), kj::Exception);
}

TEST_F(Message, RefersToSoMuchDataOnlyAsAMessageMayHaveSegments) {
  const auto data = std::make_shared<const std::vector<uint8_t>>(base::kLargeData, 'z');
  OutMessagePtr message = OutMessage::New();
  auto details = Abort(message->builder()).initDetails(1'000);
  for (auto detail : details) detail.adoptData(message->Refer(*data, data));
  EXPECT_GT(message->FrameBytes(), 1'000 * base::kLargeData);
}

}  // namespace
}  // namespace drover::wire
