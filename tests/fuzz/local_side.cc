#include "fuzz/local_side.h"

#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fuzz/check.h"

namespace drover::fuzz {

LocalSide::LocalSide(base::Ref<rpc::Connection> connection, std::shared_ptr<Staff> staff,
                     bool bootstraps)
    : connection_(std::move(connection)), staff_(std::move(staff)) {
  if (bootstraps) front_ = Proxy::FromCapability(connection_->Bootstrap());
}

Proxy LocalSide::Target(uint8_t number) const {
  const size_t slot = number % (kProxies + 1);
  return slot == kProxies ? front_ : proxies_[slot];
}

kitchen::ListenerProxy LocalSide::Capability(uint8_t number) {
  switch (number % 8) {
    case 0:
      return kitchen::ListenerProxy();
    case 1:
    case 2:
      return kitchen::ListenerProxy(staff_->HireListener());
    case 3:
      return kitchen::ListenerProxy(kitchen::CookProxy(staff_->Hire()));
    default:
      return kitchen::ListenerProxy(Target(static_cast<uint8_t>(number / 8)));
  }
}

LocalSide::AnyFuture LocalSide::Call(const Proxy& target, uint8_t method,
                                     kitchen::ListenerProxy capability) {
  const kitchen::CookProxy::Async cook{target};
  const kitchen::ListenerProxy::Async listener{target};
  switch (method % 10) {
    case 0:
      return cook.Add(1, 2);
    case 1:
      return cook.Tell(capability, "news");
    case 2:
      return cook.Keep(capability);
    case 3:
      return cook.Kept();
    case 4:
      return cook.MakeCook();
    case 5:
      return cook.Wait();
    case 6:
      return cook.Pass(capability);
    case 7:
      return cook.Look();
    case 8:
      return listener.Heard("local");
    default:
      return cook.Later();
  }
}

void LocalSide::Collect(size_t i) {
  std::visit(
      [&](auto& future) {
        using F = std::decay_t<decltype(future)>;
        if constexpr (!std::is_same_v<F, std::monostate>) {
          if (!future.ready()) return;
          auto result = future.Get();
          if constexpr (std::is_same_v<F, Future<kitchen::ListenerProxy>> ||
                        std::is_same_v<F, Future<kitchen::CookProxy>>) {
            if (result.ok()) proxies_[i % kProxies] = *result;
          } else if constexpr (std::is_same_v<F, Future<kitchen::Shelf>>) {
            if (result.ok()) proxies_[i % kProxies] = result->listener;
          }
        }
      },
      futures_[i]);
}

void LocalSide::Act(std::span<const uint8_t> n) {
  AnyFuture& future = futures_[n[4] % kFutures];
  switch (n[0] % 10) {
    case 0:
    case 1:
    case 2:
      future = Call(Target(n[1]), n[2], Capability(n[3]));
      break;
    case 3:
      proxies_[n[1] % kProxies] = Proxy();
      break;
    case 4:
      future = AnyFuture();
      break;
    case 5:
      std::visit(
          [](auto& f) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(f)>, std::monostate>) f.Cancel();
          },
          future);
      break;
    case 6:
      for (size_t i = 0; i < kFutures; ++i) Collect(i);
      break;
    case 7:
      staff_->OpenGate();
      break;
    case 8:  // as a caller that reads the connection itself
      std::visit(
          [](auto& f) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(f)>, std::monostate>) {
              f.WaitFor(absl::Microseconds(100));
            }
          },
          future);
      break;
    default:
      if (n[1] == 0xff) {
        connection_->Close(absl::CancelledError("closed by this end"));
      } else {
        proxies_[n[1] % kProxies] = Target(n[2]);
        if (n[3] == 1)
          kitchen::CookProxy::OneWay(Target(n[2])).Note(1).IgnoreError();  // may be none
      }
      break;
  }
}

void LocalSide::End() {
  front_ = Proxy();
  for (Proxy& proxy : proxies_) proxy = Proxy();
  for (AnyFuture& future : futures_) {
    std::visit(
        [this](auto& f) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(f)>, std::monostate>) {
            // A call of an object of this process may reach the gate only now.
            const absl::Time give_up = absl::Now() + absl::Seconds(60);
            do {
              staff_->OpenGate();
              FUZZ_CHECK(absl::Now() < give_up) << "a call that is never answered";
            } while (!f.WaitFor(absl::Milliseconds(1)));
          }
        },
        future);
    future = AnyFuture();
  }
}

}  // namespace drover::fuzz
