// Which tokens the lexemes of a lexer let through: for a state of the lexer and a view of the vocabulary, the tokens that end inside
// the lexeme, and by label the rests of those that leave it.
//
// The same question as that of `Lexicon::split`, for automata of which there are many alike: each place in a grammar has a
// lexer of its own, and before a lexeme a state of its own, which differs from others in a few terminals. What makes a new one cheap:
//   - *Groups*. Most of the vocabulary goes on, after one byte, in a state that many lexers share (a name, blanks). What lies
//     below the children of a view that lead to one such state is found once (`Group`), as a bitmap and its own rests.
//   - *Openers*. Where a lexeme may end before each of its letters, nearly all that follows is forbidden by its obligation
//     (lexemes.hpp): only the tokens that go on with a byte that may follow are rests.
//   - *Keywords* that a pattern reads change the label of an end and nothing else. So a state is asked about without them first,
//     and corrected at the few nodes where a keyword ends: rests there belong to another label.
//   - A state that reads most bytes without being left is walked by classes of bytes (text_classes.hpp).
//   - Rests below one node are a view of the trie that is there; only the rests of many nodes are merged into a trie, and
//     those that are large in themselves stay by themselves.
// Cost: for a new state its steps by each byte, a look-up for each large child, and a walk of what else is alive.
#pragma once

#include <optional>

#include "lexemes.hpp"
#include "lexicon.hpp"

namespace tokentrellis {

struct LexemeExit {
    int32_t label;
    View rest;
    std::vector<int32_t> removed;  // tokens of the rest that another label has
};

struct LexemeInner {  // tokens: those of some bitmaps, and some more
    std::vector<const RowBitmap*> bitmaps;
    std::vector<int32_t> ids;
};

struct LexemeSplit {
    const LexemeInner* inner = nullptr;
    std::vector<LexemeExit> exits;
};

class LexemeSplits {
public:
    LexemeSplits(Lexicon& lexicon, LexemeAutomaton& lexemes) : lexicon_(lexicon), automata_(lexicon.automata), lexemes_(lexemes) {}

    const LexemeSplit& split(View view, int32_t state) {
        LexemeSplit& found = splits_[{view, state, 0, 0}];  // which stays where it is
        if (found.inner == nullptr) found = make_split(view, state);
        return found;
    }

    // Whether a state reads much text without being left: a name, a string, blanks.
    bool reads_text(int32_t state) { return kept_by(state) != 0; }

private:
    static constexpr int32_t LARGE = 512;         // nodes: a view that is put together of groups
    static constexpr int32_t LARGE_CHILD = 64;    // nodes: a child that belongs to a group
    static constexpr int32_t LARGE_REST = 2048;   // nodes: a rest that stays by itself

    struct Leaving {
        int32_t label, node;
        bool operator==(const Leaving& o) const { return label == o.label && node == o.node; }
        bool operator<(const Leaving& o) const { return label != o.label ? label < o.label : node < o.node; }
    };
    struct Group {
        LexemeInner inner;
        std::vector<LexemeExit> exits;
    };
    struct WordEnd {
        int32_t node;
        std::string text;
    };

    Lexicon& lexicon_;
    Automata& automata_;
    LexemeAutomaton& lexemes_;
    ViewMap<LexemeSplit> splits_;
    std::unordered_map<std::vector<int32_t>, std::unique_ptr<Group>, VectorHash> groups_;
    std::unordered_map<ViewKey, std::vector<WordEnd>, ViewKeyHash> word_ends_;
    std::unordered_map<std::vector<int32_t>, View, VectorHash> united_;
    std::unordered_map<int32_t, uint32_t> kept_;  // by state: classes of bytes
    std::deque<LexemeInner> inners_;
    std::deque<RowBitmap> bitmaps_;
    std::vector<int32_t> ids_, parents_;  // of one walk: tokens; nodes by depth
    std::vector<Leaving> leaving_;        // the same: where lexemes end
    std::vector<std::pair<int32_t, int32_t>> large_;  // of one split: states and the large children that lead to them

    // Nearly always none or one: not worth a call.
    void add_ids(const int32_t* id, const int32_t* end) {
        for (; id != end; ++id) ids_.push_back(*id);
    }
    struct Level {
        int32_t state, node;
        const ByteSet* openers;  // null: nothing ends here, or that is noted
    };
    std::vector<Level> path_;

    LexemeSplit make_split(View view, int32_t state) {
        const Trie& source = lexicon_.trie(view);
        if (source.nodes[view.node].end - view.node < LARGE) return walk_split(view, state);
        if (lexemes_.words_of(state).empty()) return grouped_split(view, state);
        std::optional<LexemeSplit> made = corrected_split(view, state);
        return made ? std::move(*made) : grouped_split(view, state);
    }

    LexemeInner& new_inner() {
        inners_.emplace_back();
        return inners_.back();
    }

    LexemeSplit walk_split(View view, int32_t state) {
        LexemeSplit made;
        leaving_.clear(), ids_.clear();
        walk(lexicon_.trie(view), view.node, state, true, leaving_);
        LexemeInner& inner = new_inner();
        inner.ids = ids_;
        made.inner = &inner;
        add_exits(view.trie, leaving_, made.exits);
        return made;
    }

    // A large view: its children by the state to which they lead.
    LexemeSplit grouped_split(View view, int32_t start) {
        if (view == View{} && kept_by(start) != 0) return split_in_place(start);
        const Trie& source = lexicon_.trie(view);
        leaving_.clear(), ids_.clear(), large_.clear();
        for (int32_t node = view.node + 1, stop = source.nodes[view.node].end; node < stop; node = source.nodes[node].end) {
            const int32_t state = automata_.step(start, source.nodes[node].byte);
            if (state == DEAD) continue;
            if (source.nodes[node].end - node >= LARGE_CHILD) large_.push_back({state, node});
            else add_child(source, node, state, leaving_);
        }
        LexemeSplit made;
        LexemeInner& inner = new_inner();
        made.inner = &inner;
        inner.ids = ids_;
        add_exits(view.trie, leaving_, made.exits);
        std::sort(large_.begin(), large_.end());
        for (size_t i = 0; i < large_.size();) {
            const int32_t state = large_[i].first;
            std::vector<int32_t> nodes;
            for (; i < large_.size() && large_[i].first == state; ++i) nodes.push_back(large_[i].second);
            const Group& group = group_of(view.trie, state, std::move(nodes));
            inner.bitmaps.insert(inner.bitmaps.end(), group.inner.bitmaps.begin(), group.inner.bitmaps.end());
            inner.ids.insert(inner.ids.end(), group.inner.ids.begin(), group.inner.ids.end());
            made.exits.insert(made.exits.end(), group.exits.begin(), group.exits.end());
        }
        return made;
    }

    // The whole vocabulary inside a name or a string.
    LexemeSplit split_in_place(int32_t start) {
        LexemeSplit made;
        LexemeInner& inner = new_inner();
        made.inner = &inner;
        leaving_.clear(), ids_.clear();
        const uint32_t others = ~kept_by(start);
        if (lexicon_.text_classes().count_nodes(others) < lexicon_.tries[0]->size() / 4 && !(others & TextClasses::BEYOND_ASCII)) {
            Bitmap bitmap = tokens_of_classes(others);
            leave_text(start, others, leaving_);
            for (int32_t id : ids_) bitmap[id >> 6] |= 1ull << (id & 63);
            add_bitmap(inner, std::move(bitmap));
        } else {
            walk_in_place(0, start, leaving_);
            set_tokens(inner);
        }
        add_exits(0, leaving_, made.exits);
        return made;
    }

    // The tokens that have no byte of some classes.
    Bitmap tokens_of_classes(uint32_t others) const {
        Bitmap bitmap(lexicon_.bitmap_words, 0);
        const uint32_t* classes = lexicon_.text_classes().of_tokens();
        for (int32_t first = 0; first < lexicon_.vocab_size; first += 64) {
            const int32_t n = std::min(64, lexicon_.vocab_size - first);
            uint64_t bits = 0;
            for (int32_t i = 0; i < n; ++i) bits |= static_cast<uint64_t>((classes[first + i] & others) == 0) << i;
            bitmap[first >> 6] = bits;
        }
        return bitmap;
    }

    // The nodes by which a text of other classes is left, where these are few: in no order.
    void leave_text(int32_t state, uint32_t others, std::vector<Leaving>& leaving) {
        const Trie& source = *lexicon_.tries[0];
        const uint32_t* const classes = lexicon_.text_classes().after(0);
        const ByteSet* const openers = openers_at(state);
        lexicon_.text_classes().visit_nodes(others & ~TextClasses::BROKEN, [&](int32_t node) {
            const int32_t parent = lexicon_.levels().parent_of(node);
            if (classes[parent] & others) return;
            const uint8_t byte = source.nodes[node].byte;
            if (openers != nullptr && parent != 0 && contains(*openers, byte)) leaving.push_back({automata_.label(state), parent});
            const int32_t to = automata_.step(state, byte);
            if (to != DEAD) add_child(source, node, to, leaving);
        });
    }

    const ByteSet* openers_at(int32_t state) {
        return automata_.marks()[state] & Automata::ACCEPTS ? &lexemes_.openers(automata_.label(state)) : nullptr;
    }

    // What ends in or below some nodes, each of which leads to the same state.
    const Group& group_of(int32_t trie, int32_t state, std::vector<int32_t> nodes) {
        std::vector<int32_t> key(std::move(nodes));
        key.push_back(trie), key.push_back(state);
        auto found = groups_.find(key);
        if (found != groups_.end()) return *found->second;
        auto made = std::make_unique<Group>();
        leaving_.clear(), ids_.clear();
        for (size_t i = 0; i + 2 < key.size(); ++i) add_child(*lexicon_.tries[trie], key[i], state, leaving_);
        set_tokens(made->inner);
        add_exits(trie, leaving_, made->exits);
        return *groups_.emplace(std::move(key), std::move(made)).first->second;
    }

    // The tokens of a walk, as a bitmap if they are many.
    void set_tokens(LexemeInner& inner) {
        if (ids_.size() <= BITMAP_FROM) {
            inner.ids = ids_;
            return;
        }
        Bitmap bitmap(lexicon_.bitmap_words, 0);
        for (int32_t id : ids_) bitmap[id >> 6] |= 1ull << (id & 63);
        add_bitmap(inner, std::move(bitmap));
    }
    void add_bitmap(LexemeInner& inner, Bitmap bitmap) {
        bitmaps_.emplace_back(std::move(bitmap));
        lexicon_.note_bytes(bitmaps_.back().n_bytes());
        inner.bitmaps.push_back(&bitmaps_.back());
    }

    // A node that is read up to a state, and all below it.
    void add_child(const Trie& source, int32_t node, int32_t state, std::vector<Leaving>& leaving) {
        add_ids(source.begin_ids(node), source.end_ids(node));
        if (!source.has_children(node)) return;
        if (source.nodes[node].end - node >= LARGE_CHILD && &source == lexicon_.tries[0].get() && source.nodes[node].depth <= TextClasses::MOST_SKIPPED && kept_by(state) != 0)
            walk_in_place(node, state, leaving);
        else walk(source, node, state, false, leaving);
    }

    // The classes of bytes that a state reads without being left.
    uint32_t kept_by(int32_t state) {
        auto known = kept_.find(state);
        if (known == kept_.end()) known = kept_.emplace(state, TextClasses::kept_by(automata_, state)).first;
        return known->second;
    }

    // Walks what lies below a node of the vocabulary, from a state that reads most of it without being left (text_classes.hpp).
    void walk_in_place(int32_t top, int32_t state, std::vector<Leaving>& leaving) {
        const Trie& source = *lexicon_.tries[0];
        const TrieNode* const nodes = source.nodes.data();
        const uint32_t* const classes = lexicon_.text_classes().after(nodes[top].depth);
        const uint32_t others = ~kept_by(state);
        const bool is_text = !(others & TextClasses::BEYOND_ASCII);
        const ByteSet* const openers = openers_at(state);
        if (parents_.size() <= source.max_depth) parents_.resize(source.max_depth + 1);
        int32_t* const parents = parents_.data();
        parents[nodes[top].depth] = top;
        int32_t last = -1;  // the last node that was noted as one to leave at
        for (int32_t node = top + 1, stop = nodes[top].end; node < stop;) {
            const TrieNode& entry = nodes[node];
            if (!(classes[node] & others)) {
                add_ids(source.begin_ids(node), source.end_ids(node));
                parents[entry.depth] = node;
                ++node;
                continue;
            }
            if (!(is_text && (classes[node] & TextClasses::BROKEN))) {
                const int32_t parent = parents[entry.depth - 1];
                if (openers != nullptr && parent != last && parent != 0 && contains(*openers, entry.byte)) leaving.push_back({automata_.label(state), last = parent});
                const int32_t to = automata_.step(state, entry.byte);
                if (to != DEAD) {
                    add_ids(source.begin_ids(node), source.end_ids(node));
                    if (source.has_children(node)) walk(source, node, to, false, leaving);
                }
            }
            node = entry.end;
        }
    }

    // Walks what lies below a node; `is_begin`: the lexeme does not end at the node itself.
    void walk(const Trie& source, int32_t top, int32_t start, bool is_begin, std::vector<Leaving>& leaving) {
        const TrieNode* const nodes = source.nodes.data();
        const int32_t* const all_ids = source.ids.data();
        const int base = nodes[top].depth;
        if (path_.size() < static_cast<size_t>(source.max_depth - base + 2)) path_.resize(source.max_depth - base + 2);
        Level* const path = path_.data() - base;
        path[base] = {start, top, is_begin ? nullptr : openers_at(start)};
        int32_t last_state = DEAD;  // most nodes have the state of the one before
        const ByteSet* last_openers = nullptr;
        const int32_t* table = automata_.rows();
        for (int32_t node = top + 1, stop = nodes[top].end; node < stop;) {
            const TrieNode& entry = nodes[node];
            Level& above = path[entry.depth - 1];
            if (above.openers != nullptr && contains(*above.openers, entry.byte)) {
                leaving.push_back({automata_.label(above.state), above.node});
                above.openers = nullptr;
                if (automata_.exhausted(above.state)) {
                    node = nodes[above.node].end;
                    continue;
                }
            }
            int32_t state = table[static_cast<size_t>(above.state) << 8 | entry.byte];
            if (state == UNKNOWN) {
                state = automata_.step(above.state, entry.byte);
                table = automata_.rows();
            }
            if (state == DEAD) {
                node = entry.end;
                continue;
            }
            add_ids(all_ids + entry.first, all_ids + nodes[node + 1].first);
            if (state != last_state) last_state = state, last_openers = openers_at(state);
            path[entry.depth] = {state, node, last_openers};
            ++node;
        }
    }

    // ---- rests --------------------------------------------------------------------------------------------------
    // One exit for each label, and for each node from which a label leaves many tokens.
    void add_exits(int32_t trie, std::vector<Leaving>& leaving, std::vector<LexemeExit>& exits) {
        std::sort(leaving.begin(), leaving.end());
        leaving.erase(std::unique(leaving.begin(), leaving.end()), leaving.end());
        const Trie& source = *lexicon_.tries[trie];
        for (size_t i = 0; i < leaving.size();) {
            const int32_t label = leaving[i].label;
            std::vector<int32_t> small;
            for (; i < leaving.size() && leaving[i].label == label; ++i) {
                if (n_opened(source, leaving[i].node, label) >= LARGE_REST) exits.push_back({label, {trie, leaving[i].node}, {}});
                else small.push_back(leaving[i].node);
            }
            if (small.size() == 1) exits.push_back({label, {trie, small[0]}, {}});
            else if (!small.empty()) exits.push_back({label, unite(trie, label, std::move(small)), {}});
        }
    }

    int32_t n_opened(const Trie& source, int32_t node, int32_t label) {
        const int32_t end = source.nodes[node].end;
        if (end - node < LARGE_REST) return 0;
        const ByteSet& openers = lexemes_.openers(label);
        int32_t n = 0;
        for (int32_t child = node + 1; child < end; child = source.nodes[child].end)
            if (contains(openers, source.nodes[child].byte)) n += source.nodes[child].end - child;
        return n;
    }

    View unite(int32_t trie, int32_t label, std::vector<int32_t> nodes) {
        nodes.push_back(label), nodes.push_back(trie);
        auto found = united_.find(nodes);
        if (found != united_.end()) return found->second;
        std::vector<int32_t> roots(nodes.begin(), nodes.end() - 2);
        const View made = lexicon_.add_trie(merge(*lexicon_.tries[trie], roots, lexemes_.openers(label)));
        united_.emplace(std::move(nodes), made);
        return made;
    }

    // ---- keywords -----------------------------------------------------------------------------------------------
    // The split of the state without its keywords, with other labels where they end; nothing where that is not all that they change.
    std::optional<LexemeSplit> corrected_split(View view, int32_t state) {
        const int32_t plain = lexemes_.without_words(state);
        if (plain == DEAD) return std::nullopt;
        LexemeSplit made = split(view, plain);
        std::set<int32_t> done;
        const std::vector<LexemeAutomaton::Thread> words = lexemes_.words_of(state);
        for (const LexemeAutomaton::Thread& word : words)
            for (const WordEnd& end : word_ends(view, word)) {
                int32_t with = state, without = plain;
                for (char byte : end.text) {
                    with = automata_.step(with, static_cast<uint8_t>(byte));
                    without = automata_.step(without, static_cast<uint8_t>(byte));
                    if ((with == DEAD) != (without == DEAD)) return std::nullopt;
                    if (with == DEAD) break;
                }
                if (with == DEAD || !done.insert(end.node).second) continue;
                const int32_t label = automata_.label(with), plain_label = automata_.label(without);
                if (label == plain_label || !lexicon_.trie(view).has_children(end.node)) continue;
                if (plain_label >= 0 && !remove(view.trie, end.node, plain_label, made.exits)) return std::nullopt;
                if (label >= 0) made.exits.push_back({label, {view.trie, end.node}, {}});
            }
        return made;
    }

    // Takes the rests of one node out of the exits of a label; false where they cannot be told from others.
    bool remove(int32_t trie, int32_t node, int32_t label, std::vector<LexemeExit>& exits) {
        const Trie& source = *lexicon_.tries[trie];
        const ByteSet& openers = lexemes_.openers(label);
        std::vector<int32_t> removed;
        for (int32_t child = node + 1; child < source.nodes[node].end; child = source.nodes[child].end)
            if (contains(openers, source.nodes[child].byte)) removed.insert(removed.end(), source.begin_ids(child), source.end_subtree_ids(child));
        if (removed.empty()) return true;
        for (size_t i = 0; i < exits.size(); ++i)
            if (exits[i].label == label && exits[i].rest == View{trie, node}) {
                exits.erase(exits.begin() + static_cast<std::ptrdiff_t>(i));
                return true;
            }
        if (source.repeats) return false;
        for (LexemeExit& exit : exits) {
            if (exit.label != label || exit.rest.trie == trie) continue;  // the latter leaves at another node
            if (lexicon_.trie(exit.rest).repeats) return false;
            exit.removed.insert(exit.removed.end(), removed.begin(), removed.end());
        }
        return true;
    }

    // Where the text of a keyword ends in a view.
    const std::vector<WordEnd>& word_ends(View view, const LexemeAutomaton::Thread& word) {
        const ViewKey key{view, word.node, word.place, 0};
        auto known = word_ends_.find(key);
        if (known != word_ends_.end()) return known->second;
        std::vector<WordEnd> found;
        std::string text;
        find_ends(lexicon_.trie(view), view.node, {word}, text, found);
        return word_ends_[key] = std::move(found);
    }
    void find_ends(const Trie& source, int32_t node, const std::vector<LexemeAutomaton::Thread>& threads, std::string& text, std::vector<WordEnd>& found) {
        for (int32_t child = node + 1; child < source.nodes[node].end; child = source.nodes[child].end) {
            std::vector<LexemeAutomaton::Thread> next;
            bool ends = false;
            for (const LexemeAutomaton::Thread& thread : threads) ends |= lexemes_.read_word(thread, source.nodes[child].byte, next);
            if (!ends && next.empty()) continue;
            text.push_back(static_cast<char>(source.nodes[child].byte));
            if (ends) found.push_back({child, text});
            if (!next.empty()) find_ends(source, child, next, text, found);
            text.pop_back();
        }
    }
};

}  // namespace tokentrellis
