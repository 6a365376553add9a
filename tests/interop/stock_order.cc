// A listener of ours is passed to the server and comes back as the promise of a listener. Calls on
// the promise travel over the server; when it turns out to be ours, later calls must not overtake
// them.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "interop/stock_checks.h"
#include "interop/stock_worker.h"

namespace interop::stock {
namespace {

constexpr uint32_t kCalls = 100;

class Order {
 public:
  explicit Order(Checks& c) : c_(c), ours_(kj::heap<StockListener>(heard_)) {}

  // Whether calls arrive in their order that are made before and after the promise is resolved.
  bool Holds(Listener::Client promise) {
    Call(promise);
    promise.whenResolved().wait(c_.wait());
    Call(promise);
    for (auto& call : calls_) call.wait(c_.wait());
    if (heard_->texts.size() != next_) return false;
    for (uint32_t i = 0; i < next_; ++i) {
      if (heard_->texts[i] != std::to_string(i)) return false;
    }
    return true;
  }

  capnp::Request<Worker::PassParams, Worker::PassResults> Pass(Worker::Client over) {
    auto request = over.passRequest();
    request.setListener(ours_);
    return request;
  }

 private:
  void Call(Listener::Client& listener) {
    for (uint32_t i = 0; i < kCalls; ++i) {
      auto request = listener.heardRequest();
      request.setText(std::to_string(next_++));
      calls_.push_back(request.send().ignoreResult());
    }
  }

  Checks& c_;
  const std::shared_ptr<Heard> heard_ = std::make_shared<Heard>();
  Listener::Client ours_;
  uint32_t next_ = 0;
  std::vector<kj::Promise<void>> calls_;
};

}  // namespace

void CheckOrder(Checks& c) {
  c.Check("calls keep their order over the server", [&] {
    Order order(c);
    return order.Holds(order.Pass(c.worker()).send().getListener());
  });
  c.Check("calls keep their order over the server and a worker of ours", [&] {
    Order order(c);
    auto request = order.Pass(c.worker());
    request.setOver(NewWorker());
    return order.Holds(request.send().getListener());
  });
}

void CheckOrderOverNeighbour(Checks& c) {
  c.Check("calls keep their order over the server and its neighbour", [&] {
    Order order(c);
    return order.Holds(
        order.Pass(c.worker().neighbourRequest().send().getWorker()).send().getListener());
  });
  c.Check("calls keep their order over the server, which passes on to its neighbour", [&] {
    Order order(c);
    auto request = order.Pass(c.worker());
    request.setOver(c.worker().neighbourRequest().send().getWorker());
    return order.Holds(request.send().getListener());
  });
}

}  // namespace interop::stock
