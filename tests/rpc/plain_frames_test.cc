// The frames of plain calls are those that Cap'n Proto's builder makes, and only what is safe to
// read in place is read so.
#include "drover/rpc/plain_frames.h"

#include <capnp/message.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>

#include "drover/rpc/outgoing_call.h"
#include "drover/rpc/outgoing_return.h"
#include "drover/wire/frame_header.h"
#include "drover/wire/out_message.h"
#include "gtest/gtest.h"

namespace drover::rpc {
namespace {

// Bytes as they arrive.
class Arrived {
 public:
  explicit Arrived(const std::string& bytes) {
    block_ = base::MakeRef<wire::Block>(bytes.size());
    std::memcpy(block_->data(), bytes.data(), bytes.size());
    frame_.header =
        *wire::ParseFrameHeader(std::as_bytes(std::span(bytes.data(), bytes.size())), 1 << 20);
    frame_.bytes = block_->data();
    frame_.block = block_;
  }
  const wire::Frame& frame() const { return frame_; }

  bool IsCall() const { return PlainFrames::Get().ParseCall(frame_, &call); }
  bool IsReturn() const { return PlainFrames::Get().ParseReturn(frame_, &ret); }
  mutable PlainCall call;
  mutable PlainReturn ret;

 private:
  base::Ref<wire::Block> block_;
  wire::Frame frame_;
};

using Room = std::array<std::byte, PlainFrames::kMostBytes>;

std::string Text(const Room& room, size_t size) {
  return {reinterpret_cast<const char*>(room.data()), size};
}

std::string FrameOf(wire::OutMessage& message) {
  std::string frame;
  message.AppendFrameTo(frame);
  return frame;
}

wire::PlainStruct Zeros(size_t words) {
  switch (words) {
    case 0:
      return {};
    case 1:
      return wire::PlainStruct::OfWords<1>();
    case 7:
      return wire::PlainStruct::OfWords<7>();
    default:
      EXPECT_EQ(words, wire::PlainStruct::kMostWords);
      return wire::PlainStruct::OfWords<wire::PlainStruct::kMostWords>();
  }
}

wire::PlainStruct Content(size_t words) {
  wire::PlainStruct content = Zeros(words);
  for (size_t i = 0; i < words; ++i) content.Set<uint64_t>(i, 0x0102030405060708 * (i + 1));
  return content;
}

OutgoingCall Call(size_t words) {
  OutgoingCall call(0x1111222233334444, 5);
  call.set_plain_params(Content(words));
  call.call().setQuestionId(0x55667788);
  call.target().setImportedCap(0x99aabbcc);
  return call;
}

wire::OutMessagePtr Return(size_t words) {
  wire::OutMessagePtr message = wire::OutMessage::New();
  SetContent(InitReturn(*message, AnswerId(0x55667788)).initResults(), Content(words));
  return message;
}

class PlainFramesOf : public testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(Words, PlainFramesOf, testing::Values(0, 1, 7, 8));

TEST_P(PlainFramesOf, AreWhatIsBuilt) {
  Room room;
  size_t size =
      PlainFrames::Get().CopyCall(QuestionId(0x55667788), ImportId(0x99aabbcc), 0x1111222233334444,
                                  5, /*not_pipelined=*/false, Content(GetParam()), room);
  EXPECT_EQ(Text(room, size), FrameOf(*Call(GetParam()).message()));
  size = PlainFrames::Get().CopyOneWay(ImportId(0x99aabbcc), 0x1111222233334444, 5,
                                       Content(GetParam()), room);
  OutgoingCall one_way = Call(GetParam());
  one_way.call().setQuestionId(0);
  one_way.call().setOneWay(true);
  EXPECT_EQ(Text(room, size), FrameOf(*one_way.message()));
  size = PlainFrames::Get().CopyReturn(AnswerId(0x55667788), /*no_finish_needed=*/false,
                                       Content(GetParam()), room);
  EXPECT_EQ(Text(room, size), FrameOf(*Return(GetParam())));
}

TEST_P(PlainFramesOf, HaveTheSizeThatIsSaidBefore) {
  Room room;
  EXPECT_EQ(PlainFrames::SizeOfCall(Content(GetParam())),
            PlainFrames::Get().CopyCall(QuestionId(1), ImportId(2), 3, 4, /*not_pipelined=*/true,
                                        Content(GetParam()), room));
  EXPECT_EQ(PlainFrames::SizeOfReturn(Content(GetParam())),
            PlainFrames::Get().CopyReturn(AnswerId(1), /*no_finish_needed=*/true,
                                          Content(GetParam()), room));
}

TEST_P(PlainFramesOf, LeaveContentThatCanBeCopied) {
  const Arrived call(FrameOf(*Call(GetParam()).message()));
  ASSERT_TRUE(call.IsCall());
  PlainContent copy;
  ASSERT_TRUE(copy.Copy(call.call.content_bytes));
  const wire::PlainStruct content = Content(GetParam());
  const std::span<const uint64_t> expected = content.words();
  const auto data = copy.reader().getAs<capnp::AnyStruct>().getDataSection();
  ASSERT_EQ(data.size(), expected.size_bytes());
  EXPECT_TRUE(expected.empty() || std::memcmp(data.begin(), expected.data(), data.size()) == 0);
}

TEST(PlainContents, ThatAreLargerThanWeSendAreNotCopied) {
  PlainContent copy;
  const std::array<std::byte, 8 * (wire::PlainStruct::kMostWords + 1)> content{};
  EXPECT_FALSE(copy.Copy(content));
}

TEST_P(PlainFramesOf, AreReadInPlace) {
  const Arrived call(FrameOf(*Call(GetParam()).message()));
  ASSERT_TRUE(call.IsCall());
  EXPECT_EQ(call.call.id, AnswerId(0x55667788));
  EXPECT_EQ(call.call.target, ExportId(0x99aabbcc));
  EXPECT_EQ(call.call.interface_id, 0x1111222233334444u);
  EXPECT_EQ(call.call.method_id, 5);
  const Arrived ret(FrameOf(*Return(GetParam())));
  ASSERT_TRUE(ret.IsReturn());
  EXPECT_EQ(ret.ret.id, QuestionId(0x55667788));
  const wire::PlainStruct expected = Content(GetParam());
  for (const capnp::AnyPointer::Reader& content : {call.call.content, ret.ret.content}) {
    const auto data = content.getAs<capnp::AnyStruct>().getDataSection();
    EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(data.begin(), data.size())),
                                   std::as_bytes(expected.words())));
  }
  EXPECT_FALSE(call.IsReturn());
  EXPECT_FALSE(ret.IsCall());
}

TEST(PlainFrames, OfCallsSayWhetherTheAnswerIsCalledOn) {
  OutgoingCall hinting = Call(1);
  hinting.call().setNoPromisePipelining(true);
  Room room;
  const size_t size =
      PlainFrames::Get().CopyCall(QuestionId(0x55667788), ImportId(0x99aabbcc), 0x1111222233334444,
                                  5, /*not_pipelined=*/true, Content(1), room);
  EXPECT_EQ(Text(room, size), FrameOf(*hinting.message()));
  const Arrived arrived(Text(room, size));
  ASSERT_TRUE(arrived.IsCall());
  EXPECT_TRUE(arrived.call.not_pipelined);
  const Arrived other(FrameOf(*Call(1).message()));
  ASSERT_TRUE(other.IsCall());
  EXPECT_FALSE(other.call.not_pipelined);
}

TEST(PlainFrames, OfReturnsSayWhetherTheyWantAFinish) {
  wire::OutMessagePtr message = Return(1);
  message->builder().getRoot<protocol::Message>().getReturn().setNoFinishNeeded(true);
  Room room;
  const size_t size = PlainFrames::Get().CopyReturn(AnswerId(0x55667788),
                                                    /*no_finish_needed=*/true, Content(1), room);
  EXPECT_EQ(Text(room, size), FrameOf(*message));
  const Arrived arrived(Text(room, size));
  ASSERT_TRUE(arrived.IsReturn());
  EXPECT_TRUE(arrived.ret.no_finish_needed);
  const Arrived other(FrameOf(*Return(1)));
  ASSERT_TRUE(other.IsReturn());
  EXPECT_FALSE(other.ret.no_finish_needed);
}

TEST(PlainFrames, AreNotThoseOfCallsThatAskForMore) {
  OutgoingCall to_yourself = Call(1);
  to_yourself.call().getSendResultsTo().setYourself();
  OutgoingCall on_a_promise = Call(1);
  on_a_promise.target().initPromisedAnswer();
  OutgoingCall with_extension = Call(1);
  with_extension.call().getExtension().initAs<protocol::CallExtension>();
  OutgoingCall with_capabilities = Call(1);
  with_capabilities.payload().initCapTable(1);
  OutgoingCall with_pointers(1, 2);
  with_pointers.params().initAsAnyStruct(1, 1);
  OutgoingCall with_text(1, 2);
  with_text.params().setAs<capnp::Text>("text");
  OutgoingCall for_its_pipeline = Call(1);
  for_its_pipeline.call().setOnlyPromisePipeline(true);
  for (OutgoingCall* call : {&to_yourself, &on_a_promise, &with_extension, &with_capabilities,
                             &with_pointers, &with_text, &for_its_pipeline}) {
    EXPECT_FALSE(Arrived(FrameOf(*call->message())).IsCall());
  }
}

TEST(PlainFrames, AreNotThoseOfReturnsThatSayMore) {
  wire::OutMessagePtr releases = Return(1);
  releases->builder().getRoot<protocol::Message>().getReturn().setReleaseParamCaps(true);
  wire::OutMessagePtr error = wire::OutMessage::New();
  InitReturn(*error, AnswerId(1)).initException();
  wire::OutMessagePtr taken = wire::OutMessage::New();
  InitReturn(*taken, AnswerId(1)).setTakeFromOtherQuestion(2);
  for (wire::OutMessagePtr* message : {&releases, &error, &taken}) {
    EXPECT_FALSE(Arrived(FrameOf(**message)).IsReturn());
  }
}

// The pointer to the content of a Return of one word is at word 7, the capability table's at 8 and
// the content at 9, where the header is word 0.
TEST(PlainFrames, AreNotThoseWhoseContentLiesOutside) {
  const std::string sound = FrameOf(*Return(1));
  ASSERT_EQ(sound.size(), 80u);
  const auto with_pointer = [&](int64_t distance, uint64_t words) {
    std::string frame = sound;
    const uint64_t pointer = (static_cast<uint64_t>(distance) << 2 & 0xffffffff) | words << 32;
    std::memcpy(frame.data() + 56, &pointer, sizeof(pointer));
    return frame;
  };
  ASSERT_EQ(with_pointer(1, 1), sound);
  EXPECT_TRUE(Arrived(with_pointer(0, 2)).IsReturn());
  EXPECT_TRUE(Arrived(with_pointer(-7, 9)).IsReturn());  // its own envelope, which is its to read
  EXPECT_FALSE(Arrived(with_pointer(1, 2)).IsReturn());
  EXPECT_FALSE(Arrived(with_pointer(2, 1)).IsReturn());
  EXPECT_FALSE(Arrived(with_pointer(3, 0)).IsReturn());
  EXPECT_FALSE(Arrived(with_pointer(0x1fffffff, 1)).IsReturn());
  EXPECT_FALSE(Arrived(with_pointer(-8, 1)).IsReturn());  // the header
  EXPECT_FALSE(Arrived(with_pointer(-0x20000000, 1)).IsReturn());
  EXPECT_FALSE(Arrived(with_pointer(1, 0xffff)).IsReturn());
}

TEST(PlainFrames, OfFinishAreReadAsTheyAreWritten) {
  for (bool release : {false, true}) {
    std::array<std::byte, PlainFrames::kFinishBytes> bytes;
    PlainFrames::Get().CopyFinish(QuestionId(0x55667788), release, bytes);
    const Arrived finish({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    PlainFinish read;
    ASSERT_TRUE(PlainFrames::Get().ParseFinish(finish.frame(), &read));
    EXPECT_EQ(read.id, AnswerId(0x55667788));
    EXPECT_EQ(read.release_result_caps, release);
  }
}

}  // namespace
}  // namespace drover::rpc
