// The filters that contain wildcards, token by token.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>

#include <absl/container/inlined_vector.h>

#include "subject/filter.h"
#include "subject/read_mostly_table.h"
#include "subject/reclaim.h"

namespace martlet::subject {

using Tokens = absl::InlinedVector<std::string_view, 16>;

/// A trie of tokens. Its edges stand in one hash table, keyed by parent and token, so that a node
/// with a million children costs no more than one with two.
///
/// Who writes: Insert and Erase, under one lock; it also covers Filter::shards_with_members_ of
///             the filters here.
/// Who reads:  Collect, wait-free: bounded by the nodes that the subject's tokens lead to.
/// Orders:     a node or filter is linked with release when complete, and reached with acquire.
class WildcardTrie {
 public:
  explicit WildcardTrie(Reclaimer& reclaimer) : reclaimer_(reclaimer), edges_(reclaimer) {}
  ~WildcardTrie();

  /// Finds the filter or makes it, and adds the subscriber to the shard's list.
  void Insert(unsigned shards, unsigned shard, AccountId account, std::string_view filter,
              std::string_view queue, Subscriber& subscriber);
  /// Takes one shard's interest from the filter. True when it was the last one: the filter is
  /// unlinked then, and the caller retires it.
  bool Release(Filter& filter);

  /// Calls `found(Filter&)` for each filter that matches. Reader.
  template <class Found>
  void Collect(AccountId account, const Tokens& tokens, Found&& found) const;

  bool empty() const { return filters_.load(std::memory_order_acquire) == 0; }

 private:
  struct Node : TableLinks<Node> {
    Node(uint64_t h, Node* p, std::string_view t) : TableLinks<Node>(h), parent(p), token(t) {}
    Node* const parent;  // null: the root of an account
    const std::string token;
    std::atomic<Node*> star{nullptr};     // the child for `*`
    std::atomic<Filter*> exact{nullptr};  // filters that end here
    std::atomic<Filter*> tail{nullptr};   // filters that end with `>` behind here
    size_t references = 0;                // children and filters; writer only
  };

  static uint64_t EdgeHash(const Node* parent, std::string_view token);
  static uint64_t RootHash(AccountId account);
  Node* Child(const Node* parent, std::string_view token) const;
  Node* Root(AccountId account) const;
  Node* ChildOrNew(Node* parent, std::string_view token);
  Node* RootOrNew(AccountId account);
  Node* Walk(AccountId account, std::string_view filter, bool* tail) const;
  void Unreference(Node* node);

  template <class Found>
  void CollectBelow(const Node& node, const Tokens& tokens, size_t depth, Found& found) const;
  template <class Found>
  static void CollectChain(const std::atomic<Filter*>& head, Found& found);

  Reclaimer& reclaimer_;
  ReadMostlyTable<Node> edges_;  // roots and literal children
  std::mutex mutex_;
  std::atomic<size_t> filters_{0};
};

template <class Found>
void WildcardTrie::Collect(AccountId account, const Tokens& tokens, Found&& found) const {
  const Node* root = Root(account);
  if (root != nullptr) CollectBelow(*root, tokens, 0, found);
}

template <class Found>
void WildcardTrie::CollectBelow(const Node& node, const Tokens& tokens, size_t depth,
                                Found& found) const {
  if (depth == tokens.size()) return CollectChain(node.exact, found);
  CollectChain(node.tail, found);
  if (const Node* child = Child(&node, tokens[depth])) {
    CollectBelow(*child, tokens, depth + 1, found);
  }
  if (const Node* star = node.star.load(std::memory_order_acquire)) {
    CollectBelow(*star, tokens, depth + 1, found);
  }
}

template <class Found>
void WildcardTrie::CollectChain(const std::atomic<Filter*>& head, Found& found) {
  for (Filter* filter = head.load(std::memory_order_acquire); filter != nullptr;
       filter = filter->chain_.load(std::memory_order_acquire)) {
    found(*filter);
  }
}

}  // namespace martlet::subject
