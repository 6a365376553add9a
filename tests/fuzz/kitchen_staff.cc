#include "fuzz/kitchen_staff.h"

#include <string>
#include <utility>

#include "absl/status/status.h"

namespace drover::fuzz {
namespace {

template <class T>
Future<T> Ready(T result) {
  return absl::StatusOr<T>(std::move(result));
}

}  // namespace

class StaffListener final : public kitchen::ListenerAsyncServant {
 public:
  explicit StaffListener(std::shared_ptr<Staff> staff) : staff_(std::move(staff)) {}
  ~StaffListener() override { staff_->Left(); }

  Future<std::string> Heard(std::string text) override { return Ready("heard " + text); }

 private:
  const std::shared_ptr<Staff> staff_;
};

class StaffCook final : public kitchen::CookAsyncServant {
 public:
  explicit StaffCook(std::shared_ptr<Staff> staff) : staff_(std::move(staff)) {}
  ~StaffCook() override { staff_->Left(); }

  Future<uint32_t> Add(uint32_t a, uint32_t b) override { return Ready(a + b); }
  Future<std::vector<uint8_t>> Echo(std::vector<uint8_t> data) override {
    return Ready(std::move(data));
  }
  Future<void> Fail(uint16_t code, std::string message) override {
    return absl::Status(static_cast<absl::StatusCode>(1 + code % 16), message);
  }
  Future<std::string> Tell(kitchen::ListenerProxy listener, std::string text) override {
    return listener.async().Heard(text);
  }
  Future<void> Keep(kitchen::ListenerProxy listener) override {
    base::MutexLock lock(&mu_);
    std::swap(kept_, listener);
    return absl::OkStatus();
  }
  Future<kitchen::ListenerProxy> Kept() override { return Ready(kept()); }
  Future<kitchen::CookProxy> MakeCook() override {
    return Ready(kitchen::CookProxy(staff_->Hire()));
  }
  Future<void> Wait() override { return staff_->WaitAtGate(); }
  Future<void> Release() override {
    staff_->OpenGate();
    return absl::OkStatus();
  }
  Future<kitchen::ListenerProxy> Pass(kitchen::ListenerProxy listener) override {
    return Ready(std::move(listener));
  }
  Future<kitchen::Shelf> Look() override {
    return Ready(kitchen::Shelf{.label = "spices", .listener = kept(), .empty = {}});
  }

  // The destructor of what is dropped runs outside the lock.
  void DropKept() {
    kitchen::ListenerProxy dropped;
    base::MutexLock lock(&mu_);
    std::swap(kept_, dropped);
  }

 private:
  kitchen::ListenerProxy kept() {
    base::MutexLock lock(&mu_);
    return kept_;
  }

  const std::shared_ptr<Staff> staff_;
  base::Mutex mu_;
  kitchen::ListenerProxy kept_ ABSL_GUARDED_BY(mu_);
};

std::shared_ptr<kitchen::CookAsyncServant> Staff::Hire() {
  auto cook = std::make_shared<StaffCook>(shared_from_this());
  base::MutexLock lock(&mu_);
  ++alive_;
  cooks_.push_back(cook);
  return cook;
}

std::shared_ptr<kitchen::ListenerAsyncServant> Staff::HireListener() {
  {
    base::MutexLock lock(&mu_);
    ++alive_;
  }
  return std::make_shared<StaffListener>(shared_from_this());
}

Future<void> Staff::WaitAtGate() {
  Promise<void> promise;
  Future<void> future = promise.future();
  base::MutexLock lock(&mu_);
  at_gate_.push_back(std::move(promise));
  return future;
}

void Staff::OpenGate() {
  std::vector<Promise<void>> through;
  {
    base::MutexLock lock(&mu_);
    through.swap(at_gate_);
  }
  for (Promise<void>& promise : through) promise.Set(absl::OkStatus());
}

void Staff::DropKept() {
  std::vector<std::shared_ptr<StaffCook>> cooks;
  {
    base::MutexLock lock(&mu_);
    for (const std::weak_ptr<StaffCook>& weak : cooks_) {
      if (std::shared_ptr<StaffCook> cook = weak.lock()) cooks.push_back(std::move(cook));
    }
  }
  for (const std::shared_ptr<StaffCook>& cook : cooks) cook->DropKept();
}

int Staff::alive() {
  base::MutexLock lock(&mu_);
  return alive_;
}

void Staff::Left() {
  base::MutexLock lock(&mu_);
  --alive_;
}

}  // namespace drover::fuzz
