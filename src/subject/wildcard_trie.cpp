#include "subject/wildcard_trie.h"

#include "base/check.h"
#include "subject/subject.h"

namespace martlet::subject {

WildcardTrie::~WildcardTrie() {
  // Nodes reached through `*` are not in the table; each is freed by its parent's visit.
  const auto free_chain = [](std::atomic<Filter*>& head) {
    Filter* filter = head.load(std::memory_order_relaxed);
    while (filter != nullptr) {
      Filter* next = filter->chain_.load(std::memory_order_relaxed);
      Filter::Destroy(filter);
      filter = next;
    }
  };
  edges_.ForEachNode([&](Node* node) {
    while (node != nullptr) {
      Node* star = node->star.load(std::memory_order_relaxed);
      free_chain(node->exact);
      free_chain(node->tail);
      delete node;
      node = star;
    }
  });
}

uint64_t WildcardTrie::EdgeHash(const Node* parent, std::string_view token) {
  return HashBytes(token, reinterpret_cast<uintptr_t>(parent));
}

uint64_t WildcardTrie::RootHash(AccountId account) { return HashBytes({}, account); }

WildcardTrie::Node* WildcardTrie::Root(AccountId account) const {
  // A root's token spells its account, so that accounts with equal hashes stay apart.
  const std::string_view name(reinterpret_cast<const char*>(&account), sizeof account);
  Node* root = nullptr;
  edges_.ForEach(RootHash(account), [&](Node* node) {
    if (node->parent != nullptr || node->token != name) return true;
    root = node;
    return false;
  });
  return root;
}

WildcardTrie::Node* WildcardTrie::Child(const Node* parent, std::string_view token) const {
  Node* child = nullptr;
  edges_.ForEach(EdgeHash(parent, token), [&](Node* node) {
    if (node->parent != parent || node->token != token) return true;
    child = node;
    return false;
  });
  return child;
}

WildcardTrie::Node* WildcardTrie::RootOrNew(AccountId account) {
  if (Node* root = Root(account)) return root;
  const std::string_view name(reinterpret_cast<const char*>(&account), sizeof account);
  Node* root = new Node(RootHash(account), nullptr, name);
  edges_.Insert(root);
  return root;
}

WildcardTrie::Node* WildcardTrie::ChildOrNew(Node* parent, std::string_view token) {
  if (token == "*") {
    Node* star = parent->star.load(std::memory_order_relaxed);
    if (star == nullptr) {
      star = new Node(0, parent, token);
      ++parent->references;
      parent->star.store(star, std::memory_order_release);
    }
    return star;
  }
  if (Node* child = Child(parent, token)) return child;
  Node* child = new Node(EdgeHash(parent, token), parent, token);
  ++parent->references;
  edges_.Insert(child);
  return child;
}

void WildcardTrie::Insert(unsigned shards, unsigned shard, AccountId account,
                          std::string_view filter, std::string_view queue, Subscriber& subscriber) {
  const std::lock_guard lock(mutex_);
  Node* node = RootOrNew(account);
  bool tail = false;
  ForEachToken(filter, [&](std::string_view token) {
    tail = token == ">";
    if (!tail) node = ChildOrNew(node, token);
    return true;
  });
  std::atomic<Filter*>& head = tail ? node->tail : node->exact;
  Filter* entry = head.load(std::memory_order_relaxed);
  while (entry != nullptr && entry->queue() != queue) {
    entry = entry->chain_.load(std::memory_order_relaxed);
  }
  if (entry == nullptr) {
    entry = Filter::Create(0, account, filter, queue, shards);
    entry->chain_.store(head.load(std::memory_order_relaxed), std::memory_order_relaxed);
    head.store(entry, std::memory_order_release);
    ++node->references;
    filters_.fetch_add(1, std::memory_order_release);
  }
  if (entry->Push(shard, subscriber) == 1) ++entry->shards_with_members_;
}

WildcardTrie::Node* WildcardTrie::Walk(AccountId account, std::string_view filter,
                                       bool* tail) const {
  Node* node = Root(account);
  *tail = false;
  ForEachToken(filter, [&](std::string_view token) {
    CHECK(node != nullptr);
    *tail = token == ">";
    if (*tail) return true;
    node = token == "*" ? node->star.load(std::memory_order_relaxed) : Child(node, token);
    return true;
  });
  return node;
}

bool WildcardTrie::Release(Filter& filter) {
  const std::lock_guard lock(mutex_);
  CHECK(filter.shards_with_members_ > 0);
  if (--filter.shards_with_members_ > 0) return false;

  bool tail = false;
  Node* node = Walk(filter.account(), filter.text(), &tail);
  CHECK(node != nullptr);
  std::atomic<Filter*>* link = tail ? &node->tail : &node->exact;
  while (link->load(std::memory_order_relaxed) != &filter) {
    CHECK(link->load(std::memory_order_relaxed) != nullptr);
    link = &link->load(std::memory_order_relaxed)->chain_;
  }
  link->store(filter.chain_.load(std::memory_order_relaxed), std::memory_order_release);
  filters_.fetch_sub(1, std::memory_order_release);
  Unreference(node);
  return true;
}

// Takes away a reference and unlinks what nothing refers to any more, upwards. Roots stay.
void WildcardTrie::Unreference(Node* node) {
  while (--node->references == 0 && node->parent != nullptr) {
    Node* parent = node->parent;
    if (node->token == "*") {
      parent->star.store(nullptr, std::memory_order_release);
    } else {
      edges_.Remove(node);
    }
    reclaimer_.Retire(node);
    node = parent;
  }
}

}  // namespace martlet::subject
