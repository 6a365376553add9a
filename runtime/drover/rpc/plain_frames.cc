#include "drover/rpc/plain_frames.h"

#include <capnp/message.h>

#include <cstdlib>
#include <cstring>

#include "drover/rpc/outgoing_call.h"
#include "drover/rpc/outgoing_return.h"
#include "drover/wire/out_message.h"

namespace drover::rpc {
namespace {

template <class T>
T Load(const wire::Frame& frame, size_t offset) {
  T value;
  std::memcpy(&value, frame.bytes + offset, sizeof(value));
  return value;
}

// A pointer of which nothing is read but that it is not null.
void SetAnything(capnp::AnyPointer::Builder content) { content.initAsAnyStruct(1, 0); }

struct CallFields {
  uint32_t id = 0;
  uint32_t target = 0;
  uint64_t interface_id = 0;
  uint16_t method_id = 0;
  bool not_pipelined = false;
  bool one_way = false;
  bool content = false;
};

std::string BuildCall(const CallFields& fields) {
  OutgoingCall call(fields.interface_id, fields.method_id);
  call.call().setQuestionId(fields.id);
  call.target().setImportedCap(fields.target);
  call.call().setNoPromisePipelining(fields.not_pipelined);
  call.call().setOneWay(fields.one_way);
  if (fields.content) SetAnything(call.payload().getContent());
  std::string frame;
  call.message()->AppendFrameTo(frame);
  return frame;
}

struct ReturnFields {
  uint32_t id = 0;
  bool no_finish_needed = false;
  bool content = false;
};

std::string BuildReturn(const ReturnFields& fields) {
  wire::OutMessagePtr message = wire::OutMessage::New();
  protocol::Return::Builder ret = InitReturn(*message, AnswerId(fields.id));
  ret.setNoFinishNeeded(fields.no_finish_needed);
  protocol::Payload::Builder payload = ret.initResults();
  if (fields.content) SetAnything(payload.getContent());
  std::string frame;
  message->AppendFrameTo(frame);
  return frame;
}

std::string BuildFinish(uint32_t id, bool release_result_caps) {
  wire::OutMessagePtr message = wire::OutMessage::New();
  auto finish = message->builder().initRoot<protocol::Message>().initFinish();
  finish.setQuestionId(id);
  finish.setReleaseResultCaps(release_result_caps);
  std::string frame;
  message->AppendFrameTo(frame);
  if (frame.size() != PlainFrames::kFinishBytes) std::abort();  // the schema has changed
  return frame;
}

// What is at a pointer; the pointer and what it leads to stay where they are.
capnp::AnyPointer::Reader ReaderAt(const void* pointer) {
  return capnp::AnyPointer::Reader(
      capnp::_::PointerReader::getRootUnchecked(static_cast<const capnp::word*>(pointer)));
}

// Whether the pointer is null, or leads to a struct in the frame that holds no pointers: then
// everything that can be reached from it is inside the frame. The encoding of struct pointers:
// https://capnproto.org/encoding.html#structs
bool FindContent(const wire::Frame& frame, size_t offset, std::span<const std::byte>* content) {
  const auto pointer = Load<uint64_t>(frame, offset);
  const bool is_struct = (pointer & 3) == 0;
  const auto pointers = pointer >> 48;
  if (!is_struct || pointers != 0) return false;
  const int64_t distance = static_cast<int32_t>(static_cast<uint32_t>(pointer)) >> 2;
  const int64_t begin = static_cast<int64_t>(offset / 8) + 1 + distance;
  const auto words = static_cast<int64_t>((pointer >> 32) & 0xffff);
  if (begin < 1 || begin + words > static_cast<int64_t>(frame.header.total_bytes / 8)) return false;
  *content = {frame.bytes + 8 * begin, static_cast<size_t>(8 * words)};
  return true;
}

template <class T>
void Store(std::byte* frame, size_t offset, T value) {
  std::memcpy(frame + offset, &value, sizeof(value));
}

// Puts the content behind the frame that is laid out so; null if there is none.
template <size_t kWords>
size_t AppendContent(const FrameLayout<kWords>& layout, size_t pointer_offset,
                     const wire::PlainStruct& content, std::byte* frame) {
  const std::span<const uint64_t> words = content.words();
  const size_t total = layout.kBytes + words.size_bytes();
  Store(frame, sizeof(uint32_t), static_cast<uint32_t>(total / 8 - 1));  // the header is one word
  if (words.empty()) return total;
  const uint64_t distance = kWords - pointer_offset / 8 - 1;
  Store(frame, pointer_offset, distance << 2 | uint64_t{words.size()} << 32);
  std::memcpy(frame + layout.kBytes, words.data(), words.size_bytes());
  return total;
}

template <size_t kWords>
bool Is(const FrameLayout<kWords>& layout, const wire::Frame& frame) {
  return frame.header.segments == 1 && frame.header.total_bytes >= layout.kBytes &&
         layout.Matches(frame.bytes);
}

}  // namespace

void SetContent(protocol::Payload::Builder payload, const wire::PlainStruct& content) {
  const std::span<const uint64_t> words = content.words();
  if (words.empty()) return;
  auto data =
      payload.getContent().initAsAnyStruct(static_cast<uint16_t>(words.size()), 0).getDataSection();
  std::memcpy(data.begin(), words.data(), words.size_bytes());
}

bool PlainContent::Copy(std::span<const std::byte> content) {
  if (content.size() > sizeof(words_) - sizeof(words_[0])) return false;
  words_[0] = uint64_t{content.size() / 8} << 32;  // right behind it; null, if there is nothing
  std::memcpy(&words_[1], content.data(), content.size());
  return true;
}

capnp::AnyPointer::Reader PlainContent::reader() const { return ReaderAt(words_); }

const PlainFrames& PlainFrames::Get() {
  static const PlainFrames* frames = new PlainFrames;  // never destroyed: threads may outlive main
  return *frames;
}

PlainFrames::PlainFrames()
    : call_(BuildCall({})),
      call_id_(call_.Field(BuildCall({.id = ~0u}))),
      call_target_(call_.Field(BuildCall({.target = ~0u}))),
      call_interface_(call_.Field(BuildCall({.interface_id = ~uint64_t{0}}))),
      call_method_(call_.Field(BuildCall({.method_id = 0xffff}))),
      call_hint_(call_.Field(BuildCall({.not_pipelined = true}))),
      not_pipelined_(static_cast<std::byte>(BuildCall({.not_pipelined = true})[call_hint_])),
      call_one_way_(call_.Field(BuildCall({.one_way = true}))),
      one_way_(static_cast<std::byte>(BuildCall({.one_way = true})[call_one_way_])),
      call_content_(call_.Pointer(BuildCall({.content = true}))),
      return_(BuildReturn({})),
      return_id_(return_.Field(BuildReturn({.id = ~0u}))),
      return_hint_(return_.Field(BuildReturn({.no_finish_needed = true}))),
      no_finish_needed_(
          static_cast<std::byte>(BuildReturn({.no_finish_needed = true})[return_hint_])),
      return_content_(return_.Pointer(BuildReturn({.content = true}))),
      finishes_{BuildFinish(0, false), BuildFinish(0, true)},
      finish_(finishes_[0]),
      finish_id_(finish_.Field(BuildFinish(~0u, false))),
      finish_release_(finish_.Field(finishes_[1])),
      released_(static_cast<std::byte>(finishes_[1][finish_release_])) {}

bool PlainFrames::ParseCall(const wire::Frame& frame, PlainCall* call) const {
  if (!Is(call_, frame) || !FindContent(frame, call_content_, &call->content_bytes)) return false;
  call->content = ReaderAt(frame.bytes + call_content_);
  call->id = AnswerId(Load<uint32_t>(frame, call_id_));
  call->target = ExportId(Load<uint32_t>(frame, call_target_));
  call->interface_id = Load<uint64_t>(frame, call_interface_);
  call->method_id = Load<uint16_t>(frame, call_method_);
  call->not_pipelined = (Load<std::byte>(frame, call_hint_) & not_pipelined_) != std::byte{0};
  call->one_way = (Load<std::byte>(frame, call_one_way_) & one_way_) != std::byte{0};
  return true;
}

bool PlainFrames::ParseReturn(const wire::Frame& frame, PlainReturn* ret) const {
  std::span<const std::byte> content;
  if (!Is(return_, frame) || !FindContent(frame, return_content_, &content)) return false;
  ret->content = ReaderAt(frame.bytes + return_content_);
  ret->id = QuestionId(Load<uint32_t>(frame, return_id_));
  ret->no_finish_needed = Load<std::byte>(frame, return_hint_) == no_finish_needed_;
  return true;
}

bool PlainFrames::ParseFinish(const wire::Frame& frame, PlainFinish* finish) const {
  if (frame.header.total_bytes != kFinishBytes || !Is(finish_, frame)) return false;
  finish->id = AnswerId(Load<uint32_t>(frame, finish_id_));
  finish->release_result_caps = Load<std::byte>(frame, finish_release_) == released_;
  return true;
}

size_t PlainFrames::CopyCall(QuestionId id, ImportId target, uint64_t interface_id,
                             uint16_t method_id, bool not_pipelined,
                             const wire::PlainStruct& params,
                             std::span<std::byte, kMostBytes> out) const {
  std::byte* const frame = out.data();
  call_.CopyTo(frame);
  Store(frame, call_id_, id.value());
  Store(frame, call_target_, target.value());
  Store(frame, call_interface_, interface_id);
  Store(frame, call_method_, method_id);
  if (not_pipelined) frame[call_hint_] = not_pipelined_;
  return AppendContent(call_, call_content_, params, frame);
}

size_t PlainFrames::CopyOneWay(ImportId target, uint64_t interface_id, uint16_t method_id,
                               const wire::PlainStruct& params,
                               std::span<std::byte, kMostBytes> out) const {
  const size_t size = CopyCall(QuestionId(0), target, interface_id, method_id,
                               /*not_pipelined=*/false, params, out);
  out[call_one_way_] |= one_way_;
  return size;
}

size_t PlainFrames::CopyReturn(AnswerId id, bool no_finish_needed, const wire::PlainStruct& results,
                               std::span<std::byte, kMostBytes> out) const {
  return_.CopyTo(out.data());
  Store(out.data(), return_id_, id.value());
  if (no_finish_needed) out[return_hint_] = no_finish_needed_;
  return AppendContent(return_, return_content_, results, out.data());
}

void PlainFrames::CopyFinish(QuestionId id, bool release_result_caps,
                             std::span<std::byte, kFinishBytes> out) const {
  std::memcpy(out.data(), finishes_[release_result_caps ? 1 : 0].data(), kFinishBytes);
  Store(out.data(), finish_id_, id.value());
}

}  // namespace drover::rpc
