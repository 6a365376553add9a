#include <memory>
#include <vector>

#include "garage.drover.h"

class Garage : public garage::GarageServant {
 public:
  absl::StatusOr<uint32_t> Mount(std::vector<parts::Wheel> wheels) override {
    uint32_t inches = 0;
    for (const parts::Wheel& wheel : wheels) inches += wheel.inches;
    return inches;
  }
};

int main() {
  const garage::GarageProxy garage = std::make_shared<Garage>();
  absl::StatusOr<uint32_t> inches = garage.Mount({{}, {.inches = 3}});
  return inches.ok() && *inches == 20 ? 0 : 1;
}
