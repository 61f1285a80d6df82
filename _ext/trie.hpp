// The vocabulary as a byte trie, and the tries of what is left of tokens ("rests").
//
// In come token bytes, out comes an array of nodes in depth-first order: a subtree is a contiguous range, so a walk is
// one loop that either goes to the next node or skips to `end`, and the tokens below a node are a contiguous range of
// `ids`. A `View` (trie, node) names the subtree below a node: it is what is left of the tokens after the bytes that
// lead there, at no cost. `merge` unites several subtrees into a new trie, in time linear in their nodes. Building sorts the tokens by an 8-byte key
// first (128,000 tokens: about 25 ms).
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

#include "expressions.hpp"
#include "flat_map.hpp"

namespace tokentrellis {

// A quantity would exceed its limit: hostile or mistaken input.
struct LimitError : std::overflow_error {
    int64_t limit;
    LimitError(const char* what, size_t most) : std::overflow_error(what), limit(static_cast<int64_t>(most)) {}
};

struct TrieNode {
    int32_t end;    // first node after this subtree
    int32_t first;  // tokens that end here: ids[first .. first of the next node)
    uint16_t depth;  // the root has depth 0
    uint8_t byte;
    bool wide;  // has so many children that they are indexed
};

constexpr size_t MAX_TOKEN_BYTES = 8192;

struct Trie {
    std::vector<TrieNode> nodes;  // and one sentinel after the last
    std::vector<int32_t> ids;
    uint16_t max_depth = 0;
    std::vector<uint16_t> heights;  // of the vocabulary only: bytes from a node to its deepest descendant
    bool repeats = false;  // a token may stand at several nodes (rests of several lengths)

    int32_t size() const { return static_cast<int32_t>(nodes.size()) - 1; }
    size_t n_bytes() const { return sizeof(Trie) + nodes.size() * sizeof(TrieNode) + ids.size() * 4 + heights.size() * 2; }
    bool has_children(int32_t node) const { return nodes[node].end > node + 1; }
    const int32_t* begin_ids(int32_t node) const { return ids.data() + nodes[node].first; }
    const int32_t* end_ids(int32_t node) const { return ids.data() + nodes[node + 1].first; }
    const int32_t* end_subtree_ids(int32_t node) const { return ids.data() + nodes[nodes[node].end].first; }

    void open(uint8_t byte, uint16_t depth) {
        nodes.push_back({0, static_cast<int32_t>(ids.size()), depth, byte, false});
        max_depth = std::max(max_depth, depth);
    }
    void finish() { nodes.push_back({0, static_cast<int32_t>(ids.size()), 0, 0, false}); }

    // The child with this byte, or 0. Siblings lie far apart in memory, so nodes with many children have an index.
    int32_t child(int32_t node, uint8_t byte) const {
        if (nodes[node].wide) {
            int32_t found = index_.find(static_cast<uint64_t>(node) << 8 | byte);
            return found == FlatMap::MISSING ? 0 : found;
        }
        for (int32_t at = node + 1; at < nodes[node].end; at = nodes[at].end)
            if (nodes[at].byte >= byte) return nodes[at].byte == byte ? at : 0;
        return 0;
    }

    void index_nodes() {
        heights.assign(size(), 0);
        for (int32_t node = size() - 1; node >= 0; --node)
            for (int32_t at = node + 1; at < nodes[node].end; at = nodes[at].end) heights[node] = std::max<uint16_t>(heights[node], heights[at] + 1);
        constexpr int many = 12;
        for (int32_t node = 0; node < size(); ++node) {
            int children = 0;
            for (int32_t at = node + 1; at < nodes[node].end && children < many; at = nodes[at].end) ++children;
            if (children < many) continue;
            nodes[node].wide = true;
            for (int32_t at = node + 1; at < nodes[node].end; at = nodes[at].end) index_.insert(static_cast<uint64_t>(node) << 8 | nodes[at].byte, at);
        }
    }

private:
    FlatMap index_;
};

// Sort key: the first eight bytes, big-endian; ties are settled by comparing the rest.
struct TokenKey {
    uint64_t key;
    int32_t id;
};

inline std::unique_ptr<Trie> build_trie(const uint8_t* buffer, const int32_t* offsets, int32_t n_tokens) {
    std::vector<TokenKey> order;
    order.reserve(n_tokens);
    for (int32_t id = 0; id < n_tokens; ++id) {
        size_t length = offsets[id + 1] - offsets[id];
        if (length == 0) continue;
        if (length > MAX_TOKEN_BYTES) throw LimitError("bytes of a token", MAX_TOKEN_BYTES);
        uint64_t key = 0;
        for (size_t i = 0; i < 8; ++i) key = key << 8 | (i < length ? buffer[offsets[id] + i] : 0);
        order.push_back({key, id});
    }
    auto bytes = [&](int32_t id) { return buffer + offsets[id]; };
    auto length = [&](int32_t id) { return static_cast<size_t>(offsets[id + 1] - offsets[id]); };
    std::sort(order.begin(), order.end(), [&](const TokenKey& a, const TokenKey& b) {
        if (a.key != b.key) return a.key < b.key;
        size_t la = length(a.id), lb = length(b.id);
        int sign = std::memcmp(bytes(a.id), bytes(b.id), std::min(la, lb));
        if (sign != 0) return sign < 0;
        return la != lb ? la < lb : a.id < b.id;
    });

    auto trie = std::make_unique<Trie>();
    trie->nodes.reserve(order.size() * 5 / 2 + 2);
    trie->ids.reserve(order.size());
    trie->open(0, 0);
    std::vector<int32_t> path{0};  // the open nodes, root first
    const uint8_t* previous = nullptr;
    size_t previous_length = 0;
    for (const TokenKey& entry : order) {
        const uint8_t* text = bytes(entry.id);
        size_t n = length(entry.id), shared = 0;
        while (shared < previous_length && shared < n && text[shared] == previous[shared]) ++shared;
        while (path.size() > shared + 1) {
            trie->nodes[path.back()].end = static_cast<int32_t>(trie->nodes.size());
            path.pop_back();
        }
        for (size_t i = shared; i < n; ++i) {
            path.push_back(static_cast<int32_t>(trie->nodes.size()));
            trie->open(text[i], static_cast<uint16_t>(i + 1));
        }
        trie->ids.push_back(entry.id);
        previous = text;
        previous_length = n;
    }
    for (int32_t node : path) trie->nodes[node].end = static_cast<int32_t>(trie->nodes.size());
    trie->finish();
    trie->index_nodes();
    return trie;
}

namespace detail {
// A subtree as it is, at the end of another trie.
inline void copy_subtree(const Trie& source, int32_t from, Trie& target, uint16_t depth) {
    const int32_t to = static_cast<int32_t>(target.nodes.size()) - from;
    const int32_t end = source.nodes[from].end, ids = static_cast<int32_t>(target.ids.size()) - source.nodes[from].first;
    const int deeper = depth - source.nodes[from].depth;
    for (int32_t node = from; node < end; ++node) {
        const TrieNode& entry = source.nodes[node];
        target.nodes.push_back({entry.end + to, entry.first + ids, static_cast<uint16_t>(entry.depth + deeper), entry.byte, false});
        target.max_depth = std::max(target.max_depth, static_cast<uint16_t>(entry.depth + deeper));
    }
    target.ids.insert(target.ids.end(), source.begin_ids(from), source.end_subtree_ids(from));
}

inline void merge_children(const Trie& source, std::vector<std::pair<uint8_t, int32_t>>& children, Trie& target, uint16_t depth);

// Several nodes as one: their tokens, and their children by byte.
inline void merge_level(const Trie& source, const std::pair<uint8_t, int32_t>* group, const std::pair<uint8_t, int32_t>* end, Trie& target, uint16_t depth) {
    const size_t self = target.nodes.size(), first = target.ids.size();
    target.open(group->first, depth);
    std::vector<std::pair<uint8_t, int32_t>> children;
    for (; group != end; ++group) {
        const int32_t node = group->second;
        target.ids.insert(target.ids.end(), source.begin_ids(node), source.end_ids(node));
        for (int32_t child = node + 1; child < source.nodes[node].end; child = source.nodes[child].end) children.push_back({source.nodes[child].byte, child});
    }
    std::sort(target.ids.begin() + first, target.ids.end());
    target.ids.erase(std::unique(target.ids.begin() + first, target.ids.end()), target.ids.end());
    merge_children(source, children, target, static_cast<uint16_t>(depth + 1));
    target.nodes[self].end = static_cast<int32_t>(target.nodes.size());
}

inline void merge_children(const Trie& source, std::vector<std::pair<uint8_t, int32_t>>& children, Trie& target, uint16_t depth) {
    std::sort(children.begin(), children.end());
    for (size_t i = 0, next; i < children.size(); i = next) {
        for (next = i; next < children.size() && children[next].first == children[i].first;) ++next;
        if (next == i + 1) copy_subtree(source, children[i].second, target, depth);
        else merge_level(source, &children[i], children.data() + next, target, depth);
    }
}

inline bool has_repeats(const std::vector<int32_t>& ids) {
    if (ids.size() < 1000) {
        std::vector<int32_t> sorted(ids);
        std::sort(sorted.begin(), sorted.end());
        return std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
    }
    std::vector<bool> seen(*std::max_element(ids.begin(), ids.end()) + 1);
    for (int32_t id : ids) {
        if (seen[id]) return true;
        seen[id] = true;
    }
    return false;
}
}  // namespace detail

// The union of the subtrees below `roots` (their own tokens excluded) as a new trie; of those that begin with some bytes only.
inline std::unique_ptr<Trie> merge(const Trie& source, const std::vector<int32_t>& roots, const ByteSet& first = ALL_BYTES) {
    auto trie = std::make_unique<Trie>();
    std::vector<std::pair<uint8_t, int32_t>> children;
    for (int32_t node : roots)
        for (int32_t child = node + 1; child < source.nodes[node].end; child = source.nodes[child].end)
            if (contains(first, source.nodes[child].byte)) children.push_back({source.nodes[child].byte, child});
    trie->open(0, 0);
    detail::merge_children(source, children, *trie, 1);
    trie->nodes[0].end = static_cast<int32_t>(trie->nodes.size());
    trie->finish();
    trie->repeats = detail::has_repeats(trie->ids);
    return trie;
}

}  // namespace tokentrellis
