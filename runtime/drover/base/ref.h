// Intrusive, atomic reference counts. Unlike std::shared_ptr a table can keep a plain pointer to
// the object and ask for a reference only while the object still has one (TryRef).
//
//   class Capability : public base::RefCounted { ... };
//   base::Ref<Capability> cap = base::MakeRef<LocalCapability>(...);
//
// Thread-safe as std::shared_ptr is: the count is shared by all threads, one Ref is not.
// The last Unref deletes the object on the thread that drops it.
#ifndef DROVER_BASE_REF_H_
#define DROVER_BASE_REF_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace drover::base {

class RefCounted {
 public:
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  void AddRef() const { refs_.fetch_add(1, std::memory_order_relaxed); }
  void Unref() const {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  // Takes a reference unless the last one is already gone; the memory must still be there.
  bool TryRef() const {
    uint32_t refs = refs_.load(std::memory_order_relaxed);
    while (refs != 0) {
      if (refs_.compare_exchange_weak(refs, refs + 1, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  // Whether there is one reference only; for its owner, who may then change the object.
  bool Unshared() const { return refs_.load(std::memory_order_acquire) == 1; }

 protected:
  RefCounted() = default;
  virtual ~RefCounted() = default;

  // Unref() for a class whose objects nobody asks for by TryRef: who has the only reference then
  // needs no atomic operation to find that out.
  void UnrefWithoutTryRef() const {
    if (Unshared()) {
      delete this;
    } else {
      Unref();
    }
  }

 private:
  mutable std::atomic<uint32_t> refs_{1};
};

template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}  // NOLINT: as a smart pointer's
  // Adopts a reference that the caller holds.
  static Ref Adopt(T* p) {
    Ref r;
    r.p_ = p;
    return r;
  }
  // Adds a reference of its own.
  static Ref Share(T* p) {
    if (p != nullptr) p->AddRef();
    return Adopt(p);
  }
  Ref(const Ref& other) : p_(other.p_) {
    if (p_ != nullptr) p_->AddRef();
  }
  Ref(Ref&& other) noexcept : p_(std::exchange(other.p_, nullptr)) {}
  template <class U>
  requires(std::is_convertible_v<U*, T*>) Ref(const Ref<U>& other)
      : p_(other.get()) {  // NOLINT: implicit as a pointer's
    if (p_ != nullptr) p_->AddRef();
  }
  template <class U>
  requires(std::is_convertible_v<U*, T*>) Ref(Ref<U>&& other)
  noexcept : p_(other.Release()) {}  // NOLINT: implicit as a pointer's
  Ref& operator=(Ref other) noexcept {
    std::swap(p_, other.p_);
    return *this;
  }
  ~Ref() {
    if (p_ != nullptr) p_->Unref();
  }

  T* get() const { return p_; }
  T* operator->() const { return p_; }
  T& operator*() const { return *p_; }
  explicit operator bool() const { return p_ != nullptr; }
  friend bool operator==(const Ref& a, const Ref& b) { return a.p_ == b.p_; }
  [[nodiscard]] T* Release() { return std::exchange(p_, nullptr); }

 private:
  T* p_ = nullptr;
};

template <class T, class... Args>
Ref<T> MakeRef(Args&&... args) {
  return Ref<T>::Adopt(new T(std::forward<Args>(args)...));
}

}  // namespace drover::base

#endif  // DROVER_BASE_REF_H_
