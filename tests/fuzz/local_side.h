// What the process of a connection under test does with it meanwhile: calls the peer's objects with
// capabilities of every origin, keeps, passes and drops proxies, and cancels calls.
//
// Not thread-safe.
#ifndef DROVER_TESTS_FUZZ_LOCAL_SIDE_H_
#define DROVER_TESTS_FUZZ_LOCAL_SIDE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>

#include "drover/rpc/connection.h"
#include "fuzz/kitchen_staff.h"

namespace drover::fuzz {

class LocalSide {
 public:
  // Asks for the peer's front object if `bootstraps`; without, it only uses what calls bring.
  LocalSide(base::Ref<rpc::Connection> connection, std::shared_ptr<Staff> staff, bool bootstraps);

  // One action; the numbers choose which, and on what.
  void Act(std::span<const uint8_t> numbers);
  // Every call must have its answer by now, for the connection has ended; forgets everything.
  void End();

 private:
  using AnyFuture = std::variant<std::monostate, Future<uint32_t>, Future<std::string>,
                                 Future<void>, Future<kitchen::ListenerProxy>,
                                 Future<kitchen::CookProxy>, Future<kitchen::Shelf>>;
  static constexpr size_t kProxies = 4;
  static constexpr size_t kFutures = 6;

  Proxy Target(uint8_t number) const;
  kitchen::ListenerProxy Capability(uint8_t number);
  AnyFuture Call(const Proxy& target, uint8_t method, kitchen::ListenerProxy capability);
  // Takes the result if it is there, and keeps a proxy in it.
  void Collect(size_t future);

  const base::Ref<rpc::Connection> connection_;
  const std::shared_ptr<Staff> staff_;
  Proxy front_;
  std::array<Proxy, kProxies> proxies_;
  std::array<AnyFuture, kFutures> futures_;
};

}  // namespace drover::fuzz

#endif  // DROVER_TESTS_FUZZ_LOCAL_SIDE_H_
