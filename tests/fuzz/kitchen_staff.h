// Servants of the kitchen's interfaces that never block, all known to one Staff, which sees when
// they are gone.
//
//   auto staff = std::make_shared<Staff>();
//   auto cook = staff->Hire();
//   staff->OpenGate();              // calls of wait and later are answered
//   staff->DropKept();              // ends cycles of cooks that keep each other
//   while (staff->alive() > 0) ...
//
// Thread-safe.
#ifndef DROVER_TESTS_FUZZ_KITCHEN_STAFF_H_
#define DROVER_TESTS_FUZZ_KITCHEN_STAFF_H_

#include <memory>
#include <vector>

#include "drover/base/mutex.h"
#include "kitchen.drover.h"

namespace drover::fuzz {

class StaffCook;

class Staff : public std::enable_shared_from_this<Staff> {
 public:
  std::shared_ptr<kitchen::CookAsyncServant> Hire();
  std::shared_ptr<kitchen::ListenerAsyncServant> HireListener();

  // A future that is ready when the gate is opened the next time.
  Future<void> WaitAtGate();
  void OpenGate();
  void DropKept();
  int alive();

 private:
  friend class StaffCook;
  friend class StaffListener;
  void Left();

  base::Mutex mu_;
  int alive_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::weak_ptr<StaffCook>> cooks_ ABSL_GUARDED_BY(mu_);
  std::vector<Promise<void>> at_gate_ ABSL_GUARDED_BY(mu_);
};

}  // namespace drover::fuzz

#endif  // DROVER_TESTS_FUZZ_KITCHEN_STAFF_H_
