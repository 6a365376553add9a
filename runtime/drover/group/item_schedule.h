// Which item goes to which proxy next, and when all are done: decisions only, no calls.
//
//   ItemSchedule schedule(/*proxies=*/3, /*items=*/100, /*in_flight=*/1);
//   while (auto step = schedule.Start()) Call(step->proxy, step->item);
//   ...
//   schedule.Finish(item);
//
// Thread-compatible; never blocks.
#ifndef DROVER_GROUP_ITEM_SCHEDULE_H_
#define DROVER_GROUP_ITEM_SCHEDULE_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

namespace drover::group {

class ItemSchedule {
 public:
  struct Step {
    size_t proxy;
    size_t item;
  };

  ItemSchedule(size_t proxies, size_t items, int in_flight);

  // The next item to start, on the proxy with the fewest items in flight (of several, the first);
  // none if all proxies have as many as they may, or no item is left.
  std::optional<Step> Start();
  // An item that was started is done.
  void Finish(size_t item);
  // The proxy was lost with an item: it gets no more, and the item is to be started again, before
  // others. False if no proxy is left.
  [[nodiscard]] bool Lose(size_t item);
  // Whether every item is finished.
  bool done() const { return unfinished_ == 0; }

 private:
  struct ProxyState {
    int in_flight = 0;
    bool lost = false;
  };

  const int in_flight_;
  std::vector<ProxyState> proxies_;
  std::vector<size_t> proxy_of_;  // by item
  size_t next_ = 0;               // the first item never started
  std::deque<size_t> again_;      // items to be started again
  size_t unfinished_;
};

}  // namespace drover::group

#endif  // DROVER_GROUP_ITEM_SCHEDULE_H_
