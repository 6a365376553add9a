// A proxy of a servant in the same thread: calls are encoded, dispatched and decoded on the spot.
#ifndef DROVER_OBJECT_PROXY_H_
#define DROVER_OBJECT_PROXY_H_

#include <memory>
#include <utility>

#include "drover/object/servant.h"

namespace drover {

class Proxy {
 public:
  Proxy() = default;
  explicit operator bool() const { return servant_ != nullptr; }
  friend bool operator==(const Proxy&, const Proxy&) = default;
  const std::shared_ptr<Servant>& servant_for_test() const { return servant_; }
  static Proxy MakeForTest(std::shared_ptr<Servant> servant) { return Proxy(std::move(servant)); }

 protected:
  explicit Proxy(std::shared_ptr<Servant> servant) : servant_(std::move(servant)) {}

 private:
  std::shared_ptr<Servant> servant_;
};

}  // namespace drover

#endif  // DROVER_OBJECT_PROXY_H_
