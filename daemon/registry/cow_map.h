#ifndef DAEMON_REGISTRY_COW_MAP_H_
#define DAEMON_REGISTRY_COW_MAP_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace sasd::registry {

// An ordered map from T::Key to std::shared_ptr<const T>, T knowing its key (T::key()). A copy
// costs one reference and shares everything; a change copies only the nodes on its path, and only
// those that a copy shares (a B+ tree with copy-on-write nodes).
//
// One object is as thread-safe as a std::map. Copies are independent: one may be changed by its
// thread while others are read by theirs.
template <typename T>
class CowMap {
  struct Node;
  class NodePtr;
  static constexpr size_t kMaxHeight = 12;

 public:
  using Key = typename T::Key;
  using Value = std::shared_ptr<const T>;

  // Points at an element; valid while the map that it came from, or an unchanged copy of it,
  // lives unchanged.
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Value;
    using difference_type = std::ptrdiff_t;
    using pointer = const Value*;
    using reference = const Value&;

    Iterator() = default;
    reference operator*() const { return path_[depth_ - 1].node->values[path_[depth_ - 1].at]; }
    pointer operator->() const { return &**this; }
    Iterator& operator++() {
      ++path_[depth_ - 1].at;
      Settle();
      return *this;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) {
      if (a.depth_ == 0 || b.depth_ == 0) return a.depth_ == b.depth_;
      const Frame &x = a.path_[a.depth_ - 1], &y = b.path_[b.depth_ - 1];
      return x.node == y.node && x.at == y.at;
    }
    friend bool operator!=(const Iterator& a, const Iterator& b) { return !(a == b); }

   private:
    friend class CowMap;
    struct Frame {
      const Node* node;
      size_t at;
    };

    void Push(const Node* node, size_t at) { path_[depth_++] = {node, at}; }
    // Goes on to the next leaf where this one is exhausted.
    void Settle() {
      while (depth_ > 0 && path_[depth_ - 1].at >= path_[depth_ - 1].node->size()) {
        --depth_;
        if (depth_ > 0) ++path_[depth_ - 1].at;
      }
      while (depth_ > 0 && !path_[depth_ - 1].node->leaf()) {
        const Frame& top = path_[depth_ - 1];
        Push(top.node->children[top.at].get(), 0);
      }
    }

    Frame path_[kMaxHeight];
    size_t depth_ = 0;  // 0: the end
  };
  using const_iterator = Iterator;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Null where there is none. O(log n).
  const T* Find(const Key& key) const {
    const Value* value = FindValue(key);
    return value == nullptr ? nullptr : value->get();
  }
  Value Get(const Key& key) const {
    const Value* value = FindValue(key);
    return value == nullptr ? nullptr : *value;
  }

  Iterator begin() const {
    Iterator it;
    if (root_) it.Push(root_.get(), 0);
    it.Settle();
    return it;
  }
  Iterator end() const { return Iterator(); }
  // The first element whose key is not less than `key`, and the first whose key is greater.
  Iterator LowerBound(const Key& key) const {
    return Seek(key, [](const Key& a, const Key& b) { return a < b; });
  }
  Iterator UpperBound(const Key& key) const {
    return Seek(key, [](const Key& a, const Key& b) { return !(b < a); });
  }

  // Adds or replaces; returns what was replaced. `value` is not null. O(log n).
  Value Put(Value value);
  // Returns what was removed; null where there was none. O(log n).
  Value Erase(const Key& key);

  // Calls `visit(const Value& before, const Value& after)`, ascending by key, for each key that has
  // not the same object in both maps; the value is null where a map has none. What two copies share
  // is passed by: O(k log n) for k changes since one map was copied from the other.
  template <typename Visit>
  static void VisitDifferences(const CowMap& before, const CowMap& after, Visit visit);

 private:
  class Walk;
  static constexpr size_t kMax = 48;  // elements of a node

  struct Node {
    std::atomic<uint32_t> references{0};
    std::vector<Value> values;      // of a leaf
    std::vector<Key> firsts;        // of an inner node: the least key of each child
    std::vector<NodePtr> children;  // of an inner node

    bool leaf() const { return children.empty(); }
    size_t size() const { return leaf() ? values.size() : children.size(); }
    Key first() const { return leaf() ? values.front()->key() : firsts.front(); }
  };

  // An intrusive reference. Unlike shared_ptr's use_count(), unique() synchronizes with the release
  // of the other references.
  class NodePtr {
   public:
    NodePtr() = default;
    explicit NodePtr(Node* node) : node_(node) { Ref(); }
    NodePtr(const NodePtr& o) : node_(o.node_) { Ref(); }
    NodePtr(NodePtr&& o) noexcept : node_(std::exchange(o.node_, nullptr)) {}
    NodePtr& operator=(NodePtr o) noexcept {
      std::swap(node_, o.node_);
      return *this;
    }
    ~NodePtr() {
      if (node_ != nullptr && node_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        delete node_;
      }
    }
    Node* get() const { return node_; }
    Node* operator->() const { return node_; }
    explicit operator bool() const { return node_ != nullptr; }
    bool unique() const { return node_->references.load(std::memory_order_acquire) == 1; }

   private:
    void Ref() {
      if (node_ != nullptr) node_->references.fetch_add(1, std::memory_order_relaxed);
    }
    Node* node_ = nullptr;
  };

  static size_t ChildAt(const Node& node, const Key& key) {
    const auto it = std::upper_bound(node.firsts.begin(), node.firsts.end(), key);
    return it == node.firsts.begin() ? 0 : static_cast<size_t>(it - node.firsts.begin()) - 1;
  }
  static size_t ValueAt(const Node& leaf, const Key& key) {
    const auto it = std::lower_bound(leaf.values.begin(), leaf.values.end(), key,
                                     [](const Value& v, const Key& k) { return v->key() < k; });
    return static_cast<size_t>(it - leaf.values.begin());
  }

  const Value* FindValue(const Key& key) const {
    if (!root_) return nullptr;
    const Node* node = root_.get();
    while (!node->leaf()) node = node->children[ChildAt(*node, key)].get();
    const size_t at = ValueAt(*node, key);
    if (at == node->values.size() || key < node->values[at]->key()) return nullptr;
    return &node->values[at];
  }

  template <typename Before>
  Iterator Seek(const Key& key, Before before) const;

  // Makes `node` this map's own.
  static void Own(NodePtr& node);
  // Puts into the subtree, which is this map's own; returns a new right sibling if it split.
  NodePtr PutInto(Node& node, Value value, Value& replaced);
  Value EraseFrom(Node& node, const Key& key);
  // Splits off the upper part of a node that is too full. What grows at its end keeps full nodes.
  static NodePtr Split(Node& node, bool at_end);
  // Joins the child with a neighbour if both fit in half a node.
  static void JoinChild(Node& node, size_t at);

  NodePtr root_;
  size_t size_ = 0;
};

template <typename T>
template <typename Before>
typename CowMap<T>::Iterator CowMap<T>::Seek(const Key& key, Before before) const {
  Iterator it;
  if (!root_) return it;
  const Node* node = root_.get();
  while (!node->leaf()) {
    const size_t at = ChildAt(*node, key);
    it.Push(node, at);
    node = node->children[at].get();
  }
  const auto found = std::partition_point(node->values.begin(), node->values.end(),
                                          [&](const Value& v) { return before(v->key(), key); });
  it.Push(node, static_cast<size_t>(found - node->values.begin()));
  it.Settle();
  return it;
}

template <typename T>
void CowMap<T>::Own(NodePtr& node) {
  if (node.unique()) return;
  auto copy = std::make_unique<Node>();
  copy->values = node->values;
  copy->firsts = node->firsts;
  copy->children = node->children;
  node = NodePtr(copy.release());
}

template <typename T>
typename CowMap<T>::Value CowMap<T>::Put(Value value) {
  if (!root_) root_ = NodePtr(new Node);
  Own(root_);
  Value replaced;
  NodePtr right = PutInto(*root_.get(), std::move(value), replaced);
  if (right) {
    auto root = std::make_unique<Node>();
    root->firsts = {root_->first(), right->first()};
    root->children.push_back(std::move(root_));
    root->children.push_back(std::move(right));
    root_ = NodePtr(root.release());
  }
  if (replaced == nullptr) ++size_;
  return replaced;
}

template <typename T>
typename CowMap<T>::NodePtr CowMap<T>::PutInto(Node& node, Value value, Value& replaced) {
  if (node.leaf()) {
    const size_t at = ValueAt(node, value->key());
    if (at < node.values.size() && !(value->key() < node.values[at]->key())) {
      replaced = std::exchange(node.values[at], std::move(value));
      return NodePtr();
    }
    node.values.insert(node.values.begin() + static_cast<std::ptrdiff_t>(at), std::move(value));
    return node.values.size() > kMax ? Split(node, at + 1 == node.values.size()) : NodePtr();
  }
  const size_t at = ChildAt(node, value->key());
  if (value->key() < node.firsts[at]) node.firsts[at] = value->key();
  Own(node.children[at]);
  NodePtr right = PutInto(*node.children[at].get(), std::move(value), replaced);
  if (!right) return NodePtr();
  const auto offset = static_cast<std::ptrdiff_t>(at) + 1;
  node.firsts.insert(node.firsts.begin() + offset, right->first());
  node.children.insert(node.children.begin() + offset, std::move(right));
  return node.children.size() > kMax ? Split(node, at + 2 == node.children.size()) : NodePtr();
}

template <typename T>
typename CowMap<T>::NodePtr CowMap<T>::Split(Node& node, bool at_end) {
  const bool leaf = node.leaf();
  const size_t keep = at_end ? node.size() - 1 : node.size() / 2;
  const auto offset = static_cast<std::ptrdiff_t>(keep);
  auto right = std::make_unique<Node>();
  const auto move_tail = [offset](auto& from, auto& to) {
    to.assign(std::make_move_iterator(from.begin() + offset), std::make_move_iterator(from.end()));
    from.erase(from.begin() + offset, from.end());
    from.shrink_to_fit();
  };
  if (leaf) {
    move_tail(node.values, right->values);
  } else {
    move_tail(node.firsts, right->firsts);
    move_tail(node.children, right->children);
  }
  return NodePtr(right.release());
}

template <typename T>
typename CowMap<T>::Value CowMap<T>::Erase(const Key& key) {
  if (FindValue(key) == nullptr) return nullptr;  // so that nothing is copied for nothing
  Own(root_);
  Value removed = EraseFrom(*root_.get(), key);
  while (root_ && !root_->leaf() && root_->children.size() == 1) {
    NodePtr only = root_->children[0];
    root_ = std::move(only);
  }
  if (--size_ == 0) root_ = NodePtr();
  return removed;
}

template <typename T>
typename CowMap<T>::Value CowMap<T>::EraseFrom(Node& node, const Key& key) {
  if (node.leaf()) {
    const size_t at = ValueAt(node, key);
    Value removed = std::move(node.values[at]);
    node.values.erase(node.values.begin() + static_cast<std::ptrdiff_t>(at));
    return removed;
  }
  const size_t at = ChildAt(node, key);
  Own(node.children[at]);
  Value removed = EraseFrom(*node.children[at].get(), key);
  if (node.children[at]->size() == 0) {
    node.firsts.erase(node.firsts.begin() + static_cast<std::ptrdiff_t>(at));
    node.children.erase(node.children.begin() + static_cast<std::ptrdiff_t>(at));
  } else {
    node.firsts[at] = node.children[at]->first();
    JoinChild(node, at);
  }
  return removed;
}

template <typename T>
void CowMap<T>::JoinChild(Node& node, size_t at) {
  if (node.children.size() < 2 || node.children[at]->size() > kMax / 4) return;
  const size_t left = at + 1 < node.children.size() ? at : at - 1;
  if (node.children[left]->size() + node.children[left + 1]->size() > kMax / 2) return;
  Own(node.children[left]);
  Node& into = *node.children[left].get();
  const Node& from = *node.children[left + 1].get();
  into.values.insert(into.values.end(), from.values.begin(), from.values.end());
  into.firsts.insert(into.firsts.end(), from.firsts.begin(), from.firsts.end());
  into.children.insert(into.children.end(), from.children.begin(), from.children.end());
  node.firsts.erase(node.firsts.begin() + static_cast<std::ptrdiff_t>(left) + 1);
  node.children.erase(node.children.begin() + static_cast<std::ptrdiff_t>(left) + 1);
}

// Goes through a map in key order. A node is passed by as a whole, or opened.
template <typename T>
class CowMap<T>::Walk {
 public:
  explicit Walk(const CowMap& map) : node_(map.root_.get()) {}

  bool at_end() const { return node_ == nullptr && value_ == nullptr; }
  // Where it is: a node that is not opened, or (null) at value().
  const Node* node() const { return node_; }
  const Value& value() const { return *value_; }
  Key first() const { return node_ != nullptr ? node_->first() : (*value_)->key(); }
  // 0: at a value.
  size_t height() const {
    size_t height = 0;
    for (const Node* node = node_; node != nullptr;
         node = node->leaf() ? nullptr : node->children.front().get()) {
      ++height;
    }
    return height;
  }
  void Open() {
    path_.push_back({node_, 0});
    Load();
  }
  void Skip() {
    if (!path_.empty()) ++path_.back().at;
    Load();
  }

 private:
  struct Frame {
    const Node* node;
    size_t at;
  };

  void Load() {
    node_ = nullptr;
    value_ = nullptr;
    while (!path_.empty() && path_.back().at == path_.back().node->size()) {
      path_.pop_back();
      if (!path_.empty()) ++path_.back().at;
    }
    if (path_.empty()) return;
    const Frame& top = path_.back();
    if (top.node->leaf()) {
      value_ = &top.node->values[top.at];
    } else {
      node_ = top.node->children[top.at].get();
    }
  }

  std::vector<Frame> path_;
  const Node* node_;
  const Value* value_ = nullptr;
};

template <typename T>
template <typename Visit>
void CowMap<T>::VisitDifferences(const CowMap& before, const CowMap& after, Visit visit) {
  const Value none;
  Walk a(before), b(after);
  while (!a.at_end() || !b.at_end()) {
    if (a.node() != nullptr && a.node() == b.node()) {
      a.Skip();
      b.Skip();
      continue;
    }
    const bool a_first = b.at_end() || (!a.at_end() && a.first() < b.first());
    const bool b_first = !a_first && (a.at_end() || b.first() < a.first());
    if (a_first || b_first) {
      Walk& walk = a_first ? a : b;
      if (walk.node() != nullptr) {
        walk.Open();
        continue;
      }
      visit(a_first ? a.value() : none, a_first ? none : b.value());
      walk.Skip();
    } else if (a.node() != nullptr || b.node() != nullptr) {
      // The higher one first: the other may be a part of it.
      const size_t a_height = a.height(), b_height = b.height();
      if (a_height >= b_height) a.Open();
      if (b_height >= a_height) b.Open();
    } else {
      if (a.value() != b.value()) visit(a.value(), b.value());
      a.Skip();
      b.Skip();
    }
  }
}

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_COW_MAP_H_
