#include "drover/group/item_schedule.h"

#include <algorithm>

namespace drover::group {

ItemSchedule::ItemSchedule(size_t proxies, size_t items, int in_flight)
    : in_flight_(in_flight), proxies_(proxies), proxy_of_(items), unfinished_(items) {}

std::optional<ItemSchedule::Step> ItemSchedule::Start() {
  if (again_.empty() && next_ == proxy_of_.size()) return std::nullopt;
  std::optional<size_t> best;
  for (size_t i = 0; i < proxies_.size(); ++i) {
    if (proxies_[i].lost || proxies_[i].in_flight >= in_flight_) continue;
    if (!best || proxies_[i].in_flight < proxies_[*best].in_flight) best = i;
  }
  if (!best) return std::nullopt;
  size_t item;
  if (again_.empty()) {
    item = next_++;
  } else {
    item = again_.front();
    again_.pop_front();
  }
  ++proxies_[*best].in_flight;
  proxy_of_[item] = *best;
  return Step{*best, item};
}

void ItemSchedule::Finish(size_t item) {
  --proxies_[proxy_of_[item]].in_flight;
  --unfinished_;
}

bool ItemSchedule::Lose(size_t item) {
  ProxyState& proxy = proxies_[proxy_of_[item]];
  --proxy.in_flight;
  proxy.lost = true;
  again_.push_back(item);
  return std::any_of(proxies_.begin(), proxies_.end(), [](const auto& p) { return !p.lost; });
}

}  // namespace drover::group
