// Vats within this process: each has a front object, and connections to the others over socketpairs
// that can be cut. Every end of a connection has its own tables, as if it were in another process.
//
// Not thread-safe.
#ifndef DROVER_TESTS_MODEL_VATS_H_
#define DROVER_TESTS_MODEL_VATS_H_

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "drover/rpc/connection.h"
#include "model/troupe.h"
#include "support/frozen_wire.h"

namespace drover::model {

class Vats {
 public:
  // Front objects have the numbers 0 to count - 1. All vats are connected with each other, if
  // `frozen` by wires on which frames stand still; with `tails` they make tail calls.
  Vats(Troupe* troupe, size_t count, bool frozen, bool tails);

  struct Link {
    std::array<size_t, 2> vats;
    std::array<base::Ref<rpc::Connection>, 2> ends;
    std::unique_ptr<testing_support::FrozenWire> wire;  // or null
  };

  size_t count() const { return fronts_.size(); }
  ::model::ActorProxy front(size_t vat) const { return fronts_[vat]; }
  // One connection more, which gives each end the front object of the other.
  const Link& Connect(size_t a, size_t b);
  const std::vector<Link>& links() const { return links_; }
  // As a network does, or as one end does if `by_an_end`.
  void Cut(size_t link, bool by_an_end);

  // Lets one frame of an end pass, if it has sent any; all that there are, of all ends.
  void PassFrame(size_t link, size_t end);
  void PassAll();

  // What is in the tables of all ends; "" if nothing is.
  std::string Leftovers();
  // Ends all connections, and lets the front objects go.
  void Close();
  // Whether nobody has any of the connections but this.
  bool Unshared() const;

 private:
  const bool frozen_;
  const bool tails_;
  std::vector<::model::ActorProxy> fronts_;
  std::vector<Link> links_;
};

}  // namespace drover::model

#endif  // DROVER_TESTS_MODEL_VATS_H_
