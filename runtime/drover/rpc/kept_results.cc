#include "drover/rpc/kept_results.h"

#include <utility>

#include "drover/rpc.capnp.h"
#include "drover/wire/in_message.h"

namespace drover::rpc {
namespace {

class InFrame final : public KeptResults {
 public:
  InFrame(wire::Frame frame, MessageCaps caps)
      : message_(std::move(frame)), caps_(std::move(caps)) {}
  ~InFrame() noexcept override {}  // NOLINT: Cap'n Proto's readers do not say so

  capnp::AnyPointer::Reader content() override {
    return caps_.Imbue(message_.root().getReturn().getResults().getContent());
  }
  void LiftTraversalLimit() override { message_.LiftTraversalLimit(); }

 private:
  wire::InMessage message_;
  MessageCaps caps_;
};

class Built final : public KeptResults {
 public:
  Built(wire::OutMessagePtr message, MessageCaps caps)
      : message_(std::move(message)), caps_(std::move(caps)) {}
  ~Built() noexcept override {}  // NOLINT: likewise

  capnp::AnyPointer::Reader content() override {
    auto ret = message_->builder().getRoot<protocol::Message>().getReturn();
    return caps_.Imbue(ret.getResults().getContent().asReader());
  }

 private:
  const wire::OutMessagePtr message_;
  MessageCaps caps_;
};

class Shared final : public KeptResults {
 public:
  explicit Shared(std::shared_ptr<const AnswerResults> results) : results_(std::move(results)) {}

  capnp::AnyPointer::Reader content() override { return results_->content(); }

 private:
  const std::shared_ptr<const AnswerResults> results_;
};

}  // namespace

std::unique_ptr<KeptResults> KeptResults::Of(wire::Frame frame, MessageCaps caps) {
  return std::make_unique<InFrame>(std::move(frame), std::move(caps));
}

std::unique_ptr<KeptResults> KeptResults::Of(wire::OutMessagePtr message, MessageCaps caps) {
  return std::make_unique<Built>(std::move(message), std::move(caps));
}

std::unique_ptr<KeptResults> KeptResults::Of(std::shared_ptr<const AnswerResults> results) {
  return std::make_unique<Shared>(std::move(results));
}

}  // namespace drover::rpc
