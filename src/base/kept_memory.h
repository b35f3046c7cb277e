// Memory with several users on one thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace martlet::base {

/// What a piece of memory derives from that lasts as long as somebody keeps it. The count is plain:
/// all that keep it are on one thread.
struct KeptMemory {
  uint32_t keepers = 0;
  void (*unused)(KeptMemory& self) = nullptr;  // called when the last one lets go

  void Keep() { ++keepers; }
  void LetGo() {
    if (--keepers == 0) unused(*this);
  }
};

/// Keeps memory, or nothing, for the time of its own life.
class Keeper {
 public:
  explicit Keeper(KeptMemory* memory) : memory_(memory) {
    if (memory_ != nullptr) memory_->Keep();
  }
  ~Keeper() {
    if (memory_ != nullptr) memory_->LetGo();
  }
  Keeper(Keeper&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)) {}
  Keeper& operator=(Keeper&& other) noexcept {
    std::swap(memory_, other.memory_);
    return *this;
  }

  KeptMemory* get() const { return memory_; }

 private:
  KeptMemory* memory_;
};

/// A text on the heap, freed by the last keeper.
struct KeptText : KeptMemory {
  explicit KeptText(std::string t) : text(std::move(t)) {
    unused = [](KeptMemory& self) { delete static_cast<KeptText*>(&self); };
  }
  const std::string text;
};

}  // namespace martlet::base
