// Memory shared with the workers of a fleet, in which their servants note when they begin and end,
// and wait for the test to let them go on.
//
//   Racetrack track;                                     // before the fleet is forked
//   auto fleet = ServeFleet({.workers = 2}, track.Servants());
//   ...
//   track.AwaitStarts(2);                                // both calls run now
//   track.Release(1);                                    // the call in slot 1 returns
//
// Thread-safe. AwaitStarts blocks, as Run does in the servant.
#ifndef DROVER_TESTS_FLEET_SERVER_RACETRACK_H_
#define DROVER_TESTS_FLEET_SERVER_RACETRACK_H_

#include <semaphore.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <new>
#include <utility>

#include "drover/drover.h"
#include "runner.drover.h"

namespace drover::testing_support {

class Racetrack {
 public:
  static constexpr int kLanes = 16;

  struct Lane {
    std::atomic<pid_t> pid{0};                     // of the worker that began last
    std::atomic<int64_t> started{0}, finished{0};  // nanoseconds of CLOCK_MONOTONIC; 0: not yet
    sem_t go;
  };

  Racetrack() {
    void* memory =
        mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    shared_ = new (memory) Shared;
    sem_init(&shared_->starts, 1, 0);
    for (Lane& lane : shared_->lanes) sem_init(&lane.go, 1, 0);
  }
  ~Racetrack() { munmap(shared_, sizeof(Shared)); }
  Racetrack(const Racetrack&) = delete;
  Racetrack& operator=(const Racetrack&) = delete;

  Lane& operator[](int lane) { return shared_->lanes[lane]; }

  // Waits for as many calls of Run to begin.
  void AwaitStarts(int count) {
    for (int i = 0; i < count; ++i) Wait(&shared_->starts);
  }
  void Release(int lane) { sem_post(&shared_->lanes[lane].go); }

  // The servant factory of the fleet.
  ServantFactory Servants() {
    return [this](int lane) { return std::make_shared<Runner>(this, lane); };
  }
  // A fleet of them; ends the test if it cannot be started.
  Fleet Start(const ServeFleetOptions& options) {
    absl::StatusOr<Fleet> fleet = ServeFleet(options, Servants());
    if (!fleet.ok()) {
      std::cerr << fleet.status() << "\n";
      std::abort();
    }
    return *std::move(fleet);
  }

 private:
  struct Shared {
    sem_t starts;
    Lane lanes[kLanes];
  };

  class Runner final : public track::RunnerServant {
   public:
    Runner(Racetrack* track, int lane) : track_(track), number_(lane) {}

    absl::StatusOr<uint32_t> Run() override {
      Lane& lane = (*track_)[number_];
      lane.pid = getpid();
      lane.started = Now();
      sem_post(&track_->shared_->starts);
      Wait(&lane.go);
      lane.finished = Now();
      return number_;
    }
    absl::StatusOr<track::RunnerIdentifyResults> Identify() override {
      return track::RunnerIdentifyResults{.pid = getpid(), .lane = number_};
    }
    absl::Status Stop() override { return StopServing(); }

   private:
    Racetrack* const track_;
    const uint32_t number_;
  };

  static void Wait(sem_t* semaphore) {
    while (sem_wait(semaphore) != 0 && errno == EINTR) {
    }
  }
  static int64_t Now() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
  }

  Shared* shared_;
};

}  // namespace drover::testing_support

#endif  // DROVER_TESTS_FLEET_SERVER_RACETRACK_H_
