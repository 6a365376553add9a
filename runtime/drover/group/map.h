// The same call on every proxy, at once.
//
//   std::vector<drover::Future<uint32_t>> answers =
//       drover::Map(workers, &race::WorkerProxy::Async::Calculate);
//
// Order: the calls leave in the order of the proxies, without waiting for each other's answers;
// answers[i] is that of proxies[i].
// Failure: of each call in its own future. Cancellation: drop or cancel a future.
// Thread-safety: thread-safe. Arguments are read by every call and kept by none.
// Blocking: only where a proxy has to dial first (object/connect.h), one after the other.
#ifndef DROVER_GROUP_MAP_H_
#define DROVER_GROUP_MAP_H_

#include <functional>
#include <type_traits>
#include <vector>

#include "drover/async/future.h"

namespace drover {

// The T of what `Method`, a pointer to a method of P::Async, gives a Future<T> of.
template <class P, class Method, class... Args>
using AnswerOf =
    typename std::invoke_result_t<Method, typename P::Async, const Args&...>::ValueType;

template <class P, class Method, class... Args>
auto Map(const std::vector<P>& proxies, Method method, const Args&... args)
    -> std::vector<Future<AnswerOf<P, Method, Args...>>> {
  std::vector<Future<AnswerOf<P, Method, Args...>>> answers;
  answers.reserve(proxies.size());
  for (const P& proxy : proxies) answers.push_back(std::invoke(method, proxy.async(), args...));
  return answers;
}

}  // namespace drover

#endif  // DROVER_GROUP_MAP_H_
