// Calling objects inside a result that is not there yet. Future<T>::Pipeline() begins it:
//
//   drover::Future<kitchen::CookProxy> cook = kitchen.async().MakeCook();
//   drover::Future<uint32_t> sum = cook.Pipeline().Add(1, 2);           // leaves at once
//
// For a struct generated code derives a class from nothing but the place it has in the results:
//
//   class CarPipeline { EngineProxy::Async engine() const; WheelPipeline spare() const; ... };
//
// Thread-safety: places are values, thread-compatible; a source is thread-safe.
// Ownership: a place keeps its source, and the work behind it, going.
// Errors: of the calls: that of the work, or InvalidArgument where there is no object.
// Blocking: nothing here blocks.
#ifndef DROVER_OBJECT_PIPELINE_H_
#define DROVER_OBJECT_PIPELINE_H_

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "drover/async/future.h"
#include "drover/object/promised_capabilities.h"
#include "drover/object/proxy.h"

namespace drover {
namespace object {

class PipelinePlace;

// What can tell the capabilities inside a result that may not be there yet.
class PipelineSource {
 public:
  // The capability at a path of pointer slots, from the results struct of the call; a promise of it
  // while the answer is not here. Never null. Any thread.
  virtual base::Ref<rpc::Capability> CapabilityAt(const std::vector<uint16_t>& path) = 0;
  // Where the future's own result is. For the thread that has the future.
  virtual PipelinePlace Begin() = 0;

  virtual void AddRef() const = 0;
  virtual void Unref() const = 0;

 protected:
  ~PipelineSource() = default;
};

// A pointer inside a result.
class PipelinePlace {
 public:
  // In no result: its capability is broken.
  PipelinePlace() = default;
  // `hold`: what keeps the work going.
  PipelinePlace(base::Ref<PipelineSource> source, std::vector<uint16_t> path,
                base::Ref<base::RefCounted> hold)
      : source_(std::move(source)), path_(std::move(path)), hold_(std::move(hold)) {}

  PipelinePlace Field(uint16_t pointer_slot) const;
  Proxy Capability() const;

 private:
  base::Ref<PipelineSource> source_;
  std::vector<uint16_t> path_;
  base::Ref<base::RefCounted> hold_;
};

// The capabilities inside the result of `state`, as `promised` is to know them: now if it is there,
// otherwise when it comes. `slot` is where in the results struct it is, or -1 if it is all of it.
template <class T>
void SettleWhenReady(async::FutureState<T>& state, PromisedCapabilities& promised, int slot,
                     base::Ref<base::RefCounted> keep_promised) {
  if (!promised.Expect()) return;
  async::Task settle = [&state, &promised, slot, keep = std::move(keep_promised)] {
    const absl::StatusOr<T>& result = state.Peek();
    FoundCapabilities found;
    if (result.ok() && slot >= 0) found.Enter(static_cast<uint16_t>(slot), *result);
    if (result.ok() && slot < 0) PipelineTraits<T>::Collect(*result, found);
    promised.Settle(result.status(), std::move(found));
  };
  auto shared = std::make_shared<async::Task>(std::move(settle));
  if (state.BeforeReady([shared] { (*shared)(); })) return;
  state.AwaitCompletion();
  (*shared)();
}

// Of a future that is no call.
template <class T>
class FuturePipeline final : public base::RefCounted, public PipelineSource {
 public:
  explicit FuturePipeline(base::Ref<async::FutureState<T>> state) : state_(std::move(state)) {}

  base::Ref<rpc::Capability> CapabilityAt(const std::vector<uint16_t>& path) override {
    return promised_.At(path, state_, base::Ref<base::RefCounted>::Share(this));
  }
  PipelinePlace Begin() override {
    auto self = base::Ref<FuturePipeline>::Share(this);
    SettleWhenReady(*state_, promised_, -1, self);
    return PipelinePlace(self, {}, base::MakeRef<WorkHold>(state_));
  }
  void AddRef() const override { base::RefCounted::AddRef(); }
  void Unref() const override { base::RefCounted::Unref(); }

 private:
  const base::Ref<async::FutureState<T>> state_;
  PromisedCapabilities promised_;
};

template <class T>
PipelinePlace PlaceOf(const base::Ref<async::FutureState<T>>& state) {
  if (!state) return PipelinePlace();
  if (auto* call = dynamic_cast<PipelineSource*>(state.get())) return call->Begin();
  return base::MakeRef<FuturePipeline<T>>(state)->Begin();
}

// The base of PipelineTraits: what Future<T>::Pipeline() makes of a place.
template <class T, class Pipeline>
struct PipelineTraitsBase {
  using Type = Pipeline;
  static Pipeline Of(const base::Ref<async::FutureState<T>>& state) {
    if constexpr (std::is_base_of_v<Proxy, Pipeline>) {
      return Pipeline(PlaceOf(state).Capability());
    } else {
      return Pipeline(PlaceOf(state));
    }
  }
};

// Whether a Future<T> has a pipeline.
template <class T>
concept Pipelined = requires {
  typename PipelineTraits<T>::Type;
};

}  // namespace object

template <class P>
requires(std::is_base_of_v<Proxy, P>) struct PipelineTraits<P>
    : object::PipelineTraitsBase<P, typename P::Async> {
  static void Collect(const P& proxy, object::FoundCapabilities& out) {
    out.Add(proxy.capability());
  }
};

}  // namespace drover

#endif  // DROVER_OBJECT_PIPELINE_H_
