// One object that a thread keeps, so that what many take turns in needing need not be made and
// thrown away each time: a buffer, say.
//
//   if (T* spare = ThreadSpare<T, struct Tag>()) ... take from it, or put into it ...
//
// Each thread has its own, which goes when the thread ends; null from then on (destructors of other
// thread-local and static objects run later). `Tag` tells apart those of one type.
#ifndef DROVER_BASE_THREAD_SPARE_H_
#define DROVER_BASE_THREAD_SPARE_H_

namespace drover::base {

template <class T, class Tag>
T* ThreadSpare() {
  thread_local bool ended = false;  // usable after the other, since it has no destructor
  struct Holder {
    T value;
    ~Holder() { ended = true; }
  };
  thread_local Holder holder;
  return ended ? nullptr : &holder.value;
}

}  // namespace drover::base

#endif  // DROVER_BASE_THREAD_SPARE_H_
