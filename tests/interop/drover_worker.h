// The Worker that Drover serves to stock clients, and the Listener that it passes to stock servers.
#ifndef DROVER_TESTS_INTEROP_DROVER_WORKER_H_
#define DROVER_TESTS_INTEROP_DROVER_WORKER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drover/base/mutex.h"
#include "drover/base/status_macros.h"
#include "drover/base/unique_fd.h"
#include "interop.drover.h"
#include "support/gate.h"

namespace drover::interop {

using ::interop::ListenerProxy;
using ::interop::ListenerServant;
using ::interop::SinkDoneResults;
using ::interop::SinkProxy;
using ::interop::SinkServant;
using ::interop::WorkerDelegateResults;
using ::interop::WorkerProxy;
using ::interop::WorkerServant;
using testing_support::Gate;

// A file in memory.
base::UniqueFd FileOf(const std::string& content);
// What is in the file that came with an object.
absl::StatusOr<std::string> ContentOf(const Proxy& proxy);

class Sink final : public SinkServant {
 public:
  explicit Sink(std::optional<Gate> gate) : gate_(std::move(gate)) {}

  absl::Status Write(std::vector<uint8_t> chunk) override;
  absl::StatusOr<SinkDoneResults> Done() override { return got_; }

 private:
  const std::optional<Gate> gate_;  // where writes wait
  SinkDoneResults got_{.chunks = 0, .bytes = 0, .in_order = true};
};

// Answers what it heard, once the gate is open, and tells when it is destroyed.
class Listener final : public ListenerServant {
 public:
  Listener() { gate_.Open(); }
  explicit Listener(Gate gate) : gate_(std::move(gate)) {}
  ~Listener() override { gone_.Set(absl::OkStatus()); }

  // To be taken once.
  Future<void> Gone() { return gone_.future(); }
  std::vector<std::string> heard() const {
    base::MutexLock lock(&mu_);
    return heard_;
  }

  absl::StatusOr<std::string> Heard(std::string text) override {
    {
      base::MutexLock lock(&mu_);
      heard_.push_back(text);
    }
    DROVER_RETURN_IF_ERROR(gate_.Pass());
    return "heard " + text;
  }

 private:
  Gate gate_;
  mutable base::Mutex mu_;
  std::vector<std::string> heard_ ABSL_GUARDED_BY(mu_);
  Promise<void> gone_;
};

class Worker final : public WorkerServant {
 public:
  struct Options {
    std::optional<Gate> gate = std::nullopt;  // where calculate and writes wait
    WorkerProxy neighbour = {};
  };
  Worker() : Worker(Options()) {}
  explicit Worker(Options options) : options_(std::move(options)) {}
  ~Worker() override {
    if (got_) --counts_->living;
  }

  absl::StatusOr<uint32_t> Calculate(uint32_t x) override;
  absl::StatusOr<std::string> Subscribe(ListenerProxy listener) override;
  absl::StatusOr<WorkerProxy> Get() override;
  absl::Status Fail(std::string reason) override;
  absl::StatusOr<std::vector<uint8_t>> Echo(std::vector<uint8_t> data) override { return data; }
  absl::StatusOr<uint32_t> Living() override { return counts_->living; }
  absl::StatusOr<SinkProxy> Open() override {
    return SinkProxy(std::make_shared<Sink>(options_.gate));
  }
  absl::StatusOr<std::string> Read(WorkerProxy worker) override;
  absl::Status Wait(ListenerProxy listener, WorkerProxy over) override;
  absl::StatusOr<uint32_t> Waiting() override { return counts_->waiting; }
  absl::StatusOr<ListenerProxy> Pass(ListenerProxy listener, WorkerProxy over) override;
  absl::StatusOr<WorkerProxy> Neighbour() override { return options_.neighbour; }
  absl::StatusOr<WorkerDelegateResults> Delegate(uint32_t x, std::vector<WorkerProxy> to) override;
  absl::StatusOr<WorkerProxy> Again() override;
  absl::Status Keep(ListenerProxy listener) override;
  absl::StatusOr<std::string> Drop() override;
  absl::StatusOr<std::vector<uint8_t>> Blob(uint32_t size) override {
    return std::vector<uint8_t>(size);
  }
  int AttachedFd() override { return file_.get(); }

 private:
  // Of a worker and those that it returned.
  struct Counts {
    std::atomic<uint32_t> living{0}, waiting{0};
  };
  explicit Worker(std::shared_ptr<Counts> counts) : counts_(std::move(counts)), got_(true) {
    ++counts_->living;
  }

  Options options_;
  const std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
  const bool got_ = false;
  std::weak_ptr<Worker> last_got_;
  std::vector<ListenerProxy> kept_;
  const base::UniqueFd file_ = FileOf("worker");
};

}  // namespace drover::interop

#endif  // DROVER_TESTS_INTEROP_DROVER_WORKER_H_
