// What a vocabulary knows about terminals, shared by all its grammars: automata, and which tokens they let through.
//
// The central table is the split: for a view of the vocabulary (the whole trie, or the rests after some bytes) and an
// automaton state, the tokens that end inside the automaton (`inner`, a bitmap or a short list) and the rests of the
// tokens that leave it (`exits`, again views). A split is found by one walk of the view and kept for good, so a token
// that crosses several terminals costs one look-up for each, and all grammars share what is learnt about a terminal.
// JSON strings with a length limit use a `CountedSplit`, where tokens are grouped by their number of characters.
#pragma once

#include <mutex>
#include <set>
#include <unordered_set>

#include "bits.hpp"
#include "comma_tokens.hpp"
#include "key_tables.hpp"
#include "key_tokens.hpp"
#include "levels.hpp"
#include "rows.hpp"
#include "splits.hpp"
#include "terminals.hpp"
#include "text_classes.hpp"
#include "view_map.hpp"

namespace tokentrellis {

constexpr size_t MOST_UNITED = 4096;  // rests that are united before anybody reads them
constexpr int MOST_COMPARISONS = 150;  // pairs of states compared for one split: about 0.4 ms
constexpr int WALK_PRICE = 16;  // to walk one node in this many as a difference costs as much as the whole vocabulary by level
constexpr size_t MOST_COMPARED = 4;  // splits of an automaton that a new one is compared with
constexpr size_t BITMAP_FROM = 256;  // a list of more ids than this becomes a bitmap

class Lexicon : public Terminals {
public:
    std::recursive_mutex mutex;
    std::vector<std::unique_ptr<Trie>> tries;
    const int32_t vocab_size;
    const size_t bitmap_words;
    int32_t most_token_characters = 0;
    const CommaTokens comma_tokens;
    const KeyTokens key_tokens;
    Patterns patterns{bitmap_words};
    SharedRows shared_rows{patterns};
    SpelledTexts spelled_texts;

    Lexicon(const uint8_t* buffer, const int32_t* offsets, int32_t n_tokens, int32_t size)
        : vocab_size(size), bitmap_words((static_cast<size_t>(size) + 63) / 64), comma_tokens(buffer, offsets, n_tokens), key_tokens(buffer, offsets, n_tokens) {
        tries.push_back(build_trie(buffer, offsets, n_tokens));
        ByteSet usable{};
        for (const TrieNode& node : tries[0]->nodes)
            if (node.depth > 0) usable[node.byte >> 6] |= 1ull << (node.byte & 63);
        // Bytes that UTF-8 never uses may be missing from every vocabulary: they change nothing.
        bool all = true;
        for (int byte = 0; byte < 0xF5; ++byte)
            if (byte != 0xC0 && byte != 0xC1 && !contains(usable, byte)) all = false;
        if (all) usable = {~0ull, ~0ull, ~0ull, ~0ull};
        const Trie& vocabulary = *tries[0];
        for (int byte = 0; byte < 0xF5; ++byte) {
            int32_t node = vocabulary.child(0, static_cast<uint8_t>(byte));
            if (byte == 0xC0 || byte == 0xC1 || (node != 0 && vocabulary.begin_ids(node) != vocabulary.end_ids(node))) continue;
            spells_all_ = false;
            if (contains(usable, byte)) spells_usable_ = false;
        }
        automata.usable = usable;
        automata.all_usable = all;
        most_token_characters = tries[0]->max_depth;
        levels_ = std::make_unique<Levels>(*tries[0], size);
        text_classes_ = std::make_unique<TextClasses>(*tries[0], size);
    }

    // Whether every byte of UTF-8 is a token by itself, so that every text can be spelled.
    bool spells_all() const { return spells_all_; }
    // Whether some bytes are in no token, and the others are tokens by themselves: then what cannot be written is known exactly.
    bool lacks_bytes() const { return !spells_all_ && spells_usable_; }

    // The tables that every JSON document needs, made with the vocabulary: any string, inside and at its quote.
    void prepare_strings(int32_t any_text) {
        ExpressionNode nothing;
        nothing.kind = CONCATENATION;
        int32_t start = string_start(add_expression(nothing), any_text, {});
        if (start == DEAD) return;
        const StringAutomaton& string = string_of(start);
        split({}, string.body_start);
        split({}, start);
        counted_split({}, string.body_start);
        counted_split({}, start);
    }

    const Trie& trie(const View& view) const { return *tries[view.trie]; }

    // Memory of what was learnt, about: new grammars get a new lexicon when it is much (decoding/compile.py).
    size_t n_bytes() const { return n_bytes_ + n_automata_bytes() + spelled_texts.n_bytes(); }

    const Split& split(View view, int32_t state) {
        auto& found = splits_[{view, state, 0, 0}];
        if (!found) found = counted(make_split(view, state));
        return *found;
    }

    // The states in which the inner tokens of a split end, sorted.
    const std::vector<int32_t>& ends(View view, int32_t state) {
        split(view, state);
        Split& found = *splits_[{view, state, 0, 0}];
        if (!found.knows_ends) {
            levels_->run(automata, state, reached_);
            reached_[0] = DEAD;
            found.ends = levels_->states_at_tokens(reached_, n_states());
            found.knows_ends = true;
        }
        return found.ends;
    }

    // What is left of the tokens that leave a split by one of its exits. A text that may end anywhere leaves all that tokens end
    // with: to unite that takes a third of a second for 128,000 tokens, and nobody reads it at the end of a grammar.
    View rest(View view, int32_t state, size_t exit) {
        Split& split = *splits_[{view, state, 0, 0}];
        Exit& wanted = split.exits[exit];
        if (!wanted.made) {
            std::vector<int32_t> nodes;
            for (auto [label, node] : split.leaving)
                if (label == wanted.label) nodes.push_back(node);
            wanted.rest = unite(view, nodes);
            wanted.made = true;
        }
        return wanted.rest;
    }

    const CountedSplit& counted_split(View view, int32_t state) {
        auto& found = counted_splits_[{view, state, 0, 0}];
        if (!found) found = counted(make_counted_split(view, state));
        return *found;
    }

    const Opening& opening(View view, int32_t state) {
        auto& found = openings_[{view, state, 0, 0}];
        if (!found) {
            auto made = std::make_unique<Opening>();
            const Trie& source = trie(view);
            walk_view(view, state, [&](int32_t node, int32_t to) {
                if (automata.info[to].phase != PREFIX) return made->opened.push_back(node), false;
                if (source.begin_ids(node) != source.end_ids(node)) {
                    made->inside.push_back({node, to});
                    made->tokens.insert(made->tokens.end(), source.begin_ids(node), source.end_ids(node));
                }
                return true;
            });
            found = counted(std::move(made));
        }
        return *found;
    }

    // A number for a value that is the same in all grammars, and what views let through of it (masks.hpp finds that out).
    int32_t new_value() { return n_values_++; }
    const Rests* rests_of_value(View view, int32_t value) { return rests_of_values_.find({view, value, 0, 0}); }
    const Rests& keep_rests_of_value(View view, int32_t value, const Rests& found) {
        n_bytes_ += found.n_bytes();
        return rests_of_values_[{view, value, 0, 0}] = {arena_.keep(found.tokens), arena_.keep(found.exits), found.separable};
    }

    // Another key, less what begins with the node `less`, and a value; null if it is not known, or there is no room for more.
    const OtherKey* other_key(int32_t state, int32_t value, int32_t less) { return other_keys_.find(state, value, less); }
    const OtherKey* make_other_key(int32_t state, int32_t value, int32_t less, const Rests& rests) {
        const TokenSet& inner = split({}, state).inner;
        if (!inner.bitmap || other_keys_.is_full()) return nullptr;
        const OtherKey& made = other_keys_.make(state, value, less, *inner.bitmap, rests, tries);
        n_bytes_ += made.tokens.n_bytes() + made.exits.size() * sizeof(OtherKey::Exit);
        return &made;
    }

    // Inner tokens of a counted split with at most `most` characters, where the content accepts everything.
    const TokenSet& inner_up_to(View view, int32_t state, int32_t most) {
        auto& found = counted_inner_[{view, state, most, 0}];
        if (!found) {
            std::vector<int32_t> ids;
            for (const auto& group : counted_split(view, state).inner)
                if (group.characters <= most) ids.insert(ids.end(), group.ids.begin(), group.ids.end());
            found = counted(std::make_unique<TokenSet>(make_token_set(std::move(ids), view)));
        }
        return *found;
    }

    // Rests of the tokens that close the string after `least` to `most` characters.
    View rests_between(View view, int32_t state, int32_t least, int32_t most) {
        const CountedSplit& counted = counted_split(view, state);
        least = std::max(least, 0);
        most = std::min(most, counted.most_characters);
        if (const View* known = counted_rests_.find({view, state, least, most})) return *known;
        std::vector<int32_t> nodes;
        for (const auto& leaving : counted.leaving)
            if (leaving.characters >= least && leaving.characters <= most) nodes.push_back(leaving.node);
        View rest = unite(view, nodes);
        counted_rests_[{view, state, least, most}] = rest;
        return rest;
    }

    // The inner tokens of a split that end in certain states, some of its `ends`: what a budget leaves of it, in each state of
    // a free string the same. Stays good until `forget_endings`; 10 ms for a string and Llama-3 where it is not known.
    const TokenSet& tokens_ending_in(View view, int32_t start, const std::vector<int32_t>& wanted) {
        auto& known = endings_[{view, start, 0, 0}];
        for (const Ending& ending : known)
            if (ending.wanted == wanted) return *ending.tokens;
        const std::unordered_set<int32_t> states(wanted.begin(), wanted.end());
        std::vector<int32_t> ids;
        if (!wanted.empty())
            walk_view(view, start, [&](int32_t node, int32_t state) {
                if (states.count(state)) ids.insert(ids.end(), trie(view).begin_ids(node), trie(view).end_ids(node));
                return true;
            });
        ++n_endings_;
        known.push_back({wanted, std::make_unique<TokenSet>(make_token_set(std::move(ids), view))});
        return *known.back().tokens;
    }
    // Keep what the above found within limits (4 MB for 128,000 tokens).
    void forget_endings() {
        if (n_endings_ <= MOST_ENDINGS) return;
        endings_.clear();
        n_endings_ = 0;
    }

    // One view of what is left below several nodes of a trie; {-1, 0} for none.
    View unite(View view, const std::vector<int32_t>& nodes) {
        if (nodes.empty()) return {-1, 0};
        if (nodes.size() == 1) return {view.trie, nodes[0]};
        std::vector<int32_t> key(nodes);
        key.push_back(view.trie);
        auto found = united_.find(key);
        if (found != united_.end()) return found->second;
        const View made = add_trie(merge(trie(view), nodes));
        united_.emplace(std::move(key), made);
        return made;
    }
    // The whole of a new trie as a view.
    View add_trie(std::unique_ptr<Trie> made) {
        tries.push_back(counted(std::move(made)));
        return {static_cast<int32_t>(tries.size()) - 1, 0};
    }
    const Levels& levels() const { return *levels_; }
    const TextClasses& text_classes() const { return *text_classes_; }
    // Memory that a grammar takes for what it learns about the vocabulary.
    void note_bytes(size_t bytes) { n_bytes_ += bytes; }

    TokenSet make_token_set(std::vector<int32_t> ids, View view) const {
        TokenSet set;
        if (view == View{} && ids.size() > BITMAP_FROM) {
            set.bitmap = std::make_unique<RowBitmap>(bitmap_words, 0);
            for (int32_t id : ids) (*set.bitmap)[id >> 6] |= 1ull << (id & 63);
        } else {
            set.ids = std::move(ids);
            set.ids.shrink_to_fit();
        }
        return set;
    }

private:
    static constexpr size_t BYTES_OF_AN_ENTRY = 64;  // of a map
    bool spells_all_ = true, spells_usable_ = true;
    size_t n_bytes_ = 0;

    template <class Table>
    std::unique_ptr<Table> counted(std::unique_ptr<Table> table) {
        n_bytes_ += table->n_bytes() + BYTES_OF_AN_ENTRY;
        return table;
    }
    int comparisons_left_ = 0;
    std::unique_ptr<Levels> levels_;  // of the vocabulary
    std::unique_ptr<TextClasses> text_classes_;
    std::vector<int32_t> reached_;    // of one walk, by place: states
    std::vector<int32_t> collected_;  // of one walk: tokens
    ViewMap<std::unique_ptr<Split>> splits_;
    ViewMap<std::unique_ptr<CountedSplit>> counted_splits_;
    ViewMap<std::unique_ptr<TokenSet>> counted_inner_;
    ViewMap<View> counted_rests_;
    struct Ending {
        std::vector<int32_t> wanted;
        std::unique_ptr<TokenSet> tokens;
    };
    static constexpr size_t MOST_ENDINGS = 256;
    std::unordered_map<ViewKey, std::vector<Ending>, ViewKeyHash> endings_;
    size_t n_endings_ = 0;
    ViewMap<std::unique_ptr<Opening>> openings_;
    ViewMap<Rests> rests_of_values_;
    OtherKeys other_keys_;
    Arena arena_;  // what these name
    int32_t n_values_ = 0;
    std::unordered_map<std::vector<int32_t>, View, VectorHash> united_;
    std::unordered_map<int32_t, std::vector<int32_t>> whole_splits_;  // automaton -> states whose split of the vocabulary is known

    // Calls visit(node, state) for every node of the view that the automaton can read up to; it says whether to go below.
    template <class Visit>
    void walk_view(View view, int32_t start, Visit visit) {
        const Trie& source = trie(view);
        const int base = source.nodes[view.node].depth;
        std::vector<int32_t> states(source.max_depth - base + 2);
        states[0] = start;
        for (int32_t node = view.node + 1, stop = source.nodes[view.node].end; node < stop;) {
            const TrieNode& entry = source.nodes[node];
            int level = entry.depth - base;
            int32_t state = automata.step(states[level - 1], entry.byte);
            if (state == DEAD) {
                node = entry.end;
                continue;
            }
            states[level] = state;
            node = visit(node, state) && !automata.exhausted(state) ? node + 1 : entry.end;
        }
    }

    std::unordered_map<ViewKey, std::unique_ptr<Leaf>, ViewKeyHash> leaves_;

    const Leaf& leaf(View view, int32_t state) {
        auto& found = leaves_[{view, state, 0, 0}];
        if (!found) {
            auto made = std::make_unique<Leaf>();
            Split split;
            collect(view, state, made->ids, split);
            made->leaving = std::move(split.leaving);
            found = counted(std::move(made));
        }
        return *found;
    }

    // The whole vocabulary from a varied state: put together of what lies below the bytes that lead to others, which is learnt
    // once. A lexer has such states, one for each place in the grammar, that differ in a few keywords and operators only.
    std::unique_ptr<Split> make_from_leaves(int32_t start) {
        auto split = std::make_unique<Split>();
        std::vector<int32_t> ids;
        const Trie& source = *tries[0];
        struct Step {
            int32_t node, end, state;
        };
        std::vector<Step> path{{1, source.nodes[0].end, start}};
        while (!path.empty()) {
            const Step at = path.back();
            if (at.node >= at.end) {
                path.pop_back();
                continue;
            }
            const int32_t node = at.node, end = source.nodes[node].end;
            path.back().node = end;
            const int32_t state = automata.step(at.state, source.nodes[node].byte);
            if (state == DEAD) continue;
            ids.insert(ids.end(), source.begin_ids(node), source.end_ids(node));
            if (!source.has_children(node)) continue;
            if (automata.label(state) >= 0) split->leaving.push_back({automata.label(state), node});
            if (automata.exhausted(state)) continue;
            if (automata.is_varied(state)) {
                path.push_back({node + 1, end, state});
                continue;
            }
            const Leaf& below = leaf({0, node}, state);
            ids.insert(ids.end(), below.ids.begin(), below.ids.end());
            split->leaving.insert(split->leaving.end(), below.leaving.begin(), below.leaving.end());
        }
        split->knows_ends = false;
        split->inner = make_token_set(std::move(ids), {});
        settle({}, *split);
        return split;
    }

    std::unique_ptr<Split> make_split(View view, int32_t start) {
        if (view == View{} && automata.is_varied(start)) return make_from_leaves(start);
        auto split = view == View{} ? make_from_similar(start) : nullptr;
        if (!split) {
            split = std::make_unique<Split>();
            if (view == View{} && levels_->is_broad(automata, *tries[0], start)) {
                collect_by_level(start, *split);
            } else {
                std::vector<int32_t> ids;
                collect(view, start, ids, *split);
                if (trie(view).repeats) {
                    std::sort(ids.begin(), ids.end());
                    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
                }
                split->inner = make_token_set(std::move(ids), view);
            }
        }
        settle(view, *split);
        if (view == View{} && split->inner.bitmap) {
            auto& known = whole_splits_[automata.info[start].automaton];
            if (known.size() < MOST_COMPARED) known.push_back(start);
        }
        return split;
    }

    // The same as `collect` for the whole vocabulary, level by level.
    void collect_by_level(int32_t start, Split& split) {
        const Trie& source = *tries[0];
        levels_->run(automata, start, reached_);
        reached_[0] = DEAD;  // tokens without text stand at the root
        const int32_t* const states = reached_.data();
        const int32_t* const ends_at = levels_->ends_at.data();
        split.inner.bitmap = std::make_unique<RowBitmap>(bitmap_words, 0);
        int64_t count = 0;
        for (int32_t word = 0; word < static_cast<int32_t>(bitmap_words); ++word) {
            const int32_t first = word * 64, last = std::min(first + 64, vocab_size);
            uint64_t bits = 0;
            for (int32_t id = first; id < last; ++id) {
                const int32_t state = states[ends_at[id]];
                bits |= static_cast<uint64_t>(state >= 0) << (id - first);
            }
            (*split.inner.bitmap)[word] = bits;
            count += count_ones(bits);
        }
        if (count <= static_cast<int64_t>(BITMAP_FROM)) split.inner = TokenSet::list_of(*split.inner.bitmap);
        split.ends = levels_->states_at_tokens(reached_, n_states());
        levels_->visit_marked(automata, start, reached_, Automata::ACCEPTS, [&](int32_t node, int32_t place) {
            if (source.has_children(node)) split.leaving.push_back({automata.label(reached_[place]), node});
        });
    }

    // Walk a view depth first: inner tokens, the states in which they end, and the nodes where the terminal may be left. Plain
    // pointers, because a walk may meet many nodes: 3 times fewer instructions; and a list that is there already, because most
    // walks find little, and to clear half a megabyte for them took longer than the walks.
    void collect(View view, int32_t start, std::vector<int32_t>& ids, Split& split) {
        const Trie& source = trie(view);
        const TrieNode* const nodes = source.nodes.data();
        const int32_t* const all_ids = source.ids.data();
        const int base = nodes[view.node].depth;
        std::vector<int32_t> path(source.max_depth - base + 2);
        int32_t* const states = path.data() - base;  // by depth
        path[0] = start;
        const size_t most = source.end_subtree_ids(view.node) - source.begin_ids(view.node);
        if (collected_.size() < most) collected_.resize(most);
        int32_t* out = collected_.data();
        const int32_t* table = automata.rows();
        int32_t last_end = DEAD;
        for (int32_t node = view.node + 1, stop = nodes[view.node].end; node < stop;) {
            const TrieNode& entry = nodes[node];
            int32_t state = table[static_cast<size_t>(states[entry.depth - 1]) << 8 | entry.byte];
            if (state < 0) {
                if (state == UNKNOWN) {
                    state = automata.step(states[entry.depth - 1], entry.byte);
                    table = automata.rows();
                }
                if (state == DEAD) {
                    node = entry.end;
                    continue;
                }
            }
            states[entry.depth] = state;
            int32_t id = entry.first;
            const int32_t last = nodes[node + 1].first;
            if (id != last) {
                do *out++ = all_ids[id];
                while (++id != last);
                if (state != last_end) split.ends.push_back(last_end = state);
            }
            const uint8_t marks = automata.marks()[state];
            if (marks & Automata::ACCEPTS) {
                if (entry.end > node + 1) split.leaving.push_back({automata.label(state), node});
                if (marks & Automata::EXHAUSTED) {
                    node = entry.end;
                    continue;
                }
            }
            ++node;
        }
        ids.insert(ids.end(), collected_.data(), out);
    }

    void settle(View view, Split& split) {
        std::sort(split.ends.begin(), split.ends.end());
        split.ends.erase(std::unique(split.ends.begin(), split.ends.end()), split.ends.end());
        std::map<int32_t, std::vector<int32_t>> by_label;
        for (auto [label, node] : split.leaving) by_label[label].push_back(node);
        for (auto& [label, nodes] : by_label) {
            const bool waits = split.inner.bitmap && nodes.size() > MOST_UNITED;
            split.exits.push_back({label, waits ? View{} : unite(view, nodes), !waits});
        }
        if (!split.inner.bitmap) split.leaving.clear(), split.leaving.shrink_to_fit();  // never compared with
    }

    // Two states of one automaton often let the same tokens through but for a few: "anything, then a pattern" differs only
    // below the bytes that go on with the pattern, and two places in a bounded repeat only in tokens long enough to meet the
    // bound. Then a known split is copied and only the subtrees that differ are walked: for an unanchored pattern, or a host
    // name with its labels of at most 63 characters, some 30 us in place of a walk of the whole vocabulary (1 ms and more).
    std::unique_ptr<Split> make_from_similar(int32_t start) {
        const Trie& source = *tries[0];
        comparisons_left_ = MOST_COMPARISONS;
        int64_t least = source.size() / WALK_PRICE;
        int32_t best = DEAD;
        for (int32_t other : whole_splits_[automata.info[start].automaton]) {
            int64_t differing = 0;
            for (int32_t node = 1; node < source.size() && differing < least; node = source.nodes[node].end) {
                uint8_t byte = source.nodes[node].byte;
                if (!same_below(node, automata.step(start, byte), automata.step(other, byte))) differing += source.nodes[node].end - node;
            }
            if (differing < least) least = differing, best = other;
        }
        if (best == DEAD) return nullptr;
        const Split& similar = *splits_[{View{}, best, 0, 0}];
        auto split = std::make_unique<Split>();
        split->inner.bitmap = std::make_unique<RowBitmap>(static_cast<const Bitmap&>(*similar.inner.bitmap));
        split->knows_ends = false;
        Patch patch{*split, similar.leaving, 0};
        for (int32_t node = 1; node < source.size(); node = source.nodes[node].end)
            apply(patch, node, automata.step(start, source.nodes[node].byte), automata.step(best, source.nodes[node].byte));
        return split;
    }

    void apply(Patch& patch, int32_t node, int32_t state, int32_t similar) {
        const Trie& source = *tries[0];
        const int32_t end = source.nodes[node].end;
        if (same_below(node, state, similar)) return patch.keep(node, end);
        Bitmap& bitmap = *patch.split.inner.bitmap;
        if (state == DEAD || similar == DEAD) {
            for (const int32_t *id = source.begin_ids(node), *last = source.end_subtree_ids(node); id != last; ++id)
                bitmap[*id >> 6] &= ~(1ull << (*id & 63));
            patch.skip(end);
            if (state == DEAD) return;
            std::vector<int32_t> ids(source.begin_ids(node), source.end_ids(node));
            if (automata.label(state) >= 0 && source.has_children(node)) patch.split.leaving.push_back({automata.label(state), node});
            if (!automata.exhausted(state)) collect({0, node}, state, ids, patch.split);
            for (int32_t id : ids) bitmap[id >> 6] |= 1ull << (id & 63);
            return;
        }
        patch.skip(node + 1);
        if (automata.label(state) >= 0 && source.has_children(node)) patch.split.leaving.push_back({automata.label(state), node});
        for (int32_t child = node + 1; child < end; child = source.nodes[child].end)
            apply(patch, child, automata.step(state, source.nodes[child].byte), automata.step(similar, source.nodes[child].byte));
    }

    // Whether the tokens below a node fare the same from both states. A JSON string is judged by its content: what it reads
    // in n bytes is at most n bytes of content.
    bool same_below(int32_t node, int32_t a, int32_t b) {
        if (a == b) return true;
        if (a == DEAD || b == DEAD || automata.info[a].automaton != automata.info[b].automaton) return false;
        const int height = tries[0]->heights[node];
        if (automata.info[a].phase == PREFIX) return automata.agree(a, b, height, comparisons_left_);
        const StringPosition &p = position(a), &q = position(b);
        if (p.phase != q.phase || p.digits != q.digits || p.value != q.value || p.high != q.high || p.phase == CLOSED) return false;
        return automata.agree(p.inner, q.inner, height, comparisons_left_);
    }

    std::unique_ptr<CountedSplit> make_counted_split(View view, int32_t start) {
        if (view == View{} && levels_->is_broad(automata, *tries[0], start)) return levels_->count(automata, start, *tries[0], reached_);
        const Trie& source = trie(view);
        auto split = std::make_unique<CountedSplit>();
        std::map<std::pair<int32_t, int32_t>, std::vector<int32_t>> inner;
        std::pair<int32_t, int32_t> group_key;
        std::vector<int32_t>* group = nullptr;
        const int base = source.nodes[view.node].depth;
        std::vector<std::pair<int32_t, int32_t>> states(source.max_depth - base + 2);
        states[0] = {start, 0};
        for (int32_t node = view.node + 1, stop = source.nodes[view.node].end; node < stop;) {
            const TrieNode& entry = source.nodes[node];
            int level = entry.depth - base;
            auto [before, characters] = states[level - 1];
            int32_t state = automata.step(before, entry.byte);
            if (state == DEAD) {
                node = entry.end;
                continue;
            }
            characters += begins_character(before, entry.byte);
            states[level] = {state, characters};
            const int32_t *first = source.begin_ids(node), *last = source.end_ids(node);
            if (first != last) {
                if (group == nullptr || group_key != std::make_pair(characters, state)) {
                    group_key = {characters, state};
                    group = &inner[group_key];
                }
                for (; first != last; ++first) group->push_back(*first);
            }
            if (automata.exhausted(state)) {
                if (source.has_children(node)) split->leaving.push_back({characters, node});
                split->most_characters = std::max(split->most_characters, characters);
                node = entry.end;
                continue;
            }
            ++node;
        }
        for (auto& [key, ids] : inner) {
            split->most_characters = std::max(split->most_characters, key.first);
            split->inner.push_back({key.first, key.second, std::move(ids)});
        }
        return split;
    }
};

}  // namespace tokentrellis
