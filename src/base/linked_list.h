// A list of objects that carry their own links.
#pragma once

namespace martlet::base {

/// What an element derives from. It leaves its list when it dies.
class ListNode {
 public:
  ListNode() = default;
  ~ListNode() { Unlink(); }
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;

  bool linked() const { return next_ != nullptr; }
  void Unlink() {
    if (!linked()) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  friend class LinkedList;
  ListNode* next_ = nullptr;
  ListNode* previous_ = nullptr;
};

/// A ring through a node of its own: adding and leaving cost the same wherever and however many.
/// A node that is no element may stand among them and mark a place.
///
/// Ownership: nobody's; elements outlive their place in it or leave it as they die.
/// Thread:    any one at a time.
class LinkedList {
 public:
  LinkedList() { end_.next_ = end_.previous_ = &end_; }
  ~LinkedList() {
    while (end_.next_ != &end_) end_.next_->Unlink();
  }
  LinkedList(const LinkedList&) = delete;
  LinkedList& operator=(const LinkedList&) = delete;

  /// REQUIRES: !node.linked().
  void PushFront(ListNode& node) { InsertBehind(end_, node); }
  void PushBack(ListNode& node) { InsertBehind(*end_.previous_, node); }
  /// Null behind the last one.
  ListNode* First() { return end_.next_ == &end_ ? nullptr : end_.next_; }
  ListNode* Next(ListNode& node) { return node.next_ == &end_ ? nullptr : node.next_; }
  /// Puts a node that is in the list to another place in it: right behind `place`.
  void MoveBehind(ListNode& place, ListNode& node) {
    node.Unlink();
    InsertBehind(place, node);
  }

 private:
  static void InsertBehind(ListNode& place, ListNode& node) {
    node.previous_ = &place;
    node.next_ = place.next_;
    place.next_->previous_ = &node;
    place.next_ = &node;
  }

  ListNode end_;
};

}  // namespace martlet::base
