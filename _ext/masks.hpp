// From configurations to rows of allowed tokens.
//
// The tokens that a configuration lets through are, for its view of the vocabulary: the inner tokens of its split, and
// for each exit the tokens whose rest the continuation lets through. The second is the same question for a smaller view,
// so one recursion does both, and its results are kept: splits for the vocabulary (lexicon.hpp), rests for the grammar.
// What a value lets through that is read after several keys is found once, on an empty stack: its tokens, and its exits, from which
// what follows this or that key goes on (a tenth of the time of a state within a key). Of scalars and of any value the vocabulary
// knows it, for all grammars.
// A row is bitmaps plus a few ids; it is written once into the caller's memory: a copy of 16 KB for 128,000 tokens.
#pragma once

#include "cache_limits.hpp"
#include "detours.hpp"
#include "literal_walks.hpp"
#include "rows.hpp"

namespace tokentrellis {

// With a budget, a token is kept only if what follows it costs at most `left`; `worst` becomes the largest cost met (without a
// limit, that or more: what is cheap to find out), `next` the least that was too much.
struct Budget {
    Costs& costs;
    int64_t left;
    int64_t worst = 0, next = IMPOSSIBLE;
    bool skipped = false;  // some configuration was not judged
    int32_t n_used = 0;    // tokens that the text has taken which the token goes on with (token_limits.hpp)
    bool allows(const Configuration& c) {
        if (costs.exceeds_limit(c, 1 + n_used)) return false;
        if (c.state == AT_CONTINUATION && costs.follows_repetition(c.link)) {
            skipped = true;  // the item may be no repetition: another configuration says what it costs then
            return false;
        }
        return allows(left == IMPOSSIBLE ? costs.at_most(c) : costs.of(c));
    }
    bool allows(int64_t cost) {
        worst = std::max(worst, cost);
        if (cost > left) next = std::min(next, cost);
        return cost <= left;
    }
    // Whether all of several tokens are kept, none of which costs more than `most`.
    bool covers(int64_t most) {
        worst = std::max(worst, most);
        return most <= left;
    }
};

class Masks {
public:
    explicit Masks(Network& network) : network_(network), lexicon_(network.lexicon) {}

    // n_used: tokens that the text of each configuration has taken; null: none of them is counted.
    Row make_row(const Configurations& set, Budget* budget = nullptr, const std::vector<int32_t>* n_used = nullptr) {
        Row row = gather_row(set, budget, n_used);
        trim(row);
        return row;
    }

    // The same with room for more, to be trimmed by whoever keeps it.
    Row gather_row(const Configurations& set, Budget* budget = nullptr, const std::vector<int32_t>* n_used = nullptr) {
        if (network_.driver && !budget) return network_.driver->make_row(set);
        Row row = borrow_row();
        budget_ = budget;
        exits_.clear();
        lexicon_.forget_endings();
        if (n_rest_bytes_ > MOST_REST_BYTES) forget_rests();
        for (size_t i = 0; i < set.size(); ++i) {
            const Configuration& c = set[i];
            if (c.state != AT_CONTINUATION) {
                if (n_used) budget->n_used = (*n_used)[i];
                collect({}, c, row);
                if (n_used) budget->n_used = 0;
                continue;
            }
            const Closure& begins = network_.closure(c.link);
            for (const Configuration& start : begins.configurations) collect({}, start, row);
            for (auto [token, continuation] : begins.special_tokens)
                if (!budget || budget->allows({AT_CONTINUATION, continuation, 0})) row.ids.push_back(token);
            row.accepting |= begins.accepting;
        }
        budget_ = nullptr;
        return row;
    }

    // Let a row have no more memory than it needs; none where it is shared.
    void trim(Row& row) {
        std::vector<int32_t> roomy;
        roomy.swap(row.ids);
        if (row.shared) row.bases.clear();
        else row.ids = roomy;
        if (spare_.size() < MOST_SPARE) spare_.push_back(std::move(roomy));
    }

private:
    Network& network_;
    Lexicon& lexicon_;
    Budget* budget_ = nullptr;
    ViewMap<Rests> rests_;
    ViewMap<Span<int32_t>> excluded_;
    Arena arena_;  // what these name
    static constexpr size_t MOST_REST_BYTES = cache_limit(16);  // of both and of walks_: then they are found again
    size_t n_rest_bytes_ = 0;
    struct Worst {
        int64_t cost;
        bool complete;  // nothing was skipped
    };
    std::unordered_map<ViewKey, Worst, ViewKeyHash> worst_;

    static constexpr size_t MOST_UNSORTED = 4096;  // tokens: what a view lets through in one way is nearly always less
    std::vector<View> exits_;  // of what is being collected
    bool separable_ = true;    // see Rests
    // While something else is collected, whose exits are its own.
    class OpenExits {
    public:
        explicit OpenExits(Masks& masks) : masks_(masks), separable_(masks.separable_) {
            exits_.swap(masks.exits_);
            masks.separable_ = true;
        }
        ~OpenExits() {
            exits_.swap(masks_.exits_);
            masks_.separable_ = separable_;
        }
        OpenExits(const OpenExits&) = delete;
        OpenExits& operator=(const OpenExits&) = delete;

    private:
        Masks& masks_;
        std::vector<View> exits_;
        bool separable_;
    };

    // Another text begins within the token: nothing of that was used before.
    struct Reset {
        int32_t &place, kept;
        explicit Reset(int32_t& number) : place(number), kept(number) { number = 0; }
        ~Reset() { place = kept; }
        Reset(const Reset&) = delete;
        Reset& operator=(const Reset&) = delete;
    };

    static constexpr size_t MOST_SHARED = 1024;  // literals: of so many, all are walked at once for all states of an object
    static constexpr int32_t FEW_LITERALS = 6;    // to look each up takes less time than to walk along them
    static constexpr size_t LONGEST_SPELLED = 256;  // bytes of a literal: its rest is read, and kept, as a whole
    LiteralWalks walks_{lexicon_};
    Bitmap marks_ = Bitmap(lexicon_.bitmap_words, 0);  // what is removed from a list; clear between two lists
    static constexpr size_t MOST_SPARE = 64;
    std::vector<std::vector<int32_t>> spare_;  // lists with room: rows grow without asking for memory

    void forget_rests() {
        rests_.clear(), excluded_.clear(), worst_.clear(), walks_.clear(), arena_.clear();
        n_rest_bytes_ = 0;
    }

    Row borrow_row() {
        Row row;
        if (spare_.empty()) return row;
        row.ids.swap(spare_.back());
        row.ids.clear();
        spare_.pop_back();
        return row;
    }
    void give_back(Row row) { spare_.push_back(std::move(row.ids)); }

    void add(const Rests& rests, Row& row, Span<int32_t> removed) {
        add(rests.tokens, row, removed);
        if (rests.exits.empty()) return;
        separable_ &= rests.separable && removed.empty();
        exits_.insert(exits_.end(), rests.exits.begin(), rests.exits.end());
    }

    void add(const TokenSet& set, Row& row, Span<int32_t> removed = {}) {
        if (set.bitmap) row.bases.push_back({set.bitmap.get(), {removed.begin(), removed.end()}});
        else add(set.ids, row, removed);
    }

    void add(Span<int32_t> ids, Row& row, Span<int32_t> removed) {
        if (removed.empty()) {
            row.ids.insert(row.ids.end(), ids.begin(), ids.end());
            return;
        }
        for (int32_t id : removed) marks_[id >> 6] |= 1ull << (id & 63);
        const size_t before = row.ids.size();
        row.ids.resize(before + ids.size());
        int32_t* next = row.ids.data() + before;
        for (int32_t id : ids) {  // without a branch: some hundreds, of which nearly all stay
            *next = id;
            next += ~marks_[id >> 6] >> (id & 63) & 1;
        }
        row.ids.resize(static_cast<size_t>(next - row.ids.data()));
        for (int32_t id : removed) marks_[id >> 6] = 0;
    }

    // What a view (not the whole vocabulary) lets through at a continuation.
    const Rests& rests(View view, int32_t continuation) {
        const ViewKey key{view, continuation, 0, 0};
        if (const Rests* known = rests_.find(key)) return *known;
        const OpenExits outer(*this);
        Row row = borrow_row();
        if (!collect_shared(view, continuation, row)) collect_rests(view, continuation, row);
        const Rests& made = keep_rests(key, row.ids);
        give_back(std::move(row));
        return made;
    }

    void collect_rests(View view, int32_t continuation, Row& row) {
        const Closure& begins = network_.closure(continuation);
        for (const Configuration& start : begins.configurations) collect(view, start, row);
        if (begins.accepting && !network_.driver) exits_.push_back(view);
    }

    // The same for a value that is read in several places: what it lets through itself is found once for all, then what comes
    // after it. False: it is no such value, or that cannot be told apart.
    bool collect_shared(View view, int32_t continuation, Row& row) {
        if (budget_ != nullptr) return false;
        const Edge* const call = network_.shared_call(continuation);
        if (call == nullptr) return false;
        const int32_t next = network_.continuation(call->next, network_.at(continuation).parent);
        const Rests& alone = rests_alone(view, call->start);
        if (!alone.separable) return false;
        row.ids.insert(row.ids.end(), alone.tokens.begin(), alone.tokens.end());
        for (const View exit : alone.exits) add(rests(exit, next), row, {});
        return true;
    }

    // What a view lets through of a value, whatever comes after it.
    const Rests& rests_alone(View view, int32_t rule) {
        const int32_t value = network_.value_of(rule);
        const Rests* known = value == OWN_VALUE ? nullptr : lexicon_.rests_of_value(view, value);
        if (known != nullptr) return *known;
        const Rests& made = rests(view, network_.continuation(rule, BOTTOM));
        return value == OWN_VALUE ? made : lexicon_.keep_rests_of_value(view, value, made);
    }

    template <class T>
    static void keep_once(std::vector<T>& list) {
        if (list.size() < 2) return;
        std::sort(list.begin(), list.end());
        list.erase(std::unique(list.begin(), list.end()), list.end());
    }

    // Keep what was collected since exits were opened.
    const Rests& keep_rests(const ViewKey& key, std::vector<int32_t>& tokens) {
        // Or ambiguous grammars would collect a token once for each way to read it, and what it closes would multiply the ways.
        if (lexicon_.trie(key.view).repeats || tokens.size() > MOST_UNSORTED) keep_once(tokens);
        keep_once(exits_);
        const Rests made{arena_.keep(tokens), arena_.keep(exits_), separable_};
        n_rest_bytes_ += made.n_bytes();
        return rests_[key] = made;
    }

    void follow(View rest, int32_t link, int32_t label, Row& row, Span<int32_t> removed = {}) {
        if (rest.trie < 0 || !lexicon_.trie(rest).has_children(rest.node)) return;
        int32_t continuation = network_.after(link, label);
        if (continuation == BOTTOM && !network_.driver) {
            separable_ &= removed.empty();
            exits_.push_back(rest);
            return;
        }
        if (budget_ != nullptr) {
            const Reset nothing_used(budget_->n_used);
            const Worst worst = worst_of_rests(rest, continuation, budget_->costs);
            if (!budget_->covers(worst.cost) || !worst.complete) return add(affordable_rests(rest, continuation), row, removed);
        }
        add(rests(rest, continuation), row, removed);
    }

    // Those of the rests after which the document can be finished: what is kept depends on the budget, so nothing is remembered.
    std::vector<int32_t> affordable_rests(View rest, int32_t continuation) {
        Row below;
        collect_rests(rest, continuation, below);
        return std::move(below.ids);
    }

    // The most that the end can cost after one of the rests, or more. Finding out lists them all, and that list is kept.
    Worst worst_of_rests(View rest, int32_t continuation, Costs& costs) {
        const ViewKey key{rest, continuation, 0, 0};
        auto known = worst_.find(key);
        if (known != worst_.end()) return known->second;
        const OpenExits outer(*this);
        Budget unlimited{costs, IMPOSSIBLE};
        Budget* const limited = budget_;
        budget_ = &unlimited;
        std::vector<int32_t> affordable = affordable_rests(rest, continuation);
        budget_ = limited;
        if (!unlimited.skipped) keep_rests(key, affordable);  // all of them
        return worst_.emplace(key, Worst{unlimited.worst, !unlimited.skipped}).first->second;
    }

    void collect(View view, const Configuration& c, Row& row) {
        const Edge* edge = network_.edge_at(c);
        if (edge == nullptr) return collect_plain(view, c, row, {});
        switch (edge->kind) {
            case STRING_EDGE:
                return collect_counted(view, c, *edge, row);
            case LITERALS_EDGE:
                return collect_literals(view, c, *edge, row);
            default:
                if (c.extra == NO_NODE) {
                    if (budget_ || !collect_other_key(view, c, *edge, row)) collect_plain(view, c, row, {});
                    return;
                }
                if (budget_) return collect_others(view, c, *edge, row);
                if (!collect_other_key(view, c, *edge, row)) collect_plain(view, c, row, excluded(view, c, *edge));
        }
    }

    // Another key of any text, whose value the vocabulary knows: the tokens within it and those of its value are one bitmap. False:
    // it is none.
    bool collect_other_key(View view, const Configuration& c, const Edge& edge, Row& row) {
        if (!(view == View{}) || edge.labelled || !lexicon_.string_of(c.state).universal) return false;
        const Split& split = lexicon_.split(view, c.state);
        if (split.exits.size() != 1) return false;
        const int32_t continuation = network_.after(c.link, split.exits[0].label);
        const Edge* const call = network_.shared_call(continuation);
        const int32_t value = call == nullptr ? OWN_VALUE : network_.value_of(call->start);
        if (value == OWN_VALUE) return false;
        Span<int32_t> removed;
        int32_t less = 0;
        if (c.extra != NO_NODE) {
            less = literal_at_end(c, edge);
            if (less == 0) removed = excluded(view, c, edge);
        }
        const OtherKey* key = lexicon_.other_key(c.state, value, less);
        if (key == nullptr) {
            const Rests& alone = rests_alone(lexicon_.rest(view, c.state, 0), call->start);
            if (alone.separable) key = lexicon_.make_other_key(c.state, value, less, alone);
            if (key == nullptr) return false;
        }
        row.bases.push_back({&key->tokens, {removed.begin(), removed.end()}});
        const int32_t next = network_.continuation(call->next, network_.at(continuation).parent);
        for (const OtherKey::Exit& exit : key->exits) add(rests(exit.rest, next), row, exit.is_mixed ? excluded(view, c, edge) : removed);
        return true;
    }

    // Where what was read is a literal, and no other goes on from there: the node of the quote, with which all begins that another key
    // must not go on with. 0: elsewhere.
    int32_t literal_at_end(const Configuration& c, const Edge& edge) {
        const LiteralNode& at = network_.table_of(edge).nodes[c.extra];
        if (at.child != NO_NODE || lexicon_.automata.info[c.state].phase != BODY) return 0;
        return lexicon_.trie({}).child(0, '"');
    }

    // Another key within a budget. What it costs after a token that may still become a literal depends on what was read of that:
    // these tokens are judged one by one.
    void collect_others(View view, const Configuration& c, const Edge& edge, Row& row) {
        std::vector<int32_t> affordable;
        const std::vector<int32_t> removed = find_excluded(view, c, edge, &affordable);
        collect_plain(view, c, row, removed);
        row.ids.insert(row.ids.end(), affordable.begin(), affordable.end());
    }

    void collect_plain(View view, const Configuration& c, Row& row, Span<int32_t> removed) {
        Nfa::Cursors cursors;
        if (Nfa* nfa = lexicon_.automata.unwritten(c.state, cursors)) return collect_unwritten(view, c, row, removed, *nfa, std::move(cursors));
        const Split& split = lexicon_.split(view, c.state);
        for (size_t i = 0; i < split.exits.size(); ++i)
            if (split.exits[i].made || goes_on(view, c)) follow(lexicon_.rest(view, c.state, i), c.link, split.exits[i].label, row, removed);
        if (budget_) {
            std::vector<int32_t> affordable;
            const std::vector<int32_t>& ends = lexicon_.ends(view, c.state);
            for (int32_t state : ends)
                if (budget_->allows(ended(c, state, c.extra))) affordable.push_back(state);
            if (affordable.size() < ends.size()) {
                const TokenSet& kept = lexicon_.tokens_ending_in(view, c.state, affordable);
                row.ids.reserve(row.ids.size() + kept.ids.size());
                return add(kept, row, removed);
            }
        }
        add(split.inner, row, removed);
    }

    // Whether more text may come after the terminal of a configuration, or whoever asked for the rests of a value has to know.
    bool goes_on(View view, const Configuration& c) {
        if (c.link == BOTTOM && !network_.driver) return !(view == View{});
        if (network_.edge_at(c) != nullptr || network_.driver) return true;
        return !network_.closure(c.link).configurations.empty();
    }

    // The same for an automaton whose states are many (multiples of a number): one walk with cursors, nothing is kept.
    void collect_unwritten(View view, const Configuration& c, Row& row, Span<int32_t> removed, Nfa& nfa, Nfa::Cursors cursors) {
        const Trie& source = lexicon_.trie(view);
        const int base = source.nodes[view.node].depth;
        const int32_t continuation = network_.after(c.link, 0);
        std::vector<Nfa::Cursors> path(source.max_depth - base + 2);
        path[0] = std::move(cursors);
        for (int32_t node = view.node + 1, stop = source.nodes[view.node].end; node < stop;) {
            const TrieNode& entry = source.nodes[node];
            Nfa::Cursors& here = path[entry.depth - base];
            here = nfa.after(path[entry.depth - base - 1], entry.byte);
            if (here.empty()) {
                node = entry.end;
                continue;
            }
            const int32_t *first = source.begin_ids(node), *last = source.end_ids(node);
            if (first != last && (!budget_ || budget_->allows(budget_->costs.of_text(nfa.shortest_text(here), continuation, budget_->left))))
                add({first, static_cast<size_t>(last - first)}, row, removed);
            if (Nfa::accepts(here)) follow({view.trie, node}, c.link, 0, row, removed);
            ++node;
        }
    }

    // The configuration after a token that ends in this state of c's terminal.
    Configuration ended(const Configuration& c, int32_t state, int32_t extra) {
        const Edge* edge = network_.edge_at(c);
        if (edge && edge->kind == OTHERS_EDGE) extra = NO_NODE;  // what may become a literal is dealt with in find_excluded()
        if (!lexicon_.automata.exhausted(state)) return {state, c.link, extra};
        int32_t label = edge && edge->kind == LITERALS_EDGE ? network_.table_of(*edge).nodes[extra].literal : lexicon_.automata.label(state);
        return {AT_CONTINUATION, network_.after(c.link, label), 0};
    }

    // A JSON string with a length limit. Far from the limits it is a plain string; otherwise tokens go by their length.
    void collect_counted(View view, const Configuration& c, const Edge& edge, Row& row) {
        const StringAutomaton& string = lexicon_.string_of(c.state);
        const int32_t least = edge.least - c.extra, most = edge.most < 0 ? INT32_MAX : edge.most - c.extra;
        if (least <= 0 && (!budget_ || edge.most < 0) && never_too_long(view, c, string, most)) return collect_plain(view, c, row, {});
        if (string.universal && !budget_) {
            add(lexicon_.inner_up_to(view, c.state, std::min(most, lexicon_.most_token_characters)), row, too_short(view, c, least));
        } else {
            for (const auto& group : lexicon_.counted_split(view, c.state).inner)
                if (group.characters <= most && (lexicon_.automata.exhausted(group.state) ? group.characters >= least
                                                 : network_.texts.length_possible(edge, group.state, c.extra + group.characters)) &&
                    (!budget_ || budget_->allows(ended(c, group.state, network_.clip(edge, c.extra + group.characters)))))
                    row.ids.insert(row.ids.end(), group.ids.begin(), group.ids.end());
        }
        follow(lexicon_.rests_between(view, c.state, least, most), c.link, 0, row);
    }

    // Tokens that end with the closing quote before the string is long enough.
    std::vector<int32_t> too_short(View view, const Configuration& c, int32_t least) {
        std::vector<int32_t> ids;
        if (least <= 0) return ids;
        for (const auto& group : lexicon_.counted_split(view, c.state).inner)
            if (group.characters < least && lexicon_.automata.exhausted(group.state)) ids.insert(ids.end(), group.ids.begin(), group.ids.end());
        return ids;
    }

    // Whether every inner token leaves room enough to finish the string: then the limit plays no part in this step.
    bool never_too_long(View view, const Configuration& c, const StringAutomaton& string, int32_t most) {
        if (most == INT32_MAX) return true;
        most -= lexicon_.most_token_characters;
        if (most < 0 || string.universal || lexicon_.farthest(string.content) <= most) return most >= 0;
        for (int32_t state : lexicon_.ends(view, c.state))
            if (!near_enough(state, string, most)) return false;
        return true;
    }

    // Whether the string can be closed after at most `most` more characters; for half an escape, after some completion of
    // it (judged by the content: the automaton of the string has thousands of states inside an escape).
    bool near_enough(int32_t state, const StringAutomaton& string, int32_t most) {
        if (lexicon_.automata.exhausted(state)) return true;
        const StringPosition p = lexicon_.position(state);
        if (p.phase == PREFIX) return lexicon_.distance(string.content) <= most;
        if (p.phase == BODY) return lexicon_.distance(p.inner) <= most;
        return any_completion(p, [&](uint32_t first, uint32_t last) {
            return any_character(lexicon_.automata, p.inner, first, last, [&](int32_t content) { return lexicon_.distance(content) <= most; });
        });
    }

    void collect_literals(View view, const Configuration& c, const Edge& edge, Row& row) {
        const LiteralTrie& trie = network_.table_of(edge);
        if (!budget_ && lexicon_.automata.info[c.state].phase == PREFIX) {
            const std::vector<int32_t>& tokens = lexicon_.opening(view, c.state).tokens;
            row.ids.insert(row.ids.end(), tokens.begin(), tokens.end());
        }
        if (are_few(view, c, trie)) {
            walks_.spell_each(c.state, c.extra, trie, [&](int32_t literal, Spelled spelled) {
                if (!edge.legal.has(literal)) return;
                row.ids.insert(row.ids.end(), spelled.tokens.begin(), spelled.tokens.end());
                for (int32_t node : spelled.closed) follow({0, node}, c.link, literal, row);
            });
            return;
        }
        if (budget_ || trie.literals.size() > MOST_SHARED) return collect_each_literal(view, c, edge, row);
        const Reached reached = walks_.reach(view, c.state, c.extra, edge.table, trie, n_rest_bytes_);
        auto take = [&](size_t from, size_t to) {
            const Reached::Node &first = reached.nodes[from], &last = reached.nodes[to];
            row.ids.insert(row.ids.end(), reached.tokens.begin() + first.n_tokens, reached.tokens.begin() + last.n_tokens);
            for (auto [node, literal] : reached.closed.part(first.n_closed, last.n_closed)) follow({view.trie, node}, c.link, literal, row);
        };
        const size_t n_nodes = reached.nodes.size() - 1;
        if (edge.legal.all(trie.nodes[c.extra].first, trie.nodes[c.extra].last)) return take(0, n_nodes);
        for (size_t place = 0; place < n_nodes;) {
            const Reached::Node& at = reached.nodes[place];
            const LiteralNode& below = trie.nodes[at.at];
            const size_t end = static_cast<size_t>(at.end);
            // What is read of a literal at half an escape is less than what may follow it.
            const bool whole = lexicon_.automata.info[at.state].phase == BODY && edge.legal.all(below.first, below.last);
            const bool possible = whole || literal_possible(lexicon_, trie, edge.legal, at.state, at.at);
            if (possible) take(place, whole ? end : place + 1);
            place = possible && !whole ? place + 1 : end;
        }
    }

    // Whether few literals are ahead in the vocabulary, none of them long: each is the rest of a text, as other grammars have it too.
    bool are_few(View view, const Configuration& c, const LiteralTrie& trie) {
        const LiteralNode& at = trie.nodes[c.extra];
        if (budget_ != nullptr || !(view == View{}) || at.last - at.first > FEW_LITERALS) return false;
        return std::all_of(trie.literals.begin() + at.first, trie.literals.begin() + at.last, [](const std::string& text) { return text.size() <= LONGEST_SPELLED; });
    }

    // The same, where it hangs on each token what follows, or there are too many literals to walk along all of them.
    void collect_each_literal(View view, const Configuration& c, const Edge& edge, Row& row) {
        const LiteralTrie& trie = network_.table_of(edge);
        const Trie& source = lexicon_.trie(view);
        std::vector<ClosedLiteral> closed;
        walks_.walk(view, c.state, c.extra, trie, budget_ != nullptr, [&](int32_t node, int32_t state, int32_t at) {
            if (!literal_possible(lexicon_, trie, edge.legal, state, at)) return false;
            if (source.begin_ids(node) != source.end_ids(node) && (!budget_ || budget_->allows(ended(c, state, at))))
                row.ids.insert(row.ids.end(), source.begin_ids(node), source.end_ids(node));
            if (!lexicon_.automata.exhausted(state)) return true;
            closed.push_back({node, trie.nodes[at].literal});
            return false;
        });
        for (auto [node, literal] : closed) follow({view.trie, node}, c.link, literal, row);
    }

    // The tokens that an OthersEdge must not take: those that close on a literal, or can end in nothing but one.
    Span<int32_t> excluded(View view, const Configuration& c, const Edge& edge) {
        const ViewKey key{view, c.state, c.extra, edge.table};
        if (const Span<int32_t>* known = excluded_.find(key)) return *known;
        const std::vector<int32_t> made = find_excluded(view, c, edge);
        n_rest_bytes_ += made.size() * 4 + 100;
        return excluded_[key] = arena_.keep(made);
    }
    // affordable, within a budget: those that can also end in something else are excluded too, and listed there if they are allowed.
    std::vector<int32_t> find_excluded(View view, const Configuration& c, const Edge& edge, std::vector<int32_t>* affordable = nullptr) {
        const LiteralTrie& trie = network_.table_of(edge);
        const Trie& source = lexicon_.trie(view);
        std::vector<int32_t> ids;
        if (!budget_ && trie.literals.size() <= MOST_SHARED && lexicon_.string_of(c.state).universal) {  // any text but the literals
            auto exclude = [&](int32_t node) { ids.insert(ids.end(), source.begin_ids(node), source.end_subtree_ids(node)); };
            if (are_few(view, c, trie)) {
                walks_.spell_each(c.state, c.extra, trie, [&](int32_t, Spelled spelled) {
                    for (int32_t node : spelled.closed) exclude(node);
                });
            } else {
                for (auto [node, literal] : walks_.reach(view, c.state, c.extra, edge.table, trie, n_rest_bytes_).closed) exclude(node);
            }
            return ids;
        }
        walks_.walk(view, c.state, c.extra, trie, budget_ != nullptr, [&](int32_t node, int32_t state, int32_t at) {
            if (network_.other_possible(edge, state, at)) {
                if (lexicon_.automata.exhausted(state)) return false;
                const int32_t *first = source.begin_ids(node), *last = source.end_ids(node);
                if (affordable == nullptr || first == last) return true;
                ids.insert(ids.end(), first, last);
                if (budget_->allows({state, c.link, at})) affordable->insert(affordable->end(), first, last);
                return true;
            }
            ids.insert(ids.end(), source.begin_ids(node), source.end_subtree_ids(node));
            return false;
        });
        return ids;
    }
};

}  // namespace tokentrellis
