#include "interop/drover_worker.h"

#include <sys/mman.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace drover::interop {
namespace {

absl::StatusCode CodeFor(const std::string& reason) {
  if (reason.starts_with("overloaded")) return absl::StatusCode::kResourceExhausted;
  if (reason.starts_with("disconnected")) return absl::StatusCode::kUnavailable;
  if (reason.starts_with("unimplemented")) return absl::StatusCode::kUnimplemented;
  return absl::StatusCode::kInvalidArgument;
}

}  // namespace

base::UniqueFd FileOf(const std::string& content) {
  base::UniqueFd fd(memfd_create("drover", MFD_CLOEXEC));
  EXPECT_EQ(write(fd.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
  return fd;
}

absl::StatusOr<std::string> ContentOf(const Proxy& proxy) {
  absl::StatusOr<base::UniqueFd> fd = proxy.attached_fd();
  if (!fd.ok()) return fd.status();
  char content[100];
  const ssize_t n = pread(fd->get(), content, sizeof content, 0);
  return std::string(content, n < 0 ? 0 : n);
}

absl::Status Sink::Write(std::vector<uint8_t> chunk) {
  if (gate_) DROVER_RETURN_IF_ERROR(Gate(*gate_).Pass());
  if (chunk.empty()) return absl::InvalidArgumentError("an empty chunk");
  if (chunk[0] != static_cast<uint8_t>(got_.chunks)) got_.in_order = false;
  ++got_.chunks;
  got_.bytes += chunk.size();
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> Worker::Calculate(uint32_t x) {
  if (options_.gate) DROVER_RETURN_IF_ERROR(options_.gate->Pass());
  return x + 1;
}

absl::StatusOr<std::string> Worker::Subscribe(ListenerProxy listener) {
  return listener.Heard("news");
}

absl::StatusOr<WorkerProxy> Worker::Get() {
  std::shared_ptr<Worker> got(new Worker(counts_));
  last_got_ = got;
  return WorkerProxy(std::move(got));
}

absl::StatusOr<WorkerProxy> Worker::Again() {
  std::shared_ptr<Worker> last = last_got_.lock();
  if (!last) return absl::NotFoundError("the last worker is gone");
  return WorkerProxy(std::move(last));
}

absl::Status Worker::Fail(std::string reason) { return absl::Status(CodeFor(reason), reason); }

absl::StatusOr<std::string> Worker::Read(WorkerProxy worker) {
  return ContentOf(worker).value_or("");
}

absl::Status Worker::Wait(ListenerProxy listener, WorkerProxy over) {
  if (over) return over.Wait(listener, {});
  ++counts_->waiting;
  absl::Status ended = listener.Heard("waiting").status();
  if (ended.ok()) ended = Gate().Pass();
  --counts_->waiting;
  return ended;
}

absl::StatusOr<ListenerProxy> Worker::Pass(ListenerProxy listener, WorkerProxy over) {
  if (!over) return listener;
  return ListenerProxy(over.async().Pass(listener, {}).Pipeline());
}

absl::StatusOr<WorkerDelegateResults> Worker::Delegate(uint32_t x, std::vector<WorkerProxy> to) {
  if (!to.empty()) {
    return to.front().Delegate(x, std::vector<WorkerProxy>(to.begin() + 1, to.end()));
  }
  DROVER_ASSIGN_OR_RETURN(WorkerProxy by, Get());
  return WorkerDelegateResults{.y = x + 1, .by = std::move(by)};
}

absl::Status Worker::Keep(ListenerProxy listener) {
  kept_.push_back(std::move(listener));
  return absl::OkStatus();
}

absl::StatusOr<std::string> Worker::Drop() {
  if (kept_.empty()) return absl::NotFoundError("no listener is kept");
  ListenerProxy dropped = std::move(kept_.back());
  kept_.pop_back();
  return dropped.Heard("goodbye");
}

}  // namespace drover::interop
