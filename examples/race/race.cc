// The worker race: ten workers calculate at once, each answer is printed as it arrives.
#include <iostream>
#include <memory>

#include "drover/drover.h"
#include "options.h"
#include "racer.h"

int main(int argc, char** argv) {
  auto options = ParseRaceOptions(argc, argv);
  if (!options.ok()) return drover::ExitWith(options.status());

  auto fleet = drover::ServeFleet(options->fleet, [&](int slot) {
    return std::make_shared<Racer>(options->seed + slot, options->max_seconds);
  });
  if (!fleet.ok()) return drover::ExitWith(fleet.status());
  for (const auto& endpoint : fleet->endpoints()) {
    std::cout << "Worker running at " << endpoint << std::endl;
  }

  auto workers = drover::ConnectAll<race::WorkerProxy>(fleet->endpoints());
  auto answers = drover::Map(workers, &race::WorkerProxy::Async::Calculate);
  for (const auto& [i, seconds] : drover::AsCompleted(std::move(answers))) {
    if (seconds.ok()) {
      std::cout << "Worker " << i << " finished in " << *seconds << " seconds" << std::endl;
    } else {
      std::cout << "Worker " << i << ": " << seconds.status() << std::endl;
    }
  }
  absl::Status stopped = drover::Broadcast(workers, &race::WorkerProxy::Async::Stop);
  if (!stopped.ok()) return drover::ExitWith(stopped);
  return drover::ExitWith(fleet->Wait());
}
